"""Hostile calls, and how long whoever else asks has to wait beside them: `python bench/blocking.py`.

Every call goes over HTTP to a server in a process of its own, while another client asks `ping` and /healthz over and
over. Shown are the time of the call, what it cost the server (CPU), and the longest of the others.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import httpx2
from goals import mark
from run import Running, http_server, sandbox

SERVE = [sys.executable, "-m", "klaviyo_mcp", "serve", "--transport", "http"]
GOAL_CALL, GOAL_OTHERS = 300, 50
"""Milliseconds: the call is refused within the first, and nobody else waits longer than the second."""
HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}
WRONG = {"type": "profile-property", "property": "email", "filter": {"type": "string", "operator": "x", "value": "x"}}
ID = "01GDDKASAP8TKDDA2GRZDSVP4H"
CALLS: dict[str, tuple[str, Any]] = {
    "12,000 wrong conditions": (
        "create_segment",
        {"name": "x", "definition": {"condition_groups": [{"conditions": [WRONG] * 12_000}]}},
    ),
    "2,000 wrong conditions": (
        "create_segment",
        {"name": "x", "definition": {"condition_groups": [{"conditions": [WRONG] * 2_000}]}},
    ),
    "250,000 ids": ("add_profiles_to_list", {"list_id": "AbCdEf", "profile_ids": [ID] * 250_000}),
    "100,000 unknown names": ("get_lists", {f"key{number}": 1 for number in range(100_000)}),
    "50,000 wrong words": ("get_lists", {"list_fields": [f"x{number}" for number in range(50_000)]}),
    "29,000 wrong words": ("get_lists", {"list_fields": [f"x{number}" for number in range(29_000)]}),
    "9,000 wrong rows": (
        "bulk_import_profiles",
        {"profiles": [{"email": f"x{row}", f"a{row}": 1} for row in range(9_000)]},
    ),
    "filter of 1 MB": ("get_lists", {"filter": f'equals(name,"{"x" * 1_000_000}")'}),
    "filter of 90,000 digits": ("get_profiles", {"filter": f"equals(email,{'1' * 90_000})"}),
    "name of 1 MB": ("get_lists", {"x" * 1_000_000: 1}),
    "address of 1 MB": ("create_profile", {"email": "x" * 1_000_000}),
    "10,000 right rows": (
        "bulk_import_profiles",
        {"profiles": [{"email": f"a{row}@example.org", "first_name": "x"} for row in range(10_000)]},
    ),
}


def main() -> None:
    """Measure and print a table; goals are marked as met or missed."""
    print(f"{'':26}{'call':>9}{'CPU':>9}{'others, longest':>18}")
    with sandbox() as environment, http_server(SERVE, environment) as server:
        for name, (tool, arguments) in {"2,000, to warm up": CALLS["2,000 wrong conditions"], **CALLS}.items():
            anyio.run(beside, server, name, tool, arguments)


async def beside(server: Running, name: str, tool: str, arguments: Any) -> None:
    """One call, and what happens to others meanwhile."""
    body = json.dumps(message("tools/call", name=tool, arguments=arguments))
    health = server.url.replace("/mcp", "/healthz")
    waits: list[float] = []
    async with httpx2.AsyncClient(headers=HEADERS, timeout=120) as client, anyio.create_task_group() as tasks:

        async def ask() -> None:
            while True:
                for request in (("POST", server.url, json.dumps(message("ping"))), ("GET", health, None)):
                    began = time.perf_counter()
                    (await client.request(*request[:2], content=request[2])).raise_for_status()
                    waits.append((time.perf_counter() - began) * 1000)

        tasks.start_soon(ask)
        await anyio.sleep(0.2)
        spent, began = cpu_seconds(server.process.pid), time.perf_counter()
        answer = await client.post(server.url, content=body)
        took = (time.perf_counter() - began) * 1000
        cpu = (cpu_seconds(server.process.pid) - spent) * 1000
        tasks.cancel_scope.cancel()
    refused = answer.json()["result"].get("isError", False)
    met = (not refused or took < GOAL_CALL) and max(waits) < GOAL_OTHERS
    print(f"{name:26}{took:>6.0f} ms{cpu:>6.0f} ms{max(waits):>15.0f} ms{mark(met)}")


def message(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def cpu_seconds(pid: int) -> float:
    """What a process has used, in user and system mode."""
    used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()

"""Start-up, calls and memory of klaviyo-mcp, beside a bare SDK server that makes the same request. `make bench`.

The sandbox under a large shop follows: see `sandbox.py`, which can be run by itself.

Both servers talk to the same sandbox process over HTTP, both are driven by the SDK's own client, and their samples
alternate, so that whatever else the machine does falls on both alike.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import anyio
from goals import mark
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from processes import free_port, listening, resident
from sandbox import measure_sandbox

HERE = Path(__file__).parent
OURS = [sys.executable, "-m", "klaviyo_mcp", "serve", "--expose", "all"]
BARE = [sys.executable, str(HERE / "bare_server.py")]
STARTS = int(os.environ.get("BENCH_STARTS", "15"))
CALLS = int(os.environ.get("BENCH_CALLS", "1000"))
LASTING = int(os.environ.get("BENCH_LASTING", "5000"))
AT_A_TIME = 500
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "0"}},
}
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
CALL = {
    "jsonrpc": "2.0",
    "id": 3,
    "method": "tools/call",
    "params": {"name": "get_events", "arguments": {"page_size": 1}},
}
MILESTONES = ("first answer", "tools/list", "first call")


def main() -> None:
    """Measure and print a table; goals are marked as met or missed."""
    with sandbox() as environment:
        starts, tools = measure_starts(environment)
        calls, memory = anyio.run(measure_calls, environment)
        lasting = anyio.run(measure_lasting, environment)
    print(
        f"\nPython {sys.version.split()[0]}, {os.cpu_count()} cores; {tools} tools; {STARTS} starts, {CALLS} calls each"
    )
    print("Every call reads one event from the same sandbox process over HTTP; quotas are kept.\n")
    print(f"{'':34}{'bare':>12}{'klaviyo-mcp':>14}{'difference':>14}")
    for what, took in starts.items():
        bare, ours = (statistics.median(took[name]) for name in ("bare", "ours"))
        row(f"spawn to {what}, median", bare, ours, "ms", f"x {ours / bare:.2f}", goal=ours <= 1.15 * bare)
    for transport in ("stdio", "http"):
        for name, quantile in (("p50", 0.50), ("p99", 0.99)):
            low, high = (percentile(calls[transport][kind], quantile) for kind in ("bare", "ours"))
            met = high - low <= 0.8 if name == "p50" else None
            row(f"call over {transport}, {name}", low, high, "ms", f"+ {high - low:.2f} ms", goal=met)
    low, high = memory["bare"], memory["ours"]
    row("memory after the calls (RSS)", low, high, "MB", f"+ {high - low:.0f} MB")
    for when, index in (("first", 0), ("last", -1)):
        (low, low_memory), (high, high_memory) = (lasting[name][index] for name in ("bare", "ours"))
        row(f"{when} {AT_A_TIME} of {LASTING:,} calls, p50", low, high, "ms", f"+ {high - low:.2f} ms")
        grown = high_memory / lasting["ours"][0][1] - 1
        row("memory after them", low_memory, high_memory, "MB", f"{grown:+.1%}", goal=grown <= 0.05)
    print("\nGoals: start at most 1.15 times the bare server's, call p50 at most 0.8 ms over the bare server's,")
    print("memory after 5,000 calls at most 5 % over that after the first 500.")
    measure_sandbox()


def row(what: str, bare: float, ours: float, unit: str, difference: str, *, goal: bool | None = None) -> None:
    print(f"{what:34}{bare:>9.2f} {unit}{ours:>11.2f} {unit}{difference:>14}{mark(goal)}")


def measure_starts(environment: dict[str, str]) -> tuple[dict[str, dict[str, list[float]]], int]:
    """Milliseconds from spawn to the answers of MILESTONES over stdio, servers alternating, and the number of tools."""
    found: dict[str, dict[str, list[float]]] = {what: {"bare": [], "ours": []} for what in MILESTONES}
    tools = 0
    # The first round warms the file cache and the compiled catalogue.
    for number in range(STARTS + 1):
        for name, command in (("bare", BARE), ("ours", OURS)):
            took, tools = start_once(command, environment)
            for what, milliseconds in zip(MILESTONES, took, strict=True):
                if number:
                    found[what][name].append(milliseconds)
    return found, tools


def start_once(command: list[str], environment: dict[str, str]) -> tuple[list[float], int]:
    began = time.perf_counter()
    took: list[float] = []
    answers: list[Any] = []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for messages in ((HELLO,), (READY, LIST), (CALL,)):
            process.stdin.writelines(json.dumps(message) + "\n" for message in messages)
            process.stdin.flush()
            answers.append(process.stdout.readline())
            took.append((time.perf_counter() - began) * 1000)
        process.stdin.close()
        process.wait(timeout=20)
    assert json.loads(answers[2])["result"].get("isError", False) is False, answers[2]
    return took, len(json.loads(answers[1])["result"]["tools"])


async def measure_calls(environment: dict[str, str]) -> tuple[dict[str, dict[str, list[float]]], dict[str, float]]:
    """Milliseconds of each call by transport and server, and memory in MB."""
    calls: dict[str, dict[str, list[float]]] = {}
    with http_server(BARE, environment) as bare, http_server([*OURS, "--transport", "http"], environment) as ours:
        ways = {
            "stdio": {
                "bare": StdioServerParameters(command=BARE[0], args=BARE[1:], env=environment),
                "ours": StdioServerParameters(command=OURS[0], args=OURS[1:], env=environment),
            },
            "http": {"bare": bare.url, "ours": ours.url},
        }
        for transport, servers in ways.items():
            calls[transport] = await time_calls(servers)
        memory = {"bare": bare.memory(), "ours": ours.memory()}
    return calls, memory


async def time_calls(servers: dict[str, Any]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in servers}
    async with AsyncExitStack() as stack:
        clients = {name: await stack.enter_async_context(Client(server)) for name, server in servers.items()}
        for index in range(CALLS + 20):
            for name, client in clients.items():
                began = time.perf_counter()
                result = await client.call_tool("get_events", {"page_size": 1})
                took = (time.perf_counter() - began) * 1000
                assert not result.is_error, result
                if index >= 20:
                    found[name].append(took)
    return found


async def measure_lasting(environment: dict[str, str]) -> dict[str, list[tuple[float, float]]]:
    """For each 500 of many calls to one server: p50 in milliseconds and memory in MB, by server."""
    found: dict[str, list[tuple[float, float]]] = {"bare": [], "ours": []}
    with http_server(BARE, environment) as bare, http_server([*OURS, "--transport", "http"], environment) as ours:
        async with Client(bare.url) as to_bare, Client(ours.url) as to_ours:
            for _ in range(LASTING // AT_A_TIME):
                for name, server, client in (("bare", bare, to_bare), ("ours", ours, to_ours)):
                    took: list[float] = []
                    for _ in range(AT_A_TIME):
                        began = time.perf_counter()
                        await client.call_tool("get_events", {"page_size": 1})
                        took.append((time.perf_counter() - began) * 1000)
                    found[name].append((percentile(took, 0.5), server.memory()))
    return found


class Running:
    """A server process listening over HTTP."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}/mcp"

    def memory(self) -> float:
        """Resident memory in MB."""
        return resident(self.process)


@contextmanager
def http_server(command: list[str], environment: dict[str, str]) -> Iterator[Running]:
    port = free_port()
    more = ["--port", str(port)] if "serve" in command else [str(port)]
    with listening([*command, *more], port, env=environment, text=True, stderr=subprocess.DEVNULL) as process:
        yield Running(process, port)


@contextmanager
def sandbox() -> Iterator[dict[str, str]]:
    """A sandbox process that counts no quota, and the environment that points at it."""
    port = free_port()
    # Klaviyo's limits are not what is measured; both servers would wait for them.
    command = [sys.executable, str(HERE / "sandbox_without_limits.py"), str(port)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KLAVIYO_")}
    with listening(command, port):
        yield clean | {"KLAVIYO_BASE_URL": f"http://127.0.0.1:{port}", "KLAVIYO_API_KEY": "pk_sandbox_demo_key"}


def percentile(samples: list[float], quantile: float) -> float:
    return sorted(samples)[min(int(len(samples) * quantile), len(samples) - 1)]


if __name__ == "__main__":
    main()

"""The hosted service under many companies and clients, beside a bare SDK server. `make bench-hosted`.

Both servers answer the same calls of the same clients: one connection per client, each call for another account, and
one request to the same stub for each. They take turns within a run, so that whatever else the machine does falls on
both alike. `--full` makes ten times as many calls, `--redis` keeps connections, quota and limits in a Redis.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet
from goals import mark
from hosted_accounts import connect_accounts
from processes import clean_environment, free_port, listening, redis_server, resident

HERE = Path(__file__).parent
ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS", "1000"))
CLIENTS = int(os.environ.get("BENCH_CLIENTS", "200"))
CALLS = int(os.environ.get("BENCH_CALLS", "10000"))
AT_A_TIME = 1_000
BODY = json.dumps(
    {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_lists", "arguments": {}}}
).encode()


@dataclass
class Measured:
    """A server process: milliseconds of each call, seconds that all took, and its memory in MB after each turn."""

    process: subprocess.Popen[bytes]
    port: int
    took: list[float] = field(default_factory=list)
    seconds: float = 0.0
    processor: float = 0.0
    memory: list[float] = field(default_factory=list)

    def processor_seconds(self) -> float:
        used = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print a table; goals are marked as met or missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="ten times as many calls")
    parser.add_argument("--redis", action="store_true", help="keep everything in a Redis of its own")
    given = parser.parse_args()
    calls = CALLS * (10 if given.full else 1)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = stack.enter_context(stub(home))
        if given.redis:
            environment["KLAVIYO_MCP_VAULT_URL"] = stack.enter_context(
                redis_server("--dir", str(home), "--appendonly", "yes")
            )
        port = int(environment["KLAVIYO_MCP_PUBLIC_URL"].rpartition(":")[2])
        tokens, upstream = asyncio.run(connect_accounts(ACCOUNTS, environment))
        (home / "tokens.json").write_text(json.dumps(upstream))
        python = sys.executable
        bare_port = free_port()
        bare_command = [python, str(HERE / "hosted_bare.py"), str(bare_port), str(home / "tokens.json")]
        our_command = [python, "-m", "klaviyo_mcp", "serve", "--transport", "http", "--port", str(port)]
        bare = stack.enter_context(server(bare_command, bare_port, environment))
        ours = stack.enter_context(server([*our_command, "--log-level", "warning"], port, environment))
        before = os.getloadavg()
        asyncio.run(drive(bare, ours, tokens, calls))
    report(bare, ours, calls, before, "Redis" if given.redis else "files")


def report(bare: Measured, ours: Measured, calls: int, before: tuple[float, float, float], store: str) -> None:
    print(f"\nPython {sys.version.split()[0]}, {os.cpu_count()} cores, connections in {store}; {ACCOUNTS:,} accounts,")
    print(f"{CLIENTS} clients at a time, {calls:,} calls each; load average {before[0]:.1f} before, ", end="")
    print(f"{os.getloadavg()[0]:.1f} after\n\n{'':26}{'bare':>13}{'klaviyo-mcp':>16}{'difference':>13}")
    for name, quantile in (("p50", 0.5), ("p99", 0.99)):
        low, high = (sorted(one.took)[int(len(one.took) * quantile)] for one in (bare, ours))
        row(f"call, {name}", low, high, "ms", f"x {high / low:.2f}", goal=high <= 1.5 * low if name == "p50" else None)
    low, high = (len(one.took) / one.seconds for one in (bare, ours))
    row("calls per second", low, high, "", f"x {high / low:.2f}")
    low, high = (one.processor / len(one.took) * 1000 for one in (bare, ours))
    row("processor time per call", low, high, "ms", f"x {high / low:.2f}")
    middle = len(ours.memory) // 2
    for when, index in (("a tenth", max(len(ours.memory) // 10 - 1, 0)), ("half", middle - 1), ("all", -1)):
        row(f"memory after {when}", bare.memory[index], ours.memory[index], "MB", "", goal=ours.memory[index] <= 350)
    grown = ours.memory[-1] / ours.memory[middle - 1] - 1
    row("growth in the second half", 0, grown * 100, "%", "", goal=grown <= 0.02)


def row(what: str, bare: float, ours: float, unit: str, difference: str, *, goal: bool | None = None) -> None:
    print(f"{what:26}{bare:>10.2f} {unit:2}{ours:>13.2f} {unit:2}{difference:>13}{mark(goal)}")


async def drive(bare: Measured, ours: Measured, tokens: list[str], calls: int) -> None:
    """Let both answer by turns. The first turn of each, one call for every account, opens what opens once."""
    for one in (bare, ours):
        await turn(one, tokens, len(tokens), counted=False)
    for _ in range(calls // AT_A_TIME):
        for one in (bare, ours):
            await turn(one, tokens, AT_A_TIME)


async def turn(measured: Measured, tokens: list[str], calls: int, *, counted: bool = True) -> None:
    """So many calls by all clients, each for the next account. Raises AssertionError for one that fails."""
    waiting = iter(range(calls))
    took: list[float] = []
    began, processor = time.perf_counter(), measured.processor_seconds()
    await asyncio.gather(*(client(measured.port, tokens, waiting, took) for _ in range(CLIENTS)))
    if counted:
        measured.seconds += time.perf_counter() - began
        measured.processor += measured.processor_seconds() - processor
        measured.took += took
        measured.memory.append(resident(measured.process))


async def client(port: int, tokens: list[str], waiting: Iterator[int], took: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in waiting:
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {tokens[number % len(tokens)]}\r\n"
            "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
            f"MCP-Protocol-Version: 2025-11-25\r\nContent-Length: {len(BODY)}\r\n\r\n"
        )
        began = time.perf_counter()
        writer.write(head.encode() + BODY)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        size = int(answer.partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(size)
        took.append((time.perf_counter() - began) * 1000)
        assert answer.startswith(b"http/1.1 200"), (answer, body)
        assert b'"isError":true' not in body, body
        assert b"Abc009" in body, body
    writer.close()
    await writer.wait_closed()


@contextmanager
def server(command: list[str], port: int, environment: dict[str, str]) -> Iterator[Measured]:
    with listening(command, port, env=environment) as process:
        yield Measured(process, port)


@contextmanager
def stub(home: Path) -> Iterator[dict[str, str]]:
    """A Klaviyo that is always the same, and the environment of a hosted service that uses it."""
    port = free_port()
    environment = clean_environment() | {
        "KLAVIYO_BASE_URL": f"http://127.0.0.1:{port}",
        "KLAVIYO_OAUTH_BASE_URL": f"http://127.0.0.1:{port}",
        "KLAVIYO_CLIENT_ID": "bench",
        "KLAVIYO_CLIENT_SECRET": "bench-secret",
        "KLAVIYO_MCP_PUBLIC_URL": f"http://127.0.0.1:{free_port()}",
        "KLAVIYO_MCP_SECRET": "a secret of more than thirty-two characters",
        "KLAVIYO_MCP_HOME": str(home),
        "KLAVIYO_MCP_VAULT_KEY": Fernet.generate_key().decode(),
        "KLAVIYO_MCP_DRAIN": "0",
    }
    with listening([sys.executable, str(HERE / "hosted_stub.py"), str(port)], port):
        yield environment


if __name__ == "__main__":
    main()

"""One client over one transport: a server with a sandbox of its own, the client's driver, and an end to both."""

import asyncio
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environments import environment, node_binary, variables, version_split
from trip import Listing, Route, Trip, calls, judge, short

HERE = Path(__file__).parent
SERVE = [sys.executable, "-m", "klaviyo_mcp", "serve", "--sandbox"]
TRIP_SECONDS = 180
APP = "conformance"
"""Id and secret of the Klaviyo app of hosted services here."""


class NotListening(Exception):
    """A server over HTTP did not begin to listen; the text is the end of its log."""


@dataclass(frozen=True)
class Client:
    """A client of clients.toml, which says what the fields mean."""

    name: str
    title: str
    driver: str
    python: list[str] = field(default_factory=list)
    node: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    note: str = ""
    server_per_call: bool = False
    fast: bool = False

    @property
    def version(self) -> str:
        """Name and version of the package that is tried."""
        return " ".join(version_split((self.python or self.node)[0]))

    def build(self) -> Path:
        """The folder of its environment, made if need be. Raises Unbuildable."""
        return environment(self.python or self.node, node=bool(self.node))


def load_clients() -> dict[str, Client]:
    """All clients by name, in the order of the file."""
    tables = tomllib.loads((HERE / "clients.toml").read_text(encoding="utf-8"))
    return {name: Client(name, **table) for name, table in tables.items()}


def listing(route: Route) -> Listing:
    """What the server lists on a route, asked of it over stdio by the SDK of this project."""
    from mcp.client import Client as SdkClient
    from mcp.client.stdio import StdioServerParameters

    program, *words = [*SERVE, *route.flags]

    async def ask() -> Listing:
        async with SdkClient(StdioServerParameters(command=program, args=words, env=variables())) as client:
            tools = (await client.list_tools()).tools
        optional = {
            tool.name: [
                name for name in tool.input_schema["properties"] if name not in tool.input_schema.get("required", ())
            ]
            for tool in tools
        }
        return Listing(sorted(optional), optional)

    return asyncio.run(ask())


def travel(client: Client, folder: Path, route: Route, transport: str, listed: Listing) -> Trip:
    """Make a trip with a client whose environment is in `folder`."""
    began = time.monotonic()
    asked = {
        "transport": transport,
        "command": [*SERVE, *route.flags],
        "url": "",
        "options": client.options,
        "calls": calls(route, listed),
    }
    if transport == "stdio":
        lines, ended = run_driver(client, folder, asked)
    else:
        try:
            with http_server(*route.flags) as url:
                lines, ended = run_driver(client, folder, asked | {"url": url})
        except NotListening as error:
            lines, ended = [], f"the server does not listen: {error}"
    steps, remarks = judge(route, lines, alone=client.server_per_call and transport == "stdio")
    trip = Trip(route, steps=steps, remarks=remarks, seconds=time.monotonic() - began)
    for line in lines:
        trip.tools = line.get("tools", trip.tools)
        trip.remarks += [short(line[said]) for said in ("remark", "broken") if said in line]
    if lost := len(set(listed.tools) - set(trip.tools)):
        trip.remarks.append(f"{lost} of {len(listed.tools)} tools are not loaded")
    if ended:
        trip.remarks.append(ended)
    return trip


def run_driver(client: Client, folder: Path, asked: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """What a driver printed, line by line, and how it ended if not as it should."""
    with tempfile.TemporaryDirectory(prefix="klaviyo-mcp-clients-") as place:
        out, err = Path(place) / "out", Path(place) / "err"
        given = Path(place) / "in"
        given.write_text(json.dumps(asked))
        # Files and no pipes: a server that outlives its client keeps a pipe open, and its reader waiting.
        with given.open() as stdin, out.open("w") as stdout, err.open("w") as stderr:
            process = subprocess.Popen(
                program(client, folder),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=place,
                env=variables() | {"HOME": place},
                start_new_session=True,
            )
            try:
                process.wait(TRIP_SECONDS)
            except subprocess.TimeoutExpired:
                ended = f"ended after {TRIP_SECONDS} s"
            else:
                ended = ""
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        lines = []
        for line in out.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                lines.append(json.loads(line))
        if not ended and not (lines and lines[-1].keys() & {"done", "broken"}):
            ended = f"its driver died: {short(err.read_text(encoding='utf-8', errors='replace')[-300:])}"
        return lines, ended


def program(client: Client, folder: Path) -> list[str]:
    """The words that start a driver. Node looks for packages beside the file alone, so its drivers are copied there."""
    drivers = HERE / "drivers"
    if not client.node:
        return [str(folder / "bin" / "python"), str(drivers / client.driver)]
    for name in ("driving.mjs", client.driver):
        shutil.copy(drivers / name, folder / name)
    return [str(node_binary()), str(folder / client.driver)]


@contextmanager
def http_server(*flags: str) -> Iterator[str]:
    """A server of its own over HTTP, on a free port, with its sandbox: its URL. Raises NotListening."""
    with listening([*SERVE, *flags, "--transport", "http", "--port", "0"], variables()) as url:
        yield f"{url}/mcp"


@contextmanager
def hosted_server(port: int, **more: str) -> Iterator[str]:
    """A hosted service on this machine: its issuer. `more` are settings, such as its Klaviyo. Raises NotListening."""
    with tempfile.TemporaryDirectory(prefix="klaviyo-mcp-hosted-") as home:
        settings = {
            "KLAVIYO_MCP_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "KLAVIYO_MCP_SECRET": secrets.token_urlsafe(32),
            "KLAVIYO_CLIENT_ID": APP,
            "KLAVIYO_CLIENT_SECRET": APP,
            "KLAVIYO_MCP_HOME": home,
            **more,
        }
        words = [sys.executable, "-m", "klaviyo_mcp", "serve", "--transport", "http", "--port", str(port)]
        with listening(words, variables() | settings) as url:
            yield url


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def listening(words: list[str], settings: dict[str, str]) -> Iterator[str]:
    """A server process, and where it says that it listens. Raises NotListening."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(words, env=settings, stderr=log, start_new_session=True)
        try:
            for _ in range(600):
                log.seek(0)
                if found := re.search(r"listening on (http://[^\s/,]+)", log.read()):
                    break
                if process.poll() is not None:
                    break
                time.sleep(0.1)
            if not found:
                log.seek(0)
                raise NotListening(short(log.read()[-200:]))
            yield found[1]
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()

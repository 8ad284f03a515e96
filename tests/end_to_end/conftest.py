"""A real server process over stdio and over HTTP, the SDK's own client, and the sandbox over real HTTP as Klaviyo."""

import os
import re
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Thread
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from tests.warm import PROGRAM

from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_sandbox.testing import serve

SERVE = [*PROGRAM, "serve", "--expose", "all"]
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}},
}


@pytest.fixture(scope="session", autouse=True)
def _warm(warm: None) -> None:
    """All servers but those whose start, end or memory is on trial."""


@pytest.fixture(scope="session")
def sandbox() -> Iterator[str]:
    """The URL of a sandbox that counts no quota, shared by the tests of a worker."""
    with serve(create_app(rate_limits=False, estimation_seconds=0.5)) as url:
        yield url


@pytest.fixture(scope="session")
def environment(sandbox: str) -> dict[str, str]:
    return environment_of(sandbox)


def environment_of(sandbox: str) -> dict[str, str]:
    """That of a server whose Klaviyo is the sandbox at a URL."""
    return {
        **os.environ,
        "KLAVIYO_BASE_URL": sandbox,
        "KLAVIYO_API_KEY": API_KEY,
        "KLAVIYO_COMPANY_ID": COMPANY_ID,
        # What is confirmed first has tests of its own.
        "KLAVIYO_MCP_CONFIRM": "never",
    }


def of_its_own() -> Any:
    """A `sandbox` for one file of tests that do to it what the others would not bear."""

    @pytest.fixture(scope="session")
    def sandbox() -> Iterator[str]:
        with serve(create_app(rate_limits=False)) as url:
            yield url

    return sandbox


def by_default(sandbox: str) -> dict[str, str]:
    """That of a server as it is by default: what is strong waits for a yes."""
    return {name: value for name, value in environment_of(sandbox).items() if name != "KLAVIYO_MCP_CONFIRM"}


@pytest.fixture(scope="session")
def http_server() -> Callable[..., AbstractContextManager[str]]:
    """`with http_server(environment, "--read-only") as url`: the server listening over HTTP, as its own process."""

    @contextmanager
    def serve(environment: dict[str, str], *flags: str) -> Iterator[str]:
        words = [*SERVE, "--transport", "http", "--port", "0", *flags]
        with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr is not None
                lines: list[str] = []
                for line in process.stderr:
                    lines.append(line)
                    if found := re.search(r"listening on (\S+)/mcp", line):
                        break
                else:
                    raise AssertionError(f"the server did not start: {lines}")
                # A line per call comes there, and a server that cannot write it waits.
                Thread(target=process.stderr.read, daemon=True).start()
                yield found[1]
            finally:
                process.terminate()
                process.wait(10)

    return serve


@pytest.fixture(scope="module", params=["stdio", "http"])
async def client(request: Any, environment: dict[str, str], http_server: Any) -> AsyncIterator[Client]:
    """The SDK's own client, connected over each transport in turn."""
    if request.param == "stdio":
        async with Client(StdioServerParameters(command=SERVE[0], args=SERVE[1:], env=environment)) as connected:
            yield connected
    else:
        with http_server(environment) as url:
            async with Client(f"{url}/mcp") as connected:
                yield connected


@pytest.fixture
def call(client: Client) -> Callable[..., Any]:
    """`await call("create_list", name="VIP")` gives the structured answer; an error fails the test."""

    async def use(tool: str, /, **arguments: Any) -> dict[str, Any]:
        result = await client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        assert result.structured_content is not None
        return result.structured_content

    return use


@pytest.fixture
def fail(client: Client) -> Callable[..., Any]:
    """`await fail("create_list")` gives the error an agent gets; a success fails the test."""

    async def use(tool: str, /, **arguments: Any) -> dict[str, Any]:
        result = await client.call_tool(tool, arguments)
        assert result.is_error, result.structured_content
        assert result.structured_content is not None
        text = getattr(result.content[0], "text", "")
        error = result.structured_content["error"]
        assert error["message"] in text
        assert "Traceback" not in text
        return error

    return use


@pytest.fixture
def requests_seen(sandbox: str) -> Callable[[], list[dict[str, Any]]]:
    """What the sandbox has received since this fixture was made or last asked, oldest first."""
    last: list[dict[str, Any]] = httpx2.get(f"{sandbox}/_sandbox/requests?last=1", timeout=60).json()

    def seen() -> list[dict[str, Any]]:
        number = last[-1]["number"] if last else 0
        found = httpx2.get(f"{sandbox}/_sandbox/requests?after={number}", timeout=60).json()
        last.extend(found)
        return found

    return seen

"""What the front answers before the SDK is there is what the SDK would have answered."""

import json
import os
from typing import Any

import anyio
import pytest
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.mcp_server import hello
from klaviyo_mcp.mcp_server.front import Front
from klaviyo_mcp.mcp_server.server import make_server
from klaviyo_mcp.mcp_server.tools import Listing
from klaviyo_mcp.registry.guides import guides
from klaviyo_mcp.runtime.exposure import Exposure

ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
INITIALIZE = {"capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


@pytest.fixture(scope="module")
def listing(registry: Any) -> Listing:
    return Listing(registry, Exposure(frozenset({"lists"})))


@pytest.fixture
def ask(registry: Any, listing: Listing) -> Any:
    """`await ask(method, params, …)`: what the SDK's own server answers to requests of one connection, in order."""
    endpoint = Endpoint("http://127.0.0.1:9")
    accounts = OneAccount(open_account("default", endpoint), endpoint)
    server = make_server(Engine(registry), lambda _: accounts, listing)

    async def run(*requests: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        to_server, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](9)
        outgoing, from_server = anyio.create_memory_object_stream[SessionMessage](9)
        answers: list[dict[str, Any]] = []
        async with anyio.create_task_group() as tasks, to_server, from_server:
            tasks.start_soon(server.run, incoming, outgoing, server.create_initialization_options())
            for number, (method, params) in enumerate(requests):
                message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
                await to_server.send(SessionMessage(jsonrpc_message_adapter.validate_python(message)))
                answer = (await from_server.receive()).message
                answers.append(answer.model_dump(mode="json", by_alias=True, exclude_unset=True)["result"])
            tasks.cancel_scope.cancel()
        return answers

    return run


def test_the_revisions_are_those_of_the_sdk() -> None:
    assert tuple(HANDSHAKE_PROTOCOL_VERSIONS) == hello.HANDSHAKE_VERSIONS
    assert tuple(MODERN_PROTOCOL_VERSIONS) == (hello.MODERN_VERSION,)


@pytest.mark.parametrize("version", [*hello.HANDSHAKE_VERSIONS, "1999-01-01", "2026-07-28"])
async def test_initialize_is_answered_as_the_sdk_does(ask, version) -> None:
    params = {**INITIALIZE, "protocolVersion": version}
    assert [hello.initialized(params)] == await ask(("initialize", params))


@pytest.mark.parametrize("lacking", ["protocolVersion", "capabilities", "clientInfo"])
def test_an_initialize_that_is_not_whole_is_left_to_the_sdk(lacking) -> None:
    params = {**INITIALIZE, "protocolVersion": "2025-11-25"}
    assert hello.initialized({name: value for name, value in params.items() if name != lacking}) is None


async def test_discover_is_answered_as_the_sdk_does(ask) -> None:
    assert [hello.discovered()] == await ask(("server/discover", {"_meta": ENVELOPE}))


async def test_tools_are_listed_as_the_sdk_does(ask, listing) -> None:
    modern = {"_meta": ENVELOPE}
    assert await ask(("tools/list", modern)) == [listed(listing, ("tools/list", modern))]
    legacy = [("initialize", {**INITIALIZE, "protocolVersion": "2025-11-25"}), ("tools/list", {})]
    assert (await ask(*legacy))[1] == listed(listing, *legacy)


def listed(listing: Listing, *requests: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """The front's answer to the last of the requests."""
    (client_reads, front_writes), (front_reads, client_writes) = os.pipe(), os.pipe()
    with os.fdopen(client_reads, "rb") as answers, os.fdopen(client_writes, "wb", buffering=0) as questions:
        Front(front_reads, front_writes).offer(lambda: listing.text)
        for number, (method, params) in enumerate(requests):
            message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            questions.write(json.dumps(message).encode() + b"\n")
            answer = json.loads(answers.readline())
    return answer["result"]


def test_the_instructions_fit_what_clients_read_of_them_and_name_the_guides() -> None:
    assert len(hello.INSTRUCTIONS.encode()) <= 2_048, "Claude Code cuts them there"
    assert all(topic in hello.INSTRUCTIONS for topic in guides())

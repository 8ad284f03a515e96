"""A server whose tools are listed with a prefix: what an agent reads can be called, and so can the names without it."""

import json
import re
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from tests.warm import PROGRAM

from klaviyo_mcp.registry.registry import Registry

PREFIX = "shop_"
SERVE = [*PROGRAM[1:], "serve", "--expose", "all", "--prefix", PREFIX]


@pytest.fixture(scope="module", params=["stdio", "http"])
async def client(request: Any, environment: dict[str, str], http_server: Any) -> AsyncIterator[Client]:
    """A client of a server with a prefix: by flag over stdio, by setting over HTTP."""
    if request.param == "stdio":
        async with Client(StdioServerParameters(command=sys.executable, args=SERVE, env=environment)) as connected:
            yield connected
    else:
        with http_server({**environment, "KLAVIYO_MCP_PREFIX": PREFIX}) as url:
            async with Client(f"{url}/mcp") as connected:
                yield connected


def bare(text: str, registry: Registry) -> set[str]:
    """The names of actions that a text has without the prefix."""
    names = {action.name for action in registry.actions}
    return {word for word in re.findall(r"(?<![\w])[a-z]+(?:_[a-z0-9]+)+", text) if word in names}


async def test_every_name_an_agent_reads_in_the_list_has_the_prefix(client: Client, registry: Registry) -> None:
    tools = (await client.list_tools()).tools
    own = {f"{PREFIX}preview_action", f"{PREFIX}read_more"}
    assert {tool.name for tool in tools} == {PREFIX + action.name for action in registry.actions} | own
    for tool in tools:
        assert bare(tool.description or "", registry) == set()
        described = re.findall(r'"description": "((?:[^"\\]|\\.)*)"', json.dumps(tool.input_schema))
        # What is quoted in a description is left, as it may be a value.
        assert bare(re.sub(r'\\"[^"]*\\"', "", " ".join(described)), registry) == set(), tool.name
    assert bare(client.instructions or "", registry) == set()


@pytest.mark.parametrize("called", ["get_lists", "shop_get_lists", "mcp__klaviyo__shop_get_lists", "klaviyo.get_lists"])
async def test_a_tool_is_called_with_the_prefix_or_without(client: Client, called: str) -> None:
    result = await client.call_tool(called, {"page_size": 1})
    assert not result.is_error
    assert result.structured_content is not None
    assert result.structured_content["count"] == 1


async def test_what_to_look_at_next_has_the_prefix(client: Client) -> None:
    result = await client.call_tool("shop_bulk_import_profiles", {"profiles": [{"email": "prefix@example.org"}]})
    assert result.structured_content is not None
    verify = result.structured_content["verify"]
    assert verify["action"] == "shop_get_bulk_import_profiles_job"
    assert not (await client.call_tool(verify["action"], verify["arguments"])).is_error


async def test_errors_offer_tools_as_they_are_listed(client: Client, registry: Registry) -> None:
    result = await client.call_tool("shop_get_listz", {})
    assert result.structured_content is not None
    error = result.structured_content["error"]
    assert error["code"] == "unknown_action"
    assert "shop_get_lists" in [found["name"] for found in error["candidates"]]
    assert bare(str(error), registry) == set()
    text = getattr(result.content[0], "text", "")
    assert "Did you mean shop_get_list or shop_get_lists" in text


async def test_a_schema_is_read_under_both_names(client: Client) -> None:
    texts = [
        (await client.read_resource(f"klaviyo://actions/{name}/schema/profiles")).contents[0].text
        for name in ("bulk_import_profiles", "shop_bulk_import_profiles")
    ]
    assert texts[0] == texts[1]


def test_a_prefix_that_cannot_be_ends_the_server_with_the_reason(command) -> None:
    done = command("serve", "--sandbox", "--prefix", "mein laden")
    assert done.returncode == 2
    assert "--prefix: 'mein laden': clients take letters" in done.stderr
    done = command("serve", "--sandbox", KLAVIYO_MCP_PREFIX="shop_" * 6)
    assert done.returncode == 2
    assert "KLAVIYO_MCP_PREFIX" in done.stderr
    assert "a prefix may have 20" in done.stderr
    assert "KLAVIYO_MCP_PREFIX" in command("doctor", KLAVIYO_MCP_PREFIX="x.").stdout


@pytest.mark.parametrize("called", ["mcp__klaviyo__get_lists", "shop_get_lists", "klaviyo-mcp:shop_get_lists"])
def test_the_command_line_understands_the_same_names(command, called: str) -> None:
    done = command("call", called, "--sandbox", "--json", '{"page_size": 1}', KLAVIYO_MCP_PREFIX=PREFIX)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["count"] == 1
    assert command("actions", "show", called, KLAVIYO_MCP_PREFIX=PREFIX).stdout.startswith("get_lists:")

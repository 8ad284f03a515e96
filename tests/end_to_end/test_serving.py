"""The server as a client meets it: both transports, both eras of the protocol, who may reach it, what is exposed."""

import json
import subprocess
import sys

import httpx2
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from tests.end_to_end.conftest import HELLO
from tests.warm import PROGRAM

SERVE = [*PROGRAM[1:], "serve", "--expose", "all"]
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


def stdio(environment: dict[str, str], *flags: str) -> StdioServerParameters:
    return StdioServerParameters(command=sys.executable, args=[*SERVE, *flags], env=environment)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28", "auto"])
async def test_both_eras_list_and_call_over_stdio(environment, mode) -> None:
    async with Client(stdio(environment), mode=mode) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        # The server's own tools come first.
        assert names[2:] == sorted(names[2:])
        assert (await client.call_tool("get_lists", {"page_size": 1})).structured_content["count"] == 1


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28", "auto"])
async def test_both_eras_list_and_call_over_http(environment, http_server, mode) -> None:
    with http_server(environment) as url:
        async with Client(f"{url}/mcp", mode=mode) as client:
            assert (await client.list_tools()).tools
            result = await client.call_tool("get_lists", {"page_size": 1})
            assert result.structured_content["count"] == 1
            assert result.content[0].text.startswith("1 list, more with next_cursor.\nnext_cursor: ")


async def test_every_tool_has_a_title_hints_from_its_effect_and_a_schema_clients_take(client) -> None:
    for tool in (await client.list_tools()).tools:
        assert tool.annotations.title
        assert len(tool.annotations.title) <= 60
        assert tool.input_schema["type"] == "object"
        assert not {"oneOf", "anyOf", "allOf", "$ref", "$defs"} & tool.input_schema.keys()
        assert "$ref" not in json.dumps(tool.input_schema)
    tools = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}
    assert tools["get_profiles"].read_only_hint
    assert not tools["create_list"].read_only_hint
    assert not tools["create_list"].destructive_hint
    assert tools["delete_list"].destructive_hint


def test_stdout_carries_nothing_but_the_protocol(environment) -> None:
    lines = [HELLO, {"jsonrpc": "2.0", "method": "notifications/initialized"}]
    lines += [{"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "get_lists", "arguments": {}}}]
    lines += [{"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "nope", "arguments": {}}}]
    with subprocess.Popen(
        [sys.executable, *SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment, "KLAVIYO_API_KEY": ""},
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        answers = []
        for line in lines:
            process.stdin.write(json.dumps(line) + "\n")
            process.stdin.flush()
            if "id" in line:
                answers.append(json.loads(process.stdout.readline()))
        rest, complaints = process.communicate(timeout=20)
    assert [answer["id"] for answer in answers] == [1, 2, 3]
    assert rest == ""
    assert "KLAVIYO_API_KEY is not set" in complaints
    assert "Traceback" not in complaints


async def test_read_only_hides_what_changes_something_and_refuses_it(environment) -> None:
    async with Client(stdio(environment, "--read-only")) as client:
        tools = (await client.list_tools()).tools
        assert tools
        assert all(tool.annotations.read_only_hint for tool in tools)
        error = (await client.call_tool("create_list", {"name": "x"})).structured_content["error"]
        assert error["code"] == "read_only"
        assert error["outcome"] == "Nothing was sent to Klaviyo."


async def test_only_the_exposed_toolsets_are_there_and_composites_still_work(environment) -> None:
    async with Client(stdio(environment, "--expose", "lists,accounts")) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"get_accounts", "create_list", "add_profile_to_list"} <= names
        assert "get_profiles" not in names
        error = (await client.call_tool("get_profiles", {})).structured_content["error"]
        assert error["code"] == "unknown_action"
        made = (await client.call_tool("create_list", {"name": "x"})).structured_content["record"]["id"]
        added = await client.call_tool(
            "add_profile_to_list", {"list_id": made, "emails": ["maya.lindqvist@example.org"]}
        )
        assert added.structured_content["added"] == 1


def test_health_readiness_host_and_origin_over_http(environment, http_server) -> None:
    with http_server(environment) as url:
        assert httpx2.get(f"{url}/healthz").json() == {"status": "ok"}
        assert httpx2.get(f"{url}/readyz").json()["status"] == "ready"
        assert httpx2.post(f"{url}/mcp", json=HELLO, headers=ACCEPT).status_code == 200
        foreign = httpx2.post(f"{url}/mcp", json=HELLO, headers={**ACCEPT, "Host": "evil.example.org"})
        assert foreign.status_code == 421
        page = httpx2.post(f"{url}/mcp", json=HELLO, headers={**ACCEPT, "Origin": "https://evil.example.org"})
        assert page.status_code == 403
        own = httpx2.post(f"{url}/mcp", json=HELLO, headers={**ACCEPT, "Origin": "http://localhost:6274"})
        assert own.status_code == 200


def test_another_host_and_origin_can_be_allowed(environment, http_server) -> None:
    more = {"KLAVIYO_MCP_ALLOWED_HOSTS": "mcp.example.org", "KLAVIYO_MCP_ALLOWED_ORIGINS": "https://app.example.org"}
    with http_server({**environment, **more}) as url:
        headers = {**ACCEPT, "Host": "mcp.example.org", "Origin": "https://app.example.org"}
        assert httpx2.post(f"{url}/mcp", json=HELLO, headers=headers).status_code == 200


def test_with_a_token_set_nothing_but_health_answers_without_it(environment, http_server) -> None:
    with http_server({**environment, "KLAVIYO_MCP_HTTP_TOKEN": "long-random-word"}, "--host", "0.0.0.0") as url:
        local = url.replace("0.0.0.0", "127.0.0.1")
        assert httpx2.get(f"{local}/healthz").status_code == 200
        refused = httpx2.post(f"{local}/mcp", json=HELLO, headers=ACCEPT)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        wrong = httpx2.post(f"{local}/mcp", json=HELLO, headers={**ACCEPT, "Authorization": "Bearer wrong"})
        assert wrong.status_code == 401
        right = httpx2.post(f"{local}/mcp", json=HELLO, headers={**ACCEPT, "Authorization": "Bearer long-random-word"})
        assert right.status_code == 200


async def test_a_large_answer_fits_the_budget_as_text_and_as_structure_and_goes_on(client) -> None:
    seen: list[str] = []
    asked = {"page_size": 500}
    while len(seen) < 500:
        result = await client.call_tool("get_events", asked)
        text, data = result.content[0].text, result.structured_content
        assert len(text.encode()) <= 18_000
        lines = text.split("\n")
        table = lines[next(at for at, line in enumerate(lines) if line.startswith("id|")) + 1 :]
        ids = [record["id"] for record in data["records"]]
        assert [line.partition("|")[0] for line in table[: len(ids)]] == ids
        seen += [record["id"] for record in data["records"]]
        asked = {"cursor": data["next_cursor"]}
    assert len(set(seen)) == len(seen)

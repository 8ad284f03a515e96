"""Answers that do not fit: kept by one process and gone through in another, within what a client takes."""

import csv
import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from tests.end_to_end.conftest import SERVE, environment_of

from klaviyo_sandbox import OTHER_API_KEY

Server = Callable[..., AbstractContextManager[str]]
BY_DEFAULT = SERVE[: SERVE.index("serve") + 1]


def started(environment: dict[str, str], *flags: str, **settings: str) -> Client:
    """A client of a server over stdio, with settings of the test's own."""
    words = [*BY_DEFAULT[1:], *flags]
    return Client(StdioServerParameters(command=BY_DEFAULT[0], args=words, env={**environment, **settings}))


async def answer(client: Client, tool: str, meta: dict[str, Any] | None = None, /, **arguments: Any) -> dict[str, Any]:
    """The structured answer, when it and its text are as large as they may be: 6,000 tokens of three bytes."""
    result = await client.call_tool(tool, arguments, meta=meta)  # pyright: ignore[reportArgumentType]
    assert result.structured_content is not None
    if meta is None:
        assert len(json.dumps(result.structured_content, ensure_ascii=False, separators=(",", ":")).encode()) <= 18_000
        assert len(result.content[0].text.encode()) <= 18_000  # pyright: ignore[reportAttributeAccessIssue]
    return result.structured_content


async def test_two_processes_share_what_is_kept_and_another_account_has_none_of_it(
    sandbox: str, http_server: Server, redis_server: Any
) -> None:
    environment = {**environment_of(sandbox), "KLAVIYO_MCP_QUOTA_URL": redis_server.url}
    with http_server(environment, "--expose", "search") as one, http_server(environment, "--read-only") as other:
        async with Client(f"{one}/mcp") as client:
            asked = {"max_records": 1000, "fields": ["all"]}
            found = await answer(client, "run_read_action", action="get_profiles", arguments=asked)
        seen = len(httpx2.get(f"{sandbox}/_sandbox/requests?last=1").json())
        async with Client(f"{other}/mcp") as client:
            number = found["answer_id"]
            counted = await answer(
                client, "read_more", answer_id=number, group_by="location.country", sum="properties.Orders"
            )
            assert sum(row["count"] for row in counted["rows"]) == counted["of"] > found["count"]
            lines = (await client.read_resource(f"klaviyo://answers/{number}.jsonl")).contents[0].text  # pyright: ignore
            assert len(lines.splitlines()) == counted["of"]
            table = (await client.read_resource(f"klaviyo://answers/{number}.csv")).contents[0].text  # pyright: ignore
            assert len(list(csv.DictReader(io.StringIO(table, newline="")))) == counted["of"]
        assert len(httpx2.get(f"{sandbox}/_sandbox/requests?last=1").json()) == seen
        strange = {**environment, "KLAVIYO_API_KEY": OTHER_API_KEY}
        async with started(strange) as client:
            refused = await answer(client, "read_more", answer_id=number)
            assert refused["error"]["code"] == "unknown_answer"
            with pytest.raises(MCPError, match="No such answer is kept"):
                await client.read_resource(f"klaviyo://answers/{number}.csv")


async def test_a_client_has_the_room_that_it_asks_for_up_to_a_cap(environment: dict[str, str]) -> None:
    async with started(environment) as client:
        limits = (3_000, 60_000, 10**9)
        sizes: list[int] = []
        for limit in limits:
            meta = {"anthropic/maxResultSizeChars": limit}
            found = await answer(client, "run_read_action", meta, action="get_events", arguments={"page_size": 1000})
            sizes.append(len(json.dumps(found, ensure_ascii=False, separators=(",", ":"))))
        assert sizes[0] <= 3_000 < sizes[1] <= 60_000 < sizes[2] <= 500_000


async def test_calls_side_by_side_share_the_room(environment: dict[str, str]) -> None:
    async with started(environment) as client:
        calls = [{"action": "get_events", "arguments": {"page_size": 100}}] * 3
        found = (await answer(client, "run_read_action", calls=calls))["answers"]
        assert len({one["answer_id"] for one in found}) == 3


async def test_a_server_with_a_large_budget_tells_clients_of_it(environment: dict[str, str]) -> None:
    async with started(environment, KLAVIYO_MCP_ANSWER_TOKENS="40000") as client:
        tools = (await client.list_tools()).tools
        assert {(tool.meta or {})["anthropic/maxResultSizeChars"] for tool in tools} == {121_000}
    async with started(environment) as client:
        assert not any(tool.meta for tool in (await client.list_tools()).tools)


async def test_without_keeping_there_is_no_such_tool(environment: dict[str, str]) -> None:
    async with started(environment, KLAVIYO_MCP_KEEP_ANSWERS="0") as client:
        assert "read_more" not in {tool.name for tool in (await client.list_tools()).tools}
        found = await answer(client, "run_read_action", action="get_profiles", arguments={"max_records": 1000})
        assert "answer_id" not in found
        assert found["next_cursor"]
        refused = await answer(client, "read_more", answer_id="0" * 12)
        assert refused["error"]["code"] == "nothing_kept"


async def test_wrong_arguments_are_told_in_one_answer(environment: dict[str, str]) -> None:
    async with started(environment) as client:
        refused = (await answer(client, "read_more", answer_id="x", where="a = 1", filter=[], count=3))["error"]
        assert {problem["argument"] for problem in refused["problems"]} == {"where", "filter", "count"}
        assert refused["outcome"] == "Nothing was sent to Klaviyo."


async def test_with_redis_away_the_answer_still_comes_and_says_so(environment: dict[str, str]) -> None:
    async with started(environment, KLAVIYO_MCP_QUOTA_URL="redis://127.0.0.1:1/0") as client:
        found = await answer(client, "run_read_action", action="get_profiles", arguments={"max_records": 1000})
        assert found["count"]
        assert found["next_cursor"]
        assert "could not be kept" in found["warnings"][0]

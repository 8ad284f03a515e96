"""The server as it is by default: a handful of tools, and every action found, described and run through them."""

import json
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from tests.catalogue import REGISTRY
from tests.end_to_end.conftest import SERVE

RUN = {"read": "run_read_action", "write": "run_write_action", "destructive": "run_destructive_action"}
BY_DEFAULT = SERVE[: SERVE.index("serve") + 1]
LARGEST = {"search": 12_000, "core": 60_000, "all": 470_000}


def started(environment: dict[str, str], *flags: str) -> Client:
    """A client of a server over stdio."""
    return Client(StdioServerParameters(command=BY_DEFAULT[0], args=[*BY_DEFAULT[1:], *flags], env=environment))


@pytest.fixture(params=["stdio", "http"])
async def client(request, environment: dict[str, str], http_server) -> Any:
    if request.param == "stdio":
        async with started(environment) as client:
            yield client
    else:
        with http_server(environment, "--expose", "search") as url:
            async with Client(f"{url}/mcp") as client:
                yield client


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.structured_content is not None
    return result.structured_content


@pytest.mark.parametrize("expose", [*LARGEST])
async def test_a_listing_is_as_small_as_it_should_be(environment, expose) -> None:
    async with started(environment, "--expose", expose) as client:
        tools = (await client.list_tools()).tools
    listed = [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in tools]
    assert len(json.dumps(listed, separators=(",", ":")).encode()) <= LARGEST[expose]
    assert all(tool.annotations and tool.annotations.title for tool in tools)


async def test_by_default_there_are_a_handful_of_tools(client) -> None:
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert len(tools) <= 20
    assert {"find_actions", "describe_action", *RUN.values()} <= set(tools)
    hints = {name: tools[name].annotations for name in RUN.values()}
    assert [hint.read_only_hint for hint in hints.values()] == [True, False, False]
    assert [hint.destructive_hint for hint in hints.values()] == [False, False, True]


async def test_an_action_is_found_described_and_run(client) -> None:
    found = await answer(client, "find_actions", query="which mailing lists are there", limit=5)
    first = next(one for one in found["actions"] if one["name"] == "get_lists")
    assert first["run_with"] == "run_read_action"
    assert len(found["actions"]) <= 5
    whole = await answer(client, "describe_action", action="get_lists")
    assert "filter" in whole["arguments"]["properties"]
    ran = await answer(client, first["run_with"], action="get_lists", arguments={"page_size": 2})
    assert len(ran["records"]) == 2
    # JSON in a text is an object, null is not given, and an alias or a client's prefix is a name.
    for given in ('{"page_size": 2}', {"page_size": 2, "cursor": None}):
        assert await answer(client, "run_read_action", action="mcp__klaviyo__get_lists", arguments=given)


@pytest.mark.parametrize("client", ["stdio"], indirect=True)
@pytest.mark.parametrize("effect", [*RUN])
async def test_a_run_tool_refuses_other_effects_and_names_the_right_one(client, requests_seen, effect) -> None:
    # An action that some arguments make stronger belongs to either tool. One in five is enough: no name counts.
    others = [one for one in REGISTRY.actions if effect not in (one.effect, one.strongest_effect)]
    for action in others[::5]:
        refused = await answer(client, RUN[effect], action=action.name, arguments=action.spec.examples[0].arguments)
        error = refused["error"]
        if error["code"] == "wrong_tool":
            assert RUN[action.strongest_effect] in error["next_step"] or RUN[action.effect] in error["next_step"]
        else:
            # A call that cannot be made at all, such as one whose time has passed, is told so first.
            assert error["code"] in ("invalid_arguments", "precondition_failed"), (action.name, error)
        assert error["outcome"] in ("Nothing was sent to Klaviyo.", "Nothing was changed in Klaviyo.")
    # What a call leaves to the account is read before its effect is known.
    assert {entry["method"] for entry in requests_seen()} <= {"GET"}


async def test_several_reads_are_answered_one_by_one(client) -> None:
    calls = [
        {"action": "get_lists"},
        {"action": "get_nothing"},
        {"action": "delete_list", "arguments": {"id": "VbT4kM"}},
    ]
    answers = (await answer(client, "run_read_action", calls=calls))["answers"]
    assert "records" in answers[0]
    assert [one["error"]["code"] for one in answers[1:]] == ["unknown_action", "wrong_tool"]


@pytest.mark.parametrize(
    ("tool", "arguments", "argument"),
    [
        ("find_actions", {}, "query"),
        ("find_actions", {"query": "lists", "limit": "many"}, "limit"),
        ("find_actions", {"query": "lists", "limit": 0}, "limit"),
        ("find_actions", {"query": "lists", "limit": 21}, "limit"),
        ("describe_action", {"action": "get_lists", "verbose": True}, "verbose"),
        ("run_read_action", {}, "action"),
        ("run_read_action", {"action": "get_lists", "calls": []}, "action"),
        ("run_read_action", {"calls": []}, "calls"),
        ("run_read_action", {"calls": [{"action": "get_lists"}] * 11}, "calls"),
        ("run_read_action", {"calls": [{"name": "get_lists"}]}, "calls[0]"),
        ("run_write_action", {"arguments": {}}, "action"),
        ("run_write_action", {"action": "create_list", "arguments": [1]}, "arguments"),
    ],
)
async def test_what_the_tools_do_not_take_is_named(client, tool, arguments, argument) -> None:
    error = (await answer(client, tool, **arguments))["error"]
    assert error["code"] == "invalid_arguments"
    assert error["problems"][0]["argument"] == argument
    assert error["outcome"] == "Nothing was sent to Klaviyo."


async def test_a_call_whose_arguments_repeat_it_is_understood(client) -> None:
    """Semantic Kernel gives every function what it was called with once more, as `arguments`."""
    plain = {"action": "get_lists", "arguments": {"page_size": 1}}
    assert len((await answer(client, "run_read_action", **{**plain, "arguments": plain}))["records"]) == 1
    both = {"calls": [plain, plain]}
    assert len((await answer(client, "run_read_action", **both, arguments=both))["answers"]) == 2


async def test_an_action_that_is_not_listed_can_be_called_by_its_name(client) -> None:
    assert "records" in await answer(client, "get_tags")


async def test_an_unknown_action_is_answered_with_what_comes_close(client) -> None:
    for tool in ("describe_action", "run_read_action"):
        error = (await answer(client, tool, action="get_listz"))["error"]
        assert error["code"] == "unknown_action"
        assert "get_lists" in [one["name"] for one in error["candidates"]]


async def test_a_read_only_server_finds_and_runs_reads_alone(environment) -> None:
    async with started(environment, "--read-only") as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert names.isdisjoint({"run_write_action", "run_destructive_action", "confirm_action", "create_event"})
        found = (await answer(client, "find_actions", query="delete a list", limit=20))["actions"]
        assert {one["effect"] for one in found} == {"read"}


async def test_a_prefix_stands_before_all_of_them(environment) -> None:
    async with started(environment, "--prefix", "shop_") as client:
        tools = (await client.list_tools()).tools
        assert all(tool.name.startswith("shop_") for tool in tools)
        found = await answer(client, "shop_find_actions", query="all lists", limit=3)
        assert found["actions"][0]["run_with"] == "shop_run_read_action"
        assert "records" in await answer(client, "shop_run_read_action", action=found["actions"][0]["name"])

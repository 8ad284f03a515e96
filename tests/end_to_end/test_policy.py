"""A policy on real servers, and what several processes know together in a Redis."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from tests.end_to_end.conftest import SERVE, environment_of

from klaviyo_sandbox import create_app
from klaviyo_sandbox.testing import serve

POLICY = """\
version: 1
rules:
  - {name: no-deletions, actions: ["delete_*"], forbid: true, why: Ask the data team.}
  - {name: asked, actions: [create_list], confirm: true}
  - {name: daily, actions: [create_tag], items_per_day: 2}
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    with serve(create_app(rate_limits=False)) as url:
        yield url


@pytest.fixture
def ruled(sandbox: str, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """The environment of a server with a policy, which is not asked about anything else."""

    def environment(text: str = POLICY, **more: str) -> dict[str, str]:
        path = tmp_path / "policy.yaml"
        path.write_text(text)
        return {**environment_of(sandbox), "KLAVIYO_MCP_POLICY": str(path), **more}

    return environment


def started(environment: dict[str, str], *flags: str) -> Client:
    return Client(StdioServerParameters(command=SERVE[0], args=[*SERVE[1:], *flags], env=environment))


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.structured_content is not None
    return result.structured_content


async def test_a_server_with_a_policy(ruled, requests_seen) -> None:
    async with started(ruled()) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert "delete_list" not in names
        assert {"create_list", "confirm_action", "preview_action"} <= names
        for tool, given in (("delete_list", {"id": "VbT4kM"}), ("preview_action", {"action": "delete_list"})):
            error = (await answer(client, tool, **given))["error"]
            assert error["code"] == "policy"
            assert "rule 'no-deletions' of the policy. Ask the data team." in error["message"]
            assert error["outcome"] == "Nothing was sent to Klaviyo."
        held = await answer(client, "create_list", name="Asked for")
        assert held["done"] is False
        assert held["confirmation"]["needed_since"] == "rule 'asked' of the policy says so"
        assert [one for one in requests_seen() if one["method"] != "GET"] == []
        done = await answer(client, "confirm_action", token=held["confirmation"]["token"])
        assert done["record"]["name"] == "Asked for"
        made = [await answer(client, "create_tag", name=f"Tag {index}") for index in range(3)]
        assert ["error" in one for one in made] == [False, False, True]
        assert made[2]["error"]["code"] == "policy"
        assert made[2]["error"]["outcome"] == "Nothing was changed in Klaviyo."


async def test_flags_and_policy_together(ruled) -> None:
    flags = ("--toolsets", "lists,tags", "--actions", "get_*,delete_*,create_*", "--exclude", "get_list_*")
    async with started(ruled(), *flags) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"get_lists", "create_tag"} <= names
        assert not names & {"delete_list", "get_list_relationships", "update_list", "get_profiles"}
        excluded = await answer(client, "get_list_relationships", id="VbT4kM", related="tags")
        assert excluded["error"]["code"] == "unknown_action"


def test_a_policy_that_widens_is_refused_at_the_start(command, ruled) -> None:
    wide = ruled("version: 1\nrules:\n  - {name: all, actions: ['*'], confirm: never}\n")
    for words in (("serve", "--read-only"), ("serve", "--transport", "http"), ("call", "get_lists")):
        refused = command(*words, stdin="", **wide)
        assert refused.returncode == 2
        assert "can only be true: a policy can only narrow what the server was started with" in refused.stderr


def test_the_command_line_keeps_to_it(command, ruled) -> None:
    forbidden = command("call", "delete_list", "--json", '{"id": "VbT4kM"}', "--yes", **ruled())
    assert json.loads(forbidden.stdout)["error"]["code"] == "policy"
    held = command("call", "create_list", "--json", '{"name": "By hand"}', **ruled())
    assert json.loads(held.stdout)["done"] is False
    done = command("call", "create_list", "--json", '{"name": "By hand"}', "--yes", **ruled())
    assert done.returncode == 0, done.stderr


async def test_a_token_is_used_once_by_all_processes_that_share_a_redis(ruled, redis_server, requests_seen) -> None:
    shared = ruled(KLAVIYO_MCP_QUOTA_URL=redis_server.url)
    async with started(shared) as one, started(shared) as other:
        given = {"name": "Once"}
        token = (await answer(one, "create_list", **given))["confirmation"]["token"]
        call = {"token": token, "action": "create_list", "arguments": given}
        assert "error" not in await answer(other, "confirm_action", **call)
        for client in (one, other):
            again = (await answer(client, "confirm_action", **call))["error"]
            assert again["code"] == "wrong_confirmation"
            assert "has been used" in again["message"]
        # Without Redis nobody knows, and nothing is risked.
        token = (await answer(one, "create_list", **given))["confirmation"]["token"]
        requests_seen()
        redis_server.stop()
        unsure = (await answer(one, "confirm_action", token=token))["error"]
        assert unsure["code"] == "confirmation_not_checked"
        assert unsure["outcome"] == "Nothing was sent to Klaviyo."
        assert requests_seen() == []


async def test_a_day_is_counted_by_all_processes_that_share_a_redis(ruled, redis_server, requests_seen) -> None:
    shared = ruled(KLAVIYO_MCP_QUOTA_URL=redis_server.url)
    async with started(shared) as one, started(shared) as other:
        for client, name in ((one, "By one"), (other, "By the other")):
            assert "error" not in await answer(client, "create_tag", name=name)
        refused = (await answer(one, "create_tag", name="Third"))["error"]
        assert "to the 2 items of today" in refused["message"]
        requests_seen()
        redis_server.stop()
        unsure = (await answer(other, "create_tag", name="Third"))["error"]
        assert unsure["code"] == "policy_not_checked"
        assert requests_seen() == []

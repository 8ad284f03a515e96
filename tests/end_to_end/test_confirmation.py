"""Calls that remove something, reach many people or cannot be undone wait for a yes: both transports, both eras."""

import json
from collections.abc import Iterator
from typing import Any

import anyio
import httpx2
import mcp.types as types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from tests.catalogue import REGISTRY
from tests.end_to_end.conftest import SERVE, by_default, of_its_own

from klaviyo_sandbox import API_KEY

STRONG = {action.operation for action in REGISTRY.actions if action.effect == "destructive"}


# Whole lists and campaigns go.
sandbox = of_its_own()


@pytest.fixture(scope="session")
def environment(sandbox: str) -> dict[str, str]:
    """That of a server as it is by default."""
    return by_default(sandbox)


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.structured_content is not None
    return result.structured_content


async def new_list(client: Client, name: str) -> str:
    return (await answer(client, "create_list", name=name))["record"]["id"]


def sent(requests_seen) -> list[str]:
    return [request["operation"] for request in requests_seen() if request["operation"] in STRONG]


async def test_a_deletion_waits_and_is_done_once_it_is_confirmed(client, requests_seen) -> None:
    group = await new_list(client, "To be deleted")
    held = await answer(client, "delete_list", id=group)
    assert held["done"] is False
    assert held["effect"] == "destructive"
    assert held["confirmation"]["confirm_with"] == "confirm_action"
    assert sent(requests_seen) == []
    done = await answer(client, "confirm_action", token=held["confirmation"]["token"])
    assert "error" not in done
    assert sent(requests_seen) == ["delete_list"]
    again = await answer(client, "confirm_action", token=held["confirmation"]["token"])
    assert again["error"]["code"] in ("wrong_confirmation", "precondition_failed")
    assert again["error"]["outcome"] in ("Nothing was sent to Klaviyo.", "Nothing was changed in Klaviyo.")
    assert sent(requests_seen) == []


async def test_sending_is_told_in_words_and_numbers(client, requests_seen) -> None:
    campaigns = (await answer(client, "get_campaigns", channel="email"))["records"]
    draft = next(record for record in campaigns if record["name"] == "Candle restock")  # it has a template
    shown = await client.call_tool("send_campaign", {"id": draft["id"]})
    text = " ".join(shown.structured_content["does"])
    assert draft["name"] in text
    assert "Subject: " in text
    assert "To the lists: " in text
    assert "cannot be called back" in shown.structured_content["undo"]
    assert shown.content[0].text.startswith("NOT DONE YET, nothing was sent: ")
    assert sent(requests_seen) == []


async def test_what_changed_since_it_was_shown_is_refused_with_the_difference(client, requests_seen) -> None:
    campaigns = (await answer(client, "get_campaigns", channel="email"))["records"]
    draft = next(record for record in campaigns if record["name"] == "Candle restock")  # it has a template
    held = await answer(client, "send_campaign", id=draft["id"])
    others = (await answer(client, "get_segments"))["records"]
    other = next(record["id"] for record in others if record["id"] not in str(draft["audiences"]))
    await answer(client, "update_campaign", id=draft["id"], audiences={"included": [other]})
    refused = await answer(client, "confirm_action", token=held["confirmation"]["token"])
    assert refused["error"]["code"] == "wrong_confirmation"
    assert "campaign.audiences was" in refused["error"]["message"]
    assert other in refused["error"]["message"]
    assert sent(requests_seen) == []
    # Back to what it was, for the others.
    await answer(client, "update_campaign", id=draft["id"], audiences=draft["audiences"])


async def test_a_token_is_for_one_call(client, requests_seen) -> None:
    one, other = [await new_list(client, name) for name in ("One", "Other")]
    token = (await answer(client, "delete_list", id=one))["confirmation"]["token"]
    head, _, end = token.rpartition(".")
    for wrong in (
        {"token": f"{head}.{end[::-1]}", "action": "delete_list", "arguments": {"id": one}},
        {"token": token, "action": "delete_list", "arguments": {"id": other}},
        {"token": token, "action": "delete_segment", "arguments": {"id": one}},
        {"token": "yes"},
        {"token": f"{token}x"},
        {"token": token.replace("confirm1.", "confirm1.1")},
    ):
        refused = await answer(client, "confirm_action", **wrong)
        assert refused["error"]["code"] in ("wrong_confirmation", "precondition_failed"), wrong
    assert sent(requests_seen) == []
    # JSON in a text is an object, and the token still holds.
    done = await answer(client, "confirm_action", token=token, action="delete_list", arguments=json.dumps({"id": one}))
    assert "error" not in done, done


@pytest.mark.parametrize(
    ("arguments", "argument"), [({}, "token"), ({"token": 7}, "token"), ({"token": "x", "force": True}, "force")]
)
async def test_confirming_takes_its_arguments_only(client, arguments, argument) -> None:
    refused = await answer(client, "confirm_action", **arguments)
    assert refused["error"]["code"] == "invalid_arguments"
    assert refused["error"]["problems"][0]["argument"] == argument


async def test_two_confirmations_at_once_are_one(client, requests_seen) -> None:
    group = await new_list(client, "Twice")
    token = (await answer(client, "delete_list", id=group))["confirmation"]["token"]
    answers: list[dict[str, Any]] = []

    async def confirm() -> None:
        answers.append(await answer(client, "confirm_action", token=token))

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(confirm)
    assert sum("error" not in one for one in answers) == 1
    assert sent(requests_seen) == ["delete_list"]


async def test_a_token_of_another_process_is_taken_with_the_call_beside_it(environment, http_server) -> None:
    with http_server(environment) as first, http_server(environment) as second:
        async with Client(f"{first}/mcp") as shows, Client(f"{second}/mcp") as confirms:
            group = await new_list(shows, "Elsewhere")
            token = (await answer(shows, "delete_list", id=group))["confirmation"]["token"]
            alone = await answer(confirms, "confirm_action", token=token)
            assert "repeat action and arguments" in alone["error"]["message"]
            done = await answer(confirms, "confirm_action", token=token, action="delete_list", arguments={"id": group})
            assert "error" not in done, done


async def test_a_preview_shows_any_write_and_changes_nothing(client, requests_seen) -> None:
    group = await new_list(client, "Looked at")
    requests_seen()
    shown = await answer(client, "preview_action", action="update_list", arguments={"id": group, "name": "New name"})
    assert shown["sent"] is False
    assert shown["requests"][0]["method"] == "PATCH"
    held = await answer(client, "preview_action", action="delete_list", arguments={"id": group})
    assert held["confirmation"]["token"]
    assert all(request["method"] == "GET" for request in requests_seen())
    wrong = await answer(client, "preview_action", action="delete_lists", arguments={})
    assert wrong["error"]["code"] == "unknown_action"


def started(environment: dict[str, str], *flags: str) -> Client:
    """A client of a server of its own, over stdio."""
    return Client(StdioServerParameters(command=SERVE[0], args=[*SERVE[1:], *flags], env=environment))


async def test_the_tools_are_there_where_they_have_a_use(environment) -> None:
    async def names(*flags: str) -> set[str]:
        async with started(environment, *flags) as client:
            return {tool.name for tool in (await client.list_tools()).tools}

    assert {"preview_action", "confirm_action"} <= await names()
    assert {"preview_action", "confirm_action"} & await names("--read-only") == set()
    assert {"preview_action", "confirm_action"} & await names("--confirm", "never") == {"preview_action"}
    assert {"shop_preview_action", "shop_confirm_action"} <= await names("--prefix", "shop_")


async def test_all_writes_can_be_made_to_wait(environment, requests_seen) -> None:
    async with started(environment, "--confirm", "writes") as client:
        held = await answer(client, "create_list", name="Waits")
        assert held["done"] is False
        assert [request["method"] for request in requests_seen()] == []
        done = await answer(client, "confirm_action", token=held["confirmation"]["token"])
        assert done["record"]["name"] == "Waits"


# A person who can be asked


@pytest.mark.parametrize(("transport", "mode"), [("stdio", "legacy"), ("stdio", "2026-07-28"), ("http", "2026-07-28")])
@pytest.mark.parametrize("agrees", [True, False])
async def test_a_person_is_asked_where_the_client_can(
    environment, http_server, requests_seen, transport, mode, agrees
) -> None:
    questions: list[str] = []

    async def person(_context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        questions.append(params.message)
        return types.ElicitResult(action="accept", content={"agree": agrees})

    async def use(client: Client) -> dict[str, Any]:
        group = await new_list(client, f"Asked {agrees}")
        return await answer(client, "delete_list", id=group)

    if transport == "stdio":
        server = StdioServerParameters(command=SERVE[0], args=SERVE[1:], env=environment)
        async with Client(server, mode=mode, elicitation_callback=person) as client:
            done = await use(client)
    else:
        with http_server(environment) as url:
            async with Client(f"{url}/mcp", mode=mode, elicitation_callback=person) as client:
                done = await use(client)
    assert len(questions) == 1
    assert "delete_list (destructive)" in questions[0]
    if agrees:
        assert "error" not in done
        assert sent(requests_seen) == ["delete_list"]
    else:
        assert done["error"]["code"] == "declined"
        assert sent(requests_seen) == []


async def test_what_changes_while_a_person_is_asked_is_refused(environment, sandbox, requests_seen) -> None:
    lists: list[str] = []

    async def person(_context: Any, _params: types.ElicitRequestParams) -> types.ElicitResult:
        body = {"data": {"type": "list", "id": lists[0], "attributes": {"name": "Another name"}}}
        headers = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-07-15"}
        media = {"Content-Type": "application/vnd.api+json"}
        changed = httpx2.patch(f"{sandbox}/api/lists/{lists[0]}", json=body, headers={**headers, **media})
        assert changed.status_code == 200
        return types.ElicitResult(action="accept", content={"agree": True})

    server = StdioServerParameters(command=SERVE[0], args=SERVE[1:], env=environment)
    async with Client(server, mode="legacy", elicitation_callback=person) as client:
        lists.append(await new_list(client, "One name"))
        refused = await answer(client, "delete_list", id=lists[0])
    assert refused["error"]["code"] == "wrong_confirmation"
    assert 'list.name was "One name" and is "Another name"' in refused["error"]["message"]
    assert sent(requests_seen) == []


# Whatever is called, nothing destructive reaches Klaviyo without a yes


def examples() -> list[tuple[str, dict[str, Any]]]:
    return [(action.name, one.arguments) for action in REGISTRY.actions for one in action.spec.examples]


@pytest.fixture(scope="module")
def server(environment, http_server) -> Iterator[str]:
    with http_server(environment) as url:
        yield url


@settings(max_examples=15)
@given(calls=st.lists(st.sampled_from(examples()), min_size=5, max_size=25), named=st.booleans())
async def test_no_sequence_of_calls_destroys_without_a_confirmation(server, sandbox, calls, named) -> None:
    last = httpx2.get(f"{sandbox}/_sandbox/requests?last=1").json()
    async with Client(f"{server}/mcp") as client:
        for name, arguments in calls:
            asked = ("preview_action", {"action": name, "arguments": arguments}) if named else (name, arguments)
            await client.call_tool(*asked)
    number = last[0]["number"] if last else 0
    later = httpx2.get(f"{sandbox}/_sandbox/requests?after={number}").json()
    assert {entry["operation"] for entry in later} & STRONG == set()


def test_the_command_line_shows_and_does_it_with_yes(command, environment) -> None:
    made = json.loads(command("call", "create_list", "--json", '{"name": "By hand"}', **environment).stdout)
    given = json.dumps({"id": made["record"]["id"]})
    held = command("call", "delete_list", "--json", given, **environment)
    assert held.returncode == 4
    assert json.loads(held.stdout)["done"] is False
    assert "--yes" in held.stderr
    done = command("call", "delete_list", "--json", given, "--yes", **environment)
    assert done.returncode == 0, done.stderr

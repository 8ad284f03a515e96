"""Faults between a real server and Klaviyo, over stdio and HTTP: no write is done twice, and what is told is true."""

import json
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from tests.end_to_end.conftest import SERVE, environment_of, of_its_own
from tests.klaviyo.stub import OWN, http, stub

FAULTS = [
    {"fault": "status", "status": 429, "retry_after": 1},
    {"fault": "status", "status": 500},
    {"fault": "status", "status": 500, "after": True},
    {"fault": "status", "status": 503, "retry_after": 1},
    {"fault": "status", "status": 503, "retry_after": 1, "after": True},
    {"fault": "status", "status": 504, "after": True},
    {"fault": "html", "status": 400},
    {"fault": "html", "status": 403},
    {"fault": "html", "status": 403, "after": True},
    {"fault": "html", "status": 502, "after": True},
    {"fault": "reset_before"},
    {"fault": "reset_after"},
    {"fault": "html", "status": 200},
    {"fault": "html", "status": 200, "after": True},
    {"fault": "html", "status": 303, "after": True},
    {"fault": "html", "status": 404},
    {"fault": "html", "status": 407},
    {"fault": "html", "status": 408, "after": True},
    {"fault": "html", "status": 499, "after": True},
    {"fault": "truncate"},
    {"fault": "empty"},
    {"fault": "characters"},
    {"fault": "deep"},
    {"fault": "bomb"},
    {"fault": "headers"},
    {"fault": "drip", "seconds": 0.5},
    {"fault": "slow", "seconds": 0.3},
    {"fault": "latency", "seconds": 0.3},
]
NAMES = [" ".join(str(value) for value in fault.values()) for fault in FAULTS]
UNKNOWN = "not known whether"
REFUSED_READS = {
    **{("html", status): "foreign_answer" for status in (200, 400, 403, 404, 407)},
    ("html", 303): "redirected",
    ("bomb", None): "unreadable_answer",
}
"""Faults that a second try would meet again, and what a read then says."""
UNREADABLE = {"truncate", "empty", "deep", "bomb"}
"""Faults after which it is certain that Klaviyo did it, and not what it answered."""


# Faults hold for a whole sandbox.
sandbox = of_its_own()


@pytest.fixture(scope="session")
def environment(sandbox: str) -> dict[str, str]:
    """That of a server for this sandbox: the one of all other files is made by the time these tests run."""
    return {**environment_of(sandbox), "KLAVIYO_MCP_REQUEST_TIMEOUT": "3"}


def inject(url: str, *faults: dict[str, Any]) -> None:
    assert httpx2.post(f"{url}/_sandbox/faults", json=list(faults)).status_code == 200


def asked(url: str, operation: str) -> int:
    return sum(entry["operation"] == operation for entry in httpx2.get(f"{url}/_sandbox/requests").json())


async def answer(client: Client, tool: str, **arguments: Any) -> tuple[bool, dict[str, Any]]:
    result = await client.call_tool(tool, arguments)
    assert result.structured_content is not None
    return bool(result.is_error), result.structured_content


async def names(client: Client) -> list[str]:
    """The lists made last, without a fault. It also closes a breaker that was about to open."""
    failed, found = await answer(client, "get_lists", list_fields=["name"], sort="-created", max_records=50)
    assert not failed, found
    return [record["name"] for record in found["records"]]


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
async def test_a_read_is_got_over_a_fault_that_passes(client, sandbox, fault) -> None:
    inject(sandbox, {**fault, "operation": "get_lists", "count": 1})
    failed, found = await answer(client, "get_lists")
    inject(sandbox)
    if (refused := REFUSED_READS.get((fault["fault"], fault.get("status")))) is not None:
        assert found["error"]["code"] == refused
        assert found["error"]["outcome"] == "Nothing was changed in Klaviyo."
    else:
        assert not failed, found
    # What a proxy says teaches nothing of the key.
    assert await names(client)


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
async def test_a_create_is_never_done_twice_and_what_is_told_is_true(client, sandbox, request, fault) -> None:
    name = request.node.name
    inject(sandbox, {**fault, "operation": "create_list", "count": 1})
    failed, found = await answer(client, "create_list", name=name)
    inject(sandbox)
    done = (await names(client)).count(name)
    assert done <= 1
    if not failed:
        assert done == 1
        return
    error = found["error"]
    if fault["fault"] in UNREADABLE:
        assert error["outcome"] == "Klaviyo carried out the request."
        assert error["next_step"].startswith("It is done: do not call it again")
        assert done == 1
        return
    assert UNKNOWN in error["outcome"]
    # The call that is named to look with tells.
    check = error["check"]
    _, seen = await answer(client, check["action"], **check["arguments"])
    assert seen["count"] == done


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
async def test_an_idempotent_write_is_repeated_until_it_is_known_to_be_done(client, sandbox, request, fault) -> None:
    _, made = await answer(client, "create_list", name="before")
    inject(sandbox, {**fault, "operation": "update_list", "count": 1})
    failed, found = await answer(client, "update_list", id=made["record"]["id"], name=request.node.name)
    inject(sandbox)
    if failed and fault["fault"] == "html":
        assert UNKNOWN in found["error"]["outcome"]
        return
    if failed:
        # What is larger than the cap would be so again, and what is done is done.
        assert fault["fault"] == "bomb"
        assert found["error"]["outcome"] == "Klaviyo carried out the request."
    assert request.node.name in await names(client)


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
async def test_a_deletion_that_is_repeated_never_says_that_nothing_was_changed(client, sandbox, request, fault) -> None:
    name = request.node.name
    _, made = await answer(client, "create_list", name=name)
    before = asked(sandbox, "delete_list")
    inject(sandbox, {**fault, "operation": "delete_list", "count": 1})
    failed, found = await answer(client, "delete_list", id=made["record"]["id"])
    inject(sandbox)
    assert asked(sandbox, "delete_list") - before <= 2
    if not failed:
        assert name not in await names(client)
    else:
        assert UNKNOWN in found["error"]["outcome"]
        assert name not in await names(client) or fault["fault"] == "html"


@pytest.mark.parametrize("fault", [{"fault": "reset_after"}, {"fault": "status", "status": 500, "after": True}])
async def test_an_event_that_is_sent_twice_is_recorded_once(client, sandbox, request, fault) -> None:
    before = asked(sandbox, "create_event")
    inject(sandbox, {**fault, "operation": "create_event", "count": 1})
    metric = f"Faulty {abs(hash(request.node.name))}"
    failed, found = await answer(
        client, "create_event", metric={"name": metric}, profile={"email": "faults@example.org"}, properties={"A": 1}
    )
    inject(sandbox)
    assert not failed, found
    assert found["attempts"] == asked(sandbox, "create_event") - before == 2
    _, events = await answer(client, "get_events", sort="-datetime", page_size=50)
    assert sum(event["metric"]["name"] == metric for event in events["records"]) == 1


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_half_a_character_ends_no_server(environment, http_server, transport) -> None:
    found = http(200, b'{"data":{"type":"list","id":"x","attributes":{"name":"\\ud800 x"}}}', **OWN)
    refused = http(400, b'{"errors":[{"code":"invalid","title":"T","detail":"bad \\ud800 x"}]}', **OWN)
    deep = http(200, b'{"data":{"type":"list","id":"x","attributes":' + b"[" * 260 + b"]" * 260 + b"}}", **OWN)

    async def use(client: Client) -> None:
        assert (await answer(client, "create_list", name="x"))[1]["record"]["name"] == "\ufffd x"
        assert (await answer(client, "create_list", name="x"))[1]["error"]["code"] == "invalid_request"
        assert (await answer(client, "create_list", name="x"))[1]["error"]["code"] == "unreadable_answer"
        assert (await answer(client, "create_list", name="x"))[1]["record"]["id"] == "x"

    async with stub(found, refused, deep, found) as wire:
        env = {**environment, "KLAVIYO_BASE_URL": wire.url}
        if transport == "stdio":
            async with Client(StdioServerParameters(command=SERVE[0], args=SERVE[1:], env=env)) as client:
                await use(client)
        else:
            with http_server(env) as url:
                async with Client(f"{url}/mcp") as client:
                    await use(client)
    assert len(wire.requests) == 4


def test_the_command_line_shows_hidden_characters(command) -> None:
    done = command("call", "create_list", "--json", json.dumps({"name": "a\u202eb"}), "--sandbox")
    assert done.returncode == 0, done.stderr
    assert "\\u202e" in done.stdout
    assert json.loads(done.stdout)["record"]["name"] == "a\u202eb"

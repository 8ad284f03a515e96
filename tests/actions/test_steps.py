"""What actions are made of: values that steps pass on, reads that may fail, what is only shown, over the sandbox."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import anyio
import httpx2
import pytest
from tests.catalogue import CATALOGUE, REGISTRY

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.permissions import GrantedAccess
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.authoring.step_rules import step_problems
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.answering import answer_call, preview_call
from klaviyo_sandbox import API_KEY, create_app
from klaviyo_sandbox.testing import serve

JSON = dict[str, Any]
LISTS = {"name": "lists", "action": "get_lists", "arguments": {"list_fields": ["name"]}}
SEGMENTS = {"name": "segments", "action": "get_segments", "arguments": {"segment_fields": ["name"]}}
FORMS = {"name": "forms", "action": "get_forms", "optional": "the forms"}


def spec(steps: list[JSON], answer: JSON, effect: str = "read", **arguments: JSON) -> ActionSpec:
    return ActionSpec.model_validate(
        {
            "name": "composed",
            "title": "Something composed",
            "summary": "An action of the tests that is made of others.",
            "description": "An action of the tests that is made of others.",
            "effect": effect,
            "idempotent": True,
            "toolset": "lists",
            "input_schema": {"type": "object", "properties": arguments, "additionalProperties": False},
            "request": {"steps": steps, "answer": answer},
            "result": {"kind": "composite"},
        }
    )


class Shop:
    def __init__(self, url: str) -> None:
        self.url = url
        self.endpoint = Endpoint(url, pace=False)
        self.accounts = OneAccount(open_account("shop", self.endpoint, api_key=API_KEY), self.endpoint)

    async def run(self, made: ActionSpec, /, *, read_only: bool = False, **arguments: Any) -> JSON:
        engine = Engine(Registry([*CATALOGUE, made]), read_only=read_only)
        return (await answer_call(engine, self.accounts, Call(made.name, arguments))).answer.data

    async def do(self, action: str, **arguments: Any) -> JSON:
        engine = Engine(REGISTRY)
        return (await answer_call(engine, self.accounts, Call(action, arguments))).answer.data

    async def preview(self, made: ActionSpec) -> JSON:
        engine = Engine(Registry([*CATALOGUE, made]))
        return (await preview_call(engine, self.accounts, Call(made.name, {}))).answer.data

    def fail(self, operation: str, **fault: Any) -> None:
        given = {"operation": operation, "fault": "status", "count": 20, **fault}
        assert httpx2.post(f"{self.url}/_sandbox/faults", json=[given]).is_success

    def seen(self) -> list[str]:
        return [entry["operation"] for entry in httpx2.get(f"{self.url}/_sandbox/requests").json()]


@pytest.fixture
def url() -> Iterator[str]:
    with serve(create_app(rate_limits=False)) as url:
        yield url


@pytest.fixture
async def shop(url: str) -> AsyncIterator[Shop]:
    made = Shop(url)
    yield made
    await made.endpoint.close()


async def test_an_expression_sees_records_included_and_what_was_made_before(shop: Shop) -> None:
    events = {
        "name": "events",
        "action": "get_events",
        "arguments": {"include": ["metric"], "page_size": 5, "sort": "-datetime"},
    }
    named = {
        "name": "named",
        "make": "look_up(events.records, 'related.metric', events.included.metric, 'id', 'metric')[].metric.name",
    }
    answer = {"metrics": "$named", "count": {"$make": "length(named)"}, "complete": "$events.complete"}
    found = await shop.run(spec([events, named], answer))
    plain = await shop.do("get_events", include=["metric"], page_size=5, sort="-datetime")
    assert found["metrics"] == [record["metric"]["name"] for record in plain["records"]]
    assert (found["count"], found["complete"]) == (5, False)


async def test_the_moment_and_the_account_are_known_to_expressions(shop: Shop) -> None:
    made = spec([LISTS], {"zone": {"$make": "account.timezone"}, "today": {"$make": "period({key: 'today'}, now)"}})
    found = await shop.run(made)
    (account,) = (await shop.do("get_accounts"))["records"]
    assert found["zone"] == account["timezone"]
    assert found["today"]["days"] == 1


async def test_what_cannot_be_read_is_told_and_the_rest_is_answered(shop: Shop) -> None:
    shop.fail("get_forms", status=503)
    made = spec([LISTS, FORMS], {"lists": "$lists.count", "forms": "$forms.count"})
    found = await shop.run(made)
    assert found["lists"] > 0
    (missing,) = found["not_read"]
    assert (missing["what"], missing["code"]) == ("the forms", "server_error")


async def test_what_the_grant_does_not_allow_is_left_out_without_being_asked_for(shop: Shop) -> None:
    account = shop.accounts.account
    granted = replace(account, access=GrantedAccess("shop", lambda: ["lists:read"]))
    shop.accounts = OneAccount(granted, shop.endpoint)
    made = spec([LISTS, FORMS], {"lists": "$lists.count"})
    found = await shop.run(made)
    assert (found["not_read"][0]["what"], found["not_read"][0]["code"]) == ("the forms", "scope_missing")
    assert "get_forms" not in shop.seen()
    assert "left_out" in (await shop.preview(made))["steps"][1]


async def test_where_nothing_can_be_read_the_error_is_told(shop: Shop) -> None:
    shop.accounts = OneAccount(open_account("shop", shop.endpoint, api_key="pk_wrong"), shop.endpoint)
    found = await shop.run(spec([FORMS], {"forms": "$forms.count"}))
    assert found["error"]["code"] == "authentication_failed"


class Counting(httpx2.ASGITransport):
    """The sandbox, and how many requests were under way together at most."""

    def __init__(self) -> None:
        super().__init__(app=create_app(rate_limits=False))
        self.now = self.most = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.now += 1
        self.most = max(self.most, self.now)
        await anyio.sleep(0.05)
        self.now -= 1
        return await super().handle_async_request(request)


async def test_reads_that_stand_together_are_under_way_together(shop: Shop) -> None:
    transport = Counting()
    endpoint = Endpoint("http://sandbox", HttpPool(transport), pace=False)
    shop.accounts = OneAccount(open_account("shop", endpoint, api_key=API_KEY), endpoint)
    await shop.run(spec([LISTS, SEGMENTS, FORMS], {"lists": "$lists.count"}))
    assert transport.most == 3
    transport.most = 0
    dependent = {"name": "again", "action": "get_segments", "when": ["$lists.ids"]}
    await shop.run(spec([LISTS, dependent], {"lists": "$lists.count"}))
    assert transport.most == 1


async def test_a_step_shows_what_another_action_would_do_and_does_nothing(shop: Shop) -> None:
    campaigns = await shop.do(
        "get_campaigns", channel="email", filter=[{"field": "status", "operator": "equals", "value": "Draft"}]
    )
    made = spec(
        [{"name": "sending", "shows": "send_campaign", "arguments": {"id": "$id"}}],
        {"says": "$sending.says", "problems": "$sending.problems"},
        id={"type": "string"},
    )
    found = await shop.run(made, read_only=True, id=campaigns["records"][0]["id"])
    assert "Sends the campaign" in found["says"][0]
    assert not {"send_campaign"} & set(shop.seen())


async def test_a_preview_says_what_will_be_left_out(shop: Shop) -> None:
    shown = await shop.preview(spec([LISTS, FORMS], {"lists": "$lists.count"}))
    assert [step["action"] for step in shown["steps"]] == ["get_lists", "get_forms"]


async def test_what_is_not_there_yet_is_looked_for_again(shop: Shop) -> None:
    (draft, *_) = (
        await shop.do(
            "get_campaigns", channel="email", filter=[{"field": "status", "operator": "equals", "value": "Draft"}]
        )
    )["records"]
    estimate = {
        "name": "estimate",
        "action": "get_campaign_recipient_estimation",
        "arguments": {"id": "$id"},
        "optional": "the estimate",
    }
    answer = {"recipients": "$estimate.records.0.estimated_recipient_count"}
    hasty, patient = (
        spec([LISTS, step], answer, id={"type": "string"}) for step in (estimate, {**estimate, "patience": 6})
    )
    assert (await shop.run(hasty, id=draft["id"]))["not_read"][0]["code"] == "not_found"
    await shop.do("refresh_campaign_recipient_estimation", id=draft["id"])
    assert "recipients" in await shop.run(patient, id=draft["id"])


async def test_of_many_that_are_looked_for_one_that_is_not_there_is_no_failure(shop: Shop) -> None:
    (group, *_) = (await shop.do("get_lists"))["records"]
    each = {
        "name": "found",
        "action": "get_list",
        "each": "$ids",
        "arguments": {"id": "$item"},
        "optional": "the lists",
    }
    made = spec([each], {"names": {"$make": "found.records[].name"}}, ids={"type": "array"})
    assert await shop.run(made, ids=["XXXXXX", group["id"]]) == {"names": [group["name"]]}


WRONG: list[tuple[list[JSON], JSON, str]] = [
    ([{"name": "made", "make": "nowhere.ids"}], {}, "speaks of 'nowhere'"),
    ([{"name": "made", "make": "rate(`1`)"}], {}, "rate() takes 2 arguments, not 1"),
    ([{"name": "made", "make": "[?"}], {}, "cannot be read"),
    ([LISTS], {"lists": {"$make": "segments.ids"}}, "speaks of 'segments'"),
    ([{**LISTS, "when": ["$segments.ids"]}, SEGMENTS], {}, "neither an argument nor a step before"),
    ([LISTS, LISTS], {}, "another step"),
    (
        [{"name": "made", "action": "create_list", "arguments": {"name": "x"}, "optional": "the list"}],
        {},
        "only a read",
    ),
    ([{"name": "shown", "shows": "get_lists"}], {}, "tells nothing"),
    ([{"name": "shown", "shows": "no_action"}], {}, "no action"),
]


@pytest.mark.parametrize(("steps", "answer", "says"), WRONG, ids=[case[2] for case in WRONG])
def test_steps_that_cannot_be_run_are_told(registry: Registry, steps: list[JSON], answer: JSON, says: str) -> None:
    by_name = {action.name: action.spec for action in registry.actions}
    problems = [text for _, text in step_problems(spec(steps, answer), by_name)]
    assert any(says in text for text in problems), problems


@pytest.mark.parametrize(
    "step",
    [
        {"name": "two", "action": "get_lists", "make": "now"},
        {"name": "none"},
        {"name": "a", "make": "now", "each": "$b"},
    ],
)
def test_a_step_is_of_one_kind(step: JSON) -> None:
    with pytest.raises(ValueError, match="a step"):
        spec([step], {})

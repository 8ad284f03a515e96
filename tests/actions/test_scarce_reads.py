"""Reads with a daily limit: asked for once by all who ask the same, kept for a while, and never another account's."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.klaviyo.kept import KeptReplies
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.answering import answer_call
from klaviyo_sandbox import API_KEY, create_app
from klaviyo_sandbox.testing import serve

FORMS = {"statistics": ["viewed_form"], "timeframe": {"key": "last_12_months"}}
REPORT = "/api/form-values-reports"


class Shop:
    """A sandbox with its limits on, over HTTP, and accounts at it."""

    def __init__(self, url: str, kept: KeptReplies | None = None) -> None:
        self.url = url
        self.endpoint = Endpoint(url, kept=kept or KeptReplies())
        self.accounts = self.account("shop")

    def account(self, name: str) -> OneAccount:
        return OneAccount(open_account(name, self.endpoint, api_key=API_KEY, counted_as="DEMO01"), self.endpoint)

    def asked(self) -> int:
        return [entry["path"] for entry in httpx2.get(f"{self.url}/_sandbox/requests").json()].count(REPORT)

    def fail(self, **fault: Any) -> None:
        given = {"operation": "query_form_values", "count": 1, **fault}
        assert httpx2.post(f"{self.url}/_sandbox/faults", json=[given]).is_success


@pytest.fixture
def url() -> Iterator[str]:
    with serve(create_app(profiles=3)) as url:
        yield url


@pytest.fixture
async def shop(url: str) -> AsyncIterator[Shop]:
    made = Shop(url)
    yield made
    await made.endpoint.close()


async def asked(engine: Engine, accounts: OneAccount, /, action: str = "query_form_values", **more: Any) -> Any:
    response = await answer_call(engine, accounts, Call(action, {**FORMS, **more}))
    return response.answer.data


def test_every_read_with_a_daily_limit_takes_fresh_and_no_other_action_does(registry: Registry) -> None:
    scarce = {action.name for action in registry.actions if action.spec.is_scarce}
    assert {"query_form_values", "query_flow_values", "query_campaign_values"} <= scarce
    assert scarce == {action.name for action in registry.actions if "fresh" in action.spec.properties}
    assert "create_segment" not in scarce


async def test_the_same_question_is_answered_from_what_was_read_and_says_how_old_it_is(
    engine: Engine, shop: Shop
) -> None:
    first, second = [await asked(engine, shop.accounts) for _ in range(2)]
    assert shop.asked() == 1
    assert "kept" not in first
    assert second["kept"]["age_seconds"] >= 0
    assert second["kept"]["read_at"].endswith("Z")
    assert "fresh: true" in second["kept"]["note"]
    assert second["record"] == first["record"]
    assert "quota" not in second


async def test_fresh_asks_again_and_is_never_sent(engine: Engine, shop: Shop) -> None:
    await asked(engine, shop.accounts)
    again = await asked(engine, shop.accounts, fresh=True)
    assert "kept" not in again
    assert shop.asked() == 2
    assert "fresh" not in str(engine.plan(Call("query_form_values", {**FORMS, "fresh": True})).request)
    assert "kept" in await asked(engine, shop.accounts, fresh=False)


async def test_another_question_and_another_account_are_asked_for_themselves(engine: Engine, shop: Shop) -> None:
    await asked(engine, shop.accounts)
    assert "kept" not in await asked(engine, shop.account("other"))
    assert shop.asked() == 2
    answer = await asked(engine, shop.accounts, statistics=["submits"])
    assert answer["error"]["code"] == "quota_exhausted"  # it would have been the third of two in a minute


async def test_identical_questions_at_one_time_are_one_request(engine: Engine, shop: Shop) -> None:
    answers = await asyncio.gather(*(asked(engine, shop.accounts) for _ in range(20)))
    assert shop.asked() == 1
    assert all(answer["record"] == answers[0]["record"] for answer in answers)


async def test_who_is_cancelled_does_not_cancel_the_others(engine: Engine, shop: Shop) -> None:
    shop.fail(fault="latency", seconds=0.5)
    calls = [asyncio.create_task(asked(engine, shop.accounts)) for _ in range(3)]
    await asyncio.sleep(0.2)
    calls[0].cancel()
    cancelled, *others = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert all("record" in answer for answer in others)
    assert shop.asked() == 1


async def test_a_request_that_nobody_waits_for_any_more_is_given_up(engine: Engine) -> None:
    hanging = asyncio.Event()
    given_up: list[bool] = []

    async def respond(_: httpx2.Request) -> httpx2.Response:
        try:
            await hanging.wait()
        except asyncio.CancelledError:
            given_up.append(True)
            raise
        data = {"type": "form-values-report", "attributes": {"results": []}}
        return httpx2.Response(200, json={"data": data})

    endpoint = Endpoint("https://k", HttpPool(httpx2.MockTransport(respond)), pace=False)
    accounts = OneAccount(open_account("shop", endpoint, api_key="pk_x"), endpoint)
    calls = [asyncio.create_task(asked(engine, accounts)) for _ in range(3)]
    await asyncio.sleep(0.2)
    for call in calls:
        assert given_up == []
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    hanging.set()
    assert "record" in await asked(engine, accounts)
    assert given_up == [True]


async def test_an_error_is_told_to_all_and_kept_for_nobody(engine: Engine, shop: Shop) -> None:
    shop.fail(fault="html", status=400)
    answers = await asyncio.gather(*(asked(engine, shop.accounts) for _ in range(3)))
    assert {answer["error"]["code"] for answer in answers} == {"foreign_answer"}
    assert "record" in await asked(engine, shop.accounts)


async def test_a_report_that_is_read_on_takes_no_further_request(engine: Engine, shop: Shop) -> None:
    response = await answer_call(engine, shop.accounts, Call("query_form_values", FORMS), budget=900)
    page = response.answer.data
    seen = page["count"]
    while cursor := page.get("next_cursor"):
        given = Call("query_form_values", {"cursor": cursor})
        page = (await answer_call(engine, shop.accounts, given, budget=900)).answer.data
        seen += page["count"]
        assert "kept" in page
    whole = await asked(engine, shop.accounts)
    assert seen == whole["count"]
    part = await asked(engine, shop.accounts, part="record.results")
    assert part["value"] == whole["record"]["results"]
    assert "kept" in part
    assert shop.asked() == 1


async def test_an_answer_is_kept_for_its_time_alone(engine: Engine, url: str) -> None:
    for seconds in (0, 0.2):
        shop = Shop(url, KeptReplies(seconds))
        await asked(engine, shop.accounts)
        await asyncio.sleep(0.3)
        before = shop.asked()
        assert "kept" not in await asked(engine, shop.accounts)
        assert shop.asked() == before + 1
        await shop.endpoint.close()
        httpx2.post(f"{url}/_sandbox/reset")


async def test_what_is_kept_is_bounded_in_bytes(engine: Engine, url: str) -> None:
    shop = Shop(url, KeptReplies(most_bytes=10))
    await asked(engine, shop.accounts)
    assert "kept" not in await asked(engine, shop.accounts)
    await shop.endpoint.close()


async def test_want_of_quota_names_the_answer_that_is_kept(engine: Engine, shop: Shop) -> None:
    impatient = Engine(engine.registry, max_wait=0.5)
    await asked(engine, shop.accounts)
    error = (await asked(impatient, shop.accounts, fresh=True))["error"]
    assert error["code"] == "quota_exhausted"
    assert error["retry_at"]
    assert "Or leave out fresh: an answer of 20" in error["next_step"]
    assert shop.asked() == 1


async def test_a_narrower_limit_is_told_with_the_argument_that_it_comes_from(engine: Engine, shop: Shop) -> None:
    impatient, wanted = Engine(engine.registry, max_wait=0.1), {"additional_list_fields": ["profile_count"]}
    (found, *_) = (await answer_call(impatient, shop.accounts, Call("get_lists"))).answer.data["records"]
    for _ in range(2):
        answer = await answer_call(impatient, shop.accounts, Call("get_list", {"id": found["id"], **wanted}))
    error = answer.answer.data["error"]
    assert error["code"] == "quota_exhausted"
    assert "now without profile_count in additional_list_fields" in error["next_step"]
    answer = await answer_call(impatient, shop.accounts, Call("get_list", {"id": found["id"]}))
    assert not answer.is_error


async def test_wrong_arguments_spend_nothing(engine: Engine, shop: Shop) -> None:
    for wrong in (
        {"statistics": ["nonsense"]},
        {"timeframe": {"key": "ever"}},
        {"fresh": "perhaps"},
        {"cursor": "x y"},
    ):
        assert (await asked(engine, shop.accounts, **wrong))["error"]
    assert shop.asked() <= 1

"""A report says which days it covers, and in which time zone and currency; the account is read for it once."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.days import KEYS, days_of
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.answering import answer_call
from klaviyo_sandbox import API_KEY, create_app
from klaviyo_sandbox.behaviour import timeframes


class Watched(httpx2.ASGITransport):
    """The sandbox, and the paths that were asked of it. Accounts cannot be read while it is `shy`."""

    def __init__(self) -> None:
        super().__init__(app=create_app(rate_limits=False))
        self.seen: list[str] = []
        self.shy = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request.url.path)
        if self.shy and request.url.path == "/api/accounts":
            raise httpx2.ConnectError("down", request=request)
        return await super().handle_async_request(request)


@pytest.fixture
def sandbox() -> tuple[OneAccount, Watched]:
    transport = Watched()
    endpoint = Endpoint("http://sandbox", HttpPool(transport), pace=False)
    return OneAccount(open_account("sandbox", endpoint, api_key=API_KEY), endpoint), transport


FORMS = {"statistics": ["viewed_form"], "timeframe": {"key": "last_12_months"}}


async def test_a_report_says_its_days_zone_and_currency(engine: Engine, sandbox: tuple[OneAccount, Watched]) -> None:
    accounts, transport = sandbox
    answers = [await answer_call(engine, accounts, Call("query_form_values", FORMS)) for _ in range(2)]
    covers = answers[0].answer.data["covers"]
    today = datetime.now(ZoneInfo(covers["timezone"])).date()
    assert covers["last_day"] == str(today.replace(day=1) - timedelta(days=1))
    assert covers["currency"] == "USD"
    assert answers[1].answer.data["covers"] == covers
    assert transport.seen.count("/api/accounts") == 1


async def test_without_the_account_it_is_said_whose_zone_it_is(
    engine: Engine, sandbox: tuple[OneAccount, Watched]
) -> None:
    accounts, transport = sandbox
    transport.shy = True
    answer = (await answer_call(engine, accounts, Call("query_form_values", FORMS))).answer
    assert answer.data["covers"]["timezone"].startswith("the account's")


async def test_metric_aggregates_cover_their_bounds(engine: Engine, sandbox: tuple[OneAccount, Watched]) -> None:
    accounts, _ = sandbox
    (metric, *_) = (await engine.run(Call("get_metrics"), accounts.account)).records
    period: list[Any] = [
        {"field": "datetime", "operator": "greater-or-equal", "value": "2026-07-01"},
        {"field": "datetime", "operator": "less-than", "value": "2026-08-01"},
    ]
    given = {"metric_id": metric["id"], "measurements": ["count"], "conditions": period, "timezone": "Europe/Berlin"}
    answer = (await answer_call(engine, accounts, Call("query_metric_aggregates", given))).answer
    covers = answer.data["covers"]
    assert (covers["first_day"], covers["last_day"]) == ("2026-07-01", "2026-07-31")
    assert covers["timezone"] == "Europe/Berlin"


def test_every_report_says_what_it_covers(registry: Registry) -> None:
    reports = [action for action in registry.actions if "timeframe" in action.spec.properties and action.http]
    told = {action.name for action in reports if action.spec.result.covers == "timeframe"}
    assert {action.name for action in reports if action.spec.toolset == "reporting"} <= told


@pytest.mark.parametrize("key", timeframes.KEYS)
@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2024, 2, 29), date(2026, 3, 31), date(2026, 11, 25)])
def test_a_key_covers_the_days_that_the_sandbox_computes(key: str, today: date) -> None:
    span = timeframes.KEYS[key](datetime(today.year, today.month, today.day, tzinfo=ZoneInfo("America/New_York")))
    assert KEYS[key](today) == (span.start.date(), (span.end - timedelta(microseconds=1)).date())


def test_a_timeframe_of_ones_own_ends_before_its_end() -> None:
    own = {"start": "2026-10-01T00:00:00", "end": "2026-11-01T00:00:00Z"}
    assert days_of(own, date(2026, 11, 25)) == (date(2026, 10, 1), date(2026, 10, 31))
    assert days_of({"start": "soon"}, date(2026, 11, 25)) is None

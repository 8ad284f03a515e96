"""The everyday actions over the sandbox: what they answer equals what Klaviyo's records say when they are added up."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.answering import answer_call
from klaviyo_sandbox import API_KEY, create_app
from klaviyo_sandbox.testing import serve

JSON = dict[str, Any]
SMALL = 4_000
"""Characters: what an everyday answer may cost a model."""


class Shop:
    """The sandbox, asked by everyday actions, and past them for the records themselves."""

    def __init__(self, url: str, registry: Registry) -> None:
        self.url = url
        self.endpoint = Endpoint(url, pace=False)
        self.accounts = OneAccount(open_account("shop", self.endpoint, api_key=API_KEY), self.endpoint)
        self.engine = Engine(registry)

    async def do(self, action: str, /, **arguments: Any) -> JSON:
        response = await answer_call(self.engine, self.accounts, Call(action, arguments))
        assert not response.is_error, response.text
        assert len(response.text) < SMALL, response.text
        return response.answer.data

    async def fail(self, action: str, /, **arguments: Any) -> JSON:
        response = await answer_call(self.engine, self.accounts, Call(action, arguments))
        assert response.is_error, response.text
        return response.answer.data["error"]

    def raw(self, path: str, **query: Any) -> list[JSON]:
        """All records of a collection, as Klaviyo gives them."""
        headers = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-07-15"}
        found: list[JSON] = []
        url: str | None = f"{self.url}{path}"
        while url:
            answer = httpx2.get(url, headers=headers, params=query if not found else None).json()
            found += answer["data"] if isinstance(answer["data"], list) else [answer["data"]]
            url = answer.get("links", {}).get("next")
        return found

    def written(self) -> list[str]:
        """The operations that changed something, of all that were asked for."""
        seen = httpx2.get(f"{self.url}/_sandbox/requests").json()
        return [entry["operation"] for entry in seen if entry["method"] != "GET"]

    def metric(self, name: str) -> str:
        return next(one["id"] for one in self.raw("/api/metrics") if one["attributes"]["name"] == name)

    def events(self, **of: str) -> list[JSON]:
        condition = ",".join(f'equals({name},"{value}")' for name, value in of.items())
        return self.raw("/api/events", **{"filter": condition, "page[size]": 1000})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(create_app(rate_limits=False, estimation_seconds=0.5)) as url:
        yield url


@pytest.fixture
async def shop(url: str, registry: Registry) -> AsyncIterator[Shop]:
    made = Shop(url, registry)
    yield made
    await made.endpoint.close()


ZONE = ZoneInfo("America/Los_Angeles")


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(ZONE)


async def test_monthly_revenue_equals_the_sum_of_the_orders_of_each_month(shop: Shop) -> None:
    found = await shop.do("monthly_revenue")
    months: dict[str, list[float]] = {}
    for event in shop.events(metric_id=shop.metric("Placed Order")):
        at = day(event["attributes"]["datetime"])
        if at.year == datetime.now(ZONE).year:
            months.setdefault(f"{at:%Y-%m}", []).append(event["attributes"]["event_properties"]["$value"])
    assert {row["month"]: (row["orders"], row["revenue"]) for row in found["months"] if row["orders"]} == {
        month: (len(values), pytest.approx(sum(values))) for month, values in months.items()
    }
    assert found["orders"] == sum(map(len, months.values()))
    assert found["revenue"] == pytest.approx(sum(map(sum, months.values())))
    assert (found["timezone"], found["currency"]) == ("America/Los_Angeles", "USD")
    assert "the account's revenue metric" in found["read_as"]["metric_id"]


async def test_recent_events_of_a_person_are_a_line_each_newest_first(shop: Shop) -> None:
    person = shop.raw("/api/profiles", **{"page[size]": 100})[0]
    events = sorted(shop.events(profile_id=person["id"]), key=lambda one: one["attributes"]["datetime"], reverse=True)
    found = await shop.do("recent_events", profile=person["attributes"]["email"], most=5)
    names = {one["id"]: one["attributes"]["name"] for one in shop.raw("/api/metrics")}
    expected = [
        (f"{day(one['attributes']['datetime']):%Y-%m-%d %H:%M}", names[one["relationships"]["metric"]["data"]["id"]])
        for one in events[:5]
    ]
    assert [tuple(line.split(" · ")[:2]) for line in found["events"]] == expected
    assert found["profile_id"] == person["id"]


async def test_recent_events_say_when_nobody_is_known_by_that(shop: Shop) -> None:
    found = await shop.do("recent_events", profile="nobody@example.invalid")
    assert found["count"] == 0
    assert "Nobody in this account" in found["warnings"][0]


async def test_recent_events_of_a_metric_name_the_people(shop: Shop) -> None:
    found = await shop.do("recent_events", metric_id=shop.metric("Placed Order"), most=3)
    assert all(" · Placed Order · " in line and "@" in line for line in found["events"])
    assert found["more"] is True


async def test_what_is_scheduled_is_listed_by_time_with_the_names_of_its_audience(shop: Shop) -> None:
    found = await shop.do("scheduled_campaigns")
    scheduled = [
        one
        for channel in ("email", "sms", "mobile_push")
        for one in shop.raw("/api/campaigns", filter=f'equals(messages.channel,"{channel}")')
        if not one["attributes"]["status"].startswith(("Sent", "Draft", "Cancelled", "Variations", "Unknown"))
    ]
    assert {row["id"] for row in found["campaigns"]} == {one["id"] for one in scheduled}
    names = {one["id"]: one["attributes"]["name"] for one in [*shop.raw("/api/lists"), *shop.raw("/api/segments")]}
    sends = {one["id"]: one for one in scheduled}
    for row in found["campaigns"]:
        raw = sends[row["id"]]["attributes"]
        assert row["to"] == [names[one] for one in raw["audiences"]["included"]]
        assert row["goes_out"] == f"{day(raw['send_time']):%Y-%m-%d %H:%M}"
    times = [row["goes_out"] for row in found["campaigns"]]
    assert times == sorted(times)
    assert len((await shop.do("scheduled_campaigns", most=1))["campaigns"]) == 1


async def test_a_check_of_a_campaign_tells_what_sending_would_do_and_sends_nothing(shop: Shop) -> None:
    drafts = shop.raw("/api/campaigns", filter='equals(messages.channel,"email"),equals(status,"Draft")')
    found = await shop.do("campaign_check", id=drafts[0]["id"])
    assert found["status"] == "Draft"
    assert found["ready"] == (not found["problems"])
    assert found["sending_it"][0].startswith("Sends the campaign")
    sent = shop.raw("/api/campaigns", filter='equals(messages.channel,"email"),equals(status,"Sent")')
    late = await shop.do("campaign_check", id=sent[0]["id"])
    assert late["ready"] is False
    assert "Draft" in late["problems"][0]
    assert "send_campaign" not in shop.written()
    missing = await shop.fail("campaign_check", id="01JCW4R8N2K6T0V5X9B3D7F1HM")
    assert missing["code"] == "not_found"

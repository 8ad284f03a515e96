"""The everyday actions over the sandbox: what they answer equals what Klaviyo's records say when they are added up."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.permissions import GrantedAccess
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.registry.steps import StepsRequest
from klaviyo_mcp.runtime.answering import answer_call
from klaviyo_mcp.runtime.everyday import EVERYDAY
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

    async def report(self, kind: str, start: str, end: str) -> list[JSON]:
        """The rows of a report, by the action that has one request."""
        statistics = ["recipients", "delivered", "opens_unique", "clicks_unique", "conversions", "conversion_value"]
        times = {"start": f"{start}T00:00:00", "end": f"{end}T00:00:00"}
        call = Call(f"query_{kind}_values", {"statistics": statistics, "timeframe": times})
        return (await answer_call(self.engine, self.accounts, call)).answer.data["record"]["results"]

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
    late = [one for one in scheduled if one["attributes"]["status"] == "Queued without Recipients"]
    assert [row["id"] for row in found["overdue"]] == [one["id"] for one in late]
    assert found["overdue"][0]["was_due"] == f"{day(late[0]['attributes']['send_time']):%Y-%m-%d %H:%M}"
    assert {row["id"] for row in found["campaigns"]} == {one["id"] for one in scheduled if one not in late}
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


async def test_things_are_found_by_a_part_of_their_name_exact_ones_first(shop: Shop) -> None:
    found = await shop.do("find", text="vip")
    assert [(hit["kind"], hit["name"]) for hit in found["hits"]][:2] == [("tag", "VIP"), ("list", "VIP customers")]
    assert {"kind", "id", "name", "channel", "status"} < set(
        next(hit for hit in found["hits"] if hit["kind"] == "campaign")
    )
    only = await shop.do("find", text="VIP", kinds=["list"])
    assert [hit["kind"] for hit in only["hits"]] == ["list"]


@pytest.mark.parametrize(
    ("kind", "path", "name"),
    [
        ("list", "/api/lists", "name"),
        ("segment", "/api/segments", "name"),
        ("flow", "/api/flows", "name"),
        ("template", "/api/templates", "name"),
        ("metric", "/api/metrics", "name"),
        ("form", "/api/forms", "name"),
        ("tag", "/api/tags", "name"),
        ("coupon", "/api/coupons", "external_id"),
        ("catalog_item", "/api/catalog-items", "title"),
    ],
)
async def test_each_kind_is_found_by_name_and_by_id(shop: Shop, kind: str, path: str, name: str) -> None:
    thing = shop.raw(path)[-1]
    by_name = await shop.do("find", text=thing["attributes"][name].upper(), kinds=[kind])
    assert thing["id"] in [hit["id"] for hit in by_name["hits"]]
    assert {hit["kind"] for hit in by_name["hits"]} == {kind}
    if kind != "tag":
        by_id = await shop.do("find", text=thing["id"], kinds=[kind])
        assert [hit["id"] for hit in by_id["hits"]][:1] == [thing["id"]]


async def test_campaigns_of_every_channel_are_found(shop: Shop) -> None:
    text = shop.raw("/api/campaigns", filter='equals(messages.channel,"sms")')[0]
    for sought in (text["attributes"]["name"], text["id"]):
        (hit,) = (await shop.do("find", text=sought, kinds=["campaign"]))["hits"]
        assert (hit["id"], hit["channel"]) == (text["id"], "sms")


async def test_people_are_found_by_what_they_are_known_by(shop: Shop) -> None:
    person = next(one for one in shop.raw("/api/profiles") if one["attributes"]["phone_number"])
    known = [person["attributes"][name] for name in ("email", "phone_number", "external_id")]
    for sought in [*known, person["id"]]:
        found = await shop.do("find", text=sought)
        assert person["id"] in [hit["id"] for hit in found["hits"]], sought


async def test_what_is_not_there_is_said(shop: Shop) -> None:
    found = await shop.do("find", text="no such thing at all")
    assert (found["found"], found["hits"]) == (0, [])
    assert "a part of their name" in found["notes"][0]


async def test_one_page_tells_all_about_a_person(shop: Shop) -> None:
    revenue = shop.metric("Placed Order")
    order = shop.events(metric_id=revenue)[-1]
    person = order["relationships"]["profile"]["data"]["id"]
    (profile,) = shop.raw(f"/api/profiles/{person}", **{"additional-fields[profile]": "subscriptions"})
    found = await shop.do("profile_overview", profile=profile["attributes"]["email"])
    orders = [one for one in shop.events(profile_id=person) if one["relationships"]["metric"]["data"]["id"] == revenue]
    values = [one["attributes"]["event_properties"]["$value"] for one in orders]
    assert (found["orders"]["count"], found["orders"]["value"]) == (len(values), pytest.approx(sum(values)))
    assert found["who"]["id"] == person
    for kind in ("lists", "segments"):
        assert set(found[kind]) == {one["attributes"]["name"] for one in shop.raw(f"/api/profiles/{person}/{kind}")}
    email = profile["attributes"]["subscriptions"]["email"]["marketing"]
    assert found["consent"][0].startswith(f"email {email['consent']}")
    assert ("can be reached" in found["consent"][0]) == email["can_receive_email_marketing"]
    assert len(found["events"]) == min(20, len(shop.events(profile_id=person)))


async def test_a_suppression_is_told_with_its_reason(shop: Shop) -> None:
    everyone = shop.raw("/api/profiles", **{"additional-fields[profile]": "subscriptions", "page[size]": 100})
    blocked = next(one for one in everyone if one["attributes"]["subscriptions"]["email"]["marketing"]["suppression"])
    found = await shop.do("profile_overview", profile=blocked["id"])
    reason = blocked["attributes"]["subscriptions"]["email"]["marketing"]["suppression"][0]["reason"]
    assert f"suppressed {reason} since" in found["consent"][0]


async def test_nobody_is_said_to_be_nobody(shop: Shop) -> None:
    found = await shop.do("profile_overview", profile="nobody@example.invalid")
    assert found["found"] is False
    assert set(found) == {"found", "warnings"}


@pytest.mark.parametrize("kind", ["list", "segment"])
async def test_an_audience_is_counted_by_channel(shop: Shop, kind: str) -> None:
    group = shop.raw(f"/api/{kind}s")[0]
    members = shop.raw(
        f"/api/{kind}s/{group['id']}/profiles", **{"additional-fields[profile]": "subscriptions", "page[size]": 100}
    )
    found = await shop.do("audience_size", audience=group["id"])
    consents = [one["attributes"]["subscriptions"] for one in members]
    assert (found["kind"], found["people"], found["complete"]) == (kind, len(members), True)
    assert found["reachable"] == {
        "email": sum(one["email"]["marketing"]["can_receive_email_marketing"] for one in consents),
        "sms": sum(one["sms"]["marketing"]["can_receive_sms_marketing"] for one in consents),
        "push": sum(one["mobile_push"]["marketing"]["can_receive_push_marketing"] for one in consents),
    }
    email = [one["email"]["marketing"] for one in consents]
    assert found["email_consent"]["never_subscribed"] == sum(one["consent"] == "NEVER_SUBSCRIBED" for one in email)
    assert found["email_consent"]["suppressed"] == sum(bool(one["suppression"]) for one in email)
    why = found["why_not_reachable"]
    assert why["sms"]["no_phone_number"] == sum(not one["attributes"]["phone_number"] for one in members)
    for channel in ("email", "sms"):
        assert sum(why[channel].values()) == len(members) - found["reachable"][channel]


async def test_what_is_no_audience_is_said(shop: Shop) -> None:
    found = await shop.do("audience_size", audience="XXXXXX")
    assert "people" not in found
    assert "Neither a list nor a segment" in found["warnings"][0]


async def test_results_are_computed_from_counts_and_compared_with_the_period_before(shop: Shop) -> None:
    found = await shop.do("performance_overview", timeframe={"key": "last_90_days"})
    covers = found["covers"]
    first, last = (datetime.fromisoformat(covers[name]).date() for name in ("first_day", "last_day"))
    assert covers["days"] == (last - first).days + 1 == 90
    assert covers["compared_with"].endswith(str(first - timedelta(days=1)))
    for kind, row in zip(("campaign", "flow"), found["totals"], strict=True):
        rows = await shop.report(kind, str(first), str(last + timedelta(days=1)))
        sums = {name: sum(one["statistics"].get(name) or 0 for one in rows) for name in COUNTS}
        mails = [one["statistics"] for one in rows if one["groupings"]["send_channel"] == "email"]
        assert (row["recipients"], row["orders"]) == (sums["recipients"], sums["conversions"])
        assert row["revenue"] == pytest.approx(sums["conversion_value"])
        opened, delivered = (sum(one[name] or 0 for one in mails) for name in ("opens_unique", "delivered"))
        assert row["open_rate"] == pytest.approx(opened / delivered, abs=1e-4)
        assert row["click_rate"] == pytest.approx(sums["clicks_unique"] / sums["delivered"], abs=1e-4)
        was = row["before"]["revenue"]
        assert row["change"].get("revenue_percent") == (
            was and pytest.approx((row["revenue"] / was - 1) * 100, abs=0.1)
        )
        assert row["change"]["open_rate_points"] == pytest.approx(
            (row["open_rate"] - row["before"]["open_rate"]) * 100, abs=0.01
        )
    rows = await shop.report("flow", str(first), str(last + timedelta(days=1)))
    clicks = sorted(
        one["statistics"]["clicks_unique"] / one["statistics"]["delivered"]
        for one in rows
        if one["statistics"]["delivered"]
    )
    least = [row["click_rate"] for row in found["least_clicked_flow_messages"]]
    assert least == pytest.approx(clicks[:3], abs=1e-4)
    best = [row["revenue_per_recipient"] for row in found["best_campaigns"]]
    assert best == sorted(best, reverse=True)
    assert all(row["name"] for row in found["best_campaigns"])
    assert "the account's revenue metric" in found["read_as"]["conversion_metric_id"]


async def test_the_best_are_those_by_what_is_asked_for(shop: Shop) -> None:
    given = {"timeframe": {"key": "last_365_days"}, "kinds": ["campaigns"], "most": 1}
    (opened,) = (await shop.do("performance_overview", rank_by="open_rate", **given))["best_campaigns"]
    (earning,) = (await shop.do("performance_overview", rank_by="revenue", **given))["best_campaigns"]
    covers = (await shop.do("performance_overview", rank_by="revenue", **given))["covers"]
    rows = await shop.report("campaign", covers["first_day"], str(datetime.now(ZONE).date() + timedelta(days=1)))
    counts = {one["groupings"]["campaign_id"]: one["statistics"] for one in rows}
    mails = [one["groupings"]["campaign_id"] for one in rows if one["groupings"]["send_channel"] == "email"]
    assert opened["id"] == max(mails, key=lambda one: counts[one]["opens_unique"] / counts[one]["delivered"])
    assert earning["id"] == max(counts, key=lambda one: counts[one]["conversion_value"])


async def test_kinds_that_are_not_asked_for_cost_no_call(shop: Shop) -> None:
    before = shop.written()
    await shop.do("performance_overview", kinds=["forms"], timeframe={"key": "last_7_days"})
    assert set(shop.written()[len(before) :]) == {"query_form_values"}


COUNTS = ("recipients", "delivered", "clicks_unique", "conversions", "conversion_value")


async def test_a_draft_is_made_with_what_it_needs_and_nothing_is_sent(shop: Shop) -> None:
    lists = {one["attributes"]["name"]: one["id"] for one in shop.raw("/api/lists")}
    friday = (datetime.now(UTC) + timedelta(days=8)).replace(hour=9, minute=0, second=0, microsecond=0)
    found = await shop.do(
        "draft_campaign",
        name="Winter sale",
        included=["name:Newsletter"],
        excluded=[lists["VIP customers"]],
        subject="Our winter sale",
        preview_text="Up to 40 % off",
        html="<p>Hello {{ first_name|default:'there' }} {% unsubscribe %}</p>",
        send_at=f"{friday:%Y-%m-%dT%H:%M:%S}",
        send_on="recipients_clock",
    )
    (campaign,) = shop.raw(f"/api/campaigns/{found['campaign_id']}")
    made = campaign["attributes"]
    assert made["status"] == found["status"] == "Draft"
    assert made["audiences"] == {"included": [lists["Newsletter"]], "excluded": [lists["VIP customers"]]}
    assert made["send_strategy"]["options"]["is_local"] is True
    assert made["send_strategy"]["datetime"].startswith(f"{friday:%Y-%m-%dT%H:%M:%S}")
    (message,) = shop.raw(f"/api/campaigns/{found['campaign_id']}/campaign-messages")
    content = message["attributes"]["definition"]["content"]
    account = shop.raw("/api/accounts")[0]["attributes"]["contact_information"]
    assert (content["subject"], content["preview_text"]) == ("Our winter sale", "Up to 40 % off")
    assert content["from_email"] == account["default_sender_email"]
    assert content["from_label"] == account["default_sender_name"]
    (template,) = shop.raw(f"/api/campaign-messages/{message['id']}/template")
    assert "first_name" in template["attributes"]["html"]
    assert found["recipients_estimate"] == _reached(shop, lists["Newsletter"], lists["VIP customers"])
    assert (found["sent"], found["ready"], found["problems"]) == (False, True, [])
    assert found["undo"]["arguments"] == {"id": found["campaign_id"]}
    assert "send_campaign" not in shop.written()


def _reached(shop: Shop, included: str, excluded: str) -> int:
    """How many people email reaches of one list without another."""

    def members(group: str) -> dict[str, bool]:
        query = {"additional-fields[profile]": "subscriptions", "page[size]": 100}
        return {
            one["id"]: one["attributes"]["subscriptions"]["email"]["marketing"]["can_receive_email_marketing"]
            for one in shop.raw(f"/api/lists/{group}/profiles", **query)
        }

    left_out = members(excluded)
    return sum(can for one, can in members(included).items() if one not in left_out)


@pytest.mark.parametrize(
    ("send_on", "strategy"),
    [
        ("account_clock", {"method": "static", "datetime": "2030-12-06T17:00:00+00:00"}),
        ("best_hour", {"method": "smart_send_time", "date": "2030-12-06"}),
    ],
)
async def test_a_draft_goes_by_the_clock_that_is_asked_for(shop: Shop, send_on: str, strategy: JSON) -> None:
    template = shop.raw("/api/templates")[0]
    found = await shop.do(
        "draft_campaign",
        name="Later",
        included=["name:VIP customers"],
        subject="Later",
        template_id=template["id"],
        from_label="Ada",
        send_at="2030-12-06T09:00:00",
        send_on=send_on,
    )
    made = shop.raw(f"/api/campaigns/{found['campaign_id']}")[0]["attributes"]["send_strategy"]
    if "datetime" in strategy:
        assert datetime.fromisoformat(made.pop("datetime")) == datetime.fromisoformat(strategy.pop("datetime"))
    assert strategy.items() <= made.items()
    assert found["from"].startswith("Ada ")


async def test_a_text_is_drafted_too_and_what_an_email_lacks_is_told(shop: Shop) -> None:
    text = await shop.do(
        "draft_campaign", name="Hey", channel="sms", included=["name:SMS subscribers"], body="We open today."
    )
    (message,) = shop.raw(f"/api/campaigns/{text['campaign_id']}/campaign-messages")
    assert message["attributes"]["definition"]["content"]["body"].startswith("We open today.")
    assert "from" not in text
    bare = await shop.do("draft_campaign", name="Bare", included=["name:Newsletter"], subject="No template")
    assert bare["ready"] is False
    assert "template" in bare["problems"][0]


async def test_a_draft_that_breaks_off_says_what_is_there(shop: Shop) -> None:
    fault = {"operation": "refresh_campaign_recipient_estimation", "fault": "status", "status": 500, "count": 9}
    httpx2.post(f"{shop.url}/_sandbox/faults", json=[fault])
    try:
        error = await shop.fail("draft_campaign", name="Half", included=["name:Newsletter"], subject="Half")
    finally:
        httpx2.post(f"{shop.url}/_sandbox/faults", json=[])
    assert error["code"] == "stopped_midway"
    (made,) = shop.raw(f"/api/campaigns/{error['done_so_far']['campaign_id']}")
    assert made["attributes"]["name"] == "Half"
    assert "before you call again" in error["next_step"]


async def test_what_is_wrong_with_a_draft_is_told_by_its_own_arguments_and_nothing_is_made(shop: Shop) -> None:
    before = len(shop.raw("/api/campaigns", filter='equals(messages.channel,"email")'))
    late = await shop.fail(
        "draft_campaign", name="Late", included=["name:Newsletter"], subject="Late", send_at="2020-01-01T09:00:00"
    )
    assert late["problems"][0]["argument"] == "send_at"
    unknown = await shop.fail(
        "draft_campaign", name="To whom", included=["XXXXXX"], subject="Hello", html="<p>Hello</p>"
    )
    assert unknown["problems"][0]["argument"] == "included[0]"
    assert len(shop.raw("/api/campaigns", filter='equals(messages.channel,"email")')) == before


async def test_of_a_large_audience_is_said_what_was_looked_at_and_what_is_estimated(registry: Registry) -> None:
    with serve(create_app(rate_limits=False, profiles=1_800)) as url:
        shop = Shop(url, registry)
        # The first request fills the shop, which on a busy machine takes longer than a call waits.
        httpx2.get(f"{url}/api/lists", timeout=120)
        found = await shop.do("audience_size", audience="name:Newsletter")
        await shop.endpoint.close()
    assert found["people"] > found["looked_at"] == 1_000
    assert found["complete"] is False
    share = found["reachable"]["email"] / 1_000
    assert found["estimated"]["email"] == pytest.approx(share * found["people"], abs=1)
    assert "Only the people in looked_at" in found["notes"][0]


async def test_what_a_grant_does_not_allow_is_left_out_of_the_page(shop: Shop) -> None:
    person = shop.raw("/api/profiles", **{"page[size]": 100})[0]
    granted = GrantedAccess("shop", lambda: ["profiles:read", "events:read"])
    shop.accounts = OneAccount(replace(shop.accounts.account, access=granted), shop.endpoint)
    found = await shop.do("profile_overview", profile=person["id"])
    assert found["who"]["id"] == person["id"]
    assert found["events"]
    assert {one["code"] for one in found["not_read"]} == {"scope_missing"}
    assert "the lists they are on" in [one["what"] for one in found["not_read"]]


async def test_each_action_answers_its_own_examples_in_words_of_its_own(shop: Shop, registry: Registry) -> None:
    for name in sorted(EVERYDAY):
        spec = registry[name].spec
        assert 6 <= len(spec.asks) <= 12, name
        if isinstance(spec.request, StepsRequest) and spec.effect == "read":
            for example in spec.examples:
                response = await answer_call(shop.engine, shop.accounts, Call(name, example.arguments))
                assert "internal_error" not in response.text
                assert "not_put_together" not in response.text

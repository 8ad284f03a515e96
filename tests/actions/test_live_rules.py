"""Rules that look into the account: what they cost, what is said where they cannot look, and what only warns."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from klaviyo_mcp.accounts.account import Account, OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.permissions import GrantedAccess
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.likeness import is_a_slip
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.answering import answer_call, preview_call
from klaviyo_sandbox import API_KEY, create_app
from klaviyo_sandbox.testing import serve

JSON = dict[str, Any]


class Shop:
    """A sandbox over HTTP and an engine with or without live rules."""

    def __init__(self, url: str, registry: Registry) -> None:
        self.url = url
        self.endpoint = Endpoint(url, pace=False)
        self.account: Account = open_account("shop", self.endpoint, api_key=API_KEY)
        self.accounts = OneAccount(self.account, self.endpoint)
        self.engine = Engine(registry, max_wait=0)
        self.blind = Engine(registry, max_wait=0, live_checks=False)

    async def do(self, action: str, /, **arguments: Any) -> JSON:
        return (await answer_call(self.engine, self.accounts, Call(action, arguments))).answer.data

    async def preview(self, action: str, /, **arguments: Any) -> JSON:
        return (await preview_call(self.engine, self.accounts, Call(action, arguments))).answer.data

    def seen(self) -> list[str]:
        return [entry["operation"] for entry in httpx2.get(f"{self.url}/_sandbox/requests").json()]

    def fail(self, operation: str, **fault: Any) -> None:
        given = {"operation": operation, "fault": "status", "count": 20, **fault}
        assert httpx2.post(f"{self.url}/_sandbox/faults", json=[given]).is_success


@pytest.fixture
def url() -> Iterator[str]:
    with serve(create_app(rate_limits=False)) as url:
        yield url


@pytest.fixture
async def shop(url: str, registry: Registry) -> AsyncIterator[Shop]:
    made = Shop(url, registry)
    yield made
    await made.endpoint.close()


async def test_what_cannot_be_looked_up_is_a_warning_and_the_write_is_made(shop: Shop) -> None:
    shop.fail("get_tags", status=503)
    made = await shop.do("create_tag", name="Autumn")
    assert made["record"]["name"] == "Autumn"
    assert len([text for text in made["warnings"] if text.startswith("Not checked beforehand")]) == 2
    assert "get_tags could not tell (server_error)" in str(made["warnings"])


async def test_what_the_grant_does_not_let_us_read_is_a_warning_and_is_not_asked_for(shop: Shop) -> None:
    group = (await shop.do("get_lists"))["records"][0]["id"]
    spec = shop.engine.registry["bulk_suppress_profiles"].spec
    granted = GrantedAccess("shop", lambda: spec.scopes)
    shop.accounts = OneAccount(replace(shop.account, access=granted), shop.endpoint)
    shown = await shop.preview(spec.name, list_id=group)
    assert "get_list could not tell (scope_missing)" in str(shown["warnings"])
    made = await shop.do(spec.name, list_id=group)
    assert made["status"] == "accepted"
    assert "whether it is there. get_list could not tell (scope_missing)" in str(made["warnings"])
    assert "get_list" not in shop.seen()


async def test_no_rule_looks_where_that_is_turned_off(shop: Shop) -> None:
    taken = (await shop.do("get_tags"))["records"][0]["name"]
    before = len(shop.seen())
    answer = (await answer_call(shop.blind, shop.accounts, Call("create_tag", {"name": taken}))).answer.data
    assert answer["error"]["code"] == "conflict"
    assert shop.seen()[before:] == ["create_tag"]


async def test_what_was_read_is_kept_for_the_next_call_until_a_write(shop: Shop) -> None:
    for _ in range(3):
        await shop.preview("create_tag", name="Autumn")
    await shop.do("create_tag", name="Autumn")
    assert shop.seen().count("get_tags") == 2, "how many there are, and those of this name"
    await shop.do("create_tag", name="Winter")
    assert shop.seen().count("get_tags") == 4


async def test_what_a_rule_has_read_is_not_read_again_for_what_the_call_would_do(shop: Shop) -> None:
    group = (await shop.do("get_lists"))["records"][0]["id"]
    await shop.preview("update_list", id=group, name="New")
    assert shop.seen().count("get_list") == 1
    await shop.preview("update_list", id=group, name="New")
    assert shop.seen().count("get_list") == 2, "what is shown is so now, not some seconds ago"
    await shop.do("update_list", id=group, name="New")
    assert shop.seen().count("get_list") == 2, "nothing is shown, and the rule's reading is kept"


async def test_nobody_is_refused_for_what_was_so_a_moment_ago(shop: Shop) -> None:
    taken = (await shop.do("create_tag", name="Short-lived"))["record"]["id"]
    assert "error" in await shop.preview("create_tag", name="Short-lived")
    headers = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-07-15"}
    assert httpx2.delete(f"{shop.url}/api/tags/{taken}", headers=headers).is_success
    assert "record" in await shop.do("create_tag", name="Short-lived")


async def test_a_rule_that_was_kept_is_read_by_no_other_account(shop: Shop) -> None:
    group = (await shop.do("get_lists"))["records"][0]["id"]
    await shop.preview("update_list", id=group, name="New")
    other = open_account("other", shop.endpoint, api_key="pk_unknown")
    assert other.glimpses is not shop.account.glimpses


async def test_properties_that_say_nothing_are_told_before_and_after(shop: Shop) -> None:
    event = {
        "metric": {"name": "Visited Booth"},
        "profile": {"email": "ada@example.org"},
        "properties": {"Coupon": "", "Discount": 0, "Gift": False, "Note": "Thanks"},
    }
    shown = await shop.preview("create_event", **event)
    assert "properties: hold nothing: Coupon and Discount" in str(shown["warnings"])
    assert "create_event" not in shop.seen()
    made = await shop.do("create_event", **event)
    assert made["status"] == "accepted"
    assert "properties: hold nothing: Coupon and Discount" in str(made["warnings"])
    event["properties"] = {"Note": "Thanks"}
    assert "warnings" not in await shop.do("create_event", **event)


async def test_an_event_that_is_there_twice_is_told(shop: Shop) -> None:
    one = {"metric": {"name": "Placed Order"}, "unique_id": "order-1", "properties": {}}
    other = {"metric": {"name": "Placed Order"}, "unique_id": "order-2", "properties": {}}
    groups = [{"profile": {"email": "ada@example.org"}, "events": [one, other, one]}]
    shown = await shop.preview("bulk_create_events", groups=groups)
    assert "groups[0].events[2]: has the same metric.name and unique_id as groups[0].events[0]" in str(
        shown["warnings"]
    )
    assert "error" not in await shop.do("create_event", profile={"email": "ada@example.org"}, **one)
    again = await shop.do("create_event", profile={"email": "ada@example.org"}, **one)
    assert "'order-1' was sent less than a day ago" in str(again["warnings"])


async def test_rows_with_one_address_are_told_and_all_are_imported(shop: Shop) -> None:
    rows = [{"email": "Ada@example.org"}, {"email": "grace@example.org"}, {"email": "ada@EXAMPLE.org"}]
    made = await shop.do("bulk_import_profiles", profiles=rows)
    (warning,) = made["warnings"]
    assert warning.startswith("profiles[2]: has the same email as profiles[0]")


async def test_an_event_of_a_name_that_an_integration_has_is_told_to_be_of_another_metric(shop: Shop) -> None:
    event = {"profile": {"email": "ada@example.org"}, "properties": {"Note": "Thanks"}}
    for _ in range(2):  # also when the one that events sent here have is there
        made = await shop.do("create_event", metric={"name": "Placed Order"}, **event)
        assert '"Placed Order" is also the name of a metric of "Shopify"' in str(made["warnings"])
    assert "warnings" not in await shop.do("create_event", metric={"name": "Visited Booth"}, **event)
    assert "warnings" not in await shop.do("create_event", metric={"name": "Visited Booth"}, **event)


async def test_who_was_subscribed_just_now_is_named(shop: Shop) -> None:
    consent = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
    first = {"profiles": [{"email": "ada@example.org", "subscriptions": consent}]}
    both = {"profiles": [*first["profiles"], {"email": "grace@example.org", "subscriptions": consent}]}
    assert "30 minutes" not in str((await shop.do("bulk_subscribe_profiles", **first)).get("warnings"))
    shown = await shop.preview("bulk_subscribe_profiles", **both)
    assert "profiles[0].email: 'ada@example.org' was subscribed less than 30 minutes ago" in str(shown)
    assert "grace" not in str(shown.get("not_known"))
    made = await shop.do("bulk_subscribe_profiles", **both)
    assert "'ada@example.org' was subscribed less than 30 minutes ago" in str(made["warnings"])


async def test_a_metric_and_a_person_that_are_new_by_a_slip_are_told(shop: Shop) -> None:
    await shop.do("create_profile", email="ada.lovelace@example.org")
    event = {"metric": {"name": "Placed Ordr"}, "profile": {"email": "ada.lovlace@example.org"}, "properties": {}}
    shown = await shop.preview("create_event", **event)
    assert "'Placed Ordr' is a new metric, one letter from" in " ".join(shown["not_known"])
    event = {"metric": {"name": "Placed Order"}, "profile": {"email": "ada.lovellace@example.org"}, "properties": {}}
    made = await shop.do("create_event", **event)
    assert made["status"] == "accepted"
    assert "'ada.lovellace@example.org' is a new profile, one letter from" in " ".join(made["warnings"])
    event |= {"metric": {"name": "Visited Booth"}, "profile": {"email": "ada.lovelace@example.org"}}
    assert "warnings" not in await shop.do("create_event", **event)


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [
        ("order", "ordr", True),
        ("order", "oredr", True),
        ("order", "ordee", True),
        ("order", "orderr", True),
        ("order", "order", False),
        ("order", "oders", False),
        ("", "a", True),
    ],
)
def test_a_slip_is_one_letter(one: str, other: str, slip: bool) -> None:
    assert is_a_slip(one, other) is slip
    assert is_a_slip(other, one) is slip

"""The demo shop: the same for the same seed, believable, and always up to date."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from klaviyo_sandbox import OTHER_API_KEY, ManualClock
from klaviyo_sandbox.api.campaign_shapes import STATUSES

AT_REVISION = "2026-07-15"


def everything(talk):
    return {
        path: talk.walk(path)
        for path in ("/api/profiles?page[size]=100", "/api/events?page[size]=1000", "/api/lists", "/api/metrics")
    }


def test_the_same_seed_and_clock_make_the_same_shop(make_sandbox):
    assert everything(make_sandbox()) == everything(make_sandbox())


def test_a_shop_may_have_no_customers(make_sandbox):
    talk = make_sandbox(profiles=0)
    assert talk.walk("/api/profiles") == []
    assert talk.walk("/api/lists?fields[list]=name") != []


def test_another_seed_makes_other_people(make_sandbox):
    ids = [{item["id"] for item in make_sandbox(seed=seed).walk("/api/profiles?page[size]=100")} for seed in (1, 2)]
    assert not ids[0] & ids[1]


def test_ids_depend_on_the_seed_and_not_on_the_clock(make_sandbox):
    later = make_sandbox(clock=ManualClock(datetime(2027, 3, 1, tzinfo=UTC)))
    for path in ("/api/profiles?page[size]=100&fields[profile]=email", "/api/lists?fields[list]=name", "/api/tags"):
        assert later.walk(path) == make_sandbox().walk(path)


def test_what_is_made_later_has_the_same_ids_in_every_run(make_sandbox):
    def made(talk):
        return [talk.create_list("A"), talk.create_list("B"), talk.create_profile(email="ana@example.org")]

    first, second = made(make_sandbox()), made(make_sandbox())
    assert first == second
    assert len(set(first)) == 3


def test_there_are_as_many_profiles_as_asked_for(make_sandbox):
    assert len(make_sandbox(profiles=23).walk("/api/profiles?page[size]=100")) == 23


def test_everything_has_happened_by_now_and_orders_go_back_a_year(shop):
    events = shop.walk("/api/events?page[size]=1000")
    now = shop.clock.now()
    moments = [datetime.fromisoformat(event["attributes"]["datetime"]) for event in events]
    assert max(moments) <= now
    placed = shop.metric_id("Placed Order")
    orders = [m for m, e in zip(moments, events, strict=True) if e["relationships"]["metric"]["data"]["id"] == placed]
    assert max(orders) > now - timedelta(days=14)
    assert min(orders) < now - timedelta(days=300)


def test_maya_lindqvist_is_a_customer_to_show(shop):
    maya = shop.profile("maya.lindqvist@example.org")
    assert (maya["attributes"]["first_name"], maya["attributes"]["last_name"]) == ("Maya", "Lindqvist")
    assert maya["attributes"]["phone_number"].startswith("+1503555")
    lists = {item["attributes"]["name"] for item in shop.data(f"/api/profiles/{maya['id']}/lists")}
    assert {"Newsletter", "VIP customers", "SMS subscribers"} <= lists
    assert shop.subscriptions("maya.lindqvist@example.org")["email"]["marketing"]["consent"] == "SUBSCRIBED"


def test_people_have_addresses_nobody_owns_and_unique_identifiers(shop):
    people = [item["attributes"] for item in shop.walk("/api/profiles?page[size]=100")]
    domains = {person["email"].split("@")[1] for person in people if person["email"]}
    assert {domain for domain in domains if not domain.endswith(".example")} == {"example.org", "example.net"}
    for name in ("email", "external_id", "phone_number"):
        values = [person[name] for person in people if person[name] is not None]
        assert len(values) == len(set(values)) > 30


def test_campaigns_are_in_every_stage(shop):
    email = shop.data("/api/campaigns?filter=equals(messages.channel,'email')")
    statuses = Counter(item["attributes"]["status"] for item in email)
    assert statuses == {**dict.fromkeys(STATUSES, 1), "Sent": 7, "Draft": 2}
    for campaign in (item["attributes"] for item in email):
        if campaign["status"] in ("Sent", "Variations Sent"):
            assert campaign["created_at"] < campaign["scheduled_at"] < campaign["send_time"]
        if campaign["status"] == "Scheduled":
            assert datetime.fromisoformat(campaign["send_time"]) > shop.clock.now()


def test_what_profiles_say_about_orders_agrees_with_their_events(shop):
    placed = shop.metric_id("Placed Order")
    orders = shop.walk(f'/api/events?filter=equals(metric_id,"{placed}")&page[size]=1000')
    counted = Counter(event["relationships"]["profile"]["data"]["id"] for event in orders)
    for profile in shop.walk("/api/profiles?page[size]=100"):
        assert profile["attributes"]["properties"]["Orders"] == counted[profile["id"]]


def test_the_other_company_is_a_shop_of_its_own(shop):
    (account,) = shop.data("/api/accounts", key=OTHER_API_KEY)
    assert account["attributes"]["contact_information"]["organization_name"] == "Lumen Coffee"
    assert {item["attributes"]["name"] for item in shop.data("/api/lists", key=OTHER_API_KEY)} >= {"Newsletter"}


def test_a_tag_is_on_what_it_names(shop):
    document = shop.get("/api/lists?include=tags").json()
    tagged = {
        item["attributes"]["name"]: [tag["id"] for tag in item["relationships"]["tags"]["data"]]
        for item in document["data"]
    }
    names = {item["id"]: item["attributes"]["name"] for item in document["included"]}
    assert [names[tag] for tag in tagged["VIP customers"]] == ["VIP"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tom.halvorsen", "UNSUBSCRIBE"),
        ("priya.nair", "SPAM_COMPLAINT"),
        ("jonas.keller", "HARD_BOUNCE"),
        ("rosa.delgado", "INVALID_EMAIL"),
        ("ada.whitlock", "USER_SUPPRESSED"),
    ],
)
def test_there_is_somebody_suppressed_for_each_reason(shop, name, reason):
    marketing = shop.subscriptions(f"{name}@people.example")["email"]["marketing"]
    assert [one["reason"] for one in marketing["suppression"]] == [reason]
    assert marketing["can_receive_email_marketing"] is False


def test_there_is_somebody_who_left_one_list(shop):
    marketing = shop.subscriptions("liam.osei@people.example")["email"]["marketing"]
    assert [one["list_id"] for one in marketing["list_suppressions"]] == [shop.list_id("Newsletter")]
    assert marketing["suppression"] == []


def test_there_is_somebody_without_any_consent_and_somebody_with_texts_only(shop):
    grace = shop.subscriptions("grace.okafor@people.example")
    assert grace["email"]["marketing"]["consent"] == grace["sms"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"
    asked = 'filter=equals(phone_number,"%2B15035550142")&additional-fields[profile]=subscriptions'
    (mei,) = shop.data(f"/api/profiles?{asked}")
    assert mei["attributes"]["email"] is None
    assert mei["attributes"]["subscriptions"]["sms"]["marketing"]["can_receive_sms_marketing"] is True


def test_there_is_somebody_who_was_merged_and_is_found_by_both_addresses(sandbox):
    emil = sandbox.profile("emil.sorensen@people.example")
    body = {"data": {"type": "profile", "attributes": {"email": "e.sorensen@people.example", "title": "Guide"}}}
    answer = sandbox.post("/api/profile-import", body)
    assert (answer.status_code, answer.json()["data"]["id"]) == (200, emil["id"])


def test_there_is_somebody_who_has_not_confirmed_the_newsletter_yet(sandbox):
    address = "ines.moreau@people.example"
    assert sandbox.subscriptions(address)["email"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"
    assert sandbox.post("/_sandbox/confirm", {"contact": address}).status_code == 200
    assert sandbox.subscriptions(address)["email"]["marketing"]["consent"] == "SUBSCRIBED"
    newsletter = sandbox.list_id("Newsletter")
    profile = sandbox.profile(address)["id"]
    assert newsletter in [group["id"] for group in sandbox.data(f"/api/profiles/{profile}/lists")]


def test_a_flow_is_in_use_by_each_kind_of_trigger(shop):
    flows = shop.walk('/api/flows?filter=equals(status,"live")')
    kinds = set()
    for flow in flows:
        shown = shop.data(f"/api/flows/{flow['id']}?additional-fields[flow]=definition")["attributes"]["definition"]
        kinds |= {trigger["type"] for trigger in shown["triggers"]}
    assert kinds == {"metric", "list", "segment", "date", "price-drop", "low-inventory"}


def test_what_is_rare_does_not_change_by_itself(sandbox):
    def statuses():
        found = sandbox.walk("/api/campaigns?filter=equals(messages.channel,'email')")
        return {item["attributes"]["name"]: item["attributes"]["status"] for item in found}

    before = statuses()
    sandbox.clock.advance(86400)
    assert statuses() == before


def test_a_shop_too_small_for_everybody_is_made_all_the_same(make_sandbox):
    assert [len(make_sandbox(profiles=number).walk("/api/profiles")) for number in (1, 4)] == [1, 4]


def test_nobody_gets_texts_where_the_shop_has_no_number_to_send_from(shop):
    everybody = shop.walk("/api/profiles?page[size]=100&additional-fields[profile]=subscriptions")
    asked = [item["attributes"] for item in everybody if item["attributes"]["phone_number"]]
    abroad = [person for person in asked if not person["phone_number"].startswith("+1")]
    assert abroad
    assert {person["subscriptions"]["sms"]["marketing"]["consent"] for person in abroad} == {"NEVER_SUBSCRIBED"}
    assert any(person["subscriptions"]["sms"]["marketing"]["consent"] == "SUBSCRIBED" for person in asked)

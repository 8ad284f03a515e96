"""The demo shop: the same for the same seed, believable, and always up to date."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from klaviyo_sandbox import OTHER_API_KEY, ManualClock


def everything(talk):
    return {
        path: talk.walk(path)
        for path in ("/api/profiles?page[size]=100", "/api/events?page[size]=1000", "/api/lists", "/api/metrics")
    }


def test_the_same_seed_and_clock_make_the_same_shop(make_sandbox):
    assert everything(make_sandbox()) == everything(make_sandbox())


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
    domains = {person["email"].split("@")[1] for person in people}
    assert {domain for domain in domains if not domain.endswith(".example")} == {"example.org", "example.net"}
    for name in ("email", "external_id", "phone_number"):
        values = [person[name] for person in people if person[name] is not None]
        assert len(values) == len(set(values)) > 30


def test_campaigns_are_in_every_stage(shop):
    email = shop.data("/api/campaigns?filter=equals(messages.channel,'email')")
    statuses = Counter(item["attributes"]["status"] for item in email)
    assert statuses == {"Sent": 7, "Scheduled": 1, "Draft": 2, "Cancelled: No Recipients": 1}
    for campaign in (item["attributes"] for item in email):
        if campaign["status"] == "Sent":
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

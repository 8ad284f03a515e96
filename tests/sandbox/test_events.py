"""Events: accepted at once, processed into events, metrics and profiles, deduplicated, sometimes silently dropped."""

import re

import pytest

from klaviyo_sandbox.facts import REVISION


def track(sandbox, profile, metric="Tested", properties=None, status=202, service=None, **attributes):
    metric_attributes = {"name": metric, **({"service": service} if service else {})}
    identifier = {"id": profile.pop("id")} if "id" in profile else {}
    body = {
        "data": {
            "type": "event",
            "attributes": {
                "properties": properties or {},
                "metric": {"data": {"type": "metric", "attributes": metric_attributes}},
                "profile": {"data": {"type": "profile", **identifier, "attributes": profile}},
                **attributes,
            },
        }
    }
    answer = sandbox.post("/api/events", body)
    assert answer.status_code == status, answer.text
    return answer


PATCH = {"patch_properties": {"append": {"sizes": "M"}}}
BESIDE = {"type": "profile", "attributes": {}, "meta": PATCH}
INSIDE = {"type": "profile", "attributes": {"meta": PATCH}}


def events_of(sandbox, email):
    profile = sandbox.profile(email)
    return sandbox.data(f'/api/events?filter=equals(profile_id,"{profile["id"]}")') if profile else []


def test_an_event_is_accepted_without_a_word_and_makes_its_metric_and_profile(sandbox):
    answer = track(
        sandbox, {"email": "ana@example.org", "first_name": "Ana"}, "First Test", {"colour": "red"}, value=9.99
    )
    assert (answer.status_code, answer.content) == (202, b"")
    (event,) = events_of(sandbox, "ana@example.org")
    assert re.fullmatch(r"[0-9A-Za-z]{11}", event["id"])
    assert event["attributes"]["datetime"] == "2026-11-16T12:00:00+00:00"
    assert event["attributes"]["timestamp"] == 1794830400
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", event["attributes"]["uuid"])
    assert event["attributes"]["event_properties"] == {"colour": "red", "$event_id": "1794830400", "$value": 9.99}
    metric = event["relationships"]["metric"]["data"]
    assert metric == {"type": "metric", "id": sandbox.metric_id("First Test")}
    integration = sandbox.data(f"/api/metrics/{metric['id']}")["attributes"]["integration"]
    assert (integration["name"], integration["category"]) == ("API", "API")
    assert sandbox.data(f"/api/events/{event['id']}") == event
    profile = sandbox.profile("ana@example.org")
    assert event["relationships"]["profile"]["data"] == {"type": "profile", "id": profile["id"]}
    assert profile["attributes"]["first_name"] == "Ana"
    assert profile["attributes"]["last_event_date"] == "2026-11-16T12:00:00+00:00"


def test_the_first_event_with_a_unique_id_wins(sandbox):
    ana = {"email": "ana@example.org"}
    track(sandbox, dict(ana), properties={"n": 1}, unique_id="one")
    track(sandbox, dict(ana), properties={"n": 2}, unique_id="one")
    track(sandbox, dict(ana), properties={"n": 3}, unique_id="two")
    track(sandbox, dict(ana), metric="Other", properties={"n": 4}, unique_id="one")
    track(sandbox, {"email": "ben@example.org"}, properties={"n": 5}, unique_id="one")
    assert sorted(event["attributes"]["event_properties"]["n"] for event in events_of(sandbox, "ana@example.org")) == [
        1,
        3,
        4,
    ]
    assert len(events_of(sandbox, "ben@example.org")) == 1


def test_without_a_unique_id_there_is_one_event_per_second(sandbox):
    for _ in range(3):
        track(sandbox, {"email": "ana@example.org"})
    sandbox.clock.advance(1)
    track(sandbox, {"email": "ana@example.org"})
    assert len(events_of(sandbox, "ana@example.org")) == 2


def test_properties_without_a_value_are_ignored(sandbox):
    track(sandbox, {"email": "ana@example.org"}, properties={"a": None, "b": "", "c": 0, "d": False, "e": [], "f": "0"})
    (event,) = events_of(sandbox, "ana@example.org")
    assert event["attributes"]["event_properties"] == {"d": False, "e": [], "f": "0", "$event_id": "1794830400"}


@pytest.mark.parametrize("email", ["ana@example.com", "ANA@Example.com", "ana@test.com"])
def test_events_of_test_addresses_are_dropped_silently(sandbox, email):
    track(sandbox, {"email": email}, "Dropped")
    assert sandbox.profile(email) is None
    assert "Dropped" not in {metric["attributes"]["name"] for metric in sandbox.data("/api/metrics")}


def test_an_event_updates_the_profile_it_is_about(sandbox):
    profile = sandbox.create_profile(email="ana@example.org", first_name="Ana", properties={"sizes": ["S"]})
    track(sandbox, {"email": "ana@example.org", "last_name": "Berg", "properties": {"colour": "red"}})
    track(sandbox, {"id": profile, "title": "Owner"}, unique_id="two")
    attributes = sandbox.data(f"/api/profiles/{profile}")["attributes"]
    assert (attributes["first_name"], attributes["last_name"]) == ("Ana", "Berg")
    assert (attributes["title"], attributes["properties"]) == ("Owner", {"sizes": ["S"], "colour": "red"})
    assert len(events_of(sandbox, "ana@example.org")) == 2


@pytest.mark.parametrize(("revision", "place", "other"), [(REVISION, BESIDE, INSIDE), ("2026-07-15", INSIDE, BESIDE)])
def test_what_changes_lists_of_the_profile_stands_where_the_revision_has_it(sandbox, revision, place, other):
    metric = {"data": {"type": "metric", "attributes": {"name": "Tested"}}}
    profile = sandbox.create_profile(email="ana@example.org", properties={"sizes": ["S"]})

    def send(extra):
        attributes = {"properties": {}, "metric": metric, "profile": {"data": {"id": profile, **extra}}}
        return sandbox.post("/api/events", {"data": {"type": "event", "attributes": attributes}}, revision=revision)

    assert send(place).status_code == 202
    assert sandbox.data(f"/api/profiles/{profile}")["attributes"]["properties"] == {"sizes": ["S", "M"]}
    assert sandbox.problem(send(other), 400)["source"]["pointer"].endswith("/meta")


def test_an_event_may_know_its_profile_by_anonymous_id_alone(sandbox):
    track(sandbox, {"anonymous_id": "browser-1"}, unique_id="one")
    track(sandbox, {"anonymous_id": "browser-1", "email": "ana@example.org"}, unique_id="two")
    assert len(events_of(sandbox, "ana@example.org")) == 2


def test_an_event_does_not_fail_over_an_identifier_of_somebody_else(sandbox):
    sandbox.create_profile(external_id="taken", email="ben@example.org")
    track(sandbox, {"email": "ana@example.org", "external_id": "taken"})
    assert len(events_of(sandbox, "ana@example.org")) == 1
    assert sandbox.profile("ana@example.org")["attributes"]["external_id"] is None


def test_an_external_id_of_an_event_may_be_a_number(sandbox):
    track(sandbox, {"email": "ana@example.org", "external_id": 4711})
    profile = sandbox.profile("ana@example.org")
    assert profile["attributes"]["external_id"] == 4711
    track(sandbox, {"external_id": 4711, "first_name": "Ana"}, unique_id="second")
    assert sandbox.data(f"/api/profiles/{profile['id']}")["attributes"]["first_name"] == "Ana"


def test_an_event_completes_the_identifiers_of_the_profile_it_knows(sandbox):
    profile = sandbox.create_profile(external_id="till-7")
    track(sandbox, {"email": "ana@example.org", "external_id": "till-7"})
    assert sandbox.profile("ana@example.org")["id"] == profile


def test_a_metric_of_another_service_is_another_metric(sandbox):
    track(sandbox, {"email": "ana@example.org"}, "Placed Order", unique_id="one")
    track(sandbox, {"email": "ana@example.org"}, "Placed Order", service="shopify", unique_id="two")
    names = [metric["attributes"]["name"] for metric in sandbox.data("/api/metrics")]
    assert names.count("Placed Order") == 2


def test_an_event_is_dated_when_it_says_or_when_it_arrived(sandbox):
    track(sandbox, {"email": "ana@example.org"}, time="2026-05-01T10:00:00.9+02:00", unique_id="past")
    track(sandbox, {"email": "ana@example.org"}, time="2027-11-16T11:00:00Z", unique_id="future")
    moments = [event["attributes"]["datetime"] for event in events_of(sandbox, "ana@example.org")]
    assert moments == ["2027-11-16T11:00:00+00:00", "2026-05-01T08:00:00+00:00"]
    assert sandbox.profile("ana@example.org")["attributes"]["last_event_date"] == "2027-11-16T11:00:00+00:00"


@pytest.mark.parametrize("time", ["1989-12-31T23:59:59Z", "2027-11-17T00:00:00Z", "yesterday", 1794830400])
def test_a_time_out_of_bounds_is_refused(sandbox, time):
    answer = track(sandbox, {"email": "ana@example.org"}, status=400, time=time)
    assert sandbox.problem(answer, 400)["source"] == {"pointer": "/data/attributes/time"}


def test_an_event_needs_somebody_it_is_about(sandbox):
    assert sandbox.problem(track(sandbox, {"first_name": "Ana"}, status=400), 400)


@pytest.mark.parametrize(
    "wrong",
    [
        {"metric": "m" * 128},
        {"metric": ""},
        {"properties": {str(number): 1 for number in range(401)}},
        {"properties": {"a": "x" * (100 * 1024 + 1)}},
        {"properties": {"a": [1] * 4001}},
        {"properties": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": {"j": {"k": 1}}}}}}}}}}}},
        {"unique_id": ""},
        {"unique_id": "u" * 256},
        {"value": "9.99"},
        {"value_currency": "euro"},
        {"colour": "red"},
    ],
)
def test_what_exceeds_the_limits_of_an_event_is_refused(sandbox, wrong):
    track(sandbox, {"email": "ana@example.org"}, status=400, **wrong)
    assert sandbox.profile("ana@example.org") is None


def test_what_just_fits_is_accepted(sandbox):
    properties = {str(number): 1 for number in range(399)} | {
        "deep": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": 1}}}}}}}}
    }
    track(
        sandbox, {"email": "ana@example.org"}, "m" * 127, properties, unique_id="u" * 255, value=0, value_currency="EUR"
    )
    (event,) = events_of(sandbox, "ana@example.org")
    assert event["attributes"]["event_properties"]["$value"] == 0
    assert event["attributes"]["event_properties"]["$value_currency"] == "EUR"


def test_nothing_can_be_seen_before_the_event_was_processed(make_sandbox):
    sandbox = make_sandbox(event_delay=90.0)
    track(sandbox, {"email": "ana@example.org"}, "Late")
    sandbox.clock.advance(89)
    assert sandbox.profile("ana@example.org") is None
    sandbox.clock.advance(1)
    (event,) = events_of(sandbox, "ana@example.org")
    assert event["attributes"]["datetime"] == "2026-11-16T12:00:00+00:00"
    assert sandbox.metric_id("Late")


def test_events_come_newest_first_unless_asked_otherwise(shop):
    stamps = [event["attributes"]["timestamp"] for event in shop.data("/api/events?page[size]=100")]
    assert stamps == sorted(stamps, reverse=True)
    stamps = [event["attributes"]["timestamp"] for event in shop.data("/api/events?page[size]=100&sort=datetime")]
    assert stamps == sorted(stamps)


def test_events_are_found_by_metric_and_profile(shop):
    placed, opened = shop.metric_id("Placed Order"), shop.metric_id("Opened Email")
    for text, wanted in (
        (f'equals(metric_id,"{placed}")', {placed}),
        (f'equals(metric_id,["{placed}","{opened}"])', {placed, opened}),
    ):
        found = shop.data(f"/api/events?filter={text}&page[size]=1000")
        assert {event["relationships"]["metric"]["data"]["id"] for event in found} == wanted


def test_the_metric_and_the_profile_of_an_event_can_be_read_from_it(shop):
    event = shop.data("/api/events?page[size]=1")[0]
    for name in ("metric", "profile"):
        found = shop.data(f"/api/events/{event['id']}/{name}")
        assert (found["type"], found["id"]) == (name, event["relationships"][name]["data"]["id"])
    assert shop.get("/api/events/AAAAAAAAAAA/metric").status_code == 404


def test_a_malformed_event_id_is_a_bad_request_and_an_unknown_one_not_found(shop):
    assert shop.problem(shop.get("/api/events/not-an-id"), 400)["code"] == "invalid"
    assert shop.problem(shop.get("/api/events/AAAAAAAAAAA"), 404)["code"] == "not_found"

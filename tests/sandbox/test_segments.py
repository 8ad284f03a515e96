"""Segments: definitions, who fits them, and when that shows."""

from typing import Any

import httpx2
import pytest
from tests.sandbox.conftest import Talk

EVER = {"type": "date", "operator": "alltime"}


def prop(name: str, kind: str, operator: str, **rest: Any) -> dict[str, Any]:
    return {"type": "profile-property", "property": name, "filter": {"type": kind, "operator": operator, **rest}}


def did(
    metric: str,
    operator: str,
    value: float,
    when: dict[str, Any] | None = None,
    measurement: str = "count",
    **rest: Any,
) -> dict[str, Any]:
    return {
        "type": "profile-metric",
        "metric_id": metric,
        "measurement": measurement,
        "measurement_filter": {"type": "numeric", "operator": operator, "value": value},
        "timeframe_filter": when or EVER,
        **rest,
    }


def consent(channel: str, can: bool, subscription: str, *filters: dict[str, Any]) -> dict[str, Any]:
    status: dict[str, Any] = {"subscription": subscription, **({"filters": list(filters)} if filters else {})}
    wanted = {"channel": channel, "can_receive_marketing": can, "consent_status": status}
    return {"type": "profile-marketing-consent", "consent": wanted}


def create(sandbox: Talk, *groups: list[dict[str, Any]], name: str = "Mine") -> httpx2.Response:
    definition = {"condition_groups": [{"conditions": conditions} for conditions in groups]}
    attributes = {"name": name, "definition": definition}
    return sandbox.post("/api/segments", {"data": {"type": "segment", "attributes": attributes}})


def made(sandbox: Talk, *groups: list[dict[str, Any]]) -> str:
    answer = create(sandbox, *groups)
    assert answer.status_code == 201, answer.text
    sandbox.clock.advance(1)
    return answer.json()["data"]["id"]


def emails(sandbox: Talk, segment: str) -> list[str]:
    members = sandbox.walk(f"/api/segments/{segment}/profiles?page[size]=100")
    return sorted(item["attributes"]["email"].split("@")[0] for item in members)


def event(sandbox: Talk, email: str, **attributes: Any) -> None:
    given = {
        "properties": {"color": "red"},
        "metric": {"data": {"type": "metric", "attributes": {"name": "Waved"}}},
        "profile": {"data": {"type": "profile", "attributes": {"email": email}}},
        **attributes,
    }
    assert sandbox.post("/api/events", {"data": {"type": "event", "attributes": given}}).status_code == 202


def people(sandbox: Talk, **profiles: dict[str, Any]) -> dict[str, str]:
    """Profiles marked with a property, so that conditions can be kept apart from the demo shop's customers."""
    return {
        name: sandbox.create_profile(
            email=f"{name}@example.org", **{**more, "properties": {**more.get("properties", {}), "mine": True}}
        )
        for name, more in profiles.items()
    }


MINE = [prop("properties['mine']", "boolean", "equals", value=True)]


def test_a_new_segment_is_processing_and_its_members_show_later(sandbox: Talk) -> None:
    people(sandbox, ona={"first_name": "Ona"}, bo={"first_name": "Bo"})
    answer = create(sandbox, [prop("first_name", "string", "equals", value="ona")], MINE)
    assert answer.status_code == 201
    attributes = answer.json()["data"]["attributes"]
    assert (attributes["is_processing"], attributes["is_active"], attributes["is_starred"]) == (True, True, False)
    segment = answer.json()["data"]["id"]
    assert emails(sandbox, segment) == []
    sandbox.clock.advance(1)
    assert emails(sandbox, segment) == ["ona"]
    found = sandbox.data(f"/api/segments/{segment}?additional-fields[segment]=profile_count")["attributes"]
    assert (found["is_processing"], found["profile_count"]) == (False, 1)
    assert found["definition"]["condition_groups"][1]["conditions"] == MINE


def test_groups_are_joined_by_and_and_conditions_by_or(sandbox: Talk) -> None:
    people(
        sandbox, a={"title": "x", "locale": "en"}, b={"title": "y", "locale": "en"}, c={"title": "x", "locale": "de"}
    )
    either = [prop("title", "string", "equals", value="y"), prop("locale", "string", "equals", value="de")]
    assert emails(sandbox, made(sandbox, MINE, either)) == ["b", "c"]
    both = [[prop("title", "string", "equals", value="x")], [prop("locale", "string", "equals", value="en")]]
    assert emails(sandbox, made(sandbox, MINE, *both)) == ["a"]


@pytest.mark.parametrize(
    ("condition", "fitting"),
    [
        (prop("first_name", "string", "contains", value="AN"), ["anna"]),
        (prop("first_name", "string", "not-contains", value="an"), ["bob", "cy"]),
        (prop("first_name", "string", "starts-with", value="b"), ["bob"]),
        (prop("first_name", "string", "in", value=["Bob", "anna"]), ["anna", "bob"]),
        (prop("first_name", "string", "not-in", value=["Bob", "anna"]), ["cy"]),
        (prop("first_name", "string", "regex", value="^[AB]"), ["anna", "bob"]),
        (prop("first_name", "existence", "not-set"), ["cy"]),
        (prop("location['city']", "string", "equals", value="Oslo"), ["anna"]),
        (prop("city", "existence", "is-set"), ["anna"]),
        (prop("properties['age']", "numeric", "greater-than-or-equal", value=40), ["bob"]),
        (prop("properties['age']", "numeric", "not-equals", value=30), ["bob", "cy"]),
        (prop("properties['likes']", "list", "contains", value="tea"), ["anna"]),
        (prop("properties['likes']", "list", "length-greater-than", value=1), ["anna"]),
        (prop("properties['born']", "date", "before", date="2000-01-01T00:00:00+00:00"), ["anna"]),
        (prop("properties['born']", "date", "calendar-month", value=11), ["bob"]),
        (prop("properties['born']", "date", "anniversary-next", unit="day", quantity=10), ["bob"]),
        (prop("properties['born']", "date", "anniversary-last", unit="week", quantity=26), ["anna"]),
        (prop("phone_number", "string", "phone-country-code-in", value=["NO"]), ["anna"]),
        ({"type": "profile-region", "in_region": True, "region": "european_union"}, ["bob"]),
        ({"type": "profile-region", "in_region": False, "region": "european_union"}, ["anna"]),
    ],
)
def test_properties_are_compared_by_type(sandbox: Talk, condition: dict[str, Any], fitting: list[str]) -> None:
    people(
        sandbox,
        anna={
            "first_name": "Anna",
            "phone_number": "+4722334455",
            "location": {"city": "Oslo", "country": "Norway"},
            "properties": {"age": 30, "likes": ["tea", "cake"], "born": "1990-06-01T00:00:00+00:00"},
        },
        bob={
            "first_name": "Bob",
            "location": {"country": "Germany"},
            "properties": {"age": "40", "likes": ["beer"], "born": "2001-11-20"},
        },
        cy={},
    )
    assert emails(sandbox, made(sandbox, MINE, [condition])) == fitting


def test_events_are_counted_and_summed_in_their_time(sandbox: Talk) -> None:
    people(sandbox, ona={}, bo={}, cy={})
    for number in range(3):
        event(sandbox, "ona@example.org", unique_id=str(number), value=10, time=f"2026-11-1{number}T00:00:00+00:00")
    event(sandbox, "bo@example.org", value=100, time="2026-01-01T00:00:00+00:00", properties={"color": "blue"})
    waved = sandbox.metric_id("Waved")
    week = {"type": "date", "operator": "in-the-last", "unit": "week", "quantity": 1}
    year = {
        "type": "date",
        "operator": "between-static",
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-02-01T00:00:00Z",
    }
    assert emails(sandbox, made(sandbox, MINE, [did(waved, "greater-than-or-equal", 1)])) == ["bo", "ona"]
    assert emails(sandbox, made(sandbox, MINE, [did(waved, "equals", 0)])) == ["cy"]
    assert emails(sandbox, made(sandbox, MINE, [did(waved, "greater-than", 1, week)])) == ["ona"]
    assert emails(sandbox, made(sandbox, MINE, [did(waved, "equals", 1, year)])) == ["bo"]
    assert emails(sandbox, made(sandbox, MINE, [did(waved, "greater-than", 50, measurement="sum")])) == ["bo"]
    blue = [{"property": "color", "filter": {"type": "string", "operator": "equals", "value": "blue"}}]
    assert emails(sandbox, made(sandbox, MINE, [did(waved, "equals", 1, metric_filters=blue)])) == ["bo"]


def test_membership_of_lists_and_segments(sandbox: Talk) -> None:
    ids = people(sandbox, ona={}, bo={})
    target = sandbox.create_list("News")
    sandbox.add_to_list(target, ids["ona"])
    joined: dict[str, Any] = {"type": "profile-group-membership", "is_member": True, "group_ids": [target]}
    assert emails(sandbox, made(sandbox, MINE, [joined])) == ["ona"]
    assert emails(sandbox, made(sandbox, MINE, [{**joined, "is_member": False}])) == ["bo"]
    sandbox.clock.advance(86400 * 3)
    recently = {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": 2}
    assert emails(sandbox, made(sandbox, MINE, [{**joined, "timeframe_filter": recently}])) == []


def test_consent_and_whether_somebody_can_be_written_to(sandbox: Talk) -> None:
    people(sandbox, ona={}, bo={}, cy={"phone_number": "+14155550123"})
    target = sandbox.create_list("News")

    def job(kind: str, email: str, subscriptions: dict[str, Any], **more: Any) -> None:
        entry = {"type": "profile", "attributes": {"email": email, **more, "subscriptions": subscriptions}}
        data: dict[str, Any] = {"type": kind, "attributes": {"profiles": {"data": [entry]}}}
        if "create" in kind:
            data["relationships"] = {"list": {"data": {"type": "list", "id": target}}}
        assert sandbox.post(f"/api/{kind}s", {"data": data}).status_code == 202

    granted, revoked = {"marketing": {"consent": "SUBSCRIBED"}}, {"marketing": {"consent": "UNSUBSCRIBED"}}
    job("profile-subscription-bulk-create-job", "ona@example.org", {"email": granted})
    job("profile-subscription-bulk-delete-job", "bo@example.org", {"email": revoked})
    job("profile-subscription-bulk-create-job", "cy@example.org", {"sms": granted}, phone_number="+14155550123")
    cases = [
        (consent("email", True, "any"), ["cy", "ona"]),
        (consent("email", True, "subscribed"), ["ona"]),
        (consent("email", True, "never_subscribed"), ["cy"]),
        (consent("email", False, "unsubscribed"), ["bo"]),
        (consent("sms", True, "subscribed"), ["cy"]),
        (consent("sms", False, "never_subscribed"), ["bo", "ona"]),
        (consent("push", False, "any"), ["bo", "cy", "ona"]),
        (consent("email", True, "subscribed", {"field": "method", "method": "api"}), ["ona"]),
        (consent("email", True, "subscribed", {"field": "method", "method": "form"}), []),
    ]
    for condition, fitting in cases:
        assert emails(sandbox, made(sandbox, MINE, [condition])) == fitting, condition


def test_predictions_can_be_asked_for(sandbox: Talk) -> None:
    orders = {
        "type": "profile-predictive-analytics",
        "dimension": "historic_number_of_orders",
        "filter": {"type": "numeric", "operator": "greater-than-or-equal", "value": 3},
    }
    segment = made(sandbox, [orders])
    bought = made(sandbox, [did(sandbox.metric_id("Placed Order"), "greater-than-or-equal", 3)])
    assert emails(sandbox, segment) == emails(sandbox, bought) != []


def test_what_cannot_be_known_here_is_kept_and_fits_nobody(sandbox: Talk) -> None:
    far = {
        "type": "profile-postal-code-distance",
        "country_code": "US",
        "postal_code": "97205",
        "unit": "miles",
        "filter": {"type": "numeric", "operator": "less-than", "value": 50},
    }
    segment = made(sandbox, [far])
    assert emails(sandbox, segment) == []
    definition = sandbox.data(f"/api/segments/{segment}?fields[segment]=definition")["attributes"]["definition"]
    assert definition == {"condition_groups": [{"conditions": [far]}]}


def test_members_come_and_go_as_profiles_change(sandbox: Talk) -> None:
    ids = people(sandbox, ona={"title": "x"}, bo={})
    segment = made(sandbox, MINE, [prop("title", "string", "equals", value="x")])
    assert emails(sandbox, segment) == ["ona"]
    for name, title in (("ona", "y"), ("bo", "x")):
        body = {"data": {"type": "profile", "id": ids[name], "attributes": {"title": title}}}
        sandbox.patch(f"/api/profiles/{ids[name]}", body)
    sandbox.clock.advance(60)
    assert emails(sandbox, segment) == ["bo"]
    (member,) = sandbox.data(f"/api/segments/{segment}/profiles")
    assert member["attributes"]["joined_group_at"] == "2026-11-16T12:01:01+00:00"
    assert sandbox.data(f"/api/profiles/{ids['ona']}/segments?fields[segment]=name") == []


def test_a_segment_is_deactivated_on_its_own(sandbox):
    segment = sandbox.data("/api/segments")[0]["id"]

    def change(**attributes):
        body = {"data": {"type": "segment", "id": segment, "attributes": attributes}}
        return sandbox.patch(f"/api/segments/{segment}", body)

    error = sandbox.problem(change(is_active=False, name="Other"), 400)
    assert error["source"] == {"pointer": "/data/attributes/is_active"}
    assert change(is_active=False).json()["data"]["attributes"]["is_active"] is False
    assert change(is_active=True, name="Other").json()["data"]["attributes"]["is_active"] is True


def test_a_segment_is_renamed_starred_and_redefined(sandbox: Talk) -> None:
    people(sandbox, ona={"title": "x"}, bo={})
    segment = made(sandbox, MINE)

    def update(**attributes: Any) -> dict[str, Any]:
        body = {"data": {"type": "segment", "id": segment, "attributes": attributes}}
        answer = sandbox.patch(f"/api/segments/{segment}", body)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["attributes"]

    found = update(name="Yours", is_starred=True)
    assert (found["name"], found["is_starred"], found["is_processing"]) == ("Yours", True, False)
    only = {"condition_groups": [{"conditions": [prop("title", "string", "equals", value="x")]}, {"conditions": MINE}]}
    assert update(definition=only)["is_processing"] is True
    assert emails(sandbox, segment) == ["bo", "ona"]
    sandbox.clock.advance(1)
    assert emails(sandbox, segment) == ["ona"]
    assert update(name=None)["name"] == "Yours"


def test_members_are_filtered_sorted_and_paged(sandbox: Talk) -> None:
    ids = people(sandbox, a={}, b={}, c={})
    segment = made(sandbox, MINE)
    path = f"/api/segments/{segment}"
    assert [item["id"] for item in sandbox.data(f'{path}/profiles?filter=any(profile_id,["{ids["b"]}"])')] == [ids["b"]]
    assert len(sandbox.data(f'{path}/profiles?filter=equals(email,["C@example.org"])')) == 1
    assert sandbox.data(f"{path}/profiles?filter=less-than(joined_group_at,2026-01-01T00:00:00Z)") == []
    full = sandbox.walk(f"{path}/profiles?page[size]=2&sort=-joined_group_at")
    assert sorted(item["id"] for item in full) == sorted(ids.values())
    bare = sandbox.walk(f"{path}/relationships/profiles?page[size]=2&sort=-joined_group_at")
    assert bare == [{"type": "profile", "id": item["id"]} for item in full]
    shown = sandbox.data(f"{path}/profiles?fields[profile]=email&additional-fields[profile]=subscriptions")[0]
    assert set(shown["attributes"]) == {"email", "subscriptions"}


@pytest.mark.parametrize("group", ["list", "segment"])
def test_tags_and_triggered_flows_of_a_group(shop: Talk, group: str) -> None:
    name = {"list": "VIP customers", "segment": "Big spenders"}[group]
    (found,) = shop.data(f'/api/{group}s?filter=equals(name,["{name}"])')
    path = f"/api/{group}s/{found['id']}"
    (tag,) = shop.data(f"{path}/tags?fields[tag]=name")
    assert tag["attributes"] == {"name": "VIP"}
    assert shop.data(f"{path}/relationships/tags") == [{"type": "tag", "id": tag["id"]}]
    triggers = {
        item["id"]: shop.data(f"/api/{group}s/{item['id']}/flow-triggers") for item in shop.walk(f"/api/{group}s")
    }
    for identifier, flows in triggers.items():
        ids = shop.data(f"/api/{group}s/{identifier}/relationships/flow-triggers")
        assert ids == [{"type": "flow", "id": flow["id"]} for flow in flows]
    assert group == "segment" or any(triggers.values())
    for relation in ("tags", "flow-triggers", "relationships/tags", "relationships/flow-triggers", "profiles"):
        assert shop.get(f"/api/{group}s/NOPE01/{relation}").status_code == 404


def test_a_deleted_segment_is_gone_and_its_members_stay(sandbox: Talk) -> None:
    ids = people(sandbox, ona={})
    segment = made(sandbox, MINE)
    assert emails(sandbox, segment) == ["ona"]
    assert sandbox.delete(f"/api/segments/{segment}").status_code == 204
    assert sandbox.problem(sandbox.get(f"/api/segments/{segment}"), 404)["code"] == "not_found"
    assert sandbox.data(f"/api/profiles/{ids['ona']}/relationships/segments") == []
    assert sandbox.delete(f"/api/segments/{segment}").status_code == 404


def test_no_more_than_five_segments_are_processing_at_a_time(sandbox: Talk) -> None:
    for number in range(5):
        assert create(sandbox, MINE, name=f"Segment {number}").status_code == 201
    assert "processing" in sandbox.problem(create(sandbox, MINE, name="One more"), 400)["detail"]
    sandbox.clock.advance(1)
    assert create(sandbox, MINE, name="One more").status_code == 201


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        ({"type": "profile-astrology"}, "/type"),
        ({"property": "title"}, "/type"),
        (prop("title", "string", "resembles", value="x"), "/filter/operator"),
        (prop("title", "string", "equals"), "/filter/value"),
        (prop("title", "colour", "equals", value="x"), "/filter/type"),
        (
            did("ABC123", "equals", 1, {"type": "date", "operator": "in-the-last", "unit": "eon", "quantity": 1}),
            "/timeframe_filter/unit",
        ),
        (consent("fax", True, "any"), "/consent/channel"),
    ],
)
def test_faulty_conditions_are_pointed_at(sandbox: Talk, condition: dict[str, Any], place: str) -> None:
    error = sandbox.problem(create(sandbox, [condition]), 400)
    assert error["source"]["pointer"] == f"/data/attributes/definition/condition_groups/0/conditions/0{place}"


def test_a_definition_has_groups_and_groups_have_conditions(sandbox: Talk) -> None:
    assert sandbox.problem(create(sandbox), 400)["detail"] == "'condition_groups' must have at least 1 item."
    assert sandbox.problem(create(sandbox, []), 400)["detail"] == "'conditions' must have at least 1 item."


def test_the_demo_shop_keeps_its_segments_when_they_are_evaluated(shop: Talk) -> None:
    for segment in shop.walk("/api/segments"):
        found = shop.data(f"/api/segments/{segment['id']}?additional-fields[segment]=profile_count")["attributes"]
        assert found["profile_count"] > 0, found["name"]

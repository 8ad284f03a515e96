"""Klaviyo's filter language, through the API."""

import re
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klaviyo_sandbox.filters import Condition, parse

AT_REVISION = "2026-07-15"


def filtered(shop, path, text):
    return shop.get(f"{path}?filter={quote(text)}")


def names(shop, path, text):
    answer = filtered(shop, path, text)
    assert answer.status_code == 200, answer.text
    return {item["attributes"]["name"] for item in answer.json()["data"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('equals(name,"Newsletter")', {"Newsletter"}),
        ("equals(name,'Newsletter')", {"Newsletter"}),
        (' equals( name , "Newsletter" ) ', {"Newsletter"}),
        ('any(name,["Newsletter","VIP customers","Nobody"])', {"Newsletter", "VIP customers"}),
        ("any(name,[])", set()),
        ('equals(name,["Newsletter"])', {"Newsletter"}),
        ('equals(name,"newsletter")', set()),
    ],
)
def test_lists_are_found_by_name(shop, text, expected):
    assert names(shop, "/api/lists", text) == expected


@pytest.mark.parametrize("joined", ["{},{}", "and({},{})", "and(and({}),{})"])
def test_conditions_are_joined_by_commas_or_by_and(shop, joined):
    text = joined.format('equals(status,"live")', 'equals(trigger_type,"Added to List")')
    assert names(shop, "/api/flows", text) == {"Welcome series", "Thanks to regulars"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('contains(name,"cart")', {"Abandoned cart"}),
        ('starts-with(name,"Order")', {"Order thank-you"}),
        ('ends-with(name,"series")', {"Welcome series"}),
        ("equals(archived,true)", {"Summer sale reminder"}),
        ('equals(archived,false),equals(status,"draft")', {"Win-back", "Birthday treat"}),
    ],
)
def test_flows_are_found_by_parts_of_names_and_by_flags(shop, text, expected):
    assert names(shop, "/api/flows", text) == expected


def test_the_characters_of_a_like_pattern_mean_nothing_special(shop):
    assert names(shop, "/api/flows", 'contains(name,"%")') == set()
    assert names(shop, "/api/flows", 'contains(name,"_")') == set()


def test_datetimes_compare_as_moments_whatever_their_offset(sandbox):
    sandbox.create_list("Noon")
    sandbox.clock.advance(3600)
    sandbox.create_list("One o'clock")
    for moment in (
        "2026-11-16T12:30:00Z",
        "2026-11-16T12:30:00+00:00",
        "2026-11-16T14:30:00%2B02:00".replace("%2B", "+"),
    ):
        assert names(sandbox, "/api/lists", f"greater-than(created,{moment})") == {"One o'clock"}
    assert names(sandbox, "/api/lists", "greater-than(created,2026-11-16T13:00:00Z)") == set()


def test_times_of_events_can_be_bounded_on_both_sides(shop):
    events = shop.data("/api/events?page[size]=500&sort=datetime")
    low, high = events[100]["attributes"], events[300]["attributes"]
    text = f"greater-or-equal(timestamp,{low['timestamp']}),less-than(datetime,{high['datetime']})"
    found = filtered(shop, "/api/events", text).json()["data"]
    assert found
    assert all(low["timestamp"] <= item["attributes"]["timestamp"] < high["timestamp"] for item in found)


def test_has_asks_for_a_relation(shop):
    assert len(shop.data("/api/events?filter=has(profile),has(metric)&page[size]=5")) == 5


@pytest.mark.parametrize(
    "text",
    [
        "equals(name,Newsletter)",
        'equals(name,"Newsletter',
        'equals(name,"Newsletter"',
        'equals(name,"a"),',
        'equals(name,"a") equals(id,"b")',
        "equals(name)",
        "equals()",
        "name=Newsletter",
        'any(name,["a"',
        "and()",
        'has(name,"x")',
        "greater-than(created,yesterday)",
        'greater-than(created,"2026-01-01T00:00:00Z")',
        "equals(name,7)",
        "equals(name,true)",
    ],
)
def test_a_filter_that_does_not_follow_the_grammar_is_invalid(shop, text):
    error = shop.problem(filtered(shop, "/api/lists", text), 400)
    assert error["code"] == "invalid"
    assert error["detail"].startswith("Invalid filter provided")
    assert error["source"] == {"parameter": "filter"}


@pytest.mark.parametrize("text", ['or(equals(name,"a"),equals(name,"b"))', 'not(equals(name,"a"))'])
def test_there_is_no_or_and_no_not(shop, text):
    assert filtered(shop, "/api/lists", text).status_code == 400


def test_an_unknown_field_is_refused(shop):
    error = shop.problem(filtered(shop, "/api/lists", 'equals(colour,"red")'), 400)
    assert error["detail"] == "'colour' is not a valid field for the resource 'list'."


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/api/lists", 'contains(name,"News")'),
        ("/api/lists", "less-than(created,2026-01-01T00:00:00Z)"),
        ("/api/profiles", 'contains(email,"maya")'),
        ("/api/flows", 'equals(id,"ABCDEF")'),
        ("/api/events", "has(datetime)"),
    ],
)
def test_an_operator_that_a_field_does_not_take_is_refused(shop, path, text):
    error = shop.problem(filtered(shop, path, text), 400)
    assert re.fullmatch(
        r"'[a-z-]+' is not an allowed filter operator for [a-z]+\.  Allowed operators are [a-z, -]+", error["detail"]
    )


def test_an_operator_that_takes_a_list_takes_no_single_value(shop):
    error = shop.problem(filtered(shop, "/api/profiles", 'any(email,"maya")'), 400)
    assert error["detail"] == "'any' takes a list for email."


@pytest.mark.parametrize("bound", ["2026-10-01 00:00:00", "2026-10-01T02:00:00 02:00", "2026-10-01 02:00:00+02:00"])
def test_a_bound_may_have_spaces_inside(shop, bound):
    exact = shop.walk("/api/events?filter=greater-than(datetime,2026-10-01T00:00:00Z)")
    answer = filtered(shop, "/api/events", f"greater-than(datetime,{bound})")
    assert answer.status_code == 200, answer.text
    assert [event["id"] for event in answer.json()["data"]] == [event["id"] for event in exact[:200]]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/api/events", "less-than(datetime,2027-01-01T00:00:00Z)"),
        ("/api/events", "less-than(timestamp,1800000000)"),
        ("/api/campaigns", "equals(messages.channel,'email'),greater-than(scheduled_at,2027-01-01T00:00:00Z)"),
        ("/api/flows", "less-than(created,2027-01-01T00:00:00Z)"),
    ],
)
def test_a_bound_in_the_future_is_refused(shop, path, text):
    assert shop.problem(filtered(shop, path, text), 400)["source"] == {"parameter": "filter"}


def test_actions_of_a_flow_take_no_bound_in_the_future(shop):
    flow = shop.data("/api/flows")[0]["id"]
    path = f"/api/flows/{flow}/flow-actions"
    assert filtered(shop, path, "less-than(created,2026-11-16T00:00:00Z)").status_code == 200
    assert filtered(shop, path, "less-than(created,2027-01-01T00:00:00Z)").status_code == 400


def test_flows_of_a_date_are_sorted_by_that_date(shop):
    path = "/api/flows?filter=less-than(created,2026-11-01T00:00:00Z)"
    assert shop.get(f"{path}&sort=-created").status_code == 200
    assert shop.get(path).status_code == 200
    assert shop.problem(shop.get(f"{path}&sort=name"), 400)["source"] == {"parameter": "sort"}
    assert shop.get("/api/flows?filter=equals(status,'live')&sort=name").status_code == 200


def test_events_of_a_metric_that_does_not_exist_are_refused(shop):
    assert "NOPE01" in shop.problem(filtered(shop, "/api/events", 'equals(metric_id,"NOPE01")'), 400)["detail"]


def test_a_value_outside_a_closed_set_is_refused(shop):
    assert filtered(shop, "/api/flows", 'equals(trigger_type,"Full moon")').status_code == 400


def test_campaigns_need_a_channel(shop):
    for path in ("/api/campaigns", "/api/campaigns?filter=contains(name,'sale')"):
        error = shop.problem(shop.get(path), 400)
        assert "messages.channel" in error["detail"]
    assert names(shop, "/api/campaigns", "and(equals(messages.channel,'sms'),equals(status,\"Draft\"))") == {
        "Flash sale text"
    }
    assert names(shop, "/api/campaigns", "equals(messages.channel,'email'),any(status,['Scheduled','Sending'])") == {
        "Holiday preview",
        "Rain jacket preview",
    }
    assert filtered(shop, "/api/campaigns", "equals(messages.channel,'fax')").status_code == 400


def test_metrics_are_found_by_their_integration(shop):
    found = names(shop, "/api/metrics", 'equals(integration.name,"Shopify")')
    assert "Placed Order" in found
    assert "Opened Email" not in found
    assert names(shop, "/api/metrics", 'equals(integration.category,"API")') == {"Viewed Product", "Active on Site"}


def test_profiles_are_found_by_each_identifier_and_by_their_suppressions(shop):
    maya = shop.profile("MAYA.Lindqvist@example.org")
    assert maya["attributes"]["first_name"] == "Maya"
    phone = maya["attributes"]["phone_number"]
    for text in (
        f'equals(id,"{maya["id"]}")',
        f'equals(phone_number,"{phone}")',
        f'any(external_id,["{maya["attributes"]["external_id"]}","nobody"])',
    ):
        assert [item["id"] for item in filtered(shop, "/api/profiles", text).json()["data"]] == [maya["id"]]
    where = "subscriptions.email.marketing.suppression"
    answer = filtered(
        shop, "/api/profiles", f'equals({where}.reason,"UNSUBSCRIBE"),less-than({where}.timestamp,2027-01-01T00:00:00Z)'
    )
    suppressed = answer.json()["data"]
    assert suppressed
    for profile in suppressed:
        subscriptions = shop.subscriptions(profile["attributes"]["email"])
        assert subscriptions["email"]["marketing"]["suppression"][0]["reason"] == "UNSUBSCRIBE"
    assert filtered(shop, "/api/profiles", f"less-than({where}.timestamp,1999-01-01T00:00:00Z)").json()["data"] == []


@given(st.text(max_size=40), st.sampled_from("\"'"))
def test_any_string_survives_quoting(text, mark):
    escaped = text.replace("\\", "\\\\").replace(mark, "\\" + mark)
    assert parse(f"equals(name,{mark}{escaped}{mark})") == [Condition("equals", "name", text)]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="eqandyhs()[],\"'\\.-0 n", max_size=30))
def test_no_filter_breaks_the_sandbox(shop, text):
    assert filtered(shop, "/api/lists", text).status_code in (200, 400)

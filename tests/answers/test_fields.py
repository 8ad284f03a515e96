"""Which fields of records an answer shows: those that were named, or those that matter most, and what it leaves out."""

from typing import Any

import pytest

from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.sparse import fieldset
from klaviyo_mcp.answers.preview import preview
from klaviyo_mcp.registry.record_fields import RECORD_FIELDS
from klaviyo_mcp.registry.registry import Registry


def query(engine: Engine, action: str, **arguments: Any) -> str:
    (request,) = preview(engine.plan(Call(action, arguments))).data["requests"]
    return request["path"].replace("%5B", "[").replace("%5D", "]").replace("%2C", ",")


async def test_named_fields_are_shown_and_no_others_in_the_order_of_their_names(sandbox) -> None:
    answer = await sandbox("get_profiles", fields=["location.city", "email", "properties.Loyalty tier"])
    assert all(
        list(record) == [name for name in ("id", "location.city", "email", "properties.Loyalty tier") if name in record]
        for record in answer.data["records"]
    )
    assert any("properties.Loyalty tier" in record for record in answer.data["records"])
    assert "fields_left_out" not in answer.data


def test_klaviyo_is_asked_for_what_is_named_alone(engine) -> None:
    asked = query(engine, "get_profiles", fields=["location.city", "email"])
    assert "fields[profile]=location,email" in asked
    assert "additional-fields" not in asked
    consent = query(engine, "get_profiles", fields=["subscriptions.email.marketing.consent"])
    assert "additional-fields[profile]=subscriptions" in consent
    assert "fields[profile]=subscriptions" in consent
    assert "predictive_analytics" not in query(engine, "get_profiles", fields=["all"])


def test_a_field_of_a_related_record_brings_it_along(engine) -> None:
    asked = query(engine, "get_campaigns", channel="email", fields=["name", "tags.name"])
    assert "include=tags" in asked
    assert "fields[tag]=name" in asked
    assert "fields[campaign]=name" in asked


def test_klaviyos_own_argument_decides_where_it_is_given(engine) -> None:
    asked = query(engine, "get_profiles", profile_fields=["email"])
    assert "fields[profile]=email" in asked
    assert "additional-fields" not in asked


@pytest.mark.parametrize(
    ("name", "fix"), [("emial", "Did you mean 'email'?"), ("location.citty", "location.city"), ("xyzzy", "There are: ")]
)
async def test_an_unknown_field_is_an_error_with_the_nearest(answered, name: str, fix: str) -> None:
    error = (await answered(200, {}, "get_profiles", {"fields": ["email", name]})).data["error"]
    (problem,) = error["problems"]
    assert problem["argument"] == "fields[1]"
    assert fix in problem["fix"]


async def test_several_names_in_one_text_are_several_fields(sandbox) -> None:
    answer = await sandbox("get_lists", fields="name, created")
    assert all(list(record) == ["id", "name", "created"] for record in answer.data["records"])


async def test_a_name_that_leads_through_a_list_shows_what_its_items_have(answered) -> None:
    bought = [{"name": "Mug", "price": 9}, {"name": "Cap"}]
    event = {"type": "event", "id": "1", "attributes": {"event_properties": {"Items": bought}}}
    fields = ["event_properties.Items.name", "event_properties.Items.colour"]
    answer = await answered(200, {"data": [event]}, "get_events", {"fields": fields})
    assert answer.data["records"] == [{"id": "1", "event_properties.Items.name": ["Mug", "Cap"]}]


async def test_consent_is_one_line_and_said_to_be_short(sandbox) -> None:
    answer = await sandbox("get_profiles", page_size=20)
    lines = [record["consent"] for record in answer.data["records"]]
    assert any("email subscribed since 20" in line for line in lines)
    assert all("subscriptions" not in record for record in answer.data["records"])
    assert "subscriptions" in answer.data["fields_left_out"]
    asked = await sandbox("get_profiles", page_size=1, additional_profile_fields=["subscriptions"])
    assert asked.data["records"][0]["subscriptions"]["email"]
    assert "consent" not in asked.data["records"][0]


async def test_an_event_has_the_name_of_its_metric_and_its_value(sandbox) -> None:
    records = (await sandbox("get_events", page_size=50)).data["records"]
    assert {record["metric"]["name"] for record in records} & {"Placed Order", "Ordered Product"}
    assert all(record["metric"]["id"] and record["related"]["profile"] for record in records)
    assert any(isinstance(record.get("value"), float) for record in records)


async def test_what_is_left_out_is_said_and_all_shows_it(sandbox) -> None:
    short, whole = [(await sandbox("get_templates", **asked)).data for asked in ({}, {"fields": ["all"]})]
    for record, full in zip(short["records"], whole["records"], strict=True):
        assert "html" not in record
        assert record["html_characters"] == len(full["html"])
        assert full.keys() <= record.keys() | set(short["fields_left_out"])
    assert "fields_left_out" not in whole


async def test_one_record_alone_shows_more_than_a_listing(sandbox) -> None:
    one = (await sandbox("get_profiles", page_size=1)).data["records"][0]
    alone = (await sandbox("get_profile", id=one["id"])).data
    assert {"properties", "consent", "location"} <= alone["record"].keys()
    assert alone["fields_left_out"] == ["subscriptions"]
    assert (
        "html"
        in (await sandbox("get_template", id=(await sandbox("get_templates")).data["records"][0]["id"])).data["record"]
    )


async def test_the_conditions_of_a_segment_are_shown_to_who_asks_for_them(sandbox) -> None:
    segment = (await sandbox("get_segments")).data["records"][0]["id"]
    alone = (await sandbox("get_segment", id=segment)).data
    assert "definition" not in alone["record"]
    assert alone["fields_left_out"] == ["definition"]
    for asked in ({"fields": ["definition"]}, {"fields": ["all"]}, {"segment_fields": ["definition"]}):
        whole = (await sandbox("get_segment", id=segment, **asked)).data
        assert whole["record"]["definition"]["condition_groups"]


async def test_of_an_attribute_no_more_is_shown_than_klaviyos_own_argument_names(sandbox) -> None:
    part = "subscriptions.sms.marketing.consent"
    answer = await sandbox(
        "get_profiles", additional_profile_fields=["subscriptions"], profile_fields=["email", part], page_size=5
    )
    assert all(list(record) == ["id", "email", part] for record in answer.data["records"])


async def test_what_a_composite_or_rule_reads_is_whole(engine: Engine) -> None:
    plan = engine.plan(Call("get_list_relationships", {"id": "AbCdEf", "related": "profiles"}))
    assert all("fields" not in part.arguments for part in plan.parts())


def test_every_name_of_the_table_is_a_field_of_its_records(registry: Registry) -> None:
    known: dict[str, set[str]] = {}
    for action in registry.actions:
        if found := fieldset(action):
            known.setdefault(found.kind, set()).update(found.named)
    for kind, table in RECORD_FIELDS.items():
        names = known[kind]
        assert {name.partition(".")[0] for name in table.listed} <= names, kind
        assert {line.source.partition(".")[0] for line in table.lines.values()} <= names, kind

"""What an answer says beside its records: what was dropped, what awaits someone, what is not there, waits and quota."""

import json
import re
from typing import Any

import pytest

from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.answers.conditions import holds, said
from klaviyo_mcp.answers.shape import shape
from klaviyo_mcp.answers.text import answer_text
from klaviyo_mcp.klaviyo.requests import QuotaLeft, Reply
from klaviyo_mcp.registry.notes import Condition, Note
from klaviyo_mcp.registry.registry import Registry

PERSON = {"email": "ada@demo-shop.org", "subscriptions": {"email": {"marketing": {"consent": "SUBSCRIBED"}}}}


@pytest.mark.parametrize(
    ("condition", "true"),
    [
        ({}, True),
        ({"given": ["$people.email"]}, True),
        ({"given": ["$people.phone"]}, False),
        ({"absent": ["$people.phone"]}, True),
        ({"absent": ["$people.email"]}, False),
        ({"equals": {"$record.status": "complete"}}, True),
        ({"equals": {"$record.status": ["queued", "complete"]}}, True),
        ({"equals": {"$record.status": "queued"}}, False),
        ({"equals": {"$record.live": 1}}, False),
        ({"equals": {"$record.live": True}}, True),
        ({"more_than": {"$people": 1}}, True),
        ({"more_than": {"$people": 2}}, False),
        ({"more_than": {"$record.failed": 0}}, True),
        ({"matches": {"$people.email": "@EXAMPLE"}}, True),
        ({"matches": {"$record.failed": "3"}}, False),
        ({"given": ["$people"], "equals": {"$record.status": "queued"}}, False),
    ],
)
def test_a_condition_holds_when_everything_it_sets_is_so(condition: dict[str, Any], true: bool) -> None:
    values = {
        "people": [{"email": "a@example.com"}, {"email": None}],
        "record": {"status": "complete", "live": True, "failed": 3},
    }
    assert holds(Condition.model_validate(condition), values) is true


def test_a_placeholder_is_a_value_on_one_line_or_the_length_of_a_list() -> None:
    note = Note(says="{$ids} sent to {$list.name}, {$nothing} others.")
    assert said(note, {"ids": [1, 2, 3], "list": {"name": "A\nNext: B"}}) == "3 sent to A Next: B, 0 others."


async def test_what_klaviyo_dropped_is_named(answered) -> None:
    body = {"data": {"type": "profile", "id": "01H", "attributes": {"email": "a@demo-shop.org"}}}
    arguments = {"email": "a@demo-shop.org", "phone_number": "+14155550123"}
    answer = await answered(201, body, "create_profile", arguments, X_Klaviyo_Partial_Failure="phone_number")
    assert "'phone_number'" in answer.data["warnings"][0]
    assert "only in part" in answer_text(answer)


async def test_what_a_step_of_a_composite_dropped_is_named_too(registry: Registry) -> None:
    step = Outcome(registry["create_profile"], {}, (Reply(201, partial_failure="phone_number"),), wrote=True)
    outcome = Outcome(registry["add_profile_to_list"], {}, composed={"added": 1}, wrote=True, parts=(step,))
    assert "'phone_number'" in shape(outcome).data["warnings"][0]


async def test_warnings_and_meta_of_a_success_are_told(answered) -> None:
    body = {
        "data": {"type": "list", "id": "L", "attributes": {"name": "A"}},
        "meta": {"warnings": [{"detail": "Name was\nshortened."}], "kept": 3},
    }
    data = (await answered(201, body, "create_list", {"name": "A"})).data
    assert data["warnings"] == ["Klaviyo warns: Name was shortened."]
    assert data["meta"]["kept"] == 3


async def test_failed_rows_of_a_job_are_counted(answered) -> None:
    job = {"status": "complete", "total_count": 10, "completed_count": 7, "failed_count": 3}
    body = {"data": {"type": "profile-bulk-import-job", "id": "J", "attributes": job}}
    data = (await answered(200, body, "get_bulk_import_profiles_job", {"job_id": "J"})).data
    assert data["warnings"][0].startswith("3 of 10 rows failed")


@pytest.mark.parametrize("action", ["get_conversation_for_profile", "get_metric_for_event", "get_profile_for_event"])
async def test_a_read_that_finds_nothing_says_so(answered, registry: Registry, action: str) -> None:
    answer = await answered(200, {"data": None}, action, registry[action].spec.examples[0].arguments)
    assert answer.data["status"] == "nothing_found"
    assert answer.data["record"] is None
    assert "nothing found" in answer.summary


async def test_an_empty_collection_says_that_nothing_was_found(answered) -> None:
    answer = await answered(200, {"data": [], "links": {"next": None}}, "get_lists", {})
    assert answer.summary == "Nothing found: no lists."
    assert answer.data["count"] == 0


async def test_subscribing_to_a_double_opt_in_list_says_that_a_confirmation_is_awaited(sandbox) -> None:
    for process, words in (
        ("double_opt_in", "asks each person to confirm"),
        ("single_opt_in", "nobody has to confirm"),
    ):
        made = await sandbox("create_list", name="Tea club", opt_in_process=process)
        answer = await sandbox("bulk_subscribe_profiles", profiles=[PERSON], list_id=made.data["record"]["id"])
        assert words in answer.data["notes"][0]
        assert "Tea club" in answer.data["notes"][0]


async def test_adding_to_a_list_says_whom_campaigns_to_it_reach(sandbox) -> None:
    made = (await sandbox("create_list", name="Tea club")).data["record"]["id"]
    answer = await sandbox("add_profile_to_list", list_id=made, emails=["new@demo-shop.org"], create_missing=True)
    assert "never subscribed" in answer.data["notes"][0]


async def test_an_event_says_what_it_may_have_made_and_what_is_dropped(sandbox) -> None:
    event = {"metric": {"name": "Placed Order"}, "properties": {}}
    notes = (await sandbox("create_event", profile={"email": "typo@example.com"}, **event)).data["notes"]
    assert any("silently drops" in note for note in notes)
    assert any("new profile" in note for note in notes)
    notes = (await sandbox("create_event", profile={"email": "a@demo-shop.org"}, unique_id="1", **event)).data["notes"]
    assert not any("silently drops" in note for note in notes)
    assert any("is a repeat" in note for note in notes)


@pytest.mark.parametrize(
    ("action", "record", "words"),
    [
        ("get_campaign_send_job", {"status": "complete"}, "only scheduled"),
        ("get_campaign", {"status": "Scheduled", "scheduled_at": "2026-11-01T00:00:00Z"}, "when someone scheduled it"),
        ("get_webhook", {"endpoint_url": "https://example.org/"}, "without its path"),
    ],
)
async def test_what_a_field_means_is_said_where_it_is_shown(answered, action, record, words) -> None:
    body = {"data": {"type": "x", "id": "X", "attributes": record}}
    assert words in (await answered(200, body, action, {"id": "01JCW4R8N2K6T0V5X9B3D7F1HM"})).data["notes"][0]


async def test_a_person_who_never_subscribed_but_gets_campaigns_is_pointed_out(answered) -> None:
    marketing = {"can_receive_email_marketing": True, "consent": "NEVER_SUBSCRIBED"}
    body = {
        "data": {"type": "profile", "id": "01", "attributes": {"subscriptions": {"email": {"marketing": marketing}}}}
    }
    data = (await answered(200, body, "get_profile", {"id": "01JB8Z0K4T6M2N9RQ7C5D3X8VH"})).data
    assert "has not agreed" in data["notes"][0]


@pytest.mark.parametrize(
    ("quota", "words"),
    [
        (QuotaLeft(limit=1, remaining=0, reset_seconds=0), None),
        (QuotaLeft(limit=10, remaining=9, reset_seconds=0), None),
        (QuotaLeft(limit=15, remaining=0, reset_seconds=22), "wait 22 s"),
        (
            QuotaLeft(limit=1, remaining=0, reset_seconds=0, remaining_today=3, reset_today_seconds=60),
            "3 more of these calls today until ",
        ),
    ],
)
def test_quota_is_told_in_words_and_only_where_it_matters(registry: Registry, quota: QuotaLeft, words) -> None:
    shown = shape(Outcome(registry["get_lists"], {}, (Reply(200, {"data": []}, quota),))).data.get("quota")
    assert shown is None if words is None else words in shown
    assert "until" not in (words or "") or re.search(r"until \d{4}-\d\d-\d\dT\d\d:\d\dZ\.", shown)


def test_a_call_that_waited_says_how_long_and_what_for(registry: Registry) -> None:
    outcome = Outcome(registry["get_lists"], {}, (Reply(200, {"data": []}),), waited=28.4, wait_reasons=("a limit",))
    assert shape(outcome).data["warnings"] == ["This call waited 28 s for Klaviyo's rate limit: a limit."]


async def test_the_example_that_fills_a_role_with_a_custom_metric_and_clears_the_other_works(
    sandbox, registry: Registry
) -> None:
    metric = (await sandbox("get_metrics")).data["records"][0]["id"]
    example = json.dumps(registry["create_custom_metric"].spec.examples[0].arguments).replace("UwD8nK", metric)
    custom = await sandbox("create_custom_metric", **json.loads(example))
    made = custom.data["record"]["id"]
    await sandbox("update_mapped_metric", id="revenue", custom_metric_id=made, clear=["metric_id"])
    shown = (await sandbox("get_mapped_metric", id="revenue", include=["metric", "custom-metric"])).data["record"]
    assert shown["custom-metric"]["id"] == made
    assert "metric" not in {**shown, **shown.get("related", {})}

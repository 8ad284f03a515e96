"""Arguments as people write them: taken where they can mean one thing, told back, and never guessed for a target."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from klaviyo_mcp.actions.arguments import check_arguments
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import InvalidArguments
from klaviyo_mcp.answers.preview import preview
from klaviyo_mcp.registry.registry import Registry

JOB = "01JCW4R8P3M7V1X5Z9C2F6H0KQ"


@pytest.mark.parametrize(
    ("action", "given", "meant", "read_as"),
    [
        ("get_profiles_for_list", {"list_id": "VbT4kM"}, {"id": "VbT4kM"}, {"list_id": "id"}),
        ("get_flow", {"flowId": "VbT4kM"}, {"id": "VbT4kM"}, {"flowId": "id"}),
        ("get_campaign_message", {"message_id": JOB}, {"id": JOB}, {"message_id": "id"}),
        ("get_bulk_create_variants_job", {"id": JOB}, {"job_id": JOB}, {"id": "job_id"}),
        ("get_lists", {"page[size]": 5}, {"page_size": 5}, {"page[size]": "page_size"}),
        ("get_lists", {"pageSize": "5"}, {"page_size": 5}, {"pageSize": "page_size", "page_size": 5}),
        ("get_lists", {"fields[list]": ["name"]}, {"list_fields": ["name"]}, {"fields[list]": "list_fields"}),
        ("get_lists", {"list-fields": ["name"]}, {"list_fields": ["name"]}, {"list-fields": "list_fields"}),
        (
            "create_profile",
            {"data__attributes__email": "a@example.org"},
            {"email": "a@example.org"},
            {"data__attributes__email": "email"},
        ),
        (
            "create_profile",
            {"data.attributes.phone_number": "+1 415-555-2671"},
            {"phone_number": "+14155552671"},
            {"data.attributes.phone_number": "phone_number", "phone_number": "+14155552671"},
        ),
        (
            "get_profiles",
            {"profile_fields": "email, first_name"},
            {"profile_fields": ["email", "first_name"]},
            {"profile_fields": ["email", "first_name"]},
        ),
        ("create_list", {"name": "A", "opt_in_process": "Double Opt-In"}, None, {"opt_in_process": "double_opt_in"}),
        ("create_profile", {"external_id": 5}, {"external_id": "5"}, {"external_id": "5"}),
        (
            "bulk_import_profiles",
            {"profiles": {"email": "a@example.org"}},
            {"profiles": [{"email": "a@example.org"}]},
            {"profiles": [{"email": "a@example.org"}]},
        ),
        (
            "bulk_import_profiles",
            {"profiles": [{"email": "a@example.org", "firstName": "Ada"}]},
            {"profiles": [{"email": "a@example.org", "first_name": "Ada"}]},
            {"profiles[0].firstName": "first_name"},
        ),
    ],
)
def test_what_can_mean_only_one_thing_is_taken_and_told(
    registry: Registry, action: str, given: Any, meant: Any, read_as: Any
) -> None:
    checked = check_arguments(registry[action], given)
    assert checked.read_as == read_as
    if meant is not None:
        assert checked.arguments == meant


def test_what_fits_as_it_stands_is_not_read(registry: Registry) -> None:
    given = {"email": "a@example.org", "properties": {"firstName": "5", "tags": "a,b"}}
    checked = check_arguments(registry["create_profile"], given)
    assert checked.arguments == given
    assert checked.read_as == {}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"email": "a@example.org"}, 'equals(email,"a@example.org")'),
        ('email = "a@example.org"', 'equals(email,"a@example.org")'),
        ("email == a@example.org", 'equals(email,"a@example.org")'),
        (
            "email = a@example.org and created >= 2026-01-01T00:00:00Z",
            None,
        ),
        (
            {"email": "a@example.org", "created": {"greater-than": "2026-01-01T00:00:00Z"}},
            'equals(email,"a@example.org"),greater-than(created,2026-01-01T00:00:00Z)',
        ),
        ({"email": ["a@example.org"]}, 'any(email,["a@example.org"])'),
        ({"field": "email", "operator": "EQUALS", "value": "a@example.org"}, 'equals(email,"a@example.org")'),
        (
            [{"field": "created", "operator": "greater_than", "value": "2026-01-01"}],
            "greater-than(created,2026-01-01T00:00:00Z)",
        ),
    ],
)
def test_a_filter_may_be_written_in_other_ways(registry: Registry, given: Any, text: str | None) -> None:
    action = registry["get_profiles"]
    if text is None:
        # `created` has no such operator there: nothing is put in its place.
        with pytest.raises(InvalidArguments):
            check_arguments(action, {"filter": given})
        return
    checked = check_arguments(action, {"filter": given})
    assert checked.arguments["filter"] == text
    assert checked.read_as == {"filter": text}


def test_text_inside_text_is_unpacked_through_references_and_forms(registry: Registry) -> None:
    condition = (
        '{"type": "profile-marketing-consent", "consent": {"channel": "email", "can_receive_marketing": "true",'
        ' "consent_status": {"subscription": "any"}}}'
    )
    given = {"name": "S", "definition": {"condition_groups": [{"conditions": [condition]}]}}
    checked = check_arguments(registry["create_segment"], given)
    (group,) = checked.arguments["definition"]["condition_groups"]
    assert group["conditions"][0]["consent"]["can_receive_marketing"] is True


@pytest.mark.parametrize(
    ("action", "given", "named"),
    [
        ("delete_list", {"list_id": "VbT4kM"}, "Send it as id"),
        ("delete_profile_schema_relationship", {"id": "x", "relationshipIds": ["a"]}, "Send it as relationship_ids"),
        ("remove_profiles_from_list", {"id": "VbT4kM", "profile_ids": JOB}, "must be a list"),
        ("bulk_suppress_profiles", {"profiles": {"email": "a@example.org"}}, "must be a list"),
        ("request_profile_deletion", {"profile": {"phone_number": "+1 415-555-2671"}}, "E.164"),
        ("update_flow", {"id": "VbT4kM", "status": "LIVE"}, "Did you mean 'live'?"),
    ],
)
def test_what_cannot_be_undone_is_not_guessed(
    problems: Callable[..., list[str]], action: str, given: Any, named: str
) -> None:
    assert any(named in line for line in problems(action, **given))


@pytest.mark.parametrize("spelling", ["kx", "_kx"])
@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("create_client_profile", {"company_id": "Xa1b2C", "KX": "e-1"}),
        ("create_or_update_profile", {"KX": "e-1"}),
        ("bulk_import_profiles", {"profiles": [{"KX": "e-1"}]}),
        (
            "bulk_create_events",
            {"groups": [{"profile": {"KX": "e-1"}, "events": [{"metric": {"name": "Bought"}, "properties": {}}]}]},
        ),
        (
            "create_client_event",
            {"company_id": "Xa1b2C", "metric": {"name": "Bought"}, "properties": {}, "profile": {"KX": "e-1"}},
        ),
        # What cannot be undone takes no guess; Klaviyo's own name is none.
        ("unregister_client_push_token", {"token": "t", "platform": "ios", "vendor": "apns", "profile": {"KX": "e-1"}}),
    ],
)
def test_klaviyos_name_that_begins_with_an_underscore_is_taken_at_any_depth(
    engine: Engine, action: str, given: Any, spelling: str
) -> None:
    sent = engine.plan(Call(action, json.loads(json.dumps(given).replace("KX", spelling)))).request
    assert sent is not None
    assert '"_kx": "e-1"' in json.dumps(sent.body)


def test_a_word_that_may_mean_two_values_is_asked_about(problems: Callable[..., list[str]]) -> None:
    (line,) = problems("update_flow", id="VbT4kM", status="paused")
    assert "draft" in line
    assert "manual" in line
    assert line.endswith("?")


def test_an_argument_given_twice_with_two_values_is_refused_by_both_names(problems: Callable[..., list[str]]) -> None:
    (line,) = problems("get_list", id="VbT4kM", list_id="AbT4kM")
    assert line.startswith("list_id: means id")
    assert problems("get_list", id="VbT4kM", list_id="VbT4kM") == []
    (line,) = problems("get_lists", pageSize=5, **{"page[size]": 6})
    assert "given as pageSize" in line


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("get_campaign_message", {"campaign_id": JOB}),
        ("get_profiles_for_list", {"profile_id": JOB}),
        ("add_profile_to_list", {"id": "VbT4kM", "emails": ["a@example.org"]}),
        ("query_campaign_values", {"id": "VbT4kM", "statistics": ["opens"], "timeframe": {"key": "last_7_days"}}),
        ("create_profile", {"phone_number": "415-555-2671"}),
        ("create_profile", {"phone_number": "+14155552671\n"}),
        ("create_webhook", {"webhook_topic_ids": "one topic, another"}),
    ],
)
def test_what_may_mean_several_things_is_not_read(
    problems: Callable[..., list[str]], action: str, given: dict[str, Any]
) -> None:
    assert problems(action, **given)


def test_a_preview_tells_what_was_read(engine: Engine) -> None:
    shown = preview(engine.plan(Call("get_list", {"listId": "VbT4kM"}))).data
    assert shown["read_as"] == {"listId": "id"}

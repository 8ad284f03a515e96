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
CONSENT = {"profiles": [{"email": "a@b.co", "subscriptions": {"email": {"marketing": {"consent": "SUBSCRIBED"}}}}]}


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
    assert checked.understood.read_as == read_as
    if meant is not None:
        assert checked.arguments == meant


def test_what_fits_as_it_stands_is_not_read(registry: Registry) -> None:
    given = {"email": "a@example.org", "properties": {"firstName": "5", "tags": "a,b"}}
    checked = check_arguments(registry["create_profile"], given)
    assert checked.arguments == given
    assert checked.understood.read_as == {}


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
    assert checked.understood.read_as == {"filter": text}


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


@pytest.mark.parametrize(
    ("action", "given", "meant"),
    [
        ("update_profile", {"id": JOB, "unset_properties": '["Loyalty tier"]'}, ["Loyalty tier"]),
        ("get_coupon_codes", {"coupon_id": '["FREESHIP", "TRAIL20"]'}, ["FREESHIP", "TRAIL20"]),
        ("update_profile", {"id": JOB, "unset_properties": "[not a list]"}, "[not a list]"),
        ("update_profile", {"id": JOB, "first_name": '["Ada"]'}, '["Ada"]'),
        ("create_profile", {"properties": {"tags": '["a"]'}, "email": "a@b.co"}, {"tags": '["a"]'}),
        (
            "get_lists",
            {"filter": '["{\\"field\\": \\"name\\", \\"operator\\": \\"any\\", \\"value\\": \\"[1]\\"}"]'},
            None,
        ),
        ("get_flow_action", {"id": 73125048}, "73125048"),
        ("get_flow_action", {"id": 10**30}, str(10**30)),
        ("get_lists", {"sort": "null"}, None),
        ("get_lists", {"page_size": "null"}, None),
        ("get_lists", {"filter": ""}, None),
        ("get_lists", {"cursor": ""}, None),
        ("get_lists", {"max_records": ""}, None),
        ("delete_flow_action", {"id": 4711}, "4711"),
        ("bulk_subscribe_profiles", {"list_id": "", **CONSENT}, None),
        ("upload_image_from_file", {"file": "R0lGODlh\r\nAQABAIAA\n"}, "R0lGODlhAQABAIAA"),
        ("create_profile", {"email": "a@b.co", "title": ""}, ""),
        ("create_profile", {"email": "a@b.co", "title": "null"}, "null"),
        ("update_profile", {"id": JOB, "unset_properties": "Loyalty tier"}, "Loyalty tier"),
    ],
)
def test_values_are_taken_as_clients_send_them(registry: Registry, action: str, given: Any, meant: Any) -> None:
    name = next(name for name in given if name not in ("id", "email", "profiles") or len(given) == 1)
    found = check_arguments(registry[action], given).arguments
    assert found.get(name) == meant or name == "filter"


def test_a_float_is_no_id(registry: Registry) -> None:
    for number in (1e3, 73125048.0, 1e300):
        with pytest.raises(InvalidArguments):
            check_arguments(registry["get_flow_action"], {"id": number})


@pytest.mark.parametrize("given", ["", "null"])
def test_what_an_irreversible_action_is_done_to_is_never_taken_for_absent(registry: Registry, given: str) -> None:
    arguments = {"profiles": [{"email": "a@b.co"}], "list_id": given}
    assert registry["bulk_suppress_profiles"].spec.effect == "destructive"
    with pytest.raises(InvalidArguments):
        check_arguments(registry["bulk_suppress_profiles"], arguments)


def test_a_list_of_texts_that_are_no_conditions_is_never_a_search_for_everything(registry: Registry) -> None:
    with pytest.raises(InvalidArguments) as refused:
        check_arguments(registry["get_lists"], {"filter": '["name", 5]'})
    assert [problem.argument for problem in refused.value.problems] == ["filter[0]", "filter[1]"]


def test_text_nested_as_deep_as_you_like_is_no_trouble(registry: Registry) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    for name in ("filter", "list_fields", "page_size"):
        with pytest.raises(InvalidArguments):
            check_arguments(registry["get_lists"], {name: deep})


def test_half_a_character_in_a_text_is_refused_as_anywhere(registry: Registry) -> None:
    whole = check_arguments(registry["create_profile"], {"email": "a@b.co", "properties": '{"a": "\\ud83c\\udf89"}'})
    assert whole.arguments["properties"] == {"a": "🎉"}
    with pytest.raises(InvalidArguments):
        check_arguments(registry["create_profile"], {"email": "a@b.co", "properties": '{"a": "\\ud83c"}'})


@pytest.mark.parametrize("as_text", [False, True])
def test_documents_nested_in_themselves_end_in_a_clear_refusal(registry: Registry, as_text: bool) -> None:
    deep: dict[str, Any] = {"columns": []}
    for _ in range(1_000):
        deep = {"columns": [], "steps": [deep]}
    definition: Any = {"versions": [{"steps": [deep]}]}
    if as_text:
        definition = '{"versions": ' * 300 + "1" + "}" * 300
    with pytest.raises(InvalidArguments):
        check_arguments(registry["create_form"], {"name": "A", "definition": definition})


def test_what_clients_add_is_left_out_and_told(registry: Registry) -> None:
    added = {"toolCallId": "call_1", "sessionId": "s", "chatInput": "hi", "action": "sendMessage", "_meta": {}}
    told = preview(Engine(registry).plan(Call("get_lists", added))).data
    assert told["notes"] == [
        "Left out, as some clients add it and it is no argument of this action: "
        "toolCallId, sessionId, chatInput, action, _meta."
    ]
    with pytest.raises(InvalidArguments):
        check_arguments(registry["get_lists"], {"toolCall": "call_1"})

"""What an agent is told about values inside values: everything at once, with the form that is right."""

import time

import pytest

from klaviyo_mcp.actions.arguments import check_arguments
from klaviyo_mcp.actions.errors import InvalidArguments
from klaviyo_mcp.registry.schema_form import form_at


def in_segment(condition):
    return {"condition_groups": [{"conditions": [condition]}]}


def test_all_values_of_a_field_are_shown_whichever_form_takes_them(problems) -> None:
    condition = {
        "type": "profile-metric",
        "metric_id": "M",
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": "equals", "value": 0},
        "timeframe_filter": {"type": "date", "operator": "since-flow-start"},
    }
    definition = {
        "triggers": [{"type": "list", "id": "x"}],
        "entry_action_id": "a",
        "profile_filter": in_segment(condition),
        "actions": [],
    }
    lines = [line for line in problems("create_flow", name="F", definition=definition) if "timeframe_filter" in line]
    (line,) = lines
    assert 'timeframe_filter.operator: "since-flow-start" is not one of the allowed values. Allowed: after, ' in line
    assert all(word in line for word in ("before", "alltime", "in-the-last", "flow-start."))


def test_an_object_that_is_wanted_is_shown(problems) -> None:
    given = {"type": "profile-marketing-consent", "consent": "subscribed"}
    (line,) = problems("create_segment", name="S", definition=in_segment(given))
    assert 'consent: must be an object, not "subscribed". Send an object, like {"channel": "email"' in line
    assert "Keys: channel, can_receive_marketing, consent_status" in line
    (line,) = problems("create_profile", email="a@b.co", location="Oslo")
    assert 'location: must be an object, not "Oslo". Send an object, like {"address1"' in line


def test_an_operator_that_takes_a_list_says_so(problems) -> None:
    given = {
        "type": "profile-property",
        "property": "properties['a']",
        "filter": {"type": "string", "operator": "is", "value": "x"},
    }
    (line,) = problems("create_segment", name="S", definition=in_segment(given))
    assert "contains, ends-with, equals" in line
    assert "phone-country-code-in (takes a list)" in line


def test_every_problem_of_a_nested_value_comes_at_once(problems) -> None:
    strategy = {"method": "throttled", "datetime": "soon", "throttle_percentage": "many", "speed": 1}
    found = problems(
        "create_campaign",
        name="X",
        audiences={"included": ["L"]},
        messages=[{"channel": "email"}],
        send_strategy=strategy,
    )
    places = {line.partition(":")[0] for line in found}
    assert {"send_strategy.datetime", "send_strategy.throttle_percentage", "send_strategy.speed"} <= places


def test_equal_problems_are_one_line_and_others_stay_in_sight(registry) -> None:
    rows = [{"email": f"a{index}@b.co", "phone" if index % 2 else "town": "1"} for index in range(500)]
    with pytest.raises(InvalidArguments) as error:
        check_arguments(registry["bulk_import_profiles"], {"profiles": [*rows, {"email": "x@"}, {"email": "y@"}]})
    assert "502 problems" in error.value.message
    lines = [str(problem) for problem in error.value.problems]
    assert len(lines) == 4
    phone = "profiles[*].phone: there is no such field, in 250 rows: 1, 3, 5, 7, 9, …. Did you mean phone_number?"
    assert phone in lines
    assert lines[-1].startswith("profiles[501].email")


def test_what_is_not_shown_is_counted(registry) -> None:
    profiles = [{"email": f"a{index}"} for index in range(503)]
    with pytest.raises(InvalidArguments) as error:
        check_arguments(registry["bulk_import_profiles"], {"profiles": profiles})
    assert len(error.value.problems) == 20
    assert error.value.problems[-1].problem == "and 484 more"


def test_four_thousand_wrong_conditions_are_refused_at_once(registry) -> None:
    wrong = {"type": "profile-property", "property": "x", "filter": {"type": "strin", "operator": "in", "value": "x"}}
    groups = [{"conditions": [wrong] * 4_000}]
    check_arguments(registry["create_segment"], {"name": "S", "definition": SEGMENT})
    begun = time.process_time()
    with pytest.raises(InvalidArguments, match="more than") as error:
        check_arguments(registry["create_segment"], {"name": "S", "definition": {"condition_groups": groups}})
    assert time.process_time() - begun < 1
    assert "Did you mean 'string'?" in str(error.value.problems[0])


SEGMENT = in_segment({"type": "profile-group-membership", "is_member": True, "group_ids": ["VbT4kM"]})


def test_a_list_of_values_that_is_cut_says_how_many_more_and_where_they_are(registry) -> None:
    seen = 0
    for action in registry.actions:
        for name, schema in action.spec.properties.items():
            values = schema.get("items", {}).get("enum", [])
            if len(values) <= 40:
                continue
            with pytest.raises(InvalidArguments) as error:
                check_arguments(action, {name: ["no such value"]})
            (line,) = [str(problem) for problem in error.value.problems if problem.argument == f"{name}[0]"]
            assert f"and {len(values) - 40} more; all of them: klaviyo://actions/{action.name}/schema/{name}" in line
            assert form_at(action.spec, name)["type"] == "array"
            seen += 1
    assert seen

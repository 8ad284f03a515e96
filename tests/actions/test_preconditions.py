"""Every kind of precondition that needs no request: what keeps it, what breaks it, and what is said then."""

from datetime import UTC, datetime
from typing import Any

import pytest

from klaviyo_mcp.actions.errors import PreconditionFailed
from klaviyo_mcp.actions.preconditions import check_preconditions
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.registry import Action

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CONSENT = "people[].email|sms.consented_at"


def problems(rule: dict[str, Any], **arguments: Any) -> list[str]:
    spec = ActionSpec.model_validate(
        {
            "name": "try_rule",
            "title": "Try a rule",
            "summary": "Made for a test of rules.",
            "description": "Made for a test of rules.",
            "effect": "read",
            "idempotent": True,
            "input_schema": {"type": "object"},
            "preconditions": [rule],
            "request": {"method": "GET", "path": "/api/lists"},
            "result": {"kind": "done"},
            "toolset": "lists",
        }
    )
    try:
        check_preconditions(Action(spec), arguments, NOW)
    except PreconditionFailed as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("rule", "keeps"),
    [
        ({"exactly_one_of": ["a", "b"]}, {"a": 1, "b": None}),
        ({"at_least_one_of": ["a", "b"]}, {"a": 0}),
        ({"at_least_one_of": ["a", "b"], "each": "people[]"}, {"people": [{"a": 1}, {"b": 1}]}),
        ({"at_least_one_of": ["a"], "each": "people[]"}, {}),
        ({"requires": ["a"], "each": "people[]", "when": {"b": 1}}, {"b": 1, "people": [{"b": 2}, {"a": 1, "b": 1}]}),
        ({"at_least_one_given": ["a", "b"]}, {"a": None}),
        ({"at_most_one_of": ["a", "b"]}, {}),
        ({"together": {"argument": "a", "equals": "x", "needs": ["b"]}}, {"a": "y"}),
        ({"requires": [CONSENT], "when": {"old": True}}, {"people": [{"email": {}}]}),
        ({"requires": [CONSENT], "when": {"old": True}}, {"old": True, "people": [{"email": {"consented_at": "x"}}]}),
        ({"requires": [CONSENT], "when": {"old": True}}, {"old": 1, "people": [{"email": {}}]}),
        ({"forbids": [CONSENT], "unless": {"old": True}}, {"old": True, "people": [{"sms": {"consented_at": "x"}}]}),
        ({"forbids": ["a"]}, {"a": None, "b": 1}),
        ({"only_alone": {"argument": "on", "equals": False, "beside": ["id"]}}, {"on": False, "id": "x"}),
        ({"only_alone": {"argument": "on", "equals": False, "beside": ["id"]}}, {"on": True, "name": "x"}),
        ({"items": {"of": ["groups[].events"], "at_most": 3}}, {"groups": [{"events": [1, 2]}, {"events": [3]}, {}]}),
        ({"bytes": {"of": ["a"], "at_most": 4}}, {"a": "äb"[:1]}),
        ({"text_bytes": {"of": ["a"], "at_most": 4}}, {"a": {"b": ["abcd", 12345]}}),
        ({"differ": ["a", "b[]"]}, {"a": "x", "b": ["y", None, None]}),
        ({"includes": {"of": "list[].name", "values": ["x"]}}, {"list": []}),
        ({"includes": {"of": "list[].name", "values": ["x"]}}, {"list": [{"name": "x"}, {"name": "y"}]}),
        ({"in_past": "at"}, {"at": "2026-11-25T12:01:00Z"}),
        ({"in_past": ["at"]}, {"at": None}),
        ({"in_past": "at"}, {"at": "2026-11-26..2026-12-31"}),
        ({"in_past": "at"}, {"at": "last_30_days"}),
        ({"in_future": "at"}, {"at": "2026-11-25T13:59:00+02:00"}),
        ({"within": {"of": ["at"], "earliest": "1990-01-01", "latest": "+1y"}}, {"at": "2027-11-25T12:00:00Z"}),
        ({"within": {"of": ["at"], "earliest": "1990-01-01", "latest": "+1y"}}, {"at": "1990-01-01T00:00:00Z"}),
        ({"within": {"of": ["day"], "earliest": "-36h"}}, {"day": "2026-11-24"}),
        ({"ordered": ["t.start", "t.end"]}, {"t": {"start": "2026-11-01T00:00:00Z", "end": "2026-11-01T00:00:01"}}),
        ({"ordered": ["t.start", "t.end"]}, {"t": {"key": "today"}}),
        ({"span": {"of": "t", "at_most": "1y"}}, {"t": {"start": "2024-02-29T00:00:00", "end": "2025-03-01T00:00:00"}}),
        ({"span": {"of": "t", "at_most": "7d"}}, {"t": {"start": "2026-11-01T00:00:00", "end": "2026-11-08T00:00:00"}}),
        ({"span": {"of": "t", "at_most": "60d"}, "when": {"by": "day"}}, {"by": "week", "t": {"key": "last_year"}}),
        ({"span": {"of": "t", "at_most": "7d"}}, {"t": {"key": "this_month"}}),
        ({"has_offset": ["at"]}, {"at": "2026-11-25T12:00:00z"}),
        ({"in_utc": ["at"]}, {"at": "2026-11-25T12:00:00"}),
        ({"in_utc": ["at"]}, {"at": "2026-11-25T12:00:00+00:00"}),
        ({"conditions": {"once": True, "values_at_most": 2}}, {"filter": 'any(id,["a","b"]),equals(name,"x")'}),
        ({"conditions": {"forms": {"id": "[a-z]+"}}}, {"filter": 'any(id,["a","b"]),equals(name,"1")'}),
    ],
)
def test_what_keeps_a_rule_is_let_through(rule, keeps) -> None:
    assert problems(rule, **keeps) == []


@pytest.mark.parametrize(
    ("rule", "breaks", "says"),
    [
        (
            {"exactly_one_of": ["a", "b"]},
            {},
            ["exactly one of a or b is needed, and none was given. Give one of them."],
        ),
        ({"exactly_one_of": ["a", "b"]}, {"a": 1, "b": 2}, ["a and b exclude each other. Give only one of a or b."]),
        ({"at_least_one_of": ["a"], "each": "people[]"}, {"people": [{"a": 1}, {"a": None}]}, ["people[1]: at least"]),
        (
            {"requires": ["a"], "each": "people[]", "when": {"b": 1}},
            {"people": [{"b": 2}, {"b": 1}]},
            ["people[1].a: is"],
        ),
        ({"at_least_one_given": ["a", "b"]}, {"c": 1}, ["there is nothing to change. Give at least one of a or b."]),
        ({"at_most_one_of": ["a", "b"], "each": "x"}, {"x": {"a": 1, "b": 1}}, ["x: a and b exclude each other."]),
        ({"together": {"argument": "a", "needs": ["b"]}}, {"a": 1}, ["b: is needed together with a."]),
        (
            {"requires": [CONSENT], "when": {"old": True}},
            {"old": True, "people": [{"email": {}}, {"sms": {"consented_at": "x"}}, {"sms": {"consented_at": None}}]},
            [
                "people[0].email.consented_at: is needed when old is true.",
                "people[2].sms.consented_at: is needed when old is true.",
            ],
        ),
        (
            {"forbids": [CONSENT], "unless": {"old": True}},
            {"people": [{"sms": {"consented_at": "x"}}]},
            ["people[0].sms.consented_at: must be left out unless old is true. Leave it out."],
        ),
        (
            {"only_alone": {"argument": "on", "equals": False, "beside": ["id"]}},
            {"id": "x", "on": False, "name": "y"},
            ["on: on false must be the only change, and name came with it. Change name in a call of its own."],
        ),
        (
            {"items": {"of": ["groups[].events"], "at_most": 2}},
            {"groups": [{"events": [1, 2]}, {"events": [3]}]},
            ["groups[].events: hold 3 items, at most 2 are allowed."],
        ),
        ({"bytes": {"at_most": 4}, "each": "a[]"}, {"a": [{}, {"b": 1}]}, ["a[1]: has 7 bytes as JSON, at most 4"]),
        ({"text_bytes": {"of": ["a"], "at_most": 4}}, {"a": {"b": ["äöü"]}}, ["a.b[0]: has 6 bytes, at most 4"]),
        ({"differ": ["a", "b[]"]}, {"a": "x", "b": ["y", "x"]}, ["b[1]: is the same as a: 'x'."]),
        (
            {"includes": {"of": "list[].name", "values": ["x", "y"]}},
            {"list": [{"name": "x"}]},
            ["list[].name: must include y. Add y."],
        ),
        ({"in_past": "at"}, {"at": "2026-11-25T12:03:00"}, ["at: must be in the past; it is now 2026-11-25T12:00Z."]),
        (
            {"in_past": "at"},
            {"at": "2026-11-27..2026-12-31"},
            ["at: must be in the past; it is now 2026-11-25T12:00Z."],
        ),
        ({"in_future": "at"}, {"at": "2026-11-25T13:57:00+02:00"}, ["at: must be in the future; it is now 2026-11-"]),
        (
            {"within": {"of": ["at"], "latest": "+1y"}},
            {"at": "2027-11-25T12:03:00Z"},
            ["at: must not be after 2027-11"],
        ),
        (
            {"within": {"of": ["at"], "earliest": "1990-01-01"}},
            {"at": "1989-01-01T00:00:00Z"},
            ["at: must not be befo"],
        ),
        (
            {"within": {"of": ["day"], "earliest": "-36h"}},
            {"day": "2026-11-23"},
            ["day: must not be before 2026-11-24"],
        ),
        (
            {"ordered": ["t.start", "t.end"]},
            {"t": {"start": "2026-11-01T00:00:00+02:00", "end": "2026-11-01T00:00:00Z"}},
            ["t.end: must be after t.start, 2026-11-01T00:00:00+02:00."],
        ),
        (
            {"span": {"of": "t", "at_most": "1y"}},
            {"t": {"start": "2025-01-01T00:00:00Z", "end": "2026-01-01T00:00:01Z"}},
            ["t: may be at most 1 year long."],
        ),
        (
            {"span": {"of": "t", "at_most": "60d"}, "when": {"by": "day"}},
            {"by": "day", "t": {"key": "last_90_days"}},
            ["t: may be at most 60 days long when by is day."],
        ),
        ({"has_offset": ["at"]}, {"at": "2026-11-25T12:00:00"}, ["at: does not say in which time zone it is. Write"]),
        (
            {"in_utc": ["at"]},
            {"at": "2026-11-25T12:00:00+02:00"},
            ["at: must be in UTC. Give the clock time as UTC: 2"],
        ),
        (
            {"conditions": {"once": True, "values_at_most": 2}},
            {"filter": 'any(id,["a","b","c"]),equals(id,"x")'},
            ["filter: id is filtered by 2 times, and may be once.", "filter: id has 3 values, at most 2 are allowed."],
        ),
        ({"conditions": {"forms": {"id": "[a-z]+"}}}, {"filter": 'equals(id,"A")'}, ["filter: 'A' has not the form"]),
    ],
)
def test_what_breaks_a_rule_is_named_with_the_way_out(rule, breaks, says) -> None:
    found = problems(rule, **breaks)
    assert len(found) == len(says)
    assert all(line.startswith(start) for line, start in zip(found, says, strict=True)), found


def test_a_hint_takes_the_place_of_the_general_way_out() -> None:
    assert problems({"forbids": ["a"], "hint": "Use b"}, a=1) == ["a: must be left out. Use b."]


def test_a_thousand_faults_of_one_kind_are_not_all_listed() -> None:
    assert len(problems({"has_offset": ["at[]"]}, at=[f"2026-11-25T12:{n:02}:00" for n in range(60)])) == 20


@pytest.mark.parametrize(
    "rule",
    [
        {"in_past": "a", "in_future": "b"},
        {"hint": "x"},
        {"in_past": "a..b"},
        {"in_past": "$a"},
        {"within": {"of": ["a"], "earliest": "tomorrow"}},
        {"ordered": ["a"]},
        {"exists": {"action": "get_list", "arguments": {}}, "each": "a[]"},
    ],
)
def test_a_rule_that_cannot_be_read_is_refused_when_the_spec_is_loaded(rule) -> None:
    with pytest.raises(ValueError, match=r"precondition|match|at least 2|knows no each"):
        problems(rule)

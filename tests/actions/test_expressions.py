"""Expressions of specs: JMESPath, and what it lacks."""

from typing import Any

import pytest

from klaviyo_mcp.actions.expressions import NotComputed, evaluate, roots, unknown_functions

ROWS = [
    {"id": "a", "sent": {"all": 10}, "kind": "x"},
    {"id": "b", "sent": {"all": 4}, "kind": "y"},
    {"id": "c", "kind": "x"},
]
THINGS = [{"id": "1", "name": "Very vip"}, {"id": "2", "name": "VIP"}, {"id": "3", "name": "VIPs"}, {"id": "4"}]
NOW = "2026-11-26T04:10:00+01:00"


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("subtract(`5`, `2`)", 3),
        ("subtract(nothing, `2`)", None),
        ("divide(`10`, `4`, `1`)", 2.5),
        ("divide(`10`, `0`, `1`)", None),
        ("rate(`1`, `3`)", 0.3333),
        ("rate(`0`, `0`)", None),
        ("rate(`4`, `2`)", 2),
        ("change(`150`, `100`)", 50),
        ("change(`1`, `0`)", None),
        ("points(`0.25`, `0.2`)", 5),
        ("round(`2.345`, `1`)", 2.3),
        ("totals(rows, ['sent.all', 'opened'])", {"sent.all": 14}),
        (
            "group_sum(rows, ['kind'], ['sent.all'])",
            [{"kind": "x", "sent.all": 10}, {"kind": "y", "sent.all": 4}],
        ),
        ("look_up(rows[:1], 'kind', others, 'key', 'other')[].other.name", ["first"]),
        ("look_up(rows[:1], 'id', others, 'key', 'other')[].other.name", []),
        ("names(['2', '9'], 'name', things)", ["VIP", "9"]),
        ("with(others, {key: 'z'})[0]", {"key": "z", "name": "first"}),
        ("rows_of({month: ['a', 'b'], count: [`1`, `2`], text: 'no'})[1]", {"month": "b", "count": 2}),
        ("unique(['a', 'b', 'a'], '')", ["a", "b"]),
        ("unique(rows, 'kind')[].id", ["a", "b"]),
        ("like(things, ['name'], 'vip')[].id", ["2", "3", "1"]),
        ("like(things, ['name'], ' ')", []),
        ("words(', ', ['a', nothing, `1`, '', 'b  c'])", "a, 1, b c"),
        ("words(', ', [nothing])", None),
        ("first(things, `1`)[].id", ["1"]),
        ("greatest_first(rows, 'sent.all')[].id", ["a", "b"]),
        ("first(nothing, `1`)", []),
        ("rest(things, `3`)[].id", ["4"]),
        ("when(`true`, 'a')", "a"),
        ("when(nothing, 'a')", None),
        ("matches('ada@example.org', '[^@]+@[^@]+')", True),
        ("matches(nothing, '.*')", False),
        ("instead('a', {a: 'A'})", "A"),
        ("instead('b', {a: 'A'})", "b"),
        ("instead(`true`, {true: 'yes'})", "yes"),
        ("brief({b: 'x', a: ['y', 'z'], \"$c\": 'no', d: {e: 'no'}, f: `1`}, ['a'], `2`)", "a: y, z; b: x"),
        ("multiply(`0.333`, `10`, `0`)", 3),
        ("local('2026-11-25T23:30:00Z', 'Europe/Berlin', 'minute')", "2026-11-26 00:30"),
        ("local('2026-11-30T23:30:00Z', 'Europe/Berlin', 'month')", "2026-12"),
        ("local('2026-11-30', 'Europe/Berlin', 'day')", "2026-11-30"),
        ("local('soon', 'Europe/Berlin', 'day')", None),
        ("moment('2026-11-26T09:00', 'Europe/Berlin')", "2026-11-26T09:00:00+01:00"),
        ("moment('2026-11-26T09:00:00Z', 'Europe/Berlin')", "2026-11-26T09:00:00+00:00"),
        ("before('2026-11-25T23:00:00-05:00', '2026-11-26T05:00:00')", True),
        ("before('2026-11-26', '2026-11-26T00:00:00Z')", False),
        ("before(`null`, '2026-11-26')", None),
        ("period({key: 'nothing'}, now)", None),
        ("{a: nothing, b: `1`}", {"b": 1}),
    ],
)
def test_what_is_missing_goes_through_and_the_rest_is_computed(expression: str, found: Any) -> None:
    values = {"rows": ROWS, "things": THINGS, "others": [{"key": "x", "name": "first"}], "now": NOW}
    assert evaluate(expression, values) == found
    assert unknown_functions(expression) == []


@pytest.mark.parametrize(
    ("timeframe", "days", "before"),
    [
        ({"key": "last_30_days"}, ("2026-10-28", "2026-11-26", 30), ("2026-09-28", "2026-10-27", 30)),
        ({"key": "last_month"}, ("2026-10-01", "2026-10-31", 31), ("2026-09-01", "2026-09-30", 30)),
        ({"key": "last_3_months"}, ("2026-08-01", "2026-10-31", 92), ("2026-05-01", "2026-07-31", 92)),
        ({"key": "this_month"}, ("2026-11-01", "2026-11-26", 26), ("2026-10-06", "2026-10-31", 26)),
        (
            {"start": "2026-01-01T00:00:00", "end": "2026-02-01T00:00:00"},
            ("2026-01-01", "2026-01-31", 31),
            ("2025-12-01", "2025-12-31", 31),
        ),
    ],
)
def test_a_period_has_days_and_one_before_it(timeframe: Any, days: Any, before: Any) -> None:
    values = {"timeframe": timeframe, "now": NOW}
    for expression, expected in (("period(timeframe, now)", days), ("period_before(period(timeframe, now))", before)):
        found = evaluate(expression, values)
        assert (found["first_day"], found["last_day"], found["days"]) == expected
        assert found["start"] == f"{expected[0]}T00:00:00"


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(NotComputed):
        evaluate("sum(text)", {"text": "no list"})


def test_what_an_expression_starts_from_is_known_without_running_it() -> None:
    assert roots("a.b[?c == d].{e: f} | [0]") == ["a"]
    assert roots("{x: a.b, y: max_by(c, &d), z: now}") == ["a", "c", "now"]
    assert roots("a[].b || c[0].d && !e") == ["a", "c", "e"]
    assert unknown_functions("nothing(a) || rate(b)") == [
        "there is no function nothing()",
        "rate() takes 2 arguments, not 1",
    ]
    with pytest.raises(ValueError, match="a\\["):
        roots("a[")

"""The filter argument in its two forms: what is asked for is what Klaviyo is asked, whatever the values hold."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.actions.filter_argument import check_filter
from klaviyo_mcp.klaviyo.filters import Bare, Condition, parse
from klaviyo_mcp.registry.model import FilterField

FIELDS = {
    "name": FilterField(type="string", one=["equals", "contains"], many=["any"]),
    "created": FilterField(type="datetime", one=["greater-than", "less-or-equal"]),
    "archived": FilterField(type="boolean", one=["equals"]),
    "timestamp": FilterField(type="number", one=["greater-or-equal"]),
    "profile": FilterField(alone=["has"]),
}
seconds = st.integers(946_684_800, 4_102_444_800)
times = seconds.map(lambda moment: datetime.fromtimestamp(moment, UTC).isoformat())
conditions = st.one_of(
    st.fixed_dictionaries(
        {"field": st.just("name"), "operator": st.sampled_from(["equals", "contains"]), "value": st.text()}
    ),
    st.fixed_dictionaries(
        {"field": st.just("name"), "operator": st.just("any"), "value": st.lists(st.text(), min_size=1)}
    ),
    st.fixed_dictionaries({"field": st.just("created"), "operator": st.just("greater-than"), "value": times}),
    st.fixed_dictionaries({"field": st.just("archived"), "operator": st.just("equals"), "value": st.booleans()}),
    st.fixed_dictionaries(
        {"field": st.just("timestamp"), "operator": st.just("greater-or-equal"), "value": st.integers()}
    ),
    st.fixed_dictionaries({"field": st.just("profile"), "operator": st.just("has")}),
)


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.text if isinstance(value, Bare) else value


@given(st.lists(conditions, min_size=1, max_size=5))
def test_structured_conditions_become_text_that_says_the_same(wanted: list[dict[str, Any]]) -> None:
    text, problems = check_filter(wanted, FIELDS)
    assert problems == []
    found = [{"field": c.field, "operator": c.operator, "value": plain(c.value)} for c in parse(text)]
    assert found == [{"value": None, **condition} for condition in wanted]


@given(st.lists(conditions, min_size=1, max_size=5))
def test_text_and_structure_come_out_alike(wanted: list[dict[str, Any]]) -> None:
    text, _ = check_filter(wanted, FIELDS)
    assert check_filter(text, FIELDS) == (text, [])
    assert check_filter(f"and({text})", FIELDS) == (text, [])


@given(st.text())
def test_no_text_breaks_the_check(text: str) -> None:
    checked, problems = check_filter(text, FIELDS)
    assert problems or parse(checked)


def test_times_are_bare_and_text_is_quoted_however_they_were_written() -> None:
    text, problems = check_filter("greater-than(created,'2026-01-01T00:00:00Z'),equals(name,'50% off, really')", FIELDS)
    assert problems == []
    assert text == 'greater-than(created,2026-01-01T00:00:00Z),equals(name,"50% off, really")'
    assert parse(text)[0] == Condition("created", "greater-than", Bare("2026-01-01T00:00:00Z"))


def test_each_problem_names_its_condition_and_the_nearest_right_thing() -> None:
    _, problems = check_filter(
        [
            {"field": "nmae", "operator": "equals", "value": "x"},
            {"field": "name", "operator": "equal", "value": "x"},
            {"field": "archived", "operator": "equals", "value": "perhaps"},
            {"field": "name", "operator": "equals", "value": ["a", "b"]},
        ],
        FIELDS,
    )
    assert [problem.argument for problem in problems] == ["filter[0]", "filter[1]", "filter[2]", "filter[3]"]
    assert "Did you mean 'name'?" in problems[0].fix
    assert "Did you mean 'equals'?" in problems[1].fix
    assert problems[2].fix == "Use true or false"
    assert "one value, not a list" in problems[3].problem

"""The filter grammar: what is written can be read back, whatever is in the values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.klaviyo.filters import Bare, Condition, FilterSyntaxError, parse, render

fields = st.from_regex(r"[a-z_][a-z_]{0,10}(\.[a-z_]{1,8}){0,3}", fullmatch=True)
operators = st.sampled_from(["equals", "any", "contains", "greater-than", "less-or-equal", "starts-with"])
numbers = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
times = st.datetimes().map(lambda moment: Bare(moment.strftime("%Y-%m-%dT%H:%M:%SZ")))
scalars = st.text() | numbers | st.booleans() | times
values = scalars | st.lists(scalars, max_size=5)
conditions = st.builds(Condition, fields, operators, values) | st.builds(Condition, fields, st.just("has"))


@given(st.lists(conditions, min_size=1, max_size=4))
def test_what_is_rendered_parses_back_to_the_same_conditions(wanted: list[Condition]) -> None:
    assert parse(render(wanted)) == wanted


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Summer Sale 50% off", 'equals(name,"Summer Sale 50% off")'),
        ("it's", 'equals(name,"it\'s")'),
        ('say "hi"', "equals(name,'say \"hi\"')"),
        ("both ' and \"", 'equals(name,"both \' and \\"")'),
        ("a,b)", 'equals(name,"a,b)")'),
        ("back\\slash", 'equals(name,"back\\\\slash")'),
        (True, "equals(name,true)"),
        (3, "equals(name,3)"),
        (["a", "b"], 'equals(name,["a","b"])'),
        (Bare("2026-01-01T00:00:00Z"), "equals(name,2026-01-01T00:00:00Z)"),
    ],
)
def test_values_are_quoted_by_their_kind(value: object, text: str) -> None:
    assert render([Condition("name", "equals", value)]) == text  # type: ignore[arg-type]


def test_and_is_the_same_as_a_comma() -> None:
    assert (
        parse("and(equals(a,1),has(b))")
        == parse("equals(a,1),has(b)")
        == [Condition("a", "equals", 1), Condition("b", "has")]
    )


def test_spaces_between_parts_are_skipped_and_inside_quotes_kept() -> None:
    assert parse("equals( name , ' two  words ' )") == [Condition("name", "equals", " two  words ")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected an operator"),
        ("equals", "expected '('"),
        ("equals(email", "expected ','"),
        ('equals(email,"a@b.c"', "expected ')'"),
        ('equals(email,"a@b.c)', "not closed"),
        ("or(equals(a,1),equals(b,2))", "no 'or'"),
        ("not(equals(a,1))", "no 'not'"),
        ("equals(a,1) equals(b,2)", "comma"),
        ("equals(a,[1,2)", "expected ']'"),
        ("equals(a,)", "expected a value"),
    ],
)
def test_a_broken_filter_says_what_was_expected_and_where(text: str, says: str) -> None:
    with pytest.raises(FilterSyntaxError, match=r"character \d+") as error:
        parse(text)
    assert says in str(error.value)

"""What read_more computes is what plain Python computes of the same records."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.actions.errors import InvalidArguments
from klaviyo_mcp.answers.comparing import Condition
from klaviyo_mcp.answers.dotted import lists_in, longest_list, main_list, value_at, values_at
from klaviyo_mcp.answers.querying import Query, as_json, check_names, chosen, computed, not_compared

CITIES = ("Berlin", "berlin", "Oslo", "São Paulo", "東京", "")
CENTS = st.integers(-(10**9), 10**9)
"""Amounts are made of cents, so that what is right is known without a float."""
AMOUNTS = st.one_of(
    st.none(),
    CENTS.map(lambda cents: cents // 100),
    CENTS.map(lambda cents: cents / 100),
    CENTS.map(lambda cents: f"{Decimal(cents) / 100:.2f}"),
    st.sampled_from(["n/a", "$5", "+4740000001", True]),
)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {"id": st.uuids().map(str)},
        optional={
            "amount": AMOUNTS,
            "location": st.fixed_dictionaries({"city": st.sampled_from(CITIES)}),
            "tags": st.lists(st.sampled_from(["vip", "new", "lost"]), max_size=3),
            "created": st.integers(10**9, 2 * 10**9).map(
                lambda at: f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
            ),
        },
    ),
    max_size=25,
)
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "greater-than": lambda one, other: one > other,
    "greater-or-equal": lambda one, other: one >= other,
    "less-than": lambda one, other: one < other,
    "less-or-equal": lambda one, other: one <= other,
    "equals": lambda one, other: one == other,
}


def cents(value: Any) -> Fraction | None:
    """The number that an amount of these records is, by other means than those that are tested."""
    if value is None or isinstance(value, bool) or value in ("n/a", "$5", "+4740000001"):
        return None
    return Fraction(str(value))


def read(**given: Any) -> Query:
    return Query.read(given)


@given(RECORDS, st.sampled_from(sorted(OPERATORS)), CENTS)
def test_numbers_are_held_against_numbers_exactly(records, operator, limit) -> None:
    query = read(where=[{"field": "amount", "operator": operator, "value": limit / 100}])
    expected = [
        index
        for index, record in enumerate(records)
        if (number := cents(record.get("amount"))) is not None and OPERATORS[operator](number, Fraction(limit, 100))
    ]
    assert chosen(query, records) == expected


@given(RECORDS, st.sampled_from(CITIES[:-1]))
def test_texts_are_compared_without_regard_to_case_and_missing_equals_nothing(records, city) -> None:
    def cities(operator: str, value: Any) -> list[int]:
        return chosen(read(where=[{"field": "location.city", "operator": operator, "value": value}]), records)

    there = [record.get("location", {}).get("city") for record in records]
    same = [index for index, one in enumerate(there) if one is not None and one.casefold() == city.casefold()]
    assert cities("equals", city) == same
    assert cities("any", [city, "nowhere"]) == same
    assert cities("not-equals", city) == [index for index in range(len(records)) if index not in same]
    assert cities("exists", True) == [index for index, one in enumerate(there) if one is not None]
    assert cities("exists", False) == [index for index, one in enumerate(there) if one is None]
    start, part = city[:2].casefold(), city[1:3].casefold()
    assert cities("starts-with", city[:2]) == [i for i, one in enumerate(there) if one and one.casefold()[:2] == start]
    assert cities("contains", city[1:3]) == [i for i, one in enumerate(there) if one and part in one.casefold()]


@given(RECORDS, st.booleans())
def test_sorting_keeps_the_order_of_equals_and_puts_missing_last(records, down) -> None:
    numbers = [record for record in records if cents(record.get("amount")) is not None]
    found = chosen(read(sort=["-amount" if down else "amount"]), numbers)
    expected = sorted(range(len(numbers)), key=lambda index: cents(numbers[index]["amount"]) or 0, reverse=down)
    assert found == expected
    mixed = chosen(read(sort=["-created" if down else "created"]), records)
    missing = [index for index in mixed if "created" not in records[index]]
    assert mixed[len(mixed) - len(missing) :] == missing == sorted(missing)


@given(RECORDS)
def test_sums_are_exact_and_tell_what_was_no_number(records) -> None:
    (figures,) = computed(read(sum=["amount"], average=["amount"], min=["amount"], max=["amount"]), records)
    numbers = [number for record in records if (number := cents(record.get("amount"))) is not None]
    given_at_all = [record for record in records if record.get("amount") is not None]
    assert figures["count"] == len(records)
    assert figures.get("without", {}).get("amount", 0) == len(records) - len(given_at_all)
    assert figures.get("not_numbers", {}).get("amount", 0) == len(given_at_all) - len(numbers)
    if not numbers:
        assert figures["sum"] == {"amount": None}
        return
    assert Fraction(str(figures["sum"]["amount"])) == sum(numbers)
    assert Fraction(str(figures["min"]["amount"])) == min(numbers)
    assert Fraction(str(figures["max"]["amount"])) == max(numbers)
    assert abs(Fraction(str(figures["average"]["amount"])) - sum(numbers) / len(numbers)) <= Fraction(1, 2_000_000)


@given(RECORDS)
def test_groups_hold_every_record_once(records) -> None:
    groups = computed(read(group_by=["location.city", "created:month"], sum=["amount"]), records)
    counted = Counter(
        (record.get("location", {}).get("city"), record["created"][:7] if "created" in record else None)
        for record in records
    )
    found = {(one["group"]["location.city"], one["group"]["created:month"]): one["count"] for one in groups}
    assert found == dict(counted)
    assert [one["count"] for one in groups] == sorted(counted.values(), reverse=True)


@given(st.lists(st.integers(-(10**18), 10**18), min_size=1, max_size=40))
def test_money_adds_up_to_the_cent_whatever_its_size(amounts) -> None:
    (figures,) = computed(read(sum=["v"]), [{"v": f"{Decimal(one) / 100:.2f}"} for one in amounts])
    assert Fraction(str(figures["sum"]["v"])) == Fraction(sum(amounts), 100)


def test_a_figure_is_text_where_a_float_would_lose_digits() -> None:
    assert as_json(Decimal("0.30")) == 0.3
    assert as_json(Decimal("12.00")) == 12
    assert as_json(Decimal("12345678901234567.89")) == "12345678901234567.89"


def test_times_are_moments() -> None:
    record = {"at": "2026-05-01T02:00:00+02:00"}
    assert Condition("at", "equals", "2026-05-01").holds(record)
    assert Condition("at", "less-or-equal", "2026-05-01T00:00:00Z").holds(record)
    assert not Condition("at", "greater-than", "2026-05-01T00:00:00Z").holds(record)
    (figures,) = computed(read(min=["at"]), [record, {"at": "2026-04-30T23:00:00Z"}])
    assert figures["min"] == {"at": "2026-04-30T23:00:00Z"}


def test_of_several_values_one_that_fits_is_enough() -> None:
    record = {"tags": ["VIP", "new"], "items": [{"price": 3}, {"price": "4.50"}]}
    assert Condition("tags", "equals", "vip").holds(record)
    assert not Condition("tags", "not-equals", "vip").holds(record)
    assert values_at(record, "items.price") == [3, "4.50"]
    (figures,) = computed(read(sum=["items.price"]), [record])
    assert figures["sum"] == {"items.price": 7.5}


def test_names_with_dots_in_them_are_found() -> None:
    record = {"properties": {"Loyalty.tier": "Gold", "a.b": {"c": 1}}}
    assert value_at(record, "properties.Loyalty.tier") == "Gold"
    assert value_at(record, "properties.a.b.c") == 1


@pytest.mark.parametrize("word", ["=", "eq", "Equals", "is"])
def test_operators_have_other_names(word) -> None:
    assert read(where=[{"field": "a", "operator": word, "value": 1}]).where == (Condition("a", "equals", 1),)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"field": "a", "operator": "equal", "value": 1}, "Did you mean 'equals'?"),
        ({"field": "a", "operator": "greater-than", "value": "many"}, "takes a number, or a time"),
        ({"field": "a", "operator": "any", "value": "x"}, "takes a list"),
        ({"field": "a", "operator": "equals", "value": None}, "use exists with false"),
        ({"field": "a", "op": "equals"}, "has op"),
        ("a = 1", "is no condition"),
    ],
)
def test_a_wrong_condition_is_told_with_the_right_form(condition, words) -> None:
    with pytest.raises(InvalidArguments) as refused:
        read(where=[condition])
    assert refused.value.problems[0].argument == "where[0]"
    assert words in str(refused.value.problems[0])


def test_unknown_fields_are_told_with_the_nearest() -> None:
    records = [{"location": {"city": "Oslo"}, "properties": {"Total spent": 3}}]
    for asked in (read(group_by=["location.citty"]), read(sum=["city"]), read(sort=["-location.cit"])):
        with pytest.raises(InvalidArguments) as refused:
            check_names(asked, records)
        assert "Did you mean location.city?" in refused.value.problems[0].fix
    check_names(read(sum=["anything"]), [])


def test_groups_are_sorted_by_what_they_have() -> None:
    records = [{"a": "x", "v": 1}, {"a": "x", "v": 1}, {"a": "y", "v": 5}]
    groups = computed(read(group_by=["a"], sum=["v"], sort=["-sum.v"]), records)
    assert [one["group"]["a"] for one in groups] == ["y", "x"]
    with pytest.raises(InvalidArguments) as refused:
        check_names(read(group_by=["a"], sort=["v"]), records)
    assert refused.value.problems[0].fix == "There are: a, count"


def test_what_could_not_be_compared_is_counted() -> None:
    query = read(where=[{"field": "v", "operator": ">", "value": 2}])
    told = not_compared(query, [{"v": 3}, {"v": "many"}, {"v": "few"}, {}])
    assert told == ["greater-than does not hold for 2 values of v: no number."]


def test_the_list_of_an_answer_is_that_of_its_records_or_rows() -> None:
    report = {"count": 2, "record": {"id": "1", "results": [{"a": 1}, {"a": 2}]}, "included": {"list": [{}, {}, {}]}}
    assert main_list(report) == "record.results"
    assert main_list({"count": 1, "records": [{}]}) == "records"
    assert main_list({"record": {"html": "…", "sections": [{}]}}) == ""
    assert longest_list({"lists": [{}], "summary": {"people": [{}, {}]}, "words": ["a", "b", "c"]}) == "summary.people"
    assert json.dumps(sorted(lists_in(report))) == '["included.list", "record.results"]'

"""Rates, changes and what they mean; and the rules by which something is worth a look."""

from typing import Any

import pytest
from tests.catalogue import REGISTRY

from klaviyo_mcp.actions.expressions import evaluate, roots, unknown_functions
from klaviyo_mcp.actions.figures import cohorts, compared, direction, interval, measured, newest_cohorts
from klaviyo_mcp.actions.noticing import HOLE, noticed
from klaviyo_mcp.actions.periods import period, period_against
from klaviyo_mcp.registry.number_words import written
from klaviyo_mcp.registry.report_rules import FORMS, report_rules

NOW = "2026-11-26T09:00:00-08:00"
REPORTS = {action.name for action in REGISTRY.actions if action.spec.result.report}


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 29, 0.0061, 0.1718), (81, 263, 0.2553, 0.3662), (0, 0, 0.0, 1.0)],
)  # Wilson's intervals without correction, as Newcombe's paper of 1998 has them
def test_an_interval_is_wilsons(part: int, whole: int, low: float, high: float) -> None:
    assert interval(part, whole) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("now", "before", "tells"),
    [
        ((500, 1000), (400, 1000), "up"),
        ((40, 1000), (80, 1000), "down"),
        ((41, 100), (40, 100), "no_clear_change"),
        ((50, 99), (1, 1000), "too_few_to_tell"),
    ],
)
def test_a_change_of_a_rate_is_told_from_chance(now: Any, before: Any, tells: str) -> None:
    sums = [{"clicks_unique": part, "delivered": whole} for part, whole in (now, before)]
    (figure,) = compared(*sums, ["click_rate"])
    assert figure["tells"] == tells
    assert ("change_points" in figure) == (tells != "too_few_to_tell"), "no change is told that says nothing"


@pytest.mark.parametrize(
    ("now", "before", "tells"),
    [(150, 100, "up"), (100, 150, "down"), (110, 100, "no_clear_change"), (6, 1, "too_few_to_tell")],
)
def test_a_change_of_a_number_is_told_from_chance(now: int, before: int, tells: str) -> None:
    assert compared({"conversions": now}, {"conversions": before}, ["orders"])[0]["tells"] == tells
    assert direction(now, before) == tells


def test_what_stands_beside_nothing_says_nothing_of_a_change() -> None:
    (figure,) = compared({"clicks_unique": 5, "delivered": 200}, None, ["click_rate"])
    assert figure == {
        "name": "click_rate",
        "label": "Click rate",
        "unit": "rate",
        "value": 0.025,
        "low": 0.0107,
        "high": 0.0572,
        "n": 200,
    }
    assert compared({}, {}, ["click_rate", "orders"]) == []


def test_a_row_is_held_against_all_others() -> None:
    counts = [(300, 1000), (50, 1000), (60, 1000), (5, 20)]
    rows = measured([{"clicks_unique": part, "delivered": whole} for part, whole in counts], ["click_rate"])
    assert [row.get("click_rate_against") for row in rows] == ["above", "below", "below", None]
    assert [row.get("too_few") for row in rows] == [None, None, None, True]
    (text,) = measured([{"send_channel": "sms", "opens_unique": 0, "delivered": 500}], ["open_rate"])
    assert "open_rate" not in text, "texts are not opened"


def test_cohorts_are_by_the_month_of_the_first_order() -> None:
    orders = [
        ("a", "2026-01"),
        ("a", "2026-01"),
        ("b", "2026-01"),
        ("b", "2026-03"),
        ("c", "2026-02"),
        ("c", "2026-03"),
    ]
    rows = cohorts([{"who": who, "month": month, "value": 10} for who, month in orders])
    assert rows == [
        {"cohort": "2026-01", "people": 2, "repeat_buyers": 2, "orders": 4, "revenue": 40, "again": [0, 1]},
        {"cohort": "2026-02", "people": 1, "repeat_buyers": 1, "orders": 2, "revenue": 20, "again": [1]},
    ]
    large = [
        {"cohort": "2026-01", "people": 400, "again": [120, 1]},
        {"cohort": "2026-02", "people": 400, "again": [40, 1]},
    ]
    assert newest_cohorts(large)[0]["tells"] == "down"


@pytest.mark.parametrize(
    ("words", "how", "first", "last", "against"),
    [
        ("last_week", "before", "2026-11-16", "2026-11-22", "2026-11-09"),
        ("last_week", "year_ago", "2026-11-16", "2026-11-22", "2025-11-17"),
        ("last_month", "year_ago", "2026-10-01", "2026-10-31", "2025-10-01"),
        ("2026-10-01..2026-10-10", "before", "2026-10-01", "2026-10-10", "2026-09-21"),
        ("2024-02-01..2024-02-29", "year_ago", "2024-02-01", "2024-02-29", "2023-02-01"),
        ("last_week", "none", "2026-11-16", "2026-11-22", None),
    ],
)
def test_a_period_is_held_against_another(words: str, how: str, first: str, last: str, against: str | None) -> None:
    days = period(words, NOW)
    assert days is not None
    assert (days["first_day"], days["last_day"]) == (first, last)
    assert (period_against(days, how) or {}).get("first_day") == against


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (1234.4, "money", "$1,234"),
        (13.12, "money", "$13.12"),
        (700, "money", "$700"),
        (0.4157, "rate", "41.6%"),
        (0.0031, "rate", "0.31%"),
        (-3, "signed", "\u22123"),
        (1234, "count", "1,234"),
        (-1.5, "points", "\u22121.50 pts"),
    ],
)
def test_numbers_are_written_as_people_read_them(number: float, unit: str, text: str) -> None:
    assert written(number, unit, "USD") == text


def test_rules_can_be_read_and_are_about_reports_that_there_are() -> None:
    rules = report_rules().rules
    assert len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        assert set(rule.reports) <= REPORTS, rule.name
        assert roots(rule.found)
        assert unknown_functions(rule.found) == []
        assert {form or "count" for _, form in HOLE.findall(rule.says)} <= set(FORMS), rule.name
        assert evaluate(rule.found, {"covers": {}, "figures": []}) in (None, []), "nothing is found in nothing"
    assert all(rule.weight < other.weight for rule in rules for other in rules if rule.alone and not other.alone)
    assert {name for rule in rules for name in rule.reports} == REPORTS


def test_the_three_of_greatest_weight_are_told_in_words() -> None:
    figures = [
        {
            "name": name,
            "label": name,
            "value": value,
            "before": 0.1,
            "low": value * 0.9,
            "high": value,
            "n": 5000,
            "tells": tells,
        }
        for name, value, tells in (
            ("click_rate", 0.05, "down"),
            ("spam_rate", 0.004, "up"),
            ("unsubscribe_rate", 0.2, "up"),
            ("open_rate", 0.05, "down"),
            ("orders", 1, "no_clear_change"),
        )
    ]
    found = noticed("campaigns_report", {"figures": figures, "covers": {"days": 7, "currency": "EUR"}}, evaluate)
    assert [one["rule"] for one in found] == ["spam_complaints", "unsubscribes_up", "opens_down"]
    assert found[1]["says"] == (
        "More people leave: the unsubscribe rate is 20.0%, after 10.0%. That is more than chance."
    )
    quiet = noticed("campaigns_report", {"figures": [], "covers": {"days": 7}}, evaluate)
    assert [one["rule"] for one in quiet] == ["quiet"]


@pytest.mark.parametrize(
    ("words", "first", "last", "more"),
    [
        ("2026-10", "2026-10-01", "2026-10-31", {}),
        ("2024-02-29", "2024-02-29", "2024-02-29", {}),
        ("Last 14 days", "2026-11-13", "2026-11-26", {"unfinished": True}),
        ("last_6_months", "2026-05-01", "2026-10-31", {}),
        ("today", "2026-11-26", "2026-11-26", {"unfinished": True, "partial": True}),
        ("2026-11-01..2026-12-31", "2026-11-01", "2026-11-26", {"unfinished": True}),
    ],
)
def test_days_still_to_come_are_left_out_of_a_period(words: str, first: str, last: str, more: dict[str, bool]) -> None:
    covered = period(words, NOW)
    assert covered is not None
    assert (covered["first_day"], covered["last_day"]) == (first, last)
    assert {name: covered[name] for name in ("unfinished", "partial") if name in covered} == more


@pytest.mark.parametrize(
    "words", ["2026-13", "2026-02-29", "last_0_days", "last_400_days", "2025-10-27..2026-11-26", "tuesday"]
)
def test_words_that_name_no_days_are_none(words: str) -> None:
    assert period(words, NOW) is None


def test_of_a_day_that_is_not_over_no_number_is_down() -> None:
    (figure,) = compared({"store_orders": 3, "partial": True}, {"store_orders": 40}, ["store_orders"])
    assert (figure["value"], figure["before"], figure.get("tells")) == (3, 40, None)


def test_the_money_of_a_few_orders_is_the_base_of_no_percentage() -> None:
    (figure,) = compared(
        {"conversion_value": 1300, "conversions": 11}, {"conversion_value": 56, "conversions": 2}, ["revenue"]
    )
    assert "change_percent" not in figure


@pytest.mark.parametrize(("complaints", "found"), [(1, False), (2, False), (3, True)])
def test_one_or_two_spam_complaints_are_no_pattern(complaints: int, found: bool) -> None:
    (row,) = measured([{"delivered": 131, "spam_complaints": complaints, "name": "Spring"}], ["spam_rate"])
    (rule,) = [one for one in report_rules().rules if one.name == "campaign_spam"]
    assert bool(evaluate(rule.found, {"campaigns": [row]})) == found
    figures = compared({"delivered": 131, "spam_complaints": complaints}, None, ["spam_rate"])
    (rule,) = [one for one in report_rules().rules if one.name == "spam_complaints"]
    assert bool(evaluate(rule.found, {"figures": figures})) == found

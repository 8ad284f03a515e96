"""Conditions of metric aggregates: objects as for every other filter, text still, and times in the zone given."""

from collections.abc import Callable
from typing import Any

import pytest

from klaviyo_mcp.actions.arguments import check_arguments
from klaviyo_mcp.registry.registry import Registry


@pytest.fixture
def asked(registry: Registry) -> Callable[..., Any]:
    def check(*conditions: Any, **more: Any) -> Any:
        given = {"metric_id": "UwD8nK", "measurements": ["count"], "conditions": list(conditions), **more}
        return check_arguments(registry["query_metric_aggregates"], given)

    return check


def bound(operator: str, value: str) -> dict[str, str]:
    return {"field": "datetime", "operator": operator, "value": value}


def test_a_month_in_a_zone_is_that_zones_month(asked: Callable[..., Any]) -> None:
    objects = [bound("greater-or-equal", "2026-07-01"), bound("less-than", "2026-08-01T00:00:00")]
    texts = ["greater-or-equal(datetime,2026-07-01T00:00:00)", "less-than(datetime, 2026-08-01)"]
    for conditions in (objects, texts):
        checked = asked(*conditions, timezone="Europe/Berlin")
        assert checked.arguments["conditions"] == [
            "greater-or-equal(datetime,2026-07-01T00:00:00+02:00)",
            "less-than(datetime,2026-08-01T00:00:00+02:00)",
        ]
        assert "2026-07-01T00:00:00+02:00" in checked.understood.read_as["conditions"]


def test_an_offset_of_its_own_stays_and_a_missing_zone_is_said(asked: Callable[..., Any]) -> None:
    period = [bound("greater-or-equal", "2026-07-01T00:00:00-04:00"), bound("less-than", "2026-08-01")]
    checked = asked(*period)
    assert checked.arguments["conditions"] == [
        "greater-or-equal(datetime,2026-07-01T00:00:00-04:00)",
        "less-than(datetime,2026-08-01T00:00:00)",
    ]
    assert "UTC" in checked.understood.read_as["conditions"]


def test_other_conditions_are_written_out_and_text_of_other_forms_is_left(asked: Callable[..., Any]) -> None:
    period = [bound("greater-or-equal", "2026-07-01"), bound("less-than", "2026-08-01")]
    named = {"field": "Campaign Name", "operator": "equals", "value": 'The "big" sale'}
    checked = asked(*period, named, 'not(equals($attributed_flow,""))', timezone="UTC")
    assert checked.arguments["conditions"][2:] == [
        "equals(Campaign Name,'The \"big\" sale')",
        'not(equals($attributed_flow,""))',
    ]


def test_a_zone_in_another_case_is_put_right(asked: Callable[..., Any]) -> None:
    period = [bound("greater-or-equal", "2026-07-01"), bound("less-than", "2026-08-01")]
    checked = asked(*period, timezone="europe/berlin")
    assert checked.arguments["timezone"] == checked.understood.read_as["timezone"] == "Europe/Berlin"


def test_what_is_no_time_is_named_by_its_place(problems: Callable[..., list[str]]) -> None:
    period = [bound("greater-or-equal", "last week"), bound("less-than", "2026-08-01")]
    given = {"metric_id": "UwD8nK", "measurements": ["count"], "conditions": period}
    (line,) = problems("query_metric_aggregates", **given)
    assert line.startswith("conditions[0]: 'last week' is not a time")

"""Conditions that travel as texts in a body, as metric aggregates want them: objects written out, times put in a zone.

Klaviyo reads a time without an offset as UTC whatever zone the request names; here it is in the zone that was given.
"""

import re
from datetime import datetime, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.formats import is_date, is_time
from klaviyo_mcp.klaviyo.filters import Bare, Condition, render
from klaviyo_mcp.loose_json import JSON, is_list, is_object, items
from klaviyo_mcp.registry.model import BodyConditions

BOUND = re.compile(r"(?P<operator>(?:greater|less)-(?:than|or-equal))\((?P<field>\w+),(?P<time>[^()]*)\)")


def check_conditions(rule: BodyConditions, arguments: JSON) -> tuple[JSON, list[Problem]]:
    """Write out, in place, the conditions of a call. Returns the readings to tell, and what is wrong with them."""
    given = arguments.get(rule.argument)
    if not is_list(given):
        return {}, []
    read_as: JSON = {}
    name = arguments.get(rule.timezone)
    # A zone that is not known here is for Klaviyo to refuse.
    exact = _exact_names().get(str(name).casefold())
    zone = ZoneInfo(exact) if exact else None
    if exact and exact != name:
        arguments[rule.timezone] = read_as[rule.timezone] = exact
    problems: list[Problem] = []
    texts: list[str] = []
    period: list[str] = []
    for at, condition in enumerate(given):
        text = _text(condition, rule.time_field) if is_object(condition) else str(condition)
        match = BOUND.fullmatch(text.strip())
        if match is not None and match["field"] == rule.time_field:
            moment = _moment(match["time"].strip().strip("\"'"), zone)
            if moment is None:
                where = f"{rule.argument}[{at}]"
                words = f"{match['time']!r} is not a time"
                problems.append(Problem(where, words, "Use RFC 3339, like 2026-11-30T09:00:00Z, or a day"))
                continue
            text = f"{match['operator']}({match['field']},{moment})"
            period.append(f"{match['operator']} {moment}")
        texts.append(text)
    if not problems:
        arguments[rule.argument] = texts
        if period:
            said = f" ({exact})" if exact else " (UTC where no offset is given, as there is no timezone)"
            read_as[rule.argument] = f"{rule.time_field} {', '.join(period)}{said}"
    return read_as, problems


def bounds(rule: BodyConditions, arguments: JSON) -> JSON:
    """The `start` of a checked call's period, and the `end` that it does not reach any more, where it has them."""
    found: JSON = {}
    for match in map(BOUND.fullmatch, map(str, items(arguments.get(rule.argument)))):
        if match is not None and match["field"] == rule.time_field:
            found["start" if match["operator"].startswith("greater") else "end"] = match["time"]
    return found


def _text(condition: JSON, time_field: str) -> str:
    value: Any = condition.get("value")
    if condition["field"] == time_field:
        value = Bare(str(value))
    return render([Condition(condition["field"], condition["operator"], value)])


def _moment(text: str, zone: tzinfo | None) -> str | None:
    """A time or day as a bound, in a zone unless it has an offset of its own. None for other text."""
    if is_date(text):
        text = f"{text}T00:00:00"
    if not is_time(text):
        return None
    moment = datetime.fromisoformat(text)
    return text if moment.tzinfo or zone is None else moment.replace(tzinfo=zone).isoformat()


@cache
def _exact_names() -> dict[str, str]:
    """IANA names by themselves without regard to case, which Klaviyo minds."""
    return {name.casefold(): name for name in available_timezones()}

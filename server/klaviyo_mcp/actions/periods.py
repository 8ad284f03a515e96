"""Days for expressions: of a timeframe, of the period before it, and times as the clocks of a zone show them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from klaviyo_mcp.actions.coverage import zone_of
from klaviyo_mcp.actions.days import days_in_words, days_of, month_after
from klaviyo_mcp.loose_json import JSON, mapping

WEEK = 7


def period(timeframe: Any, now: str) -> JSON | None:
    """The days of a timeframe, `{key}` or `{start, end}`, or in words: see `_period`; None for one that is not known.

    `now` is ISO 8601 in the zone that is meant. Days that are still to come are left out, as long as others are left.
    `unfinished` says that today is among them, and `partial` that it is one of so few that their sums mean nothing
    beside those of whole days.
    """
    today = datetime.fromisoformat(now).date()
    days = days_in_words(timeframe, today) if isinstance(timeframe, str) else days_of(mapping(timeframe), today)
    if days is None:
        return None
    first, last = days
    if not first <= today <= last:
        return _period(first, last)
    made = _period(first, today)
    return made | {"unfinished": True} | ({"partial": True} if made["days"] < WEEK else {})


def period_before(covered: JSON | None) -> JSON | None:
    """The period right before: as many whole months where the one given is whole months, else as many days."""
    if not covered:
        return None
    first, last = date.fromisoformat(covered["first_day"]), date.fromisoformat(covered["last_day"])
    if months := _whole_months(first, last):
        return _period(month_after(first, -months), first - timedelta(days=1))
    return _period(first - (last - first) - timedelta(days=1), first - timedelta(days=1))


def period_against(covered: JSON | None, how: Any) -> JSON | None:
    """What a period is held against: `before`, `year_ago` (the same weekdays, or the same months), or `none`."""
    if not covered or how == "none":
        return None
    if how != "year_ago":
        return period_before(covered)
    first, last = date.fromisoformat(covered["first_day"]), date.fromisoformat(covered["last_day"])
    if months := _whole_months(first, last):
        return _period(month_after(first, -12), month_after(first, months - 12) - timedelta(days=1))
    return _period(first - timedelta(days=364), last - timedelta(days=364))


def _whole_months(first: date, last: date) -> int:
    """How many months two days cover from the first day of one to the last day of another; 0 where they do not."""
    after = last + timedelta(days=1)
    if first.day != 1 or after.day != 1:
        return 0
    return (after.year - first.year) * 12 + after.month - first.month


def _period(first: date, last: date) -> JSON:
    """Days, how many, and the same as `start` and `end` on the clock of the account: `end` is not covered itself."""
    return {
        "first_day": str(first),
        "last_day": str(last),
        "days": (last - first).days + 1,
        "start": f"{first}T00:00:00",
        "end": f"{last + timedelta(days=1)}T00:00:00",
    }


FORMS = {"minute": "%Y-%m-%d %H:%M", "day": "%Y-%m-%d", "month": "%Y-%m"}
"""How times are told: as exactly as is wanted."""


def local(moment: Any, zone: Any, form: str) -> str | None:
    """A moment as clocks in a zone show it, such as 2026-11-26 09:30; None for what is none. Raises KeyError."""
    try:
        found = datetime.fromisoformat(str(moment))
    except ValueError:
        return None
    # What has no offset is what the clocks there show already.
    return (found.astimezone(zone_of(zone)) if found.tzinfo else found).strftime(FORMS[form])


def is_before(when: Any, other: Any) -> bool | None:
    """Whether a moment is earlier than another; one without an offset is UTC. None where either is no time."""
    try:
        moments = [datetime.fromisoformat(str(one)) for one in (when, other)]
    except ValueError:
        return None
    first, second = (one if one.tzinfo else one.replace(tzinfo=UTC) for one in moments)
    return first < second


def moment(clock: Any, zone: Any) -> str | None:
    """What clocks in a zone show as ISO 8601 with its offset; one that has an offset keeps it. None for no time."""
    try:
        found = datetime.fromisoformat(str(clock))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=zone_of(zone))).isoformat(timespec="seconds")

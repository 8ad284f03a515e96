"""Rules about times: past and future, order, length, and whose clock is meant."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

from klaviyo_mcp.actions.days import days_in_words
from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.rules.scope import Found, Scope
from klaviyo_mcp.loose_json import mapping
from klaviyo_mcp.registry.precondition import Precondition

SLACK = timedelta(minutes=2)
"""How far our clock may be from Klaviyo's: what is that close to a limit, Klaviyo decides."""
EASTERNMOST = timezone(timedelta(hours=14))
"""Where each day begins first."""

LEAST_DAYS = {
    "today": 1,
    "yesterday": 1,
    "this_week": 1,
    "this_month": 1,
    "this_year": 1,
    "last_7_days": 7,
    "last_week": 7,
    "last_month": 28,
    "last_30_days": 30,
    "last_3_months": 89,
    "last_90_days": 90,
    "last_365_days": 365,
    "last_12_months": 365,
    "last_year": 365,
}
"""How many days a named timeframe has at least, whatever day it is."""


def in_past(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """A time that has been."""
    for found, moment in (*_moments(rule.in_past, scope), *_beginnings(rule.in_past, scope)):
        if moment > scope.now + SLACK:
            yield Problem(found.name, f"must be in the past; it is now {_utc(scope.now)}", scope.hint)


def in_future(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """A time that is to come."""
    for found, moment in _moments(rule.in_future, scope):
        if moment < scope.now - SLACK:
            yield Problem(found.name, f"must be in the future; it is now {_utc(scope.now)}", scope.hint)


def within(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """A time between two moments, which may depend on now."""
    if limits := rule.within:
        earliest = _limit(limits.earliest, scope.now)
        latest = _limit(limits.latest, scope.now)
        for found, moment in _moments(limits.of, scope):
            if earliest is not None and moment < earliest - SLACK:
                yield Problem(found.name, f"must not be before {_utc(earliest)}", scope.hint)
            if latest is not None and moment > latest + SLACK:
                yield Problem(found.name, f"must not be after {_utc(latest)}", scope.hint)


def ordered(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """Two times, the first before the second, both by the same clock whatever their offsets say."""
    if rule.ordered is None:
        return
    (first, start), (second, end) = [
        next(iter(_clocks(place, scope)), (Found(place, None), None)) for place in rule.ordered
    ]
    if start is not None and end is not None and start >= end:
        problem = f"must be after {first.name}, {first.value}"
        yield Problem(second.name, problem, scope.hint or f"Give a later {second.name} or an earlier {first.name}")


def span(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """A timeframe of at most some length."""
    if rule.span is None:
        return
    at_most = _length(rule.span.at_most)
    for found in scope.at(rule.span.of):
        timeframe = mapping(found.value)
        start, end = _clock(timeframe.get("start")), _clock(timeframe.get("end"))
        if start is not None and end is not None:
            too_long = end > _later(start, rule.span.at_most)
        else:
            too_long = LEAST_DAYS.get(str(timeframe.get("key")), 0) > at_most.days
        if too_long:
            when = "".join(f" when {place} is {value}" for place, value in rule.when.items())
            yield Problem(found.name, f"may be at most {_in_words(rule.span.at_most)} long{when}", scope.hint)


def has_offset(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """Times that say which clock they are of."""
    for place in rule.has_offset or []:
        for found, moment in _clocks(place, scope, keep=True):
            if moment.tzinfo is None:
                fix = f"Write {found.value}Z for UTC, or with the offset of the place, such as {found.value}+02:00"
                yield Problem(found.name, "does not say in which time zone it is", scope.hint or fix)


def in_utc(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """Times that are clock times, and so have no offset but that of UTC."""
    for place in rule.in_utc or []:
        for found, moment in _clocks(place, scope, keep=True):
            if moment.utcoffset():
                fix = f"Give the clock time as UTC: {moment.replace(tzinfo=None).isoformat()}Z"
                yield Problem(found.name, "must be in UTC", scope.hint or fix)


def _moments(places: str | list[str] | None, scope: Scope) -> Iterator[tuple[Found, datetime]]:
    """The times at some places; without an offset they count as UTC, as Klaviyo reads them."""
    for place in [places] if isinstance(places, str) else places or []:
        for found, moment in _clocks(place, scope, keep=True):
            yield found, moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _beginnings(places: str | list[str] | None, scope: Scope) -> Iterator[tuple[Found, datetime]]:
    """When the first day of each period at some places begins, where on earth that is first."""
    for place in [places] if isinstance(places, str) else places or []:
        for found in scope.at(place):
            if _clock(found.value) is None and isinstance(found.value, str):
                days = days_in_words(found.value, scope.now.astimezone(UTC).date())
                if days is not None:
                    yield found, datetime.combine(days[0], time(), EASTERNMOST)


def _clocks(place: str, scope: Scope, *, keep: bool = False) -> Iterator[tuple[Found, datetime]]:
    """The times at a place, as a clock on the wall shows them, or with `keep` as they are."""
    for found in scope.at(place):
        if (moment := _clock(found.value, keep=keep)) is not None:
            yield found, moment


def _clock(value: Any, *, keep: bool = False) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None  # not a time, or not one that can be read; the schema speaks of that
    return moment if keep else moment.replace(tzinfo=None)


def _limit(stated: str | None, now: datetime) -> datetime | None:
    if stated is None:
        return None
    if stated[0] not in "+-":
        return datetime.fromisoformat(stated).replace(tzinfo=UTC)
    return _later(now, stated[1:]) if stated[0] == "+" else now - _length(stated[1:])


def _length(stated: str) -> timedelta:
    count, unit = int(stated[:-1]), stated[-1]
    return timedelta(hours=count) if unit == "h" else timedelta(days=count * (366 if unit == "y" else 1))


def _later(moment: datetime, stated: str) -> datetime:
    """So much later; a year ends on the same day of the next, in a leap year's February a day later."""
    if not stated.endswith("y"):
        return moment + _length(stated)
    year = moment.year + int(stated[:-1])
    try:
        return moment.replace(year=year)
    except ValueError:
        return moment.replace(year=year, month=3, day=1)


def _in_words(stated: str) -> str:
    count, unit = stated[:-1], {"h": "hour", "d": "day", "y": "year"}[stated[-1]]
    return f"{count} {unit}" if count == "1" else f"{count} {unit}s"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"

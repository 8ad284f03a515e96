"""The days of a timeframe: by Klaviyo's keys, by `start` and `end`, or in words.

The days of Klaviyo's timeframe keys are those of its report in the account's time zone: `last_N_days` end today,
`last_N_months`, `last_week` and `last_year` end before the present month, week or year.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

from klaviyo_mcp.loose_json import JSON

Days = tuple[date, date]
SPAN = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?")
MONTH = re.compile(r"\d{4}-\d\d")
LAST = re.compile(r"last_([1-9]\d{0,2})_(day|month)s?")
LONGEST = 366
"""Days of a report."""


def days_of(timeframe: JSON, today: date) -> Days | None:
    """The first and the last day of a timeframe, None for one that is not known. An `end` is not covered itself."""
    if (key := timeframe.get("key")) is not None:
        return KEYS[key](today) if key in KEYS else None
    try:
        # An offset is ignored: the account's time zone is meant.
        start, end = (datetime.fromisoformat(timeframe[name]).replace(tzinfo=None) for name in ("start", "end"))
    except (KeyError, TypeError, ValueError):
        return None
    return start.date(), (end - timedelta(microseconds=1)).date()


def days_in_words(text: str, today: date) -> Days | None:
    """First and last day of what people say: both are covered, and they are at most a year apart.

    That is a key, in any case and with spaces, `last_14_days` and `last_6_months` with any number, a day, a month
    (2026-10), or two days (2026-10-01..2026-10-31).
    """
    words = "_".join(text.lower().split())
    if (match := LAST.fullmatch(words)) is not None:
        first, last = (_days if match[2] == "day" else _months)(int(match[1]))(today)
    elif (found := _days_written(words)) is not None:
        first, last = found
    else:
        return days_of({"key": words}, today)
    return (first, last) if first <= last and (last - first).days < LONGEST else None


def _days_written(words: str) -> Days | None:
    try:
        if MONTH.fullmatch(words):
            first = date.fromisoformat(f"{words}-01")
            return first, month_after(first, 1) - timedelta(days=1)
        if match := SPAN.fullmatch(words):
            return date.fromisoformat(match[1]), date.fromisoformat(match[2] or match[1])
    except ValueError:
        pass
    return None


def is_period(text: str) -> bool:
    """Whether a text names days: a key, or a span of at most a year."""
    return days_in_words(text, date(2026, 1, 1)) is not None


def month_after(day: date, count: int) -> date:
    """The first day of the month that is so many after that of a day; before it where the count is negative."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, 1)


def _days(count: int) -> Callable[[date], Days]:
    """So many days, of which today is the last."""
    return lambda today: (today - timedelta(days=count - 1), today)


def _months(count: int) -> Callable[[date], Days]:
    """So many whole months before the present one."""
    return lambda today: (month_after(today, -count), today.replace(day=1) - timedelta(days=1))


def _week(today: date) -> date:
    """The Monday of a day's week."""
    return today - timedelta(days=today.weekday())


KEYS: Mapping[str, Callable[[date], Days]] = {
    "today": _days(1),
    "yesterday": lambda today: (today - timedelta(days=1), today - timedelta(days=1)),
    "this_week": lambda today: (_week(today), today),
    "this_month": lambda today: (today.replace(day=1), today),
    "this_year": lambda today: (date(today.year, 1, 1), today),
    "last_week": lambda today: (_week(today) - timedelta(days=7), _week(today) - timedelta(days=1)),
    "last_month": _months(1),
    "last_year": lambda today: (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    "last_7_days": _days(7),
    "last_30_days": _days(30),
    "last_90_days": _days(90),
    "last_365_days": _days(365),
    "last_3_months": _months(3),
    "last_12_months": _months(12),
}
"""By Klaviyo's keys, what they cover on a day."""

"""Stretches of time in an account's time zone, and how they are cut into intervals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from klaviyo_sandbox.calls import Session
from klaviyo_sandbox.clock import microseconds
from klaviyo_sandbox.errors import invalid_body
from klaviyo_sandbox.loose_json import Json

POINTER = "/data/attributes/timeframe"
INTERVALS = ("hourly", "daily", "weekly", "monthly")
# The longest timeframe each interval may cut up; a week and longer ones have no limit of their own but the year.
_LONGEST = {"hourly": timedelta(days=7), "daily": timedelta(days=60), "monthly": timedelta(weeks=52)}


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to just before `end`, both in the account's time zone."""

    start: datetime
    end: datetime

    @property
    def since(self) -> int:
        """The start in microseconds since 1970."""
        return microseconds(self.start.astimezone(UTC))

    @property
    def until(self) -> int:
        """The end in microseconds since 1970."""
        return microseconds(self.end.astimezone(UTC))


def zone_of(session: Session) -> ZoneInfo:
    """The account's time zone."""
    account = session.require("account", session.account)
    return ZoneInfo(account["timezone"])


def span_of(session: Session, timeframe: Json) -> Span:
    """What a timeframe means now. Raises ApiError (400)."""
    zone = zone_of(session)
    if "key" in timeframe:
        if len(timeframe) > 1:
            raise invalid_body(POINTER, "A timeframe has either a key, or a start and an end.")
        return KEYS[timeframe["key"]](session.now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0))
    for name in ("start", "end"):
        if name not in timeframe:
            raise invalid_body(f"{POINTER}/{name}", "A timeframe has either a key, or a start and an end.")
    # An offset is ignored: the account's time zone is meant.
    start, end = (datetime.fromisoformat(timeframe[name]).replace(tzinfo=zone) for name in ("start", "end"))
    if end <= start:
        raise invalid_body(f"{POINTER}/end", "A timeframe must end after it starts.")
    if end > _years_later(start):
        raise invalid_body(POINTER, "A timeframe must not be longer than 1 year.")
    return Span(start, end)


def cut(span: Span, interval: str) -> list[datetime]:
    """Where each interval of a span begins; the first begins with the calendar's. Raises ApiError (400)."""
    longest = _LONGEST.get(interval)
    # Wall-clock time: a day is a day even when clocks change.
    length = span.end.replace(tzinfo=None) - span.start.replace(tzinfo=None)
    # The keyed timeframes of twelve months have as many monthly intervals as they should.
    if longest is not None and length > longest and not (interval == "monthly" and _whole_months(span)):
        detail = f"With the interval '{interval}', a timeframe must not be longer than {longest.days} days."
        raise invalid_body("/data/attributes/interval", detail)
    starts = [floor(span.start, interval)]
    while (following := after(starts[-1], interval)) < span.end:
        starts.append(following)
    return starts


def floor(moment: datetime, interval: str) -> datetime:
    """When the interval that a moment lies in begins. Weeks begin on Mondays."""
    if interval in ("hourly", "hour"):
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if interval in ("weekly", "week"):
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval in ("monthly", "month") else day


def after(start: datetime, interval: str) -> datetime:
    """When the next interval begins."""
    if interval in ("hourly", "hour"):
        return (start.astimezone(UTC) + timedelta(hours=1)).astimezone(start.tzinfo)
    if interval in ("weekly", "week"):
        return start + timedelta(days=7)
    return _months_later(start, 1) if interval in ("monthly", "month") else start + timedelta(days=1)


def _days(count: int) -> Callable[[datetime], Span]:
    """So many days, of which today is the last."""
    return lambda today: Span(today - timedelta(days=count - 1), today + timedelta(days=1))


def _months(count: int) -> Callable[[datetime], Span]:
    """So many months before the present one."""
    return lambda today: Span(_months_later(today.replace(day=1), -count), today.replace(day=1))


def _week(today: datetime) -> datetime:
    return today - timedelta(days=today.weekday())


KEYS: Mapping[str, Callable[[datetime], Span]] = {
    "last_12_months": _months(12),
    "last_30_days": _days(30),
    "last_365_days": _days(365),
    "last_3_months": _months(3),
    "last_7_days": _days(7),
    "last_90_days": _days(90),
    "last_month": _months(1),
    "last_week": lambda today: Span(_week(today) - timedelta(days=7), _week(today)),
    "last_year": lambda today: Span(_year(today, -1), _year(today, 0)),
    "this_month": lambda today: Span(today.replace(day=1), today + timedelta(days=1)),
    "this_week": lambda today: Span(_week(today), today + timedelta(days=1)),
    "this_year": lambda today: Span(_year(today, 0), today + timedelta(days=1)),
    "today": _days(1),
    "yesterday": lambda today: Span(today - timedelta(days=1), today),
}


def _year(today: datetime, later: int) -> datetime:
    return today.replace(year=today.year + later, month=1, day=1)


def _months_later(first: datetime, count: int) -> datetime:
    years, month = divmod(first.month - 1 + count, 12)
    return first.replace(year=first.year + years, month=month + 1)


def _years_later(moment: datetime) -> datetime:
    # A year after February 29 ends on March 1.
    try:
        return moment.replace(year=moment.year + 1)
    except ValueError:
        return moment.replace(year=moment.year + 1, month=3, day=1)


def _whole_months(span: Span) -> bool:
    return all(moment == floor(moment, "monthly") for moment in (span.start, span.end))

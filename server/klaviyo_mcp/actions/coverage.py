"""Which days a report covers, in which time zone and currency its numbers are: what Klaviyo's answer leaves out.

The days of Klaviyo's timeframe keys are those of its report in the account's time zone: `last_N_days` end today,
`last_N_months`, `last_week` and `last_year` end before the present month, week or year.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from klaviyo_mcp.accounts.facts import AccountFacts
from klaviyo_mcp.actions.body_conditions import bounds
from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.loose_json import JSON, mapping, text

Days = tuple[date, date]
FACTS = ["timezone", "preferred_currency", "contact_information.organization_name"]
Look = Callable[[str, JSON], Awaitable[list[JSON]]]
"""The records that a read action finds with some arguments; none where it fails."""


async def coverage(outcome: Outcome, facts: AccountFacts, look: Look, now: datetime | None = None) -> JSON:
    """First and last day, time zone and currency of a report; empty for an action whose spec names no timeframe.

    The account is read once for as long as its `facts` are fresh.
    """
    name = outcome.action.spec.result.covers
    if name is None:
        return {}
    await read_facts(facts, look)
    moment = (now or datetime.now(UTC)).astimezone(zone_of(facts.timezone))
    rule = outcome.action.spec.body_conditions
    timeframe = bounds(rule, outcome.arguments) if rule else mapping(outcome.arguments.get(name))
    days = days_of(timeframe, moment.date())
    found: JSON = {"first_day": str(days[0]), "last_day": str(days[1])} if days else {}
    zone = (outcome.arguments.get(rule.timezone) or "UTC") if rule else facts.timezone
    found["timezone"] = zone or "the account's (it could not be read)"
    found["currency"] = facts.currency or "the account's (it could not be read)"
    return found


async def read_facts(facts: AccountFacts, look: Look) -> AccountFacts:
    """What an account says of itself, read anew unless it is fresh."""
    if facts.are_fresh:
        return facts
    records = await look("get_accounts", {"account_fields": FACTS})
    account = records[0] if records else {}
    organisation = mapping(account.get("contact_information")).get("organization_name")
    facts.learn(
        text(account.get("timezone")) or None,
        text(account.get("preferred_currency")) or None,
        text(organisation) or None,
    )
    return facts


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


def zone_of(name: Any) -> Any:
    """The zone of an IANA name; UTC for none, and for one that is not known."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _days(count: int) -> Callable[[date], Days]:
    """So many days, of which today is the last."""
    return lambda today: (today - timedelta(days=count - 1), today)


def _months(count: int) -> Callable[[date], Days]:
    """So many whole months before the present one."""

    def covered(today: date) -> Days:
        years, month = divmod(today.month - 1 - count, 12)
        return date(today.year + years, month + 1, 1), today.replace(day=1) - timedelta(days=1)

    return covered


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

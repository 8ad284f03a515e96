"""Which days a report covers, in which time zone and currency its numbers are: what Klaviyo's answer leaves out."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from klaviyo_mcp.accounts.facts import AccountFacts
from klaviyo_mcp.actions.body_conditions import bounds
from klaviyo_mcp.actions.days import days_of
from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.loose_json import JSON, mapping, text

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


def zone_of(name: Any) -> Any:
    """The zone of an IANA name; UTC for none, and for one that is not known."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC

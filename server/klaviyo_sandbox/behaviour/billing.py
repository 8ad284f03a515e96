"""What an account's plan is measured by: counted from who is there and from what was sent, in a calendar month in UTC.

Klaviyo documents the usage type `email_sends`. The names of the other two, and what their plans hold, are our choice.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from klaviyo_sandbox.behaviour.messages import STAGES
from klaviyo_sandbox.calls import Session
from klaviyo_sandbox.clock import iso, microseconds
from klaviyo_sandbox.loose_json import Json

# A plan for so many active profiles, each with ten emails a month.
_TIERS = (250, 500, 1_000, 1_500, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000)
_EMAILS_PER_PROFILE = 10
_TEXT_CREDITS = 1_250


def plan(profiles: int) -> Mapping[str, Json]:
    """The smallest plan for an account of so many profiles: what is kept of each usage type."""
    most = next((tier for tier in _TIERS if tier >= profiles), profiles)
    return {
        "active_profiles": {"usage_max": most, "unit": "profiles"},
        "email_sends": {"usage_max": most * _EMAILS_PER_PROFILE, "unit": "messages"},
        "sms_credits": {"usage_max": _TEXT_CREDITS, "unit": "credits"},
    }


def used(session: Session, identifiers: Sequence[str]) -> Mapping[str, float]:
    """How much of each usage type was used in the current period."""
    return {usage: _COUNTED[usage](session) for usage in identifiers}


def period_starts(session: Session, identifiers: Sequence[str]) -> Mapping[str, str]:
    """When the current period began."""
    return dict.fromkeys(identifiers, iso(_start(session.now)))


def period_ends(session: Session, identifiers: Sequence[str]) -> Mapping[str, str]:
    """When the current period ends: the first moment that is no longer part of it."""
    return dict.fromkeys(identifiers, iso(_start(_start(session.now) + timedelta(days=31))))


def read_at(session: Session, identifiers: Sequence[str]) -> Mapping[str, str]:
    """When the usage was counted: now."""
    return dict.fromkeys(identifiers, iso(session.now))


def _start(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _active_profiles(session: Session) -> int:
    """Those with an address or a number who are not suppressed."""
    sql = """
        SELECT count(*) FROM profile AS p WHERE p.account = ?
        AND (json_extract(p.body, '$.email') IS NOT NULL OR json_extract(p.body, '$.phone_number') IS NOT NULL)
        AND NOT EXISTS (
            SELECT 1 FROM suppression AS s WHERE s.account = p.account AND s.profile = p.id AND s.list = '')"""
    return session.store.rows(sql, (session.account,))[0][0]


def _sends(channel: str) -> Callable[[Session], int]:
    """A count of what was sent on a channel in this period, whether it came or not; a long text counts for several."""
    tried = [metric for metric, (stage, on) in STAGES.items() if on == channel and stage in _TRIED]

    def count(session: Session) -> int:
        sql = f"""
            SELECT coalesce(sum(coalesce(json_extract(e.body, '$.event_properties."$usage_amount"'), 1)), 0)
            FROM metric AS m JOIN event AS e ON e.account = m.account AND e.metric_id = m.id
            WHERE m.account = ? AND m.name IN ({", ".join("?" * len(tried))}) AND e.at >= ?"""  # noqa: S608
        since = microseconds(_start(session.now))
        return session.store.rows(sql, (session.account, *tried, since))[0][0]

    return count


_TRIED = ("delivered", "bounced", "failed")
_COUNTED: Mapping[str, Callable[[Session], int]] = {
    "active_profiles": _active_profiles,
    "email_sends": _sends("email"),
    "sms_credits": _sends("sms"),
}

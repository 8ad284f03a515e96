"""When a campaign goes out to whom: the send strategies."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import blake2b
from math import ceil
from zoneinfo import ZoneInfo

from klaviyo_sandbox.calls import Session
from klaviyo_sandbox.clock import parse_moment
from klaviyo_sandbox.loose_json import Json

# A wall clock shows a time first in UTC+14, and 26 hours later for the last time in UTC-12.
_EASTERNMOST = timedelta(hours=14)
_AROUND_THE_WORLD = timedelta(hours=26)

Batch = tuple[datetime, list[str]]


def starting_moment(session: Session, strategy: Json) -> datetime | None:
    """The first moment somebody may be sent to, or None for at once."""
    if strategy["method"] == "immediate":
        return None
    if strategy["method"] == "smart_send_time":
        return _wall_clock(strategy["date"], _account_zone(session))
    if is_local(strategy):
        return _wall_clock(strategy["datetime"], UTC) - _EASTERNMOST
    return parse_moment(strategy["datetime"])


def is_local(strategy: Json) -> bool:
    """Whether the time is the one that each recipient's own clock shows."""
    return bool(_options(strategy).get("is_local"))


def grace(strategy: Json) -> timedelta:
    """How long after its first moment a campaign may still begin to be sent."""
    if strategy["method"] == "smart_send_time":
        return timedelta(days=1)
    return _AROUND_THE_WORLD if is_local(strategy) else timedelta()


def planned(session: Session, strategy: Json, people: Sequence[str]) -> list[Batch]:
    """The recipients in batches, each with its moment, the first one first. Nobody is left out but who is too late."""
    if strategy["method"] == "throttled":
        each = ceil(len(people) * strategy["throttle_percentage"] / 100)
        step = timedelta(minutes=1) if strategy.get("unit") == "minute" else timedelta(hours=1)
        return [
            (session.now + number * step, list(people[at : at + each]))
            for number, at in enumerate(range(0, len(people), each))
        ]
    if strategy["method"] == "smart_send_time":
        # When somebody likes to read is Klaviyo's secret; here everybody has an hour of their own.
        day = _wall_clock(strategy["date"], _account_zone(session))
        return _grouped(session, people, lambda person: day + timedelta(hours=_hour_of(person)))
    if is_local(strategy):
        zones = _zones(session, people)
        at_once = bool(_options(strategy).get("send_past_recipients_immediately"))
        moments = {person: _wall_clock(strategy["datetime"], zones[person]) for person in people}
        if strategy.get("tomorrow"):
            day = timedelta(days=1)
            moments = {person: moment + day * (moment < session.now) for person, moment in moments.items()}
        in_time = [person for person in people if at_once or moments[person] >= session.now]
        return _grouped(session, in_time, lambda person: moments[person]) or [(session.now, [])]
    return [(session.now, list(people))]


def _grouped(session: Session, people: Sequence[str], moment: Callable[[str], datetime]) -> list[Batch]:
    batches: dict[datetime, list[str]] = {}
    for person in people:
        batches.setdefault(max(moment(person), session.now), []).append(person)
    return sorted(batches.items())


def _options(strategy: Json) -> Json:
    return strategy.get("options") or {}


def _wall_clock(text: str, zone: tzinfo) -> datetime:
    """The moment at which clocks in `zone` show what `text` says, whatever offset it has."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def _hour_of(person: str) -> int:
    return blake2b(person.encode(), digest_size=1).digest()[0] % 24


def _account_zone(session: Session) -> tzinfo:
    return _zone(session.require("account", session.account)["timezone"]) or UTC


def _zones(session: Session, people: Sequence[str]) -> dict[str, tzinfo]:
    default = _account_zone(session)
    rows = session.store.get_many(session.account, "profile", people)
    return {row.id: _zone(row.body["location"]["timezone"]) or default for row in rows}


def _zone(name: str | None) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, KeyError, OSError):
        return None

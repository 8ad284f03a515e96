"""What happened to messages, read from events, and which message a conversion is attributed to."""

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from klaviyo_sandbox.behaviour.messages import STAGES
from klaviyo_sandbox.behaviour.metric_filters import fulfils
from klaviyo_sandbox.calls import Session
from klaviyo_sandbox.loose_json import Json

_DAY = 86400 * 1_000_000
SENT = ("delivered", "bounced", "failed")
# How long after it a conversion counts as brought about by an interaction.
_WINDOWS = {
    ("opened", "email"): 5 * _DAY,
    ("clicked", "email"): 5 * _DAY,
    ("delivered", "sms"): _DAY,
    ("clicked", "sms"): 5 * _DAY,
    ("opened", "push-notification"): _DAY,
    ("delivered", "whatsapp"): _DAY,
    ("clicked", "whatsapp"): 5 * _DAY,
}


@dataclass(frozen=True, slots=True)
class Interaction:
    """Something that happened to a message at `at` (microseconds since 1970)."""

    profile: str
    at: int
    stage: str
    channel: str
    message: str
    flow: str | None
    about: Json


@dataclass(frozen=True, slots=True)
class Conversion:
    """Something that a profile did and that may be worth something."""

    profile: str
    at: int
    value: float


def interactions(session: Session, since: int) -> list[Interaction]:
    """All that happened to messages since a moment, in order."""
    sql = """
        SELECT m.name, e.profile_id, e.at, json_extract(e.body, '$.event_properties')
        FROM metric AS m CROSS JOIN event AS e ON e.account = m.account AND e.metric_id = m.id
        WHERE m.account = ? AND m.service = 'klaviyo' AND m.name IN (SELECT value FROM json_each(?))
        AND e.at >= ? ORDER BY e.at, e.id"""
    found: list[Interaction] = []
    for name, profile, at, text in session.store.rows(sql, (session.account, json.dumps(list(STAGES)), since)):
        properties: Json = json.loads(text)
        message = properties.get("$message")
        if isinstance(message, str):
            stage, channel = STAGES[name]
            found.append(Interaction(profile, at, stage, channel, message, properties.get("$flow"), properties))
    return found


def conversions(session: Session, metric: str, since: int) -> list[Conversion]:
    """The events of a metric, or of a custom one, since a moment."""
    custom = session.store.get(session.account, "custom-metric", metric)
    groups: list[Json] = (
        [{"metric_id": metric, "metric_filters": [], "value_property": "$value"}]
        if custom is None
        else custom["definition"]["metric_groups"]
    )
    return [conversion for group in groups for conversion in _group(session, group, since)]


class Touches:
    """The last interactions that conversions can be attributed to."""

    def __init__(self, found: Sequence[Interaction]) -> None:
        """`found` is in order of time."""
        self._of: dict[str, list[tuple[int, int, Interaction]]] = defaultdict(list)
        for interaction in found:
            window = _WINDOWS.get((interaction.stage, interaction.channel))
            if window is not None:
                self._of[interaction.profile].append((interaction.at, interaction.at + window, interaction))

    def before(self, profile: str, at: int) -> Interaction | None:
        """The last interaction before a conversion whose window is still open."""
        touches = self._of.get(profile, [])
        index = bisect_right(touches, at, key=lambda touch: touch[0])
        return next((one for _, closes, one in reversed(touches[:index]) if closes >= at), None)


def _group(session: Session, group: Json, since: int) -> Iterator[Conversion]:
    sql = """
        SELECT profile_id, at, json_extract(body, '$.event_properties') FROM event
        WHERE account = ? AND metric_id = ? AND at >= ? ORDER BY at, id"""
    for profile, at, text in session.store.rows(sql, (session.account, group["metric_id"], since)):
        properties: Json = json.loads(text)
        if fulfils(properties, group["metric_filters"] or []):
            yield Conversion(profile, at, number(properties.get(group["value_property"] or "$value")))


def number(value: Any) -> float:
    """What a property adds to a sum."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0

"""Fields of ours: what Klaviyo says in many words, in a line or a number. What is made of users' words stays theirs."""

import re
from collections.abc import Callable
from typing import Any

from klaviyo_mcp.answers.dotted import value_at
from klaviyo_mcp.klaviyo.user_text import joined
from klaviyo_mcp.loose_json import JSON, is_list, is_object, items, mapping
from klaviyo_mcp.registry.record_fields import CHANNELS, LONGEST_TELLING, MOST_TELLING, TELLING, Line, LineKind

PLACE = ("city", "region", "country")
CONSENT = {"NEVER_SUBSCRIBED": "never"}
"""Klaviyo's words for consent that are said otherwise than in lower case."""


def line(made: Line, record: JSON) -> Any:
    """What a field of ours says of a record, None where there is nothing to say."""
    value = value_at(record, made.source)
    return None if value is None else _MAKERS[made.kind](value)


def _consent(subscriptions: Any) -> str | None:
    """`email subscribed since 2026-03-01; sms never`: a part for each channel that Klaviyo tells of."""
    said: list[str] = []
    for channel, path in CHANNELS.items():
        kind, _, purpose = path.partition(".")
        found = mapping(mapping(mapping(subscriptions).get(kind)).get(purpose))
        consent = str(found.get("consent") or "")
        if not consent:
            continue
        words = f"{channel} {CONSENT.get(consent, consent.lower().replace('_', ' '))}"
        since = str(found.get("consent_timestamp") or "")[:10]
        if since and consent != "NEVER_SUBSCRIBED":
            words += f" since {since}"
        said.append(words + _reached(found, subscribed=consent == "SUBSCRIBED"))
    return "; ".join(said) or None


def _reached(found: JSON, *, subscribed: bool) -> str:
    """What a channel's consent does not tell of whether a person is reached."""
    reasons = [str(one.get("reason")) for one in map(mapping, items(found.get("suppression")))]
    words = f", suppressed ({', '.join(dict.fromkeys(reasons))})" if reasons else ""
    if lists := items(found.get("list_suppressions")):
        words += f", suppressed on {len(lists)} list{'' if len(lists) == 1 else 's'}"
    can = next((value for key, value in found.items() if key.startswith("can_receive")), None)
    if can is True and not subscribed:
        words += ", still reachable"
    if can is False and subscribed and not reasons:
        words += ", not reachable"
    return words


def _place(location: Any) -> str | None:
    found = mapping(location)
    return joined([found[name] for name in PLACE if found.get(name)]) or None


def _characters(text: Any) -> int:
    return len(str(text))


def _value(properties: Any) -> Any:
    return mapping(properties).get("$value")


def _highlights(properties: Any) -> JSON | None:
    """The few properties that tell most: those known to, then whatever is short. Klaviyo's own are left out."""
    found = mapping(properties)
    short = {name: value for name, value in found.items() if not name.startswith("$") and _is_short(value)}
    rank = {name.casefold(): place for place, name in enumerate(TELLING)}
    best = sorted(short, key=lambda name: rank.get(re.sub(r"[\W_]+", "", name).casefold(), len(rank)))
    return {name: short[name] for name in best[:MOST_TELLING]} or None


def _is_short(value: Any) -> bool:
    if is_list(value):
        return len(value) <= MOST_TELLING and all(isinstance(one, str) for one in value) and _fits(value)
    return not is_object(value) and value not in (None, "") and _fits(value)


def _fits(value: Any) -> bool:
    return len(str(value)) <= LONGEST_TELLING


_MAKERS: dict[LineKind, Callable[[Any], Any]] = {
    "consent": _consent,
    "place": _place,
    "characters": _characters,
    "value": _value,
    "highlights": _highlights,
}

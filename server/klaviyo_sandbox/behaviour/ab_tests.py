"""A/B tests of messages: some of the recipients get one variation each, the others later the one that did best.

A message of several variations without a winner to wait for shares all its recipients out among them.
"""

from collections.abc import Sequence
from math import ceil

from klaviyo_sandbox.behaviour.interactions import Interaction, Touches, conversions, interactions
from klaviyo_sandbox.calls import Session
from klaviyo_sandbox.clock import microseconds, parse_moment
from klaviyo_sandbox.loose_json import Json, mapping
from klaviyo_sandbox.storage.store import Row

# What makes a variation win: a stage of a message, or a conversion.
_STAGES = {"opens_unique": "opened", "clicks_unique": "clicked"}
_ORDERS, _ORDER_METRIC = "placed_orders_unique", "Placed Order"


def divide(test: Json | None, variations: int, people: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those who get a variation now, and those who wait for the winner."""
    percentage: int = (test or {}).get("winner_percentage") or 0
    if variations < 2 or not percentage or not wait_seconds(test):
        return list(people), []
    tested = ceil(len(people) * (100 - percentage) / 100)
    return list(people[:tested]), list(people[tested:])


def wait_seconds(test: Json | None) -> int:
    """How long results are collected before a winner is picked."""
    return ((test or {}).get("winner_wait_hours") or 0) * 3600


def winner(session: Session, message: Row, variations: Sequence[str]) -> str:
    """The variation that most recipients did what counts with; among equals the first."""
    metric: str = mapping(message.body["definition"]["ab_test"]).get("winner_metric") or "opens_unique"
    sent = parse_moment(message.body["_send_time"])
    since = microseconds(sent) if sent else 0
    found = [one for one in interactions(session, since) if one.message == message.id]
    did = _ordered(session, found, since) if metric == _ORDERS else _reached(found, _STAGES[metric])
    return max(variations, key=lambda variation: len({profile for profile, which in did if which == variation}))


def _reached(found: Sequence[Interaction], stage: str) -> list[tuple[str, str]]:
    return [(one.profile, one.about.get("$variation") or "") for one in found if one.stage == stage]


def _ordered(session: Session, found: Sequence[Interaction], since: int) -> list[tuple[str, str]]:
    touches = Touches(found)
    orders = [
        order
        for metric in session.store.find(session.account, "metric", "name", _ORDER_METRIC)
        for order in conversions(session, metric.id, since)
    ]
    attributed = [touches.before(order.profile, order.at) for order in orders]
    return [(touch.profile, touch.about.get("$variation") or "") for touch in attributed if touch is not None]

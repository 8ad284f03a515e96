"""Predictive analytics: what past orders say about a customer. Klaviyo's model is unknown; this one is simple."""

import json
from collections.abc import Mapping, Sequence
from math import exp

from klaviyo_sandbox.calls import Session
from klaviyo_sandbox.loose_json import Json

NUMBERS = (
    "historic_clv",
    "predicted_clv",
    "total_clv",
    "historic_number_of_orders",
    "predicted_number_of_orders",
    "average_days_between_orders",
    "average_order_value",
    "churn_probability",
)

_DAY = 86_400_000_000
# Somebody who ordered once is expected back after half a year.
_FIRST_GAP_DAYS = 180.0


def predictive_analytics(session: Session, identifiers: Sequence[str]) -> Mapping[str, Json]:
    """Predictions for each profile, from its Placed Order events; all null for those without orders."""
    sql = """
        SELECT e.profile_id, count(*), coalesce(sum(e.value), 0), min(e.at), max(e.at)
        FROM event AS e CROSS JOIN metric AS m
            ON m.account = e.account AND m.id = e.metric_id AND m.name = 'Placed Order'
        WHERE e.account = ? AND e.profile_id IN (SELECT value FROM json_each(?)) GROUP BY e.profile_id"""
    channels = _affinity(session, identifiers)
    found: dict[str, Json] = {profile: _unpredictable() for profile in identifiers}
    for profile, orders, spent, first, last in session.store.rows(sql, (session.account, json.dumps(identifiers))):
        found[profile] = _predict(session, orders, spent, first, last, channels.get(profile, []))
    return found


def _unpredictable() -> Json:
    return {**dict.fromkeys(NUMBERS), "expected_date_of_next_order": None, "ranked_channel_affinity": None}


def _predict(session: Session, orders: int, spent: float, first: int, last: int, channels: list[str]) -> Json:
    between = (last - first) / _DAY / (orders - 1) if orders > 1 else None
    gap = max(between if between is not None else _FIRST_GAP_DAYS, 1.0)
    quiet = max(session.micros - last, 0) / _DAY
    churn = 1 - exp(-quiet / (3 * gap))
    average = spent / orders
    expected = 365 / gap * (1 - churn) * 0.5
    return {
        "historic_clv": round(spent, 2),
        "predicted_clv": round(expected * average, 2),
        "total_clv": round(spent + expected * average, 2),
        "historic_number_of_orders": orders,
        "predicted_number_of_orders": round(expected, 2),
        "average_days_between_orders": None if between is None else round(between, 2),
        "average_order_value": round(average, 2),
        "churn_probability": round(churn, 4),
        "expected_date_of_next_order": session.moment(last + round(gap * _DAY)),
        "ranked_channel_affinity": channels,
    }


def _affinity(session: Session, identifiers: Sequence[str]) -> dict[str, list[str]]:
    """The channels each profile is subscribed to, email first."""
    sql = """
        SELECT profile, channel FROM consent
        WHERE account = ? AND profile IN (SELECT value FROM json_each(?))
        AND status = 'SUBSCRIBED' AND channel LIKE '%.marketing' ORDER BY channel"""
    ranked: dict[str, list[str]] = {}
    for profile, channel in session.store.rows(sql, (session.account, json.dumps(identifiers))):
        ranked.setdefault(profile, []).append(channel.split(".")[0])
    return ranked

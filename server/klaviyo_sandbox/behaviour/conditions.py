"""Which profiles fit the conditions of a segment: all of its groups, and any condition of each group.

Conditions on what the sandbox does not know (distances between postal codes, custom objects, funnels, predicted gender)
fit nobody.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from klaviyo_sandbox.behaviour.comparing import compares, moment_range
from klaviyo_sandbox.behaviour.predictions import NUMBERS, predictive_analytics
from klaviyo_sandbox.calls import Session
from klaviyo_sandbox.loose_json import Json, mapping

_UNITED_STATES = frozenset({"us", "usa", "united states", "united states of america"})
_EU_COUNTRIES = (
    "at, be, bg, hr, cy, cz, dk, ee, fi, fr, de, gr, hu, ie, it, lv, lt, lu, mt, nl, pl, pt, ro, sk, si, es, se, "
    "austria, belgium, bulgaria, croatia, cyprus, czechia, czech republic, denmark, estonia, finland, france, germany, "
    "greece, hungary, ireland, italy, latvia, lithuania, luxembourg, malta, netherlands, the netherlands, poland, "
    "portugal, romania, slovakia, slovenia, spain, sweden"
)
_EUROPEAN_UNION = frozenset(_EU_COUNTRIES.split(", "))
_REGIONS = {"united_states": _UNITED_STATES, "european_union": _EUROPEAN_UNION}
_PLACES = ("address1", "address2", "city", "country", "latitude", "longitude", "region", "zip", "timezone")
_CHANNELS = {"email": "email.marketing", "sms": "sms.marketing", "push": "push.marketing"}
_SUPPRESSION_DATES = {
    "bounce_date": "HARD_BOUNCE",
    "manual_suppression_date": "USER_SUPPRESSED",
    "invalid_email_date": "INVALID_EMAIL",
}


def matching(session: Session, groups: Sequence[Json]) -> set[str]:
    """The ids of the profiles that fit."""
    found: set[str] | None = None
    for group in groups:
        fitting: set[str] = set()
        for condition in group["conditions"]:
            kind = _KINDS.get(condition.get("type", ""))
            fitting |= kind(session, condition) if kind else set()
        found = fitting if found is None else found & fitting
    return found or set()


def _everybody(session: Session) -> set[str]:
    return {row[0] for row in session.store.rows("SELECT id FROM profile WHERE account = ?", (session.account,))}


def _in_groups(session: Session, condition: Json) -> set[str]:
    earliest, latest = moment_range(condition.get("timeframe_filter"), session.now)
    sql = """
        SELECT DISTINCT target FROM link WHERE account = ? AND relation IN ('list.profiles', 'segment.profiles')
        AND source IN (SELECT value FROM json_each(?)) AND at BETWEEN ? AND ?"""
    parameters = (session.account, json.dumps(condition["group_ids"]), earliest, latest)
    members = {row[0] for row in session.store.rows(sql, parameters)}
    return members if condition["is_member"] else _everybody(session) - members


def _did(session: Session, condition: Json) -> set[str]:
    """Those who did something so many times, or for so much in total, in some time; not at all counts as zero."""
    earliest, latest = moment_range(condition["timeframe_filter"], session.now)
    filters: list[Json] = condition.get("metric_filters") or []
    sql = """
        SELECT profile_id, value, CASE WHEN ? THEN body END FROM event
        WHERE account = ? AND metric_id = ? AND at BETWEEN ? AND ? AND profile_id IS NOT NULL"""
    totals = dict.fromkeys(_everybody(session), 0.0)
    parameters = (bool(filters), session.account, condition["metric_id"], earliest, latest)
    for profile, value, text in session.store.rows(sql, parameters):
        if profile not in totals or (filters and not _has_properties(session, filters, json.loads(text))):
            continue
        totals[profile] += 1 if condition["measurement"] == "count" else value or 0
    return {
        profile for profile, total in totals.items() if compares(condition["measurement_filter"], total, session.now)
    }


def _has_properties(session: Session, filters: Sequence[Json], event: Json) -> bool:
    properties: Json = event["event_properties"]
    return all(
        compares(chosen["filter"], properties.get(chosen["property"]), session.now)
        for chosen in filters
        if chosen.get("filter")
    )


def _has_property(session: Session, condition: Json) -> set[str]:
    read = _reader(condition["property"])
    sql = "SELECT id, body FROM profile WHERE account = ?"
    return {
        identifier
        for identifier, body in session.store.rows(sql, (session.account,))
        if compares(condition["filter"], read(json.loads(body)), session.now)
    }


def _reader(name: str) -> Callable[[Json], Any]:
    """What a property's name stands for: `first_name`, `location['city']`, `properties['Loyalty tier']`."""
    for top in ("properties", "location"):
        if name.startswith((f"{top}['", f'{top}["')) and name.endswith(("']", '"]')):
            inner = name[len(top) + 2 : -2]
            return lambda body: body[top].get(inner)
    if name in _PLACES:
        return lambda body: body["location"].get(name)
    return lambda body: body[name] if name in body and not name.startswith("_") else body["properties"].get(name)


def _in_region(session: Session, condition: Json) -> set[str]:
    countries = _REGIONS[condition["region"]]
    sql = "SELECT id, json_extract(body, '$.location.country') FROM profile WHERE account = ?"
    inside: set[str] = set()
    outside: set[str] = set()
    for identifier, country in session.store.rows(sql, (session.account,)):
        if isinstance(country, str):
            (inside if country.strip().lower() in countries else outside).add(identifier)
    return inside if condition["in_region"] else outside


def _consents(session: Session, condition: Json) -> set[str]:
    """Those who can, or cannot, be written to on a channel, and have such a consent."""
    wanted: Json = condition["consent"]
    channel = _CHANNELS[wanted["channel"]]
    status: Json = wanted.get("consent_status") or {"subscription": "any"}
    sql = """
        SELECT p.id, p.email, p.phone_number, c.status, c.consented_at, c.method, c.detail, c.double_optin
        FROM profile AS p LEFT JOIN consent AS c ON c.account = p.account AND c.profile = p.id AND c.channel = ?
        WHERE p.account = ?"""
    suppressed = _suppressions(session)
    fitting: set[str] = set()
    for profile, email, phone, consent, *how in session.store.rows(sql, (channel, session.account)):
        subscribed = consent == "SUBSCRIBED"
        reachable = {
            "email": email is not None and profile not in suppressed,
            "sms": phone is not None and subscribed,
            "push": subscribed,
        }[wanted["channel"]]
        said = (consent or "NEVER_SUBSCRIBED").lower()
        if reachable == wanted["can_receive_marketing"] and status["subscription"] in ("any", said):
            record = _record(how, suppressed.get(profile, {}), session)
            if all(_fits(chosen, record, session) for chosen in status.get("filters") or ()):
                fitting.add(profile)
    return fitting


def _suppressions(session: Session) -> dict[str, dict[str, int]]:
    sql = "SELECT profile, reason, at FROM suppression WHERE account = ? AND list = ''"
    found: dict[str, dict[str, int]] = {}
    for profile, reason, at in session.store.rows(sql, (session.account,)):
        found.setdefault(profile, {})[reason] = at
    return found


def _record(how: Sequence[Any], suppressions: Mapping[str, int], session: Session) -> Json:
    consented_at, method, detail, double_optin = how
    dates = {
        name: session.moment(suppressions[reason]) if reason in suppressions else None
        for name, reason in _SUPPRESSION_DATES.items()
    }
    return {
        "status_date": consented_at,
        "method": (method or "").lower(),
        "custom_source": detail,
        "is_double_opt_in": None if double_optin is None else bool(double_optin),
        **dates,
    }


def _fits(chosen: Json, record: Json, session: Session) -> bool:
    field = chosen.get("field", "")
    if field not in record:
        return False
    if field == "method":
        named: Json = chosen.get("filter") or {}
        return record["method"] == chosen.get("method") and (
            not named or compares(named, record["custom_source"], session.now)
        )
    return compares(mapping(chosen.get("filter")), record[field], session.now)


def _predicted(session: Session, condition: Json) -> set[str]:
    dimension = condition["dimension"]
    name = {"expected_date_of_next_purchase": "expected_date_of_next_order"}.get(dimension, dimension)
    if name not in (*NUMBERS, "expected_date_of_next_order"):
        return set()
    predictions = predictive_analytics(session, sorted(_everybody(session)))
    return {
        profile
        for profile, values in predictions.items()
        if values and compares(condition["filter"], values.get(name), session.now)
    }


_KINDS: Mapping[str, Callable[[Session, Json], set[str]]] = {
    "profile-group-membership": _in_groups,
    "profile-metric": _did,
    "profile-property": _has_property,
    "profile-region": _in_region,
    "profile-marketing-consent": _consents,
    "profile-predictive-analytics": _predicted,
}

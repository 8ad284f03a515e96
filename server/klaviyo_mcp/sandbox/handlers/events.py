"""How an event is taken in: accepted at once, processed a little later into an event, its metric and its profile."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, cast

from klaviyo_mcp.sandbox.calls import Answer, Call, Session
from klaviyo_mcp.sandbox.clock import iso, parse_moment
from klaviyo_mcp.sandbox.errors import ApiError, Problem, invalid_body, invalid_field
from klaviyo_mcp.sandbox.handlers.profiles import find_profiles, normalized, recognize, write_profile
from klaviyo_mcp.sandbox.identifiers import new_identifier, new_uuid
from klaviyo_mcp.sandbox.shapes import Json

# Klaviyo takes events of these addresses and drops them without a word.
_DROPPED_DOMAINS = ("@example.com", "@test.com")
_IDENTIFIERS = ("email", "phone_number", "external_id", "anonymous_id", "_kx")
_LONGEST_STRING = 100 * 1024
_LONGEST_ARRAY = 4000
_DEEPEST = 10


def create_event(call: Call) -> Answer:
    """Accept an event if it could be processed; nothing is said about whether it will be."""
    attributes = call.data["attributes"]
    profile = attributes["profile"]["data"]
    person = normalized(profile["attributes"])
    if profile.get("id") is None and all(person.get(name) is None for name in _IDENTIFIERS):
        pointer = "/data/attributes/profile/data/attributes"
        raise invalid_body(pointer, f"The profile needs an id or at least one identifier: {', '.join(_IDENTIFIERS)}.")
    _check_time(call, attributes.get("time"))
    problems = _oversized(attributes["properties"], "/data/attributes/properties", 0)
    if problems:
        raise ApiError(400, problems)
    if (person.get("email") or "").endswith(_DROPPED_DOMAINS):
        return Answer(202)
    call.schedule("event", {**attributes, "received": call.stamp}, call.world.event_delay)
    return Answer(202)


def process_event(session: Session, payload: Json) -> None:
    """Record an accepted event, making the metric and the profile it speaks of where they do not exist."""
    moment = parse_moment(payload.get("time") or payload["received"]) or session.now
    happened = moment.replace(microsecond=0)
    profile = _profile(session, payload["profile"]["data"], iso(happened))
    if profile is None:
        return
    metric = _metric(session, payload["metric"]["data"]["attributes"])
    timestamp = int(happened.timestamp())
    unique_id = payload.get("unique_id") or str(timestamp)
    properties = {name: value for name, value in payload["properties"].items() if not _is_nothing(value)}
    properties["$event_id"] = unique_id
    if payload.get("value") is not None:
        properties["$value"] = payload["value"]
    if payload.get("value_currency") is not None:
        properties["$value_currency"] = payload["value_currency"]
    body = event_body(profile, metric, timestamp, unique_id, properties, new_uuid(session.store.next_digest()))
    # The unique index on profile, metric and unique_id lets the first event of a kind win.
    session.store.insert(session.account, "event", session.new_id("event"), body, ignore=True)


def event_body(profile: str, metric: str, timestamp: int, unique_id: str, properties: Json, uuid: str) -> Json:
    """The stored body of an event that happened at `timestamp`, in seconds since 1970."""
    return {
        "timestamp": timestamp,
        "event_properties": properties,
        "datetime": iso(datetime.fromtimestamp(timestamp, UTC)),
        "uuid": uuid,
        "_profile_id": profile,
        "_metric_id": metric,
        "_unique_id": unique_id,
    }


def metric_integration(service: str) -> Json:
    """The integration that metrics of a service belong to. The API's own service is `api`."""
    name, category = _KNOWN_SERVICES.get(service, (service.replace("_", " ").title(), "Custom"))
    identifier = new_identifier("six", blake2b(service.encode(), digest_size=16).digest(), _EPOCH)
    return {"object": "integration", "id": identifier, "key": service, "name": name, "category": category}


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KNOWN_SERVICES = {
    "api": ("API", "API"),
    "klaviyo": ("Klaviyo", "Internal"),
    "shopify": ("Shopify", "eCommerce"),
}


def _profile(session: Session, reference: Json, happened: str) -> str | None:
    """The profile of an event, made or changed as the event says. None for an id that nobody has."""
    attributes = normalized(reference["attributes"])
    patch: Json = attributes.pop("meta", None) or {}
    identifier: str | None = reference.get("id")
    if identifier is None:
        identifier = recognize(session, attributes)
    elif session.store.get(session.account, "profile", identifier) is None:
        return None
    # An identifier that is somebody else's stays with them; the event does not fail over it.
    for name in _IDENTIFIERS:
        if name in attributes and any(
            owner != identifier for owner in find_profiles(session, {name: attributes[name]})
        ):
            del attributes[name]
    row = write_profile(session, identifier, attributes, patch)
    if row.body["last_event_date"] is None or row.body["last_event_date"] < happened:
        row.body["last_event_date"] = happened
        session.store.replace(session.account, "profile", row.id, row.body)
    return row.id


def _metric(session: Session, attributes: Json) -> str:
    service = attributes.get("service") or "api"
    for row in session.store.find(session.account, "metric", "name", attributes["name"]):
        if row.body["integration"]["key"] == service:
            return row.id
    identifier = session.new_id("metric")
    body = {
        "name": attributes["name"],
        "created": session.stamp,
        "updated": session.stamp,
        "integration": metric_integration(service),
    }
    session.store.insert(session.account, "metric", identifier, body)
    return identifier


def _check_time(call: Call, time: str | None) -> None:
    moment = parse_moment(time) if time else None
    if moment is None:
        return
    if moment.year < 1990:
        raise invalid_body("/data/attributes/time", "'time' must not be before the year 1990.")
    if moment > call.now + timedelta(days=365):
        raise invalid_body("/data/attributes/time", "'time' must not be more than a year in the future.")


def _oversized(value: object, pointer: str, depth: int) -> list[Problem]:
    """Where a value exceeds what Klaviyo keeps of an event."""
    if depth > _DEEPEST:
        return [invalid_field(pointer, f"Event properties must not be nested more than {_DEEPEST} levels deep.")]
    if isinstance(value, str) and len(value.encode()) > _LONGEST_STRING:
        return [invalid_field(pointer, "A string in event properties must not be larger than 100 KB.")]
    if isinstance(value, dict):
        items = cast(dict[str, Any], value).items()
        return [problem for name, item in items for problem in _oversized(item, f"{pointer}/{name}", depth + 1)]
    if isinstance(value, list):
        listed = cast(list[Any], value)
        if len(listed) > _LONGEST_ARRAY:
            return [
                invalid_field(pointer, f"An array in event properties must not have more than {_LONGEST_ARRAY} items.")
            ]
        return [problem for at, item in enumerate(listed) for problem in _oversized(item, f"{pointer}/{at}", depth + 1)]
    return []


def _is_nothing(value: object) -> bool:
    """Whether Klaviyo ignores a property with this value."""
    return value is None or value == "" or (value == 0 and not isinstance(value, bool))

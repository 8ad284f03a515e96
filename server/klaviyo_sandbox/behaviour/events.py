"""How an event is taken in: accepted at once, processed a little later into an event, its metric and its profile."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from klaviyo_sandbox.behaviour.profiles import normalized, recognize, unclaimed, write_profile
from klaviyo_sandbox.behaviour.webhooks import add_topic, notify
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.clock import iso, parse_moment
from klaviyo_sandbox.errors import ApiError, Problem, invalid_body, invalid_field
from klaviyo_sandbox.identifiers import new_event_uuid, new_identifier
from klaviyo_sandbox.loose_json import Json, is_list, is_object

# Klaviyo takes events of these addresses and drops them without a word.
_DROPPED_DOMAINS = ("@example.com", "@test.com")
_IDENTIFIERS = ("email", "phone_number", "external_id", "anonymous_id", "_kx")
_LONGEST_STRING = 100 * 1024
_LONGEST_ARRAY = 4000
_DEEPEST = 10
MOST_EVENTS = 1000


def create_event(call: Call) -> Answer:
    """Accept an event if it could be processed; nothing is said about whether it will be."""
    attributes = call.data["attributes"]
    profile = attributes["profile"]["data"]
    person = normalized(profile["attributes"])
    problems = _unidentified(profile, person, "/data/attributes/profile/data/attributes")
    if problems := problems or _faults(call, attributes, "/data/attributes"):
        raise ApiError(400, problems)
    if (person.get("email") or "").endswith(_DROPPED_DOMAINS):
        return Answer(202)
    _accept(call, attributes)
    return Answer(202)


def process_event(session: Session, payload: Json) -> None:
    """Record an accepted event, making the metric and the profile it speaks of where they do not exist."""
    moment = parse_moment(payload.get("time") or payload["received"]) or session.now
    happened = moment.replace(microsecond=0)
    profile = _profile(session, payload["profile"]["data"], iso(happened))
    if profile is None:
        return
    metric = ensure_metric(session, payload["metric"]["data"]["attributes"])
    timestamp = int(happened.timestamp())
    unique_id = payload.get("unique_id") or str(timestamp)
    properties = {name: value for name, value in payload["properties"].items() if not _is_nothing(value)}
    properties["$event_id"] = unique_id
    if payload.get("value") is not None:
        properties["$value"] = payload["value"]
    if payload.get("value_currency") is not None:
        properties["$value_currency"] = payload["value_currency"]
    body = event_body(profile, metric, timestamp, unique_id, properties, session.store.next_digest())
    record_events(session, [(session.new_id("event"), body)])


def bulk_create_events(call: Call) -> Answer:
    """Accept the events of many profiles, or none where one of them is faulty or repeats another."""
    batches: list[Json] = call.data["attributes"]["events-bulk-create"]["data"]
    pointer = "/data/attributes/events-bulk-create/data"
    _accept_batches(
        call, [(batch["attributes"], f"{pointer}/{number}/attributes") for number, batch in enumerate(batches)]
    )
    return Answer(202)


def bulk_create_client_events(call: Call) -> Answer:
    """Accept the events of one profile, or none where one of them is faulty or repeats another."""
    _accept_batches(call, [(call.data["attributes"], "/data/attributes")])
    return Answer(202)


def _accept(call: Call, event: Json) -> None:
    kind = "client.event" if call.operation.public else "event"
    call.schedule(kind, {**event, "received": call.second}, call.world.event_delay)


def _accept_batches(call: Call, batches: Sequence[tuple[Json, str]]) -> None:
    """Accept the events of several profiles: the attributes of each batch, and where they are in the request."""
    problems: list[Problem] = []
    accepted: list[Json] = []
    seen: set[tuple[str, ...]] = set()
    for attributes, here in batches:
        person = normalized(attributes["profile"]["data"]["attributes"])
        problems += _unidentified(attributes["profile"]["data"], person, f"{here}/profile/data/attributes")
        for index, event in enumerate(attributes["events"]["data"]):
            one: Json = {
                "backfill": attributes.get("backfill"),
                **event["attributes"],
                "profile": attributes["profile"],
            }
            pointer = f"{here}/events/data/{index}/attributes"
            problems += _faults(call, one, pointer)
            key = _repeatable(attributes["profile"]["data"], person, one)
            if one.get("unique_id") and key in seen:
                problems.append(invalid_field(f"{pointer}/unique_id", f"'{one['unique_id']}' is repeated."))
            seen.add(key)
            if not (person.get("email") or "").endswith(_DROPPED_DOMAINS):
                accepted.append(one)
    if problems:
        raise ApiError(400, problems)
    count = sum(len(attributes["events"]["data"]) for attributes, _ in batches)
    if count > MOST_EVENTS:
        pointer = "/data/attributes/events-bulk-create/data"
        raise invalid_body(pointer, f"A request may hold up to {MOST_EVENTS} events, not {count}.")
    for one in accepted:
        _accept(call, one)


def record_events(session: Session, events: Sequence[tuple[str, Json]]) -> None:
    """Store events, of which the first of a profile, metric and unique id wins, and tell webhooks of those stored."""
    by_metric: dict[str, list[str]] = {}
    for identifier, body in events:
        if session.store.insert(session.account, "event", identifier, body, ignore=True):
            by_metric.setdefault(body["_metric_id"], []).append(identifier)
    for metric, stored in by_metric.items():
        notify(session, metric, stored)


def record_event(session: Session, profile: str, metric: str, properties: Json, *, unique_id: str = "") -> None:
    """Store an event of one of Klaviyo's own metrics that happens now."""
    timestamp = session.micros // 1_000_000
    unique = unique_id or str(timestamp)
    kept = {**properties, "$event_id": unique}
    digest = session.store.next_digest()
    identifier = ensure_metric(session, {"name": metric, "service": "klaviyo"})
    body = event_body(profile, identifier, timestamp, unique, kept, digest)
    record_events(session, [(session.new_id("event"), body)])
    person = session.store.get(session.account, "profile", profile)
    if person is not None and (person["last_event_date"] or "") < body["datetime"]:
        session.store.replace(session.account, "profile", profile, {**person, "last_event_date": body["datetime"]})


def event_body(profile: str, metric: str, timestamp: int, unique_id: str, properties: Json, digest: bytes) -> Json:
    """The stored body of an event that happened at `timestamp`, in seconds since 1970. `digest` makes its UUID."""
    return {
        "timestamp": timestamp,
        "event_properties": properties,
        "datetime": iso(datetime.fromtimestamp(timestamp, UTC)),
        "uuid": new_event_uuid(timestamp, digest),
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
    patch: Json = attributes.pop("meta", None) or reference.get("meta") or {}
    identifier: str | None = reference.get("id")
    if identifier is None:
        identifier = recognize(session, attributes)
    elif session.store.get(session.account, "profile", identifier) is None:
        return None
    row = write_profile(session, identifier, unclaimed(session, identifier, attributes), patch)
    if row.body["last_event_date"] is None or row.body["last_event_date"] < happened:
        row.body["last_event_date"] = happened
        session.store.replace(session.account, "profile", row.id, row.body)
    return row.id


def ensure_metric(session: Session, attributes: Json) -> str:
    """The id of the metric with this name and service, made if there is none."""
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
    add_topic(session, attributes["name"], service)
    return identifier


def _unidentified(profile: Json, person: Json, pointer: str) -> list[Problem]:
    """What is wrong with a profile that nothing identifies. `person` holds its normalized attributes."""
    if profile.get("id") is not None or any(person.get(name) is not None for name in _IDENTIFIERS):
        return []
    return [invalid_field(pointer, f"The profile needs an id or at least one identifier: {', '.join(_IDENTIFIERS)}.")]


def _faults(call: Call, event: Json, pointer: str) -> list[Problem]:
    """What is wrong with an event's time and properties."""
    problems = _oversized(event["properties"], f"{pointer}/properties", 0)
    moment = parse_moment(event["time"]) if event.get("time") else None
    if moment is not None and moment.year < 1990:
        problems.append(invalid_field(f"{pointer}/time", "'time' must not be before the year 1990."))
    if moment is not None and moment > call.now + timedelta(days=365):
        problems.append(invalid_field(f"{pointer}/time", "'time' must not be more than a year in the future."))
    return problems


def _repeatable(profile: Json, person: Json, event: Json) -> tuple[str, ...]:
    """What two events of one request may not share."""
    who = profile.get("id") or next((person[name] for name in _IDENTIFIERS if person.get(name)), "")
    metric: Json = event["metric"]["data"]["attributes"]
    return str(who), metric["name"], metric.get("service") or "api", event.get("unique_id") or ""


def _oversized(value: object, pointer: str, depth: int) -> list[Problem]:
    """Where a value exceeds what Klaviyo keeps of an event."""
    if depth > _DEEPEST:
        return [invalid_field(pointer, f"Event properties must not be nested more than {_DEEPEST} levels deep.")]
    if isinstance(value, str) and len(value.encode()) > _LONGEST_STRING:
        return [invalid_field(pointer, "A string in event properties must not be larger than 100 KB.")]
    if is_object(value):
        return [problem for name, item in value.items() for problem in _oversized(item, f"{pointer}/{name}", depth + 1)]
    if is_list(value):
        if len(value) > _LONGEST_ARRAY:
            return [
                invalid_field(pointer, f"An array in event properties must not have more than {_LONGEST_ARRAY} items.")
            ]
        return [problem for at, item in enumerate(value) for problem in _oversized(item, f"{pointer}/{at}", depth + 1)]
    return []


def _is_nothing(value: object) -> bool:
    """Whether Klaviyo ignores a property with this value."""
    return value is None or value == "" or (value == 0 and not isinstance(value, bool))

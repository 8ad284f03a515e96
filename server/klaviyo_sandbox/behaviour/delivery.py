"""What becomes of a message that is delivered: its recipients' events, then and over the days that follow."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from math import log
from struct import unpack

from klaviyo_sandbox.behaviour.events import ensure_metric, event_body, record_events
from klaviyo_sandbox.behaviour.messages import metric_of, recipient_properties
from klaviyo_sandbox.calls import Session
from klaviyo_sandbox.loose_json import Json

_HOUR = 3600
_SECOND = 1_000_000
# Smart sending spares those who had a message on the same channel in this time.
_SPARED_SECONDS = 16 * _HOUR
# Opens and clicks are written when they are due, a few times after the delivery: seconds after it.
_ROUNDS = (60, 900, _HOUR, 4 * _HOUR, 12 * _HOUR, 24 * _HOUR, 72 * _HOUR)
_AT_ONCE = 500


def deliver(session: Session, about: Json, tracking: Json, profiles: Sequence[str]) -> None:
    """Write that a campaign message was received, and see to what its recipients do with it.

    about: what every event says of the message
    tracking: the message's tracking options
    """
    if not profiles:
        return
    at = session.micros // _SECOND
    _write(session, about, ((profile, "delivered", at, {}) for profile in profiles), at)
    stages = [
        stage
        for stage, tracked in (("opened", "is_tracking_opens"), ("clicked", "is_tracking_clicks"))
        if tracking.get(tracked) is not False
    ]
    payload: Json = {"about": about, "at": at, "profiles": list(profiles), "stages": stages, "round": 0}
    session.schedule("campaign.react", payload, _ROUNDS[0])


def react(session: Session, payload: Json) -> None:
    """Write the opens and clicks since the last round."""
    number: int = payload["round"]
    since, until = (0, *_ROUNDS)[number], _ROUNDS[number]
    at = payload["at"]
    # What is tested against each other is read differently.
    message = payload["about"].get("$variation") or payload["about"]["$message"]
    reactions = (
        (profile, stage, at + after, more)
        for profile in payload["profiles"]
        for stage, after, more in _reactions(message, profile)
        if since < after <= until and stage in payload["stages"]
    )
    _write(session, payload["about"], reactions, at)
    if number + 1 < len(_ROUNDS):
        session.schedule("campaign.react", {**payload, "round": number + 1}, _ROUNDS[number + 1] - until)


def without_recently_reached(session: Session, people: Sequence[str], channel: str) -> list[str]:
    """Those who had no message on this channel in the last hours."""
    metric = metric_of("delivered", _events_channel(channel))
    sql = """
        SELECT DISTINCT e.profile_id FROM event AS e JOIN metric AS m ON m.account = e.account AND m.id = e.metric_id
        WHERE e.account = ? AND m.name = ? AND e.at > ?"""
    since = session.micros - _SPARED_SECONDS * _SECOND
    reached = {profile for (profile,) in session.store.rows(sql, (session.account, metric, since))}
    return [person for person in people if person not in reached]


def _reactions(message: str, profile: str) -> Iterator[tuple[str, int, Json]]:
    """What somebody does with a message, how many seconds after it came, and what more is said of it.

    Drawn from the two ids: two in five open, half of those within three hours; one in eight clicks.
    """
    digest = blake2b(f"{message}:{profile}".encode(), digest_size=24).digest()
    luck, wait, pause = (number / 2**64 for number in unpack(">3Q", digest))
    opening = 1 + int(-log(1 - wait) * 4 * _HOUR)
    if luck < 0.42:
        yield "opened", opening, {"Client Type": "mobile app" if pause < 0.6 else "browser"}
    if luck < 0.13:
        yield "clicked", opening + 20 + int(pause * 280), {"URL": "https://shop.example/new"}


def _write(session: Session, about: Json, happened: Iterator[tuple[str, str, int, Json]], sent: int) -> None:
    """Store events given as (profile, stage, moment in seconds, further properties), and note them on the profiles."""
    channel: str = about["$campaign_channel"]
    metrics: dict[str, str] = {}
    pending: list[tuple[str, str, int, Json]] = []
    for entry in happened:
        pending.append(entry)
        if len(pending) == _AT_ONCE:
            _write_some(session, about, channel, pending, metrics, sent)
            pending = []
    _write_some(session, about, channel, pending, metrics, sent)


def _write_some(
    session: Session,
    about: Json,
    channel: str,
    entries: Sequence[tuple[str, str, int, Json]],
    metrics: dict[str, str],
    sent: int,
) -> None:
    people = {
        row.id: row.body
        for row in session.store.get_many(session.account, "profile", [profile for profile, *_ in entries])
    }
    events: list[tuple[str, Json]] = []
    for profile, stage, at, more in entries:
        name, person = metric_of(stage, channel), people.get(profile)
        if name is None or person is None:
            continue
        if name not in metrics:
            metrics[name] = ensure_metric(session, {"name": name, "service": "klaviyo"})
        unique = f"{about['$message']}:{stage}:{at - sent}"
        whom = recipient_properties(channel, person["email"], person["phone_number"])
        properties: Json = {**about, **whom, **more, "$event_id": unique}
        digest = session.store.next_digest()
        body = event_body(profile, metrics[name], at, unique, properties, digest)
        events.append((session.new_id("event"), body))
        if person["last_event_date"] is None or person["last_event_date"] < body["datetime"]:
            person["last_event_date"] = body["datetime"]
            session.store.replace(session.account, "profile", profile, person)
    record_events(session, events)


def _events_channel(channel: str) -> str:
    return "push-notification" if channel == "mobile_push" else channel

"""What became of the messages of a demo shop: delivered, opened, clicked, bounced, complained of, unsubscribed from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import log
from struct import unpack

from klaviyo_sandbox.behaviour.messages import (
    campaign_message_properties,
    flow_message_properties,
    metric_of,
    recipient_properties,
)
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed.marketing import Ground
from klaviyo_sandbox.seed.past import past_event
from klaviyo_sandbox.seed.people import Person

_HOUR = 3600
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Sending:
    """One message on its way to one person, at `at` (seconds since 1970). `key` is what its events' ids come from."""

    person: Person
    channel: str
    about: Json
    at: int
    key: str


def make_campaign_events(
    ground: Ground, sent: Sequence[tuple[str, int]], people: Sequence[Person], metrics: dict[str, str]
) -> None:
    """The events of campaigns that went out, given as (id, moment in seconds since 1970)."""
    account, store = ground.shop.account, ground.store
    for campaign, moment in sent:
        name: str = (store.get(account, "campaign", campaign) or {})["name"]
        for message in store.find(account, "campaign-message", "campaign_id", campaign):
            channel: str = message.body["_channel"]
            (variation,) = store.find(account, "campaign-variation", "message_id", message.id)
            about = campaign_message_properties(message.id, name, variation.body["definition"]["details"])
            sendings = (
                Sending(person, channel, about, moment, message.id)
                for person in people
                if person.created <= moment and (person.sms_consent if channel == "sms" else person.email_consent)
            )
            _store(ground, metrics, sendings)


def make_flow_events(ground: Ground, flows: dict[str, str], people: Sequence[Person], metrics: dict[str, str]) -> None:
    """The emails that live flows sent over the past year."""
    year_ago = ground.now - 365 * _DAY
    # Who set a flow off, and when.
    triggers: dict[str, list[tuple[Person, int]]] = {
        "Welcome series": [(person, person.created + 600) for person in people],
        "Order thank-you": [(person, order) for person in people for order in person.orders],
        "Abandoned cart": _abandoned(ground, people, metrics["Started Checkout"]),
    }
    for name, entries in triggers.items():
        flow = ground.store.get(ground.shop.account, "flow", flows[name]) or {}
        delay = 0
        for action in flow["definition"]["actions"]:
            if action["type"] == "time-delay":
                delay += action["data"]["value"] * _HOUR
                continue
            message: Json = action["data"]["message"]
            about = flow_message_properties(
                flows[name], message["id"], message["name"], "email", message["subject_line"]
            )
            sendings = (
                Sending(person, "email", about, entered + delay, f"{message['id']}:{number}")
                for number, (person, entered) in enumerate(entries)
                if person.email_consent and entered + delay >= year_ago
            )
            _store(ground, metrics, sendings)


def _store(ground: Ground, metrics: dict[str, str], sendings: Iterator[Sending]) -> None:
    events = (event for sending in sendings for event in _events(sending, metrics, ground.now))
    ground.store.insert_many(ground.shop.account, "event", events, ignore=True)


def _events(sending: Sending, metrics: dict[str, str], now: int) -> Iterator[tuple[str, Json]]:
    """What a person did with a message, up to the present."""
    person = sending.person
    shared = {**sending.about, **recipient_properties(sending.channel, person.email, person.body["phone_number"])}
    for stage, at, more in _course(sending):
        metric = metric_of(stage, sending.channel)
        if metric is None or at > now:
            continue
        unique = f"{sending.key}:{stage}:{at - sending.at}"
        identifier, body = past_event(
            person.id, metrics[metric], at, unique, {**shared, **more}, f"{unique}:{person.id}"
        )
        latest = person.body["last_event_date"]
        if latest is None or latest < body["datetime"]:
            person.body["last_event_date"] = body["datetime"]
        yield identifier, body


def _course(sending: Sending) -> Iterator[tuple[str, int, Json]]:
    """What happens to a message, when, and what more is said of it: drawn from its key, and so not from the clock."""
    digest = blake2b(f"{sending.key}:{sending.person.id}".encode(), digest_size=24).digest()
    luck, wait, pause = (number / 2**64 for number in unpack(">3Q", digest))
    by_email = sending.channel == "email"
    if by_email and sending.person.suppression == "HARD_BOUNCE":
        yield "bounced", sending.at, {"Bounce Type": "Hard"}
        return
    if luck > 0.99:
        yield ("bounced", sending.at, {"Bounce Type": "Soft"}) if by_email else ("failed", sending.at, {})
        return
    yield "delivered", sending.at, {}
    # Half of those who open do so within three hours.
    opening = sending.at + int(-log(1 - wait) * 4 * _HOUR)
    if by_email and luck < 0.42:
        yield "opened", opening, {"Client Type": "mobile app" if pause < 0.6 else "browser"}
        if luck < 0.1:
            yield "opened", opening + _HOUR + int(pause * 40 * _HOUR), {"Client Type": "browser"}
    if luck < 0.13:
        yield "clicked", opening + 20 + int(pause * 280), {"URL": "https://shop.example/new"}
    elif luck < 0.136:
        yield "unsubscribed", opening + 60, {}
    elif by_email and luck < 0.138:
        yield "complained", opening + 60, {}


def _abandoned(ground: Ground, people: Sequence[Person], checkout: str) -> list[tuple[Person, int]]:
    """Checkouts that no order followed within four hours."""
    by_id = {person.id: person for person in people}
    sql = "SELECT profile_id, at FROM event WHERE account = ? AND metric_id = ? ORDER BY at, id"
    found = ground.store.rows(sql, (ground.shop.account, checkout))
    started = [(by_id[who], at // 1_000_000) for who, at in found if who in by_id]
    return [(person, at) for person, at in started if not any(at <= order <= at + 4 * _HOUR for order in person.orders)]

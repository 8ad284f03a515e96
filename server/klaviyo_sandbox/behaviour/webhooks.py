"""Webhooks: an account's own list of them, and posting to each the events it asked for."""

import hmac
import json
import re
from collections.abc import Sequence
from email.utils import format_datetime
from hashlib import sha256
from urllib.parse import urlsplit

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.behaviour.web_feeds import is_web_address
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import invalid_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row, Store
from klaviyo_sandbox.webhook_sender import Outcome, Parcel, is_here

MOST_WEBHOOKS = 10
_LINK = "webhook.topics"
_VERSION = "2026-07-15"
_MOST_EVENTS = 1000
_KEPT_DELIVERIES = 500
# Failed deliveries are tried again after 10 seconds, 20, 40 and so on up to an hour; after two days of failing, the
# webhook is disabled.
_FIRST_PAUSE = 10
_LONGEST_PAUSE = 3600
_PATIENCE = 48 * 3600
_ACCEPTED = (200, 201, 202)
# The metrics of Klaviyo's own that can be subscribed to.
_TOPIC_METRICS = (
    "Bounced Email",
    "Bounced Push",
    "Clicked Email",
    "Clicked Email to Unsubscribe",
    "Clicked SMS",
    "Clicked WhatsApp",
    "Consented to Receive SMS",
    "Dropped Email",
    "Failed to Deliver Automated Response SMS",
    "Failed to Deliver SMS",
    "Failed to Deliver WhatsApp",
    "Manually Suppressed from Email Marketing",
    "Manually Unsuppressed from Email Marketing",
    "Marked Email as Spam",
    "Merged Profile",
    "Opened Email",
    "Opened Push",
    "Opened Text",
    "Opened WhatsApp",
    "Ready to Review",
    "Received Automated Response SMS",
    "Received Email",
    "Received Push",
    "Received SMS",
    "Received WhatsApp",
    "Relayed Text Message",
    "Sent SMS",
    "Skipped Send",
    "Social Comment",
    "Social DM",
    "Social UGC",
    "Submitted Rating",
    "Submitted Review",
    "Subscribed to Back in Stock",
    "Subscribed to Email Marketing",
    "Subscribed to List",
    "Subscribed to SMS Marketing",
    "Unsubscribed from Email Marketing",
    "Unsubscribed from List",
    "Unsubscribed from SMS Marketing",
    "Unsubscribed from WhatsApp Marketing",
)


def topic_of(metric: str, service: str = "klaviyo") -> str:
    """The topic of a metric of some service; `klaviyo` are Klaviyo's own."""
    return f"event:{service}.{re.sub('[^a-z0-9]+', '_', metric.lower())}"


def _names(topic: str) -> tuple[str, ...]:
    """The topic, and the newer name under which each one of text messages is there as well."""
    return tuple(dict.fromkeys((topic, re.sub("sms(?=_|$)", "text_message", topic))))


TOPICS = tuple(name for metric in _TOPIC_METRICS for name in _names(topic_of(metric)))


def add_topic(session: Session, metric: str, service: str) -> None:
    """Let a metric that is not Klaviyo's own be subscribed to, as every one can be."""
    if service != "klaviyo":
        session.store.insert(session.account, "webhook-topic", topic_of(metric, service), {}, ignore=True)


def create_webhook(call: Call) -> Answer:
    """A webhook, enabled from the start."""
    if call.store.count(call.account, "webhook") >= MOST_WEBHOOKS:
        raise invalid_body("/data", f"An account cannot have more than {MOST_WEBHOOKS} webhooks.")
    topics = _topics(call)
    body = generic.stamped(call, call.world.resources["webhook"], _kept(call.data["attributes"]))
    identifier = call.new_id("webhook")
    call.store.insert(call.account, "webhook", identifier, body)
    call.store.link(call.account, _LINK, identifier, topics or (), call.micros)
    return documents.one(call, Row(identifier, body), 201)


def update_webhook(call: Call) -> Answer:
    """Change what the caller names; topics are replaced as a whole. Null leaves an attribute as it is."""
    body = call.require("webhook", call.id)
    topics = _topics(call)
    given = {name: value for name, value in call.data["attributes"].items() if value is not None}
    body = {**body, **_kept(given), "updated_at": call.stamp}
    call.store.replace(call.account, "webhook", call.id, body)
    if topics is not None:
        relation = call.world.resources["webhook"].relation("webhook-topics")
        before = call.store.related_ids(call.account, relation, [call.id])[call.id]
        call.store.unlink(call.account, _LINK, call.id, before)
        call.store.link(call.account, _LINK, call.id, topics, call.micros)
    return documents.one(call, Row(call.id, body))


def notify(session: Session, metric: str, events: Sequence[str]) -> None:
    """Have new events of a metric, given by id, posted to every webhook that wants them."""
    body = session.store.get(session.account, "metric", metric)
    if body is None or not events:
        return
    sql = "SELECT source, target FROM link WHERE account = ? AND relation = ?"
    sql += " AND target IN (SELECT value FROM json_each(?)) ORDER BY source"
    topics = json.dumps(_names(topic_of(body["name"], body["integration"]["key"])))
    for webhook, topic in session.store.rows(sql, (session.account, _LINK, topics)):
        for start in range(0, len(events), _MOST_EVENTS):
            some = list(events[start : start + _MOST_EVENTS])
            payload: Json = {"webhook": webhook, "topic": topic, "events": some, "attempt": 1, "since": session.micros}
            session.schedule("webhook", payload, 0)


def deliver(session: Session, payload: Json) -> None:
    """Post events to a webhook, unless it has been disabled or removed."""
    webhook = session.store.get(session.account, "webhook", payload["webhook"])
    if webhook is None or not webhook["enabled"]:
        return
    content = json.dumps(_notice(session, payload), separators=(",", ":")).encode()
    timestamp = format_datetime(session.now, usegmt=True)
    signature = hmac.new(webhook["_secret_key"].encode(), content + timestamp.encode(), sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Klaviyo/1.0",
        "Klaviyo-Webhook-Id": payload["webhook"],
        "Klaviyo-Signature": signature,
        "Klaviyo-Timestamp": timestamp,
    }
    delivery: Json = {
        "webhook": payload["webhook"],
        "url": webhook["_endpoint_url"],
        "status": "pending",
        "response_status": None,
        "error": None,
        "attempt": payload["attempt"],
        "at": session.second,
        "headers": headers,
        "body": content.decode(),
    }
    identifier = session.new_id("webhook-delivery")
    session.store.insert(session.account, "webhook-delivery", identifier, delivery)
    session.store.run(
        "DELETE FROM webhook_delivery WHERE account = ? AND id NOT IN"
        " (SELECT id FROM webhook_delivery WHERE account = ? ORDER BY rowid DESC LIMIT ?)",
        (session.account, session.account, _KEPT_DELIVERIES),
    )

    def done(outcome: Outcome) -> None:
        with session.store.writing():
            _record(session, identifier, delivery, payload, outcome)

    session.world.outbox.post(Parcel(webhook["_endpoint_url"], headers, content, done))


def deliveries(store: Store, account: str) -> list[Json]:
    """What was posted to an account's webhooks, or was to be: the oldest first."""
    sql = "SELECT body FROM webhook_delivery WHERE account = ? ORDER BY rowid"
    return [json.loads(body) for (body,) in store.rows(sql, (account,))]


def _record(session: Session, identifier: str, delivery: Json, payload: Json, outcome: Outcome) -> None:
    """Write down what became of a delivery, and have a failed one tried again or its webhook disabled."""
    if not is_here(delivery["url"]):
        status = "not delivered"
    else:
        status = "delivered" if outcome.status in _ACCEPTED else "failed"
    told = {"status": status, "response_status": outcome.status, "error": outcome.error or None}
    session.store.replace(session.account, "webhook-delivery", identifier, {**delivery, **told})
    webhook = session.store.get(session.account, "webhook", payload["webhook"])
    if status != "failed" or webhook is None:
        return
    if session.micros - payload["since"] >= _PATIENCE * 1_000_000:
        body = {**webhook, "enabled": False, "updated_at": session.stamp}
        session.store.replace(session.account, "webhook", payload["webhook"], body)
        return
    pause = min(_FIRST_PAUSE * 2 ** (payload["attempt"] - 1), _LONGEST_PAUSE)
    session.schedule("webhook", {**payload, "attempt": payload["attempt"] + 1}, pause)


def _notice(session: Session, payload: Json) -> Json:
    """The body that is posted: each event as reading it would show it."""
    rows = session.store.get_many(session.account, "event", payload["events"])
    data = [{"external_id": row.id, "topic": payload["topic"], "payload": {"data": _event(row)}} for row in rows]
    meta = {
        "klaviyo_account_id": session.account,
        "klaviyo_webhook_id": payload["webhook"],
        "timestamp": session.second,
        "version": _VERSION,
    }
    return {"data": data, "meta": meta}


def _event(row: Row) -> Json:
    shown = ("timestamp", "event_properties", "datetime", "uuid")
    return {
        "type": "event",
        "id": row.id,
        "attributes": {name: row.body[name] for name in shown},
        "relationships": {
            "profile": {"data": {"type": "profile", "id": row.body["_profile_id"]}},
            "metric": {"data": {"type": "metric", "id": row.body["_metric_id"]}},
        },
    }


def _topics(call: Call) -> list[str] | None:
    """The topics that the body names, which must exist; None when it names none."""
    reference: Json | None = call.data.get("relationships", {}).get("webhook-topics")
    if reference is None:
        return None
    topics: list[str] = [item["id"] for item in reference["data"]]
    for index, topic in enumerate(topics):
        if call.store.get(call.account, "webhook-topic", topic) is None:
            pointer = f"/data/relationships/webhook-topics/data/{index}/id"
            raise invalid_body(pointer, f"'{topic}' is not a webhook topic.")
    return topics


def _kept(attributes: Json) -> Json:
    """Attributes as they are stored: the address and the secret are kept out of sight. Raises ApiError (400)."""
    kept: Json = {name: value for name, value in attributes.items() if name != "secret_key"}
    if "secret_key" in attributes:
        kept["_secret_key"] = attributes["secret_key"]
    url: str | None = attributes.get("endpoint_url")
    if url is not None:
        if not is_web_address(url) or not (url.startswith("https:") or is_here(url)):
            detail = "The endpoint URL must be an https URL, or an http one of this machine."
            raise invalid_body("/data/attributes/endpoint_url", detail)
        parts = urlsplit(url)
        kept["_endpoint_url"], kept["endpoint_url"] = url, f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return kept

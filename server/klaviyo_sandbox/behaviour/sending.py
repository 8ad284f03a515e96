"""How a campaign goes out: a job that prepares it, a schedule it may wait for, and messages delivered in batches.

Each stage is delayed work. All of it carries the number of the sending it belongs to, so that what was planned before a
campaign was cancelled, reverted or rescheduled comes to nothing.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour import delivery
from klaviyo_sandbox.behaviour.estimation import recipients
from klaviyo_sandbox.behaviour.send_times import grace, is_local, planned, starting_moment
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.clock import iso, parse_moment
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

JOB = "campaign-send-job"
JOB_STATUSES = ("cancelled", "complete", "processing", "queued")
_UNDER_WAY = ("Preparing to send", "Preparing to schedule", "Scheduled", "Adding Recipients", "Sending")


def send_campaign(call: Call) -> Answer:
    """Accept a draft to be sent, at once or at the time its send strategy says."""
    campaign: str = call.data["id"]
    body = call.require("campaign", campaign)
    if body["status"] != "Draft":
        raise conflict(f"Campaign with id {campaign} has the status '{body['status']}'; only drafts can be sent.")
    start = _start(call, body)
    deferred = start is not None
    body["scheduled_at"] = call.stamp
    _begin_anew(call, campaign, body, "Preparing to schedule" if deferred else "Preparing to send", start)
    call.store.remove(call.account, JOB, campaign)
    job: Json = {"status": "queued"}
    call.store.insert(call.account, JOB, campaign, job)
    _next(call, campaign, body, "prepare", call.world.job_seconds / 4)
    return documents.one(call, Row(campaign, job), 202)


def cancel_send(call: Call) -> Answer:
    """Stop a campaign that is on its way out: for good (`cancel`), or to make it a draft again (`revert`)."""
    call.require(JOB, call.id)
    body = call.require("campaign", call.id)
    if body["status"] not in _UNDER_WAY:
        raise conflict(f"Campaign with id {call.id} has the status '{body['status']}' and is not being sent.")
    body["_sending"] += 1
    if call.data["attributes"]["action"] == "revert":
        body.update(scheduled_at=None, send_time=None)
        _set_send_times(call, call.id, None)
        _finish(call, call.id, body, "Draft", "cancelled")
    else:
        _finish(call, call.id, body, "Cancelled", "cancelled")
    return Answer(204)


def reschedule(call: Call, campaign: str, body: Json) -> None:
    """Plan a scheduled campaign for the time its changed send strategy says. The caller stores `body`."""
    start = _start(call, body)
    _begin_anew(call, campaign, body, "Scheduled" if start else "Preparing to send", start)
    _next(call, campaign, body, "begin", (start - call.now).total_seconds() if start else 0)


def prepare(session: Session, campaign: str, body: Json) -> None:
    """The job leaves the queue. A campaign for later is done with once it is scheduled."""
    start = parse_moment(body["send_time"]) or session.now
    if body["status"] == "Preparing to schedule":
        _finish(session, campaign, body, "Scheduled", "complete")
        _next(session, campaign, body, "begin", max((start - session.now).total_seconds(), 0))
    else:
        session.store.replace(session.account, JOB, campaign, {"status": "processing"})
        begin(session, campaign, body)


def begin(session: Session, campaign: str, body: Json) -> None:
    """It is time to send: find out to whom."""
    if any(_is_unfinished(message.body) for message in _messages(session, campaign)):
        _finish(session, campaign, body, "Cancelled: Misconfigured", "cancelled")
        return
    _set_status(session, campaign, body, "Adding Recipients")
    _next(session, campaign, body, "fill", session.world.job_seconds / 4)


def fill(session: Session, campaign: str, body: Json) -> None:
    """The recipients are known: divide them into batches, each with its moment."""
    people = recipients(session, body)
    if not people:
        _finish(session, campaign, body, "Cancelled: No Recipients", "cancelled")
        return
    if body["send_options"]["use_smart_sending"]:
        people = delivery.without_recently_reached(session, people, body["_channel"])
        if not people:
            _finish(session, campaign, body, "Cancelled: Smart Sending", "cancelled")
            return
    _set_status(session, campaign, body, "Sending")
    batches = planned(session, body["send_strategy"], people)
    soonest = session.world.job_seconds / 2
    for number, (moment, batch) in enumerate(batches):
        payload: Json = {
            "campaign": campaign,
            "sending": body["_sending"],
            "profiles": batch,
            "last": number == len(batches) - 1,
        }
        seconds = max((moment - session.now).total_seconds(), 0) + soonest
        session.schedule("campaign.deliver", payload, seconds)


def deliver(session: Session, payload: Json) -> None:
    """A batch goes out; with the last one the campaign is sent."""
    campaign: str = payload["campaign"]
    body = _current(session, payload)
    if body is None:
        return
    messages = _messages(session, campaign)
    for number, message in enumerate(messages):
        # A campaign with several variations shares its recipients out among them.
        batch = payload["profiles"][number :: len(messages)]
        delivery.deliver(session, message, body, batch)
    if payload["last"]:
        _finish(session, campaign, body, "Sent", "complete")


def staged(stage: Callable[[Session, str, Json], None]) -> Callable[[Session, Json], None]:
    """Delayed work that runs a stage if the sending it belongs to is still on."""

    def work(session: Session, payload: Json) -> None:
        body = _current(session, payload)
        if body is not None:
            stage(session, payload["campaign"], body)

    return work


WORK: Mapping[str, Callable[[Session, Json], None]] = {
    "campaign.prepare": staged(prepare),
    "campaign.begin": staged(begin),
    "campaign.fill": staged(fill),
    "campaign.deliver": deliver,
    "campaign.react": delivery.react,
}


def _start(call: Call, body: Json) -> datetime | None:
    """When a campaign is to go out, or None for at once. Raises ApiError (400) for a time that has passed."""
    strategy: Json = body["send_strategy"]
    start = starting_moment(call, strategy)
    if start is None or start > call.now:
        return start
    if start + grace(strategy) <= call.now:
        raise invalid_body("/data/attributes/send_strategy", f"The campaign's time to be sent, {iso(start)}, is past.")
    return None


def _begin_anew(session: Session, campaign: str, body: Json, status: str, start: datetime | None) -> None:
    body["_sending"] = body.get("_sending", 0) + 1
    body["send_time"] = session.stamp if start is None else iso(start)
    _set_send_times(session, campaign, body)
    _set_status(session, campaign, body, status)


def _next(session: Session, campaign: str, body: Json, stage: str, seconds: float) -> None:
    session.schedule(f"campaign.{stage}", {"campaign": campaign, "sending": body["_sending"]}, seconds)


def _current(session: Session, payload: Json) -> Json | None:
    """The campaign that work is about, unless it was deleted or its sending stopped in the meantime."""
    body = session.store.get(session.account, "campaign", payload["campaign"])
    return body if body is not None and body.get("_sending") == payload["sending"] else None


def _set_status(session: Session, campaign: str, body: Json, status: str) -> None:
    body.update(status=status, updated_at=session.stamp)
    session.store.replace(session.account, "campaign", campaign, body)


def _finish(session: Session, campaign: str, body: Json, status: str, job: str) -> None:
    _set_status(session, campaign, body, status)
    session.store.replace(session.account, JOB, campaign, {"status": job})


def _messages(session: Session, campaign: str) -> list[Row]:
    return session.store.find(session.account, "campaign-message", "campaign_id", campaign)


def _set_send_times(session: Session, campaign: str, body: Json | None) -> None:
    times: list[Json] | None = None
    if body is not None:
        times = [{"datetime": body["send_time"], "is_local": is_local(body["send_strategy"])}]
    for message in _messages(session, campaign):
        session.store.replace(session.account, "campaign-message", message.id, {**message.body, "send_times": times})


def _is_unfinished(message: Json) -> bool:
    """Whether a message lacks what its channel cannot do without."""
    definition: Json = message["definition"]
    content: Json = definition.get("content") or {}
    if definition["channel"] == "email":
        return message.get("_template_id") is None or not content.get("subject")
    if definition["channel"] == "sms":
        return not content.get("body") and message.get("_image_id") is None
    return definition.get("notification_type") != "silent" and not content.get("body")

"""How messages of campaigns go out: a job that prepares a whole campaign, or a schedule, and delivery in batches.

Each stage is delayed work about one message. All of it carries the number of the sending it belongs to, so that what
was planned before a message was cancelled, reverted or rescheduled comes to nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import ceil

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour import ab_tests, delivery
from klaviyo_sandbox.behaviour.campaign_records import (
    AUDIENCE,
    MESSAGE,
    UNDER_WAY,
    messages_of,
    save_message,
    variations_of,
)
from klaviyo_sandbox.behaviour.campaign_views import is_unfinished
from klaviyo_sandbox.behaviour.estimation import recipients
from klaviyo_sandbox.behaviour.messages import campaign_message_properties
from klaviyo_sandbox.behaviour.send_times import grace, is_local, planned, starting_moment
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.clock import iso, parse_moment
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

JOB = "campaign-send-job"
JOB_STATUSES = ("cancelled", "complete", "processing", "queued")


def send_campaign(call: Call) -> Answer:
    """Accept the drafts of a campaign to be sent, at once or at the time its send strategy says."""
    campaign: str = call.data["id"]
    status: str = call.require("campaign", campaign)["status"]
    if status != "Draft":
        raise conflict(f"Campaign with id {campaign} has the status '{status}'; only drafts can be sent.")
    drafts = [row for row in messages_of(call, campaign) if row.body["_status"] == "Draft"]
    if not drafts:
        raise invalid_body("/data/id", f"Campaign with id {campaign} has no message to send.")
    starts = [_start(call, row.body) for row in drafts]
    call.store.remove(call.account, JOB, campaign)
    job: Json = {"status": "queued"}
    call.store.insert(call.account, JOB, campaign, job)
    for row, start in zip(drafts, starts, strict=True):
        plan(call, row, "Preparing to send" if start is None else "Preparing to schedule", start)
        _next(call, row, "prepare", call.world.job_seconds / 4)
    return documents.one(call, Row(campaign, job), 202)


def cancel_send(call: Call) -> Answer:
    """Stop a campaign that is on its way out: for good (`cancel`), or to make it a draft again (`revert`)."""
    call.require(JOB, call.id)
    status: str = call.require("campaign", call.id)["status"]
    if status not in UNDER_WAY:
        raise conflict(f"Campaign with id {call.id} has the status '{status}' and is not being sent.")
    for row in messages_of(call, call.id):
        if row.body["_status"] in UNDER_WAY:
            stop(call, row, call.data["attributes"]["action"])
    call.store.replace(call.account, JOB, call.id, {"status": "cancelled"})
    return Answer(204)


def stop(session: Session, row: Row, action: str) -> None:
    """Stop a message that is on its way out: for good (`cancel`), or to make it a draft again (`revert`)."""
    row.body["_sending"] += 1
    if action == "revert":
        strategy = row.body.pop("_before", row.body["_strategy"])
        row.body.update(_strategy=strategy, _scheduled_at=None, _send_time=None, send_times=None)
    _set_status(session, row, "Draft" if action == "revert" else "Cancelled")


def plan(session: Session, row: Row, status: str, start: datetime | None) -> None:
    """Begin a sending that starts at some moment, or at once where that is None."""
    body = row.body
    moment = session.stamp if start is None else iso(start)
    body["_sending"] += 1
    body["_scheduled_at"] = body["_scheduled_at"] or session.stamp
    body.update(_send_time=moment, send_times=[{"datetime": moment, "is_local": is_local(body["_strategy"])}])
    _set_status(session, row, status)


def schedule(session: Session, row: Row, start: datetime | None) -> None:
    """Have a message go out at its start, without a job."""
    plan(session, row, "Scheduled" if start else "Preparing to send", start)
    _next(session, row, "begin", max((start - session.now).total_seconds(), 0) if start else 0)


def reschedule(call: Call, row: Row) -> None:
    """Plan a scheduled message for the time its changed send strategy says."""
    schedule(call, row, _start(call, row.body))


def prepare(session: Session, row: Row) -> None:
    """The job leaves the queue. A message for later is done with once it is scheduled."""
    start = parse_moment(row.body["_send_time"]) or session.now
    if row.body["_status"] == "Preparing to schedule":
        _set_status(session, row, "Scheduled")
        _next(session, row, "begin", max((start - session.now).total_seconds(), 0))
    else:
        begin(session, row)


def begin(session: Session, row: Row) -> None:
    """It is time to send: find out to whom."""
    if what_is_missing(session, row.id):
        _set_status(session, row, "Cancelled: Misconfigured")
        return
    _set_status(session, row, "Adding Recipients")
    _next(session, row, "fill", session.world.job_seconds / 4)


def fill(session: Session, row: Row) -> None:
    """The recipients are known: share them out among the variations, and divide them into batches by their moment."""
    body = row.body
    options: Json = body["definition"]["send_options"]
    people = _part(recipients(session, _audience(session, body), body["_channel"]), body, options)
    if not people:
        _set_status(session, row, "Cancelled: No Recipients")
        return
    if options["throttling_type"] != "none":
        people = delivery.without_recently_reached(session, people, body["_channel"])
        if not people:
            _set_status(session, row, "Cancelled: Smart Sending")
            return
    _set_status(session, row, "Sending")
    variations = [variation.id for variation in variations_of(session, row.id)]
    tested, held = ab_tests.divide(body["definition"]["ab_test"], len(variations), people)
    receives = {person: variations[number % len(variations)] for number, person in enumerate(tested)}
    batches = planned(session, body["_strategy"], tested)
    for number, (moment, batch) in enumerate(batches):
        last = number == len(batches) - 1
        shares = {each: [person for person in batch if receives[person] == each] for each in variations}
        seconds = max((moment - session.now).total_seconds(), 0) + session.world.job_seconds / 2
        _next(session, row, "deliver", seconds, shares=shares, last=last, held=held if last else [])


def deliver(session: Session, row: Row, payload: Json) -> None:
    """A batch goes out. With the last one the message is sent, or its variations are while a winner is awaited."""
    for variation, people in payload["shares"].items():
        _deliver(session, row, variation, people)
    if payload["held"]:
        _set_status(session, row, "Variations Sent")
        seconds = ab_tests.wait_seconds(row.body["definition"]["ab_test"])
        _next(session, row, "decide", seconds, held=payload["held"])
    elif payload["last"]:
        _set_status(session, row, "Sent")


def decide(session: Session, row: Row, payload: Json) -> None:
    """The test is over: everybody else gets the variation that did best."""
    variations = [variation.id for variation in variations_of(session, row.id)]
    _deliver(session, row, ab_tests.winner(session, row, variations), payload["held"])
    _set_status(session, row, "Sent")


def what_is_missing(session: Session, message: str) -> str | None:
    """What keeps a message from being sent, as the end of a sentence about it; None where it is complete."""
    variations = variations_of(session, message)
    if not variations:
        return "has no variation"
    for row in variations:
        details: Json | None = row.body["definition"]["details"]
        template: str = (details or {}).get("template_id") or ""
        unknown = (details or {}).get("channel") == "email" and not session.store.get(
            session.account, "template", template
        )
        if unknown or is_unfinished(details, row.body["_image_id"]):
            return f"lacks content or a template in its variation {row.id}"
    return None


def staged(stage: Callable[[Session, Row], None]) -> Callable[[Session, Json], None]:
    """Delayed work that runs a stage if the sending it belongs to is still on."""
    return continued(lambda session, row, _: stage(session, row))


def continued(stage: Callable[[Session, Row, Json], None]) -> Callable[[Session, Json], None]:
    """The same for a stage that takes what else the work carries."""

    def work(session: Session, payload: Json) -> None:
        body = session.store.get(session.account, MESSAGE, payload["message"])
        if body is not None and body["_sending"] == payload["sending"]:
            stage(session, Row(payload["message"], body), payload)

    return work


WORK: Mapping[str, Callable[[Session, Json], None]] = {
    "campaign.prepare": staged(prepare),
    "campaign.begin": staged(begin),
    "campaign.fill": staged(fill),
    "campaign.deliver": continued(deliver),
    "campaign.decide": continued(decide),
    "campaign.react": delivery.react,
}


def _start(session: Session, body: Json) -> datetime | None:
    """When a message is to go out, or None for at once. Raises ApiError (400) for a time that has passed."""
    strategy: Json = body["_strategy"]
    start = starting_moment(session, strategy)
    if start is None or start > session.now:
        return start
    if start + grace(strategy) <= session.now:
        raise invalid_body("/data/attributes/send_strategy", f"The campaign's time to be sent, {iso(start)}, is past.")
    return None


def _audience(session: Session, body: Json) -> Json:
    return session.require(AUDIENCE, body["_audience_id"])["definition"]


def _part(people: Sequence[str], body: Json, options: Json) -> list[str]:
    """Those of an audience's people that a message goes to."""
    number, count = body.get("_part") or (0, 1)
    percentage = options["recipient_percentage"]
    part = people[number::count]
    return list(part if percentage is None else part[: ceil(len(part) * percentage / 100)])


def _deliver(session: Session, row: Row, variation: str, people: Sequence[str]) -> None:
    """Variations are told apart where there are several of them."""
    definition: Json = session.require("campaign-variation", variation)["definition"]
    several = len(variations_of(session, row.id)) > 1
    about = campaign_message_properties(
        row.id,
        session.require("campaign", row.body["_campaign_id"])["name"],
        definition["details"],
        (variation, definition["name"]) if several else None,
    )
    delivery.deliver(session, about, row.body["definition"]["tracking_options"], people)


def _next(session: Session, row: Row, stage: str, seconds: float, **more: object) -> None:
    payload: Json = {"message": row.id, "sending": row.body["_sending"], **more}
    session.schedule(f"campaign.{stage}", payload, seconds)


def _set_status(session: Session, row: Row, status: str) -> None:
    row.body["_status"] = status
    campaign = save_message(session, row.id, row.body)
    _follow(session, row.body["_campaign_id"], campaign["status"])


def _follow(session: Session, campaign: str, status: str) -> None:
    """Let the job, if there is one, say what its campaign's status means for it."""
    job = session.store.get(session.account, JOB, campaign)
    if job is None:
        return
    if status in ("Scheduled", "Sent"):
        job["status"] = "complete"
    elif status.startswith("Cancelled"):
        job["status"] = "cancelled"
    elif status in ("Adding Recipients", "Sending") and job["status"] == "queued":
        job["status"] = "processing"
    session.store.replace(session.account, JOB, campaign, job)

"""How many people a campaign would reach: a job that takes a while, and its result."""

import json

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import not_found
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

_JOB, _RESULT = "campaign-recipient-estimation-job", "campaign-recipient-estimation"


def refresh(call: Call) -> Answer:
    """Start counting anew. Until that is done there is no result, not even the earlier one."""
    campaign: str = call.data["id"]
    call.require("campaign", campaign)
    for kind in (_JOB, _RESULT):
        call.store.remove(call.account, kind, campaign)
    body: Json = {"status": "processing", "_requested": call.micros}
    call.store.insert(call.account, _JOB, campaign, body)
    seconds = call.world.estimation_seconds
    payload: Json = {"campaign": campaign, "requested": call.micros}
    call.schedule("estimation.finish", payload, seconds)
    return documents.one(call, Row(campaign, body), 202)


def finish(session: Session, payload: Json) -> None:
    """The job is done and its result can be read."""
    if _advance(session, payload, "complete"):
        campaign = payload["campaign"]
        count = count_recipients(session, campaign)
        session.store.remove(session.account, _RESULT, campaign)
        session.store.insert(session.account, _RESULT, campaign, {"estimated_recipient_count": count})


def get_estimation(call: Call) -> Answer:
    """The latest count, if it still holds."""
    call.require("campaign", call.id)
    if call.store.get(call.account, _RESULT, call.id) is None:
        raise not_found(f"No results or results were out of date for the campaign with id {call.id}.")
    return generic.get_resource(call)


def count_recipients(session: Session, campaign: str) -> int:
    """How many profiles the campaign's messages would reach, each counted once."""
    reached: set[str] = set()
    for row in session.store.find(session.account, "campaign-message", "campaign_id", campaign):
        audience: Json = session.require("campaign-audience", row.body["_audience_id"])["definition"]
        reached.update(recipients(session, audience, row.body["_channel"]))
    return len(reached)


def recipients(session: Session, audience: Json, channel: str | None) -> list[str]:
    """Distinct profiles in the included groups that the channel reaches, less those in the excluded groups."""
    parameters = {
        "account": session.account,
        "channel": channel,
        "consent": _CONSENTS.get(channel or "", ""),
        "included": json.dumps(audience["included"] or []),
        "excluded": json.dumps(audience["excluded"] or []),
    }
    return [profile for (profile,) in session.store.rows(_RECIPIENTS, parameters)]


# Nobody in the sandbox has consented to WhatsApp.
_CONSENTS = {"mobile_push": "push.marketing", "whatsapp": "whatsapp.marketing"}
# Email reaches everybody with an address who is not suppressed; other channels only those who subscribed to them.
_RECIPIENTS = """
SELECT p.id FROM profile AS p
WHERE p.account = :account
AND CASE :channel
    WHEN 'email' THEN p.email IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM suppression AS s WHERE s.account = p.account AND s.profile = p.id AND s.list = '')
    WHEN 'sms' THEN p.phone_number IS NOT NULL AND EXISTS (
        SELECT 1 FROM consent AS c WHERE c.account = p.account AND c.profile = p.id
        AND c.channel = 'sms.marketing' AND c.status = 'SUBSCRIBED')
    ELSE EXISTS (
        SELECT 1 FROM consent AS c WHERE c.account = p.account AND c.profile = p.id
        AND c.channel = :consent AND c.status = 'SUBSCRIBED')
    END
AND p.id IN (
    SELECT target FROM link WHERE account = :account AND relation IN ('list.profiles', 'segment.profiles')
    AND source IN (SELECT value FROM json_each(:included)))
AND p.id NOT IN (
    SELECT target FROM link WHERE account = :account AND relation IN ('list.profiles', 'segment.profiles')
    AND source IN (SELECT value FROM json_each(:excluded)))
ORDER BY p.id
"""


def _advance(session: Session, payload: Json, status: str) -> bool:
    """Move a job on, unless it was started anew or its campaign deleted in the meantime."""
    body = session.store.get(session.account, _JOB, payload["campaign"])
    if body is None or body["_requested"] != payload["requested"]:
        return False
    session.store.replace(session.account, _JOB, payload["campaign"], {**body, "status": status})
    return True

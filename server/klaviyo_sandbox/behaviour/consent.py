"""Who may be written to: what is known of profiles' consent and suppressions, and how that is kept and shown."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from klaviyo_sandbox.calls import Session
from klaviyo_sandbox.loose_json import Json

# Which identifier a channel reaches people by. Push reaches devices, whoever has them.
REACHED_BY = {"email": "email", "sms": "phone_number", "whatsapp": "phone_number"}
# What is consented to beside messages: having it tracked what becomes of them.
TRACKING = ("open_tracking", "click_tracking")
_SUBSCRIBED = "SUBSCRIBED"


class _Consent(NamedTuple):
    """What is known of a profile's consent on one channel."""

    status: str = "NEVER_SUBSCRIBED"
    consented_at: str | None = None
    updated_at: str | None = None
    created_at: str | None = None
    method: str | None = None
    detail: str | None = None
    double_optin: int | None = None


def write_consent(
    session: Session, profile: str, channel: str, status: str, consented_at: str, detail: str | None, double_optin: bool
) -> None:
    """Set a profile's consent on one channel, such as `email.marketing`."""
    sql = """
        INSERT INTO consent VALUES (?, ?, ?, ?, ?, ?, ?, 'API', ?, ?)
        ON CONFLICT (account, profile, channel) DO UPDATE SET
            status = excluded.status, consented_at = excluded.consented_at, updated_at = excluded.updated_at,
            method = excluded.method, detail = excluded.detail, double_optin = excluded.double_optin"""
    values = (
        session.account,
        profile,
        channel,
        status,
        consented_at,
        session.second,
        session.second,
        detail,
        int(double_optin),
    )
    session.store.run(sql, values)


def lift(session: Session, profile: str, reasons: Sequence[str], list_id: str | None) -> bool:
    """Remove suppressions with these reasons (the global ones, and those of one list), and say if there were any."""
    sql = """
        DELETE FROM suppression WHERE account = ? AND profile = ? AND list IN ('', ?)
        AND reason IN (SELECT value FROM json_each(?))"""
    return session.store.run(sql, (session.account, profile, list_id or "", json.dumps(reasons))) > 0


def subscriptions(session: Session, identifiers: Sequence[str]) -> Mapping[str, Json]:
    """The `subscriptions` attribute of each profile."""
    parameters = (session.account, json.dumps(identifiers))
    bodies = {row.id: row.body for row in session.store.get_many(session.account, "profile", identifiers)}
    consents: dict[str, dict[str, _Consent]] = {}
    sql = """
        SELECT profile, channel, status, consented_at, updated_at, created_at, method, detail, double_optin
        FROM consent WHERE account = ? AND profile IN (SELECT value FROM json_each(?))"""
    for profile, channel, *rest in session.store.rows(sql, parameters):
        consents.setdefault(profile, {})[channel] = _Consent(*rest)
    suppressed: dict[str, list[tuple[str, str, int]]] = {}
    sql = """
        SELECT profile, list, reason, at FROM suppression
        WHERE account = ? AND profile IN (SELECT value FROM json_each(?)) ORDER BY at"""
    for profile, list_id, reason, at in session.store.rows(sql, parameters):
        suppressed.setdefault(profile, []).append((list_id, reason, at))
    return {
        identifier: _subscriptions(
            session, bodies[identifier], consents.get(identifier, {}), suppressed.get(identifier, [])
        )
        for identifier in identifiers
    }


def _subscriptions(
    session: Session, body: Json, consents: Mapping[str, _Consent], suppressed: Sequence[tuple[str, str, int]]
) -> Json:
    """What `subscriptions` shows of a profile: its consents by channel, and its suppressions."""
    email, phone = body.get("email") is not None, body.get("phone_number")

    def consent(channel: str) -> _Consent:
        return consents.get(channel, _Consent())

    push = consent("push.marketing")
    return {
        "email": {
            "marketing": _email(session, consent("email.marketing"), email, suppressed),
            **{kind: _permission(consent(f"email.{kind}"), email) for kind in TRACKING},
        },
        "sms": {
            kind: _sms(consent(f"sms.{kind}"), f"can_receive_sms_{kind}", phone is not None)
            for kind in ("marketing", "transactional")
        },
        "mobile_push": {
            "marketing": {
                "can_receive_push_marketing": push.status == _SUBSCRIBED,
                "consent": push.status,
                "consent_timestamp": push.consented_at,
            }
        },
        "whatsapp": {
            kind: {**_permission(consent(f"whatsapp.{kind}"), phone is not None), "phone_number": phone}
            for kind in ("marketing", "transactional", "conversational")
        },
    }


def _email(session: Session, consent: _Consent, reachable: bool, suppressed: Sequence[tuple[str, str, int]]) -> Json:
    shown = [(group, {"reason": reason, "timestamp": session.moment(at)}) for group, reason, at in suppressed]
    overall = [suppression for group, suppression in shown if not group]
    return {
        # Email needs no consent to be sent, only the absence of a suppression.
        "can_receive_email_marketing": reachable and not overall,
        "consent": consent.status,
        "consent_timestamp": consent.consented_at,
        "last_updated": consent.updated_at,
        "method": consent.method,
        "method_detail": "",
        "custom_method_detail": consent.detail,
        "double_optin": None if consent.double_optin is None else bool(consent.double_optin),
        "suppression": overall,
        "list_suppressions": [{"list_id": group, **suppression} for group, suppression in shown if group],
    }


def _sms(consent: _Consent, able: str, reachable: bool) -> Json:
    return {
        able: reachable and consent.status == _SUBSCRIBED,
        "consent": consent.status,
        "consent_timestamp": consent.consented_at,
        "method": consent.method,
        "method_detail": consent.detail or "",
        "last_updated": consent.updated_at,
    }


def _permission(consent: _Consent, reachable: bool) -> Json:
    return {
        "consent": consent.status,
        "consent_timestamp": consent.consented_at,
        "last_updated": consent.updated_at,
        "created_timestamp": consent.created_at,
        "metadata": None,
        "can_receive": reachable and consent.status == _SUBSCRIBED,
        "valid_until": None,
    }

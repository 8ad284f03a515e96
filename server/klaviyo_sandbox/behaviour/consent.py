"""Who may be written to: subscriptions, suppressions, and the jobs that change them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from klaviyo_sandbox.behaviour.profiles import find_profiles, normalized, recognize, write_profile
from klaviyo_sandbox.behaviour.text_messages import sends_to
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.clock import iso, parse_moment
from klaviyo_sandbox.errors import ApiError, Problem, invalid_field
from klaviyo_sandbox.loose_json import Json

# Which identifier a channel reaches people by.
REACHED_BY = {"email": "email", "sms": "phone_number", "whatsapp": "phone_number"}
# Subscribing lifts what the person or the shop decided, not what the mail system found out.
_LIFTED = ("UNSUBSCRIBE", "SPAM_COMPLAINT", "USER_SUPPRESSED")
_SUBSCRIBED = "SUBSCRIBED"
# What applies to a subscription without a list. Klaviyo's own default, too.
_ACCOUNT_OPT_IN = "double_opt_in"


class _Consent(NamedTuple):
    """What is known of a profile's consent on one channel."""

    status: str = "NEVER_SUBSCRIBED"
    consented_at: str | None = None
    updated_at: str | None = None
    created_at: str | None = None
    method: str | None = None
    detail: str | None = None
    double_optin: int | None = None


def subscribe(call: Call) -> Answer:
    """Subscribe up to 1000 profiles, at once or pending confirmation."""
    attributes = call.data["attributes"]
    historical = bool(attributes.get("historical_import"))
    entries: list[Json] = attributes["profiles"]["data"]
    _drop_channels(call, entries)
    problems = [
        problem for index, entry in enumerate(entries) for problem in _check_entry(call, index, entry, historical)
    ]
    if problems:
        raise ApiError(400, problems)
    reference = call.data.get("relationships", {}).get("list")
    list_id: str | None = reference["data"]["id"] if reference else None
    opt_in = _ACCOUNT_OPT_IN if list_id is None else call.require("list", list_id)["opt_in_process"]
    for entry in entries:
        request: Json = {
            "entry": {**entry, "attributes": normalized(entry["attributes"])},
            "list": list_id,
            "source": attributes.get("custom_source"),
        }
        take(call, request, confirmed=historical or opt_in == "single_opt_in")
    return Answer(202)


def take(session: Session, request: Json, *, confirmed: bool) -> None:
    """Carry out one subscription, at once or when it is confirmed."""
    if confirmed:
        grant(session, request, double_optin=False)
    else:
        _hold_for_confirmation(session, request)


def grant(session: Session, request: Json, *, double_optin: bool) -> None:
    """Carry out one entry of a subscription job: the profile exists, is subscribed, not suppressed, and on the list."""
    entry: Json = request["entry"]
    profile = _profile_of(session, entry)
    if profile is None:
        return
    by_phone = find_profiles(session, {"phone_number": entry["attributes"].get("phone_number")})
    for channel, consent in _granted(entry):
        reached_by_phone = REACHED_BY[channel.split(".")[0]] == "phone_number"
        owner = by_phone[0] if by_phone and reached_by_phone else profile
        moment = parse_moment(consent.get("consented_at") or session.second) or session.now
        write_consent(session, owner, channel, _SUBSCRIBED, iso(moment), request["source"], double_optin)
    if any(channel == "email.marketing" for channel, _ in _granted(entry)):
        lift(session, profile, _LIFTED, request["list"])
    # Users report that subscribing shows in `updated`, and unsubscribing does not.
    body = session.require("profile", profile)
    session.store.replace(session.account, "profile", profile, {**body, "updated": session.stamp})
    if request["list"] is not None:
        session.store.link(session.account, "list.profiles", request["list"], [profile], session.micros)


def confirm_subscriptions(session: Session, contact: str) -> int:
    """Carry out the subscriptions that wait for this address or number to confirm them, and say how many there were."""
    sql = "SELECT request FROM pending_consent WHERE account = ? AND contact = ?"
    waiting = [json.loads(row[0]) for row in session.store.rows(sql, (session.account, contact))]
    for request in waiting:
        if request["list"] is None or session.store.get(session.account, "list", request["list"]) is not None:
            grant(session, request, double_optin=True)
    session.store.run("DELETE FROM pending_consent WHERE account = ? AND contact = ?", (session.account, contact))
    return len(waiting)


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
            "open_tracking": _permission(consent("email.open_tracking"), email),
            "click_tracking": _permission(consent("email.click_tracking"), email),
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


def _check_entry(call: Call, index: int, entry: Json, historical: bool) -> list[Problem]:
    """What is wrong with one profile of a subscription job beyond its shape."""
    pointer = f"/data/attributes/profiles/data/{index}"
    attributes = entry["attributes"]
    problems: list[Problem] = []
    granted = _granted(entry)
    if not granted:
        problems.append(
            invalid_field(f"{pointer}/attributes/subscriptions", "Name at least one channel to subscribe to.")
        )
    for channel, consent in granted:
        identifier = REACHED_BY[channel.split(".")[0]]
        if entry.get("id") is None and attributes.get(identifier) is None:
            detail = f"'{identifier}' is required to subscribe a profile to '{channel}'."
            problems.append(invalid_field(f"{pointer}/attributes/{identifier}", detail))
        elif channel.startswith("sms.") and not all(sends_to(call, phone) for phone in _phones(call, entry)):
            detail = "Consent to text messages cannot be given: the account has no sending number for this region."
            problems.append(invalid_field(f"{pointer}/attributes/phone_number", detail))
        where = f"{pointer}/attributes/subscriptions/{channel.replace('.', '/')}/consented_at"
        moment = parse_moment(consent["consented_at"]) if consent.get("consented_at") else None
        if channel == "email.open_tracking":
            continue
        if historical and moment is None:
            problems.append(invalid_field(where, "'consented_at' is required when 'historical_import' is true."))
        elif historical and moment is not None and moment >= call.now:
            problems.append(invalid_field(where, "'consented_at' must be in the past."))
        elif historical and moment is not None and _revoked_since(call, entry, channel, moment):
            problems.append(invalid_field(where, "The profile has unsubscribed after 'consented_at'."))
        elif not historical and moment is not None:
            problems.append(invalid_field(where, "'consented_at' may only be given when 'historical_import' is true."))
    return problems


def _drop_channels(call: Call, entries: Sequence[Json]) -> None:
    """Leave out the consent by phone of those whose faulty number was dropped. They keep that by email."""
    for index, entry in enumerate(entries):
        if f"/data/attributes/profiles/data/{index}/attributes/phone_number" in call.dropped:
            channels: Json = entry["attributes"]["subscriptions"]
            kept = {name: kinds for name, kinds in channels.items() if REACHED_BY[name] != "phone_number"}
            entry["attributes"]["subscriptions"] = kept


def _phones(session: Session, entry: Json) -> list[str]:
    """The number an entry gives, or else that of the profile it names by its id."""
    given = entry["attributes"].get("phone_number")
    known = session.store.get(session.account, "profile", entry["id"]) if entry.get("id") is not None else None
    phone = given or (known or {}).get("phone_number")
    return [phone] if phone is not None else []


def _revoked_since(session: Session, entry: Json, channel: str, moment: datetime) -> bool:
    """Whether somebody took back what an old consent would give."""
    profile = entry.get("id") or next(iter(find_profiles(session, normalized(entry["attributes"]))), None)
    sql = "SELECT updated_at FROM consent WHERE account = ? AND profile = ? AND channel = ? AND status = 'UNSUBSCRIBED'"
    revoked = [parse_moment(at) for (at,) in session.store.rows(sql, (session.account, profile, channel))]
    return any(at is not None and moment < at for at in revoked)


def _hold_for_confirmation(session: Session, request: Json) -> None:
    """Keep a subscription until it is confirmed. Without a list, an unknown address does not become a profile."""
    entry: Json = request["entry"]
    if request["list"] is not None and _profile_of(session, entry) is None:
        return
    contacts = [entry["attributes"].get(name) for name in ("email", "phone_number")]
    if entry.get("id") is not None:
        body = session.store.get(session.account, "profile", entry["id"]) or {}
        contacts += [body.get("email"), body.get("phone_number")]
    contact = next((contact for contact in contacts if contact is not None), None)
    if contact is not None:
        sql = "INSERT OR REPLACE INTO pending_consent VALUES (?, ?, ?)"
        session.store.run(sql, (session.account, contact, json.dumps(request, sort_keys=True)))


def _profile_of(session: Session, entry: Json) -> str | None:
    """The profile an entry speaks of, made if need be, with the identifiers it lacked. None for an id nobody has."""
    attributes: Json = entry["attributes"]
    identifiers = {name: attributes[name] for name in ("email", "phone_number") if attributes.get(name) is not None}
    profile: str | None = entry.get("id")
    if profile is None:
        profile = recognize(session, identifiers)
    elif session.store.get(session.account, "profile", profile) is None:
        return None
    body = {} if profile is None else session.require("profile", profile)
    lacking = {
        name: value
        for name, value in identifiers.items()
        if body.get(name) is None and not find_profiles(session, {name: value})
    }
    if profile is None or lacking:
        return write_profile(session, profile, lacking).id
    return profile


def _granted(entry: Json) -> list[tuple[str, Json]]:
    """The channels an entry subscribes to, such as `sms.marketing`, with what it says about each."""
    channels: dict[str, dict[str, Json]] = entry["attributes"]["subscriptions"]
    return [(f"{channel}.{kind}", consent) for channel, kinds in channels.items() for kind, consent in kinds.items()]

"""How profiles come to be written to: consent that is given at once, or held until it is confirmed."""

import json
from datetime import datetime

from klaviyo_sandbox.behaviour import push_tokens
from klaviyo_sandbox.behaviour.consent import REACHED_BY, TRACKING, lift, write_consent
from klaviyo_sandbox.behaviour.profiles import find_profiles, normalized, recognize, write_profile
from klaviyo_sandbox.behaviour.text_messages import NO_NUMBER, sends_to
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.clock import iso, parse_moment
from klaviyo_sandbox.errors import ApiError, Problem, invalid_field
from klaviyo_sandbox.loose_json import Json, is_object

# Subscribing lifts what the person or the shop decided, not what the mail system found out.
_LIFTED = ("UNSUBSCRIBE", "SPAM_COMPLAINT", "USER_SUPPRESSED")
_SUBSCRIBED = "SUBSCRIBED"
# What applies to a subscription without a list. Klaviyo's own default, too.
_ACCOUNT_OPT_IN = "double_opt_in"


def subscribe(call: Call) -> Answer:
    """Subscribe up to 1000 profiles, at once or pending confirmation."""
    attributes = call.data["attributes"]
    historical = bool(attributes.get("historical_import"))
    entries: list[Json] = attributes["profiles"]["data"]
    for index, entry in enumerate(entries):
        drop_channels(call, f"/data/attributes/profiles/data/{index}/attributes", entry["attributes"])
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
    """Carry out one subscription, at once or when it is confirmed. A device is subscribed at once: it was asked."""
    entry: Json = request["entry"]
    channels: Json = entry["attributes"]["subscriptions"]
    push: Json | None = channels.get("push")
    if push is not None:
        _subscribe_devices(session, request, push)
    others = {name: kinds for name, kinds in channels.items() if name != "push" and kinds}
    if not others:
        return
    remaining: Json = {**request, "entry": {**entry, "attributes": {**entry["attributes"], "subscriptions": others}}}
    if confirmed:
        grant(session, remaining, double_optin=False)
    else:
        _hold_for_confirmation(session, remaining)


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
        write_consent(session, owner, channel, _SUBSCRIBED, _moment(session, consent), request["source"], double_optin)
    if any(channel == "email.marketing" for channel, _ in _granted(entry)):
        lift(session, profile, _LIFTED, request["list"])
    _join(session, profile, request["list"])


def confirm_subscriptions(session: Session, contact: str) -> int:
    """Carry out the subscriptions that wait for this address or number to confirm them, and say how many there were."""
    sql = "SELECT request FROM pending_consent WHERE account = ? AND contact = ?"
    waiting = [json.loads(row[0]) for row in session.store.rows(sql, (session.account, contact))]
    for request in waiting:
        if request["list"] is None or session.store.get(session.account, "list", request["list"]) is not None:
            grant(session, request, double_optin=True)
    session.store.run("DELETE FROM pending_consent WHERE account = ? AND contact = ?", (session.account, contact))
    return len(waiting)


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
        problems += address_problems(call, f"{pointer}/attributes", entry.get("id"), attributes, channel)
        where = f"{pointer}/attributes/subscriptions/{channel.replace('.', '/')}/consented_at"
        moment = parse_moment(consent["consented_at"]) if consent.get("consented_at") else None
        if channel.partition(".")[2] in TRACKING:
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


def address_problems(
    session: Session, pointer: str, profile: str | None, attributes: Json, channel: str
) -> list[Problem]:
    """What keeps a profile with these attributes, found at `pointer`, from being reached on a channel (`sms.…`)."""
    kind = channel.split(".")[0]
    if kind == "push":
        if profile is None and not _identifiers(attributes):
            detail = "'email', 'phone_number' or 'anonymous_id' is required to subscribe a profile to 'push'."
            return [invalid_field(pointer, detail)]
        return []
    name = REACHED_BY[kind]
    if profile is None and attributes.get(name) is None:
        return [invalid_field(f"{pointer}/{name}", f"'{name}' is required to subscribe a profile to '{channel}'.")]
    if kind == "sms" and not sends_to(session, attributes.get("phone_number"), profile):
        return [invalid_field(f"{pointer}/phone_number", NO_NUMBER)]
    return []


def drop_channels(call: Call, pointer: str, attributes: Json) -> None:
    """Leave out the consent by phone of somebody, found at `pointer`, whose faulty number was dropped."""
    if f"{pointer}/phone_number" in call.dropped:
        channels: Json = attributes.get("subscriptions") or {}
        kept = {name: kinds for name, kinds in channels.items() if REACHED_BY.get(name) != "phone_number"}
        if channels:
            attributes["subscriptions"] = kept


def _revoked_since(session: Session, entry: Json, channel: str, moment: datetime) -> bool:
    """Whether somebody took back what an old consent would give."""
    profile = entry.get("id") or next(iter(find_profiles(session, normalized(entry["attributes"]))), None)
    sql = "SELECT updated_at FROM consent WHERE account = ? AND profile = ? AND channel = ? AND status = 'UNSUBSCRIBED'"
    revoked = [parse_moment(at) for (at,) in session.store.rows(sql, (session.account, profile, channel))]
    return any(at is not None and moment < at for at in revoked)


def _subscribe_devices(session: Session, request: Json, push: Json) -> None:
    """Give consent to push and register the devices that it names."""
    profile = _profile_of(session, request["entry"])
    if profile is None:
        return
    tokens: list[Json] = push.get("tokens") or []
    for token in tokens:
        push_tokens.register(session, profile, token)
    moment = _moment(session, push["marketing"])
    write_consent(session, profile, "push.marketing", _SUBSCRIBED, moment, request["source"], False)
    _join(session, profile, request["list"])


def _join(session: Session, profile: str, list_id: str | None) -> None:
    """Put who has subscribed on the list, if there is one."""
    # Users report that subscribing shows in `updated`, and unsubscribing does not.
    body = session.require("profile", profile)
    session.store.replace(session.account, "profile", profile, {**body, "updated": session.stamp})
    if list_id is not None:
        session.store.link(session.account, "list.profiles", list_id, [profile], session.micros)


def _moment(session: Session, consent: Json) -> str:
    return iso(parse_moment(consent.get("consented_at") or session.second) or session.now)


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
    identifiers = _identifiers(attributes)
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


def _identifiers(attributes: Json) -> Json:
    """What identifies the person that is subscribed. An anonymous id stands with the consent to push."""
    push: Json = attributes["subscriptions"].get("push") or {}
    known: Json = {**attributes, "anonymous_id": push.get("anonymous_id")}
    return {name: known[name] for name in ("email", "phone_number", "anonymous_id") if known.get(name) is not None}


def _granted(entry: Json) -> list[tuple[str, Json]]:
    """The channels an entry subscribes to, such as `sms.marketing`, with what it says about each."""
    channels: dict[str, Json | None] = entry["attributes"]["subscriptions"]
    return [
        (f"{channel}.{kind}", consent)
        for channel, kinds in channels.items()
        for kind, consent in (kinds or {}).items()
        if is_object(consent)
    ]

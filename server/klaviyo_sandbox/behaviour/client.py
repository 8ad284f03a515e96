"""What websites and apps tell about their visitors. Nothing here changes an identifier that a profile already has."""

from klaviyo_sandbox.behaviour import back_in_stock, events, push_tokens, subscribing
from klaviyo_sandbox.behaviour.profiles import (
    IDENTIFIERS,
    kept_identifiers,
    normalized,
    recognize,
    require_any,
    unclaimed,
    write_profile,
)
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import ApiError
from klaviyo_sandbox.loose_json import Json

_POINTER = "/data/attributes/profile/data"
_DEFAULT = {"marketing": {"consent": "SUBSCRIBED"}}


def write_person(call: Call) -> Answer:
    """Accept what a visitor said about themselves."""
    attributes = normalized(call.data["attributes"])
    if call.data.get("id") is None:
        require_any(attributes, "/data/attributes", IDENTIFIERS)
    payload: Json = {"id": call.data.get("id"), "attributes": attributes, "meta": call.data.get("meta") or {}}
    call.schedule("client.profile", payload, call.world.event_delay)
    return Answer(202)


def process_person(session: Session, payload: Json) -> None:
    """Make or change the profile. An id that nobody has is passed over."""
    _write(session, payload)


def process_event(session: Session, payload: Json) -> None:
    """Record an event, leaving the identifiers of known profiles as they are."""
    reference: Json = payload["profile"]["data"]
    profile, attributes = _unchanged(session, reference)
    data: Json = {**reference, "id": profile, "attributes": attributes}
    events.process_event(session, {**payload, "profile": {"data": data}})


def subscribe(call: Call) -> Answer:
    """Subscribe a visitor to a list: to the channels named, or else to marketing wherever there is an address."""
    reference: Json = call.data["attributes"]["profile"]["data"]
    attributes = normalized(reference["attributes"])
    subscribing.drop_channels(call, f"{_POINTER}/attributes", attributes)
    channels = _channels(attributes)
    attributes["subscriptions"] = channels
    push: Json = channels.get("push") or {}
    if push.get("anonymous_id"):
        attributes["anonymous_id"] = push["anonymous_id"]
    if reference.get("id") is None:
        required = IDENTIFIERS if push else ("email", "phone_number")
        require_any(attributes, f"{_POINTER}/attributes", required)
    _check_channels(call, reference.get("id"), attributes)
    list_id: str = call.data["relationships"]["list"]["data"]["id"]
    opt_in: str = call.require("list", list_id)["opt_in_process"]
    profile = _write(call, {**reference, "attributes": attributes})
    if profile is not None and channels:
        addresses = {name: attributes.get(name) for name in ("email", "phone_number")}
        entry: Json = {"id": profile, "attributes": {**addresses, "subscriptions": channels}}
        request: Json = {"entry": entry, "list": list_id, "source": call.data["attributes"].get("custom_source")}
        subscribing.take(call, request, confirmed=opt_in == "single_opt_in")
    return Answer(202)


def register_push_token(call: Call) -> Answer:
    """Register the device of a visitor."""
    attributes: Json = call.data["attributes"]
    reference: Json = attributes["profile"]["data"]
    if reference.get("id") is None:
        require_any(normalized(reference["attributes"]), f"{_POINTER}/attributes", IDENTIFIERS)
    profile = _write(call, reference)
    if profile is not None:
        push_tokens.register(call, profile, attributes)
    return Answer(202)


def unregister_push_token(call: Call) -> Answer:
    """Forget the device of a visitor, if it is theirs."""
    attributes: Json = call.data["attributes"]
    reference: Json = attributes["profile"]["data"]
    profile: str | None = reference.get("id") or recognize(call, normalized(reference["attributes"]))
    if profile is not None:
        push_tokens.remove(call, attributes["token"], profile)
    return Answer(202)


def subscribe_back_in_stock(call: Call) -> Answer:
    """Have a visitor told when a variant is in stock again."""
    return back_in_stock.create_subscription(call)


def _channels(attributes: Json) -> Json:
    """The channels to subscribe to."""
    named: Json | None = attributes.get("subscriptions")
    if named is not None:
        return {channel: kinds for channel, kinds in named.items() if kinds}
    present = (("email", "email"), ("sms", "phone_number"))
    return {channel: _DEFAULT for channel, name in present if attributes.get(name) is not None}


def _check_channels(call: Call, profile: str | None, attributes: Json) -> None:
    problems = [
        problem
        for channel in attributes["subscriptions"]
        for problem in subscribing.address_problems(call, f"{_POINTER}/attributes", profile, attributes, channel)
    ]
    if problems:
        raise ApiError(400, problems)


def _write(session: Session, reference: Json) -> str | None:
    """The profile of a visitor, made if need be, with what they said. None for an id that nobody has."""
    profile, attributes = _unchanged(session, reference)
    if profile is not None and session.store.get(session.account, "profile", profile) is None:
        return None
    patch: Json = attributes.pop("meta", None) or reference.get("meta") or {}
    return write_profile(session, profile, unclaimed(session, profile, attributes), patch).id


def _unchanged(session: Session, reference: Json) -> tuple[str | None, Json]:
    """The profile a visitor is taken for, and what they said without the identifiers it has already."""
    attributes = normalized(reference["attributes"])
    profile: str | None = reference.get("id") or recognize(session, attributes)
    body = None if profile is None else session.store.get(session.account, "profile", profile)
    held = kept_identifiers(body) if body else {}
    return profile, {name: value for name, value in attributes.items() if held.get(name) is None}

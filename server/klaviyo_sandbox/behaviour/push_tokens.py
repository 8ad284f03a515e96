"""Which devices reach a profile: tokens are registered, move with their device, and go."""

from klaviyo_sandbox.behaviour.consent import write_consent
from klaviyo_sandbox.behaviour.profiles import IDENTIFIERS, normalized, recognize, require_any, unclaimed, write_profile
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.loose_json import Json

_REACHABLE = ("AUTHORIZED", "PROVISIONAL")
_VENDORS = {"apns": "APNs", "fcm": "FCM"}
_DEVICE = (
    "device_id",
    "klaviyo_sdk",
    "sdk_version",
    "device_model",
    "os_name",
    "os_version",
    "manufacturer",
    "app_name",
    "app_version",
    "app_build",
    "app_id",
    "environment",
)


def create(call: Call) -> Answer:
    """Register a token for the profile it names, which is made or changed as the request says."""
    attributes = call.data["attributes"]
    reference: Json = attributes["profile"]["data"]
    person = normalized(reference["attributes"])
    patch: Json = person.pop("meta", None) or reference.get("meta") or {}
    identifier: str | None = reference.get("id")
    if identifier is not None:
        call.require("profile", identifier)
    else:
        require_any(person, "/data/attributes/profile/data/attributes", IDENTIFIERS)
        identifier = recognize(call, person)
    profile = write_profile(call, identifier, unclaimed(call, identifier, person), patch).id
    register(call, profile, attributes)
    return Answer(202)


def register(session: Session, profile: str, attributes: Json) -> None:
    """Give a profile a token, taking it from whoever had it before."""
    token: str = attributes["token"]
    known = session.store.get(session.account, "push-token", token)
    device: Json = {**dict.fromkeys(_DEVICE), **(attributes.get("device_metadata") or {})}
    status = attributes.get("enablement_status") or "AUTHORIZED"
    body: Json = {
        "created": session.stamp if known is None else known["created"],
        "token": token,
        "enablement_status": status,
        "platform": attributes["platform"],
        "vendor": _VENDORS[attributes["vendor"]],
        "background": attributes.get("background") or "AVAILABLE",
        "recorded_date": session.stamp,
        "metadata": device,
        "_profile_id": profile,
    }
    if known is None:
        session.store.insert(session.account, "push-token", token, body)
    else:
        session.store.replace(session.account, "push-token", token, body)
        if known["_profile_id"] != profile:
            _review(session, known["_profile_id"])
    _review(session, profile)


def delete(call: Call) -> Answer:
    """Remove a token."""
    call.require("push-token", call.id)
    remove(call, call.id)
    return Answer(204)


def remove(session: Session, token: str, profile: str | None = None) -> None:
    """Remove a token, if there is one, and if it is this profile's."""
    body = session.store.get(session.account, "push-token", token)
    if body is None or (profile is not None and body["_profile_id"] != profile):
        return
    session.store.remove(session.account, "push-token", token)
    _review(session, body["_profile_id"])


def _review(session: Session, profile: str) -> None:
    """A profile gets push messages as long as one of its devices lets it."""
    tokens = session.store.find(session.account, "push-token", "profile_id", profile)
    reachable = any(row.body["enablement_status"] in _REACHABLE for row in tokens)
    status = "SUBSCRIBED" if reachable else "UNSUBSCRIBED"
    write_consent(session, profile, "push.marketing", status, session.second, None, False)

"""How profiles are found, made and changed: identifiers are unique, properties and locations are merged."""

from collections.abc import Mapping, Sequence
from typing import Any

from klaviyo_sandbox import documents
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import duplicate_profile, invalid_body
from klaviyo_sandbox.loose_json import Json, is_list
from klaviyo_sandbox.storage.store import Row

_PUBLIC_IDENTIFIERS = ("email", "phone_number", "external_id")
# Attribute as it arrives → where the body keeps it, and the column it is looked up by; in the order they are trusted.
_IDENTIFIERS = {
    "email": ("email", "email"),
    "phone_number": ("phone_number", "phone_number"),
    "external_id": ("external_id", "external_id"),
    "_kx": ("_kx", "exchange_id"),
    "anonymous_id": ("anonymous_id", "anonymous_id"),
}
# What identifies a person in events, on devices and on websites.
IDENTIFIERS = tuple(_IDENTIFIERS)
# The link from a profile to the further addresses it is found by.
OTHER_ADDRESSES = "profile.addresses"
_PLAIN = ("first_name", "last_name", "organization", "locale", "title", "image")
_PLACES = ("address1", "address2", "city", "country", "latitude", "longitude", "region", "zip", "timezone", "ip")


def create_profile(call: Call) -> Answer:
    """A new profile, unless one of its identifiers is taken."""
    attributes = normalized(call.data["attributes"])
    existing = find_profiles(call, attributes)
    if existing:
        raise duplicate_profile(existing[0])
    require_identity(call, attributes)
    row = write_profile(call, None, attributes)
    return documents.one(call, row, 201)


def update_profile(call: Call) -> Answer:
    """Changes to a profile that exists. Null clears, absent keeps."""
    call.require("profile", call.id)
    attributes = normalized(call.data["attributes"])
    return documents.one(call, write_checked(call, call.id, attributes, call.data.get("meta", {})))


def import_profile(call: Call) -> Answer:
    """The profile with this id or one of these identifiers, changed; or else a new one."""
    attributes = normalized(call.data["attributes"])
    patch = call.data.get("meta", {})
    identifier: str | None = call.data.get("id")
    if identifier is not None:
        call.require("profile", identifier)
        return documents.one(call, write_checked(call, identifier, attributes, patch))
    existing = find_profiles(call, attributes)
    if existing:
        return documents.one(call, write_checked(call, existing[0], attributes, patch))
    require_identity(call, attributes)
    return documents.one(call, write_profile(call, None, attributes, patch), 201)


def get_conversation(call: Call) -> Answer:
    """The first of a profile's conversations, or null."""
    found = _conversations(call)
    return documents.one(call, found[0]) if found else documents.none()


def get_conversation_id(call: Call) -> Answer:
    """The id of the first of a profile's conversations, or null."""
    found = _conversations(call)
    return documents.identifier(call, found[0].id) if found else documents.none()


def find_profiles(session: Session, attributes: Mapping[str, Any]) -> list[str]:
    """The ids of the profiles that have any of these identifiers, the most trusted first."""
    found: dict[str, None] = {}
    for name, (_, column) in _IDENTIFIERS.items():
        value = attributes.get(name)
        if value is not None:
            found.update(dict.fromkeys(row.id for row in session.store.find(session.account, "profile", column, value)))
            found.update(dict.fromkeys(_with_other_address(session, value) if name == "email" else ()))
    return list(found)


def recognize(session: Session, attributes: Mapping[str, Any]) -> str | None:
    """The profile these identifiers speak of: the most trusted one decides, and nobody is taken for somebody else.

    A number that belongs to a person with another email address does not identify the one with this address.
    """
    for profile in find_profiles(session, attributes):
        body = session.require("profile", profile)
        for name, (kept, _) in _IDENTIFIERS.items():
            if attributes.get(name) is None or body.get(kept) is None:
                continue
            # An external id may be a number; the same in digits is the same id.
            if str(body[kept]) == str(attributes[name]) or (
                name == "email" and profile in _with_other_address(session, attributes[name])
            ):
                return profile
            break
    return None


def write_profile(
    session: Session, identifier: str | None, attributes: Mapping[str, Any], patch: Mapping[str, Any] | None = None
) -> Row:
    """Make a profile (when `identifier` is None) or change one. No identifier may be somebody else's."""
    stored = None if identifier is None else session.require("profile", identifier)
    body = stored if stored is not None else blank_profile(session.stamp)
    if identifier is not None and identifier in _with_other_address(session, attributes.get("email")):
        # Found by one of its other addresses, a profile keeps its first one.
        attributes = {name: value for name, value in attributes.items() if name != "email"}
    apply(body, attributes)
    apply_patch(body, patch or {})
    body["updated"] = session.stamp
    if identifier is None:
        identifier = session.new_id("profile")
        session.store.insert(session.account, "profile", identifier, body)
    else:
        session.store.replace(session.account, "profile", identifier, body)
    _patch_addresses(session, identifier, (patch or {}).get("patch_identifiers") or {})
    return Row(identifier, body)


def blank_profile(created: str) -> Json:
    """The body of a profile of which nothing is known."""
    return {
        **dict.fromkeys((*_PUBLIC_IDENTIFIERS, *_PLAIN)),
        "location": dict.fromkeys(_PLACES),
        "properties": {},
        "created": created,
        "updated": created,
        "last_event_date": None,
        "anonymous_id": None,
    }


def normalized(attributes: Mapping[str, Any]) -> Json:
    """The attributes with identifiers as they are stored: emails in lower case, nothing with spaces around it."""
    tidy = dict(attributes)
    for name in _IDENTIFIERS:
        if isinstance(tidy.get(name), str):
            tidy[name] = tidy[name].strip()
    if tidy.get("email") is not None:
        tidy["email"] = tidy["email"].lower()
    return tidy


def apply(body: Json, attributes: Mapping[str, Any]) -> None:
    """Change a profile's body: null clears, absent keeps; properties and location are merged key by key."""
    for name, value in attributes.items():
        if name == "location":
            body["location"] = {**body["location"], **(value if value is not None else dict.fromkeys(_PLACES))}
        elif name == "properties":
            merged = {} if value is None else {**body["properties"], **value}
            body["properties"] = {key: item for key, item in merged.items() if item is not None}
        elif name in _IDENTIFIERS:
            body[_IDENTIFIERS[name][0]] = value
        elif name in _PLAIN:
            body[name] = value


def apply_patch(body: Json, patch: Mapping[str, Any]) -> None:
    """`meta.patch_properties`: append to and remove from array properties, and drop whole properties."""
    changes: Mapping[str, Any] = patch.get("patch_properties") or {}
    properties: Json = body["properties"]
    added: Json = changes.get("append") or {}
    removed: Json = changes.get("unappend") or {}
    for name, value in added.items():
        current = _listed(properties.get(name))
        properties[name] = current + [item for item in _listed(value) if item not in current]
    for name, value in removed.items():
        if name in properties:
            properties[name] = [item for item in _listed(properties[name]) if item not in _listed(value)]
    for name in _listed(changes.get("unset")):
        properties.pop(name, None)


def _conversations(call: Call) -> list[Row]:
    call.require("profile", call.id)
    return call.store.find(call.account, "conversation", "profile_id", call.id)


def write_checked(session: Session, identifier: str, attributes: Json, patch: Mapping[str, Any]) -> Row:
    """Change a profile. Raises ApiError when it would take another's identifier (409), or end up with none (400)."""
    others = [found for found in find_profiles(session, attributes) if found != identifier]
    if others:
        raise duplicate_profile(others[0])
    row = write_profile(session, identifier, attributes, patch)
    require_any(row.body)
    return row


def unclaimed(session: Session, profile: str | None, attributes: Json) -> Json:
    """The attributes without the identifiers that are somebody else's: those stay with them, and nothing fails."""
    return {
        name: value
        for name, value in attributes.items()
        if name not in _IDENTIFIERS or set(find_profiles(session, {name: value})) <= {profile}
    }


def kept_identifiers(body: Json) -> Json:
    """The identifiers of a stored profile, named as they arrive."""
    return {name: body.get(kept) for name, (kept, _) in _IDENTIFIERS.items()}


def require_identity(session: Session, attributes: Mapping[str, Any]) -> None:
    """Raise ApiError (400) unless a new profile has an identifier; a number is enough where texts can be sent."""
    require_any(attributes)
    if not session.world.entitled("sms") and all(attributes.get(name) is None for name in ("email", "external_id")):
        detail = "A profile cannot have a phone number alone: the account has not set up text messages."
        raise invalid_body("/data/attributes/phone_number", detail)


def require_any(
    attributes: Mapping[str, Any], pointer: str = "/data/attributes", names: Sequence[str] = _PUBLIC_IDENTIFIERS
) -> None:
    """Raise ApiError (400) unless one of these identifiers is given."""
    if all(attributes.get(name) is None for name in names):
        raise invalid_body(pointer, f"A profile needs at least one identifier: {', '.join(names)}.")


def _with_other_address(session: Session, email: str | None) -> list[str]:
    sql = "SELECT source FROM link WHERE account = ? AND relation = ? AND target = ?"
    return [row[0] for row in session.store.rows(sql, (session.account, OTHER_ADDRESSES, email or ""))]


def _patch_addresses(session: Session, profile: str, patch: Mapping[str, Any]) -> None:
    """`meta.patch_identifiers`: addresses that find the profile besides its own. Those of others stay theirs."""
    append: Json = patch.get("append") or {}
    unappend: Json = patch.get("unappend") or {}
    added = [email.strip().lower() for email in _listed(append.get("email"))]
    free = [email for email in added if not find_profiles(session, {"email": email})]
    removed = [email.strip().lower() for email in _listed(unappend.get("email"))]
    session.store.link(session.account, OTHER_ADDRESSES, profile, free, session.micros)
    session.store.unlink(session.account, OTHER_ADDRESSES, profile, removed)


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if is_list(value) else [value]

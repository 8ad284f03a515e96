"""Coupons and their codes: a coupon is known by the caller's own id, a code by its coupon's and its own."""

from datetime import timedelta
from typing import Any

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.clock import iso
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

_LEAST_BALANCE = 100
_VALID_FOR = timedelta(days=365)


def create_coupon(call: Call) -> Answer:
    """A new coupon. Its external id becomes its id."""
    attributes = _monitored(call.data["attributes"])
    identifier: str = attributes["external_id"]
    if call.store.get(call.account, "coupon", identifier) is not None:
        raise conflict(f"A coupon with id {identifier} already exists.")
    unset: Json = dict.fromkeys(("description", "monitor_configuration", "assigner_configuration"))
    body: Json = {**unset, **attributes, "_created": call.stamp}
    call.store.insert(call.account, "coupon", identifier, body)
    return documents.one(call, Row(identifier, body), 201)


def update_coupon(call: Call) -> Answer:
    """A new description, another balance to be warned at or rule for who gets a code. Null clears, absent keeps."""
    body = {**call.require("coupon", call.id), **_monitored(call.data["attributes"])}
    call.store.replace(call.account, "coupon", call.id, body)
    return documents.one(call, Row(call.id, body))


def create_code(call: Call) -> Answer:
    """A new code of a coupon, there at once. Klaviyo answers this with 200."""
    identifier = add_code(call, call.data)
    body = call.require("coupon-code", identifier)
    # Here alone Klaviyo writes UTC as Z.
    body["expires_at"] = body["expires_at"].removesuffix("+00:00") + "Z"
    return documents.one(call, Row(identifier, body))


def add_code(session: Session, data: Json) -> str:
    """Make an unassigned code that is good for a year, unless `data` says until when. Raises ApiError (404, 409)."""
    coupon: str = data["relationships"]["coupon"]["data"]["id"]
    attributes: Json = data["attributes"]
    session.require("coupon", coupon)
    identifier = f"{coupon}-{attributes['unique_code']}"
    if session.store.get(session.account, "coupon-code", identifier) is not None:
        raise conflict(f"A coupon code with id {identifier} already exists.")
    body: Json = {
        "unique_code": attributes["unique_code"],
        "expires_at": attributes.get("expires_at") or _in_a_year(session),
        "status": "UNASSIGNED",
        "_coupon_id": coupon,
        "_profile_id": None,
    }
    session.store.insert(session.account, "coupon-code", identifier, body)
    return identifier


def update_code(call: Call) -> Answer:
    """Another status or another end. Null for the end starts a new year, null for the status keeps it."""
    body = call.require("coupon-code", call.id)
    attributes: Json = call.data["attributes"]
    if attributes.get("status") is not None:
        body["status"] = attributes["status"]
    if "expires_at" in attributes:
        body["expires_at"] = attributes["expires_at"] or _in_a_year(call)
    call.store.replace(call.account, "coupon-code", call.id, body)
    return generic.get_resource(call)


def delete_code(call: Call) -> Answer:
    """Remove a code that nobody was given."""
    body = call.require("coupon-code", call.id)
    if body["_profile_id"] is not None or body["status"] == "ASSIGNED_TO_PROFILE":
        raise conflict(f"The coupon code with id {call.id} has been assigned to a profile and cannot be deleted.")
    return generic.delete_resource(call)


def _in_a_year(session: Session) -> str:
    return iso(session.now + _VALID_FOR)


def _monitored(attributes: Json) -> Json:
    """The attributes with a checked monitor configuration. Klaviyo takes the threshold as a number and shows text."""
    configuration: Json | None = attributes.get("monitor_configuration")
    if configuration is None:
        return attributes
    pointer = "/data/attributes/monitor_configuration"
    for name in configuration:
        if name != "low_balance_threshold":
            raise invalid_body(f"{pointer}/{name}", f"'{name}' is not a valid field for the resource 'coupon'.")
    threshold = _whole(configuration.get("low_balance_threshold"))
    if threshold is None or threshold < _LEAST_BALANCE:
        detail = f"'low_balance_threshold' must be a whole number of at least {_LEAST_BALANCE}."
        raise invalid_body(f"{pointer}/low_balance_threshold", detail)
    return {**attributes, "monitor_configuration": {"low_balance_threshold": str(threshold)}}


def _whole(value: Any) -> int | None:
    """A whole number, also as the text in which Klaviyo shows it."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None

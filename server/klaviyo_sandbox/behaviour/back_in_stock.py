"""Who wants to hear when a variant is in stock again: one subscription per profile and variant, and its event."""

from klaviyo_sandbox.behaviour.events import process_event
from klaviyo_sandbox.behaviour.profiles import normalized, recognize, unclaimed, write_profile
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import invalid_body
from klaviyo_sandbox.loose_json import Json

METRIC = "Subscribed to Back in Stock"
_IDENTIFIERS = ("email", "phone_number", "external_id")


def create_subscription(call: Call) -> Answer:
    """Subscribe a profile, which may be new, to one variant."""
    attributes: Json = call.data["attributes"]
    variant: str = call.data["relationships"]["variant"]["data"]["id"]
    subscribe(call, variant, attributes["channels"], attributes.get("profile"))
    return Answer(202)


def subscribe(session: Session, variant: str, channels: list[str], reference: Json | None) -> None:
    """Note that the profile of `reference` ({"data": …}) waits for `variant`. The last choice of channels counts.

    Raises ApiError (400) without an identifier, and (404) for a variant or profile id that does not exist.
    """
    stocked = session.require("catalog-variant", variant)
    profile = _profile(session, reference)
    body: Json = {
        "channels": list(dict.fromkeys(channels)),
        "_profile_id": profile,
        "_variant_id": variant,
        "_created": session.stamp,
    }
    for row in session.store.find(session.account, "back-in-stock-subscription", "variant_id", variant):
        if row.body["_profile_id"] == profile:
            session.store.replace(session.account, "back-in-stock-subscription", row.id, body)
            break
    else:
        identifier = session.new_id("back-in-stock-subscription")
        session.store.insert(session.account, "back-in-stock-subscription", identifier, body)
    properties: Json = {
        "ProductID": session.require("catalog-item", stocked["_item_id"])["external_id"],
        "VariantID": stocked["external_id"],
        "VariantName": stocked["title"],
        "SKU": stocked["sku"],
        "Price": stocked["price"],
        "URL": stocked["url"],
        "Channels": body["channels"],
    }
    payload: Json = {
        "profile": {"data": {"type": "profile", "id": profile, "attributes": {}}},
        "metric": {"data": {"type": "metric", "attributes": {"name": METRIC, "service": "klaviyo"}}},
        "properties": properties,
        "received": session.second,
        "unique_id": f"{stocked['external_id']}:{session.micros}",
    }
    process_event(session, payload)


def _profile(session: Session, reference: Json | None) -> str:
    data: Json = (reference or {}).get("data", {})
    identifier: str | None = data.get("id")
    if identifier is not None:
        session.require("profile", identifier)
        return identifier
    attributes: Json = normalized(data.get("attributes", {}))
    if all(attributes.get(name) is None for name in _IDENTIFIERS):
        pointer = "/data/attributes/profile/data/attributes"
        raise invalid_body(pointer, f"The profile needs an id or at least one identifier: {', '.join(_IDENTIFIERS)}.")
    known = recognize(session, attributes)
    return known or write_profile(session, None, unclaimed(session, None, attributes)).id

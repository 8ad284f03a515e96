"""Messages in conversations: kept, and told of as events the way sent messages are."""

from klaviyo_sandbox.behaviour.events import record_event
from klaviyo_sandbox.behaviour.messages import recipient_properties, segments_of
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.errors import invalid_body
from klaviyo_sandbox.loose_json import Json

_METRICS = {"sms": "Sent SMS", "whatsapp": "Sent WhatsApp", "instagram": "Sent Instagram Message"}


def create_message(call: Call) -> Answer:
    """Send a message in a conversation that exists."""
    identifier: str = call.data["relationships"]["conversation"]["data"]["id"]
    conversation = call.require("conversation", identifier)
    attributes: Json = call.data["attributes"]
    hierarchy: list[Json] = attributes.get("message_hierarchy") or []
    if not attributes["body"] and not hierarchy:
        raise invalid_body("/data/attributes/body", "A message needs a body.")
    formats = [item.get("message_format", "RCS") for item in hierarchy]
    if hierarchy and formats != ["RCS", "SMS"]:
        pointer = "/data/attributes/message_hierarchy"
        raise invalid_body(pointer, "A message hierarchy is an RCS message followed by the SMS to fall back to.")
    message = call.new_id("conversation-message")
    body: Json = {
        "body": attributes["body"],
        "message_hierarchy": hierarchy,
        "created_at": call.stamp,
        "_conversation_id": identifier,
    }
    call.store.insert(call.account, "conversation-message", message, body)
    profile = call.store.get(call.account, "profile", conversation["_profile_id"])
    if profile is not None:
        channel: str = conversation["channel"]
        properties = {
            "Message Body": attributes["body"],
            "Message Type": "Conversation",
            **({"Segment Count": segments_of(attributes["body"])} if channel == "sms" else {}),
            **recipient_properties(channel, profile["email"], profile["phone_number"]),
        }
        record_event(call, conversation["_profile_id"], _METRICS[channel], properties, unique_id=message)
    return Answer(202)

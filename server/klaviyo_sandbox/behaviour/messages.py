"""The events of messages: which metric speaks of what, and the one form in which every such event is written.

Sending writes this form, the demo shop is seeded with it, and reports are computed from it.
"""

from collections.abc import Mapping

from klaviyo_sandbox.loose_json import Json

# Metrics of Klaviyo's own → what happened to a message, and the channel it was sent on.
STAGES: Mapping[str, tuple[str, str]] = {
    "Received Email": ("delivered", "email"),
    "Bounced Email": ("bounced", "email"),
    "Opened Email": ("opened", "email"),
    "Clicked Email": ("clicked", "email"),
    "Marked Email as Spam": ("complained", "email"),
    "Unsubscribed from Email Marketing": ("unsubscribed", "email"),
    "Received SMS": ("delivered", "sms"),
    "Failed to Deliver SMS": ("failed", "sms"),
    "Clicked SMS": ("clicked", "sms"),
    "Unsubscribed from SMS Marketing": ("unsubscribed", "sms"),
    "Received Push": ("delivered", "push-notification"),
    "Bounced Push": ("bounced", "push-notification"),
    "Opened Push": ("opened", "push-notification"),
    "Received WhatsApp": ("delivered", "whatsapp"),
    "Failed to Deliver WhatsApp": ("failed", "whatsapp"),
    "Opened WhatsApp": ("opened", "whatsapp"),
    "Clicked WhatsApp": ("clicked", "whatsapp"),
    "Unsubscribed from WhatsApp Marketing": ("unsubscribed", "whatsapp"),
}


def metric_of(stage: str, channel: str) -> str | None:
    """The metric of what happened to a message, or None where the channel cannot tell."""
    return next((name for name, said in STAGES.items() if said == (stage, channel)), None)


def campaign_message_properties(
    message: str, campaign_name: str, details: Json, variation: tuple[str, str | None] | None = None
) -> Json:
    """What every event of a campaign message says of it.

    details: those of the variation that was received
    variation: its id and its name, where there were several
    """
    channel = _channel(details["channel"])
    properties: Json = {"$message": message, "Campaign Name": campaign_name, "$campaign_channel": channel}
    if variation is not None:
        properties |= {"$variation": variation[0], "Variation Name": variation[1] or ""}
    return {**properties, **_of_channel(channel, details.get("subject"), details.get("body"))}


def flow_message_properties(flow: str, message: str, name: str, channel: str, subject: str | None = None) -> Json:
    """What every event of a flow message says of it. `subject` is an email's subject, or a text."""
    channel = _channel(channel)
    properties: Json = {"$flow": flow, "$message": message, "Message Name": name, "$flow_channel": channel}
    return {**properties, **_of_channel(channel, subject, subject)}


def recipient_properties(channel: str, email: str | None, phone_number: str | None) -> Json:
    """What an event says of whom a message went to."""
    if _channel(channel) == "email":
        return {"Email Domain": (email or "").rpartition("@")[2]}
    return {"To Number": phone_number} if phone_number else {}


def _channel(name: str) -> str:
    return "push-notification" if name in ("mobile_push", "push") else name.lower()


def _of_channel(channel: str, subject: str | None, text: str | None) -> Json:
    if channel == "email":
        return {"Subject": subject}
    if channel == "sms":
        segments = segments_of(text or "")
        return {"Message Format": "SMS", "Segment Count": segments, "$usage_amount": segments}
    return {}


def segments_of(text: str) -> int:
    """How many text messages a text is sent as: 160 characters in one, 153 in each of several; fewer in Unicode."""
    alone, each = (160, 153) if text.isascii() else (70, 67)
    return 1 if len(text) <= alone else -(-len(text) // each)

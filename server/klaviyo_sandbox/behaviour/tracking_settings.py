"""How an account's tracking settings change, and what they are before anybody has changed them."""

from collections import Counter

from klaviyo_sandbox import documents
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.errors import invalid_body
from klaviyo_sandbox.loose_json import Json, is_object
from klaviyo_sandbox.storage.store import Row


def default_settings() -> Json:
    """What every account begins with."""
    return {
        "auto_add_parameters": True,
        "utm_source": _both("static", "Klaviyo", "Klaviyo"),
        "utm_medium": _both("dynamic", "message_type", "message_type"),
        "utm_campaign": _both("dynamic", "flow_name", "campaign_name"),
        "utm_id": {"flow": None, "campaign": None},
        "utm_term": {"flow": None, "campaign": None},
        "custom_parameters": [],
    }


def update_tracking_setting(call: Call) -> Answer:
    """Change what the caller names: a parameter side by side, the custom ones as a whole. Null leaves things alone."""
    body = call.require("tracking-setting", call.id)
    attributes: Json = call.data["attributes"]
    custom: list[Json] = attributes.get("custom_parameters") or []
    names = Counter[str](parameter["name"] for parameter in custom)
    if repeated := [name for name, count in names.items() if count > 1]:
        pointer = "/data/attributes/custom_parameters"
        raise invalid_body(pointer, f"The custom parameter '{repeated[0]}' was given more than once.")
    for name, value in attributes.items():
        if value is not None:
            body[name] = {**body[name], **value} if is_object(value) else value
    call.store.replace(call.account, "tracking-setting", call.id, body)
    return documents.one(call, Row(call.id, body))


def _both(kind: str, flow: str, campaign: str) -> Json:
    return {"flow": {"type": kind, "value": flow}, "campaign": {"type": kind, "value": campaign}}

"""How the messages of a campaign change: their definition, their template, their image."""

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour.templates import copy_template
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

_CHANGEABLE = ("Draft", "Scheduled")


def update_message(call: Call) -> Answer:
    """Change a message. Content, rendering and push options are merged key by key."""
    body = _changeable(call, call.id)
    changes: Json = call.data["attributes"].get("definition") or {}
    definition: Json = body["definition"]
    for name in ("channel", "notification_type"):
        if name in changes and changes[name] != definition.get(name):
            pointer = f"/data/attributes/definition/{name}"
            raise invalid_body(pointer, f"'{name}' of a message cannot be changed; it is '{definition.get(name)}'.")
    for name, value in changes.items():
        merged = name in ("content", "render_options", "options") and isinstance(value, dict)
        definition[name] = {**(definition.get(name) or {}), **value} if merged else value
    image = call.data.get("relationships", {}).get("image")
    if image is not None:
        _set_image(call, body, image["data"]["id"], "/data/relationships/images/")
    _store(call, call.id, body)
    return documents.one(call, Row(call.id, body))


def replace_image(call: Call) -> Answer:
    """Give a text or push message another image."""
    body = _changeable(call, call.id)
    _set_image(call, body, call.data["id"], "/data/relationships/images/")
    _store(call, call.id, body)
    return Answer(204)


def assign_template(call: Call) -> Answer:
    """Give an email a copy of a template, which is the message's own from then on."""
    message: str = call.data["id"]
    body = _changeable(call, message)
    definition: Json = body["definition"]
    if definition["channel"] != "email":
        detail = f"Only an email has a template; the channel of this message is '{definition['channel']}'."
        raise invalid_body("/data/relationships/template", detail)
    template: str = call.data["relationships"]["template"]["data"]["id"]
    copied = copy_template(call, template, f"Clone of {template}", owner=message)
    if body.get("_template_id") is not None:
        earlier = call.store.get(call.account, "template", body["_template_id"])
        if earlier is not None and earlier.get("_owner_id") == message:
            call.store.remove(call.account, "template", body["_template_id"])
    body["_template_id"] = copied.id
    _store(call, message, body)
    return documents.one(call, Row(message, _flat(body)), fresh=[copied])


def _changeable(call: Call, message: str) -> Json:
    """The body of a message whose campaign has not gone out."""
    body = call.require("campaign-message", message)
    campaign = call.require("campaign", body["_campaign_id"])
    if campaign["status"] not in _CHANGEABLE:
        raise conflict(f"The campaign of this message has the status '{campaign['status']}' and can not be changed.")
    return body


def _set_image(call: Call, body: Json, image: str, pointer: str) -> None:
    if body["definition"]["channel"] == "email":
        raise invalid_body(pointer, "Image relationships are only supported for push and SMS messages")
    call.require("image", image)
    body["_image_id"] = image


def _store(call: Call, message: str, body: Json) -> None:
    body["updated_at"] = call.stamp
    call.store.replace(call.account, "campaign-message", message, body)


def _flat(body: Json) -> Json:
    """A message in its older form, with everything on one level."""
    definition: Json = body["definition"]
    return {
        **body,
        "label": definition.get("label") or "",
        "channel": definition["channel"],
        "content": definition["content"],
        "render_options": definition.get("render_options"),
    }

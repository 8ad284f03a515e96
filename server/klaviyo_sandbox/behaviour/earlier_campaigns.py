"""Campaigns and their messages in the form they had before 2026-10-15: one audience, one channel, content in messages.

What is written in that form is written to the audience, the messages and the variations of `campaign_records`.
"""

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour import sending
from klaviyo_sandbox.behaviour.campaign_records import (
    AUDIENCE,
    ESTIMATION,
    MESSAGE,
    VARIATION,
    add_variation,
    audience_body,
    campaign_body,
    check_groups,
    given,
    message_body,
    messages_of,
    ordered_ids,
    save_campaign,
    save_message,
    set_settings,
    variations_of,
)
from klaviyo_sandbox.behaviour.campaign_views import DETAILS, RENDER_DEFAULTS, details_of
from klaviyo_sandbox.behaviour.templates import copy_template
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

_CHANGEABLE = ("Draft", "Scheduled")


def create_campaign(call: Call) -> Answer:
    """A draft, with its messages. All messages are for one channel."""
    attributes: Json = call.data["attributes"]
    messages: list[Json] = attributes["campaign-messages"]["data"]
    if len({message["attributes"]["definition"]["channel"] for message in messages}) > 1:
        raise invalid_body(
            "/data/attributes/campaign-messages/data", "All messages of a campaign must have the same channel."
        )
    _check_groups(call, attributes["audiences"])
    _check_tracking(attributes.get("tracking_options"))
    campaign, audience = call.new_id("campaign"), call.new_id(AUDIENCE)
    name: str = attributes["name"]
    call.store.insert(call.account, "campaign", campaign, campaign_body({"name": name}, call.stamp))
    people = audience_body(campaign, {"name": name, **attributes["audiences"]}, call.stamp)
    call.store.insert(call.account, AUDIENCE, audience, people)
    for number, identifier in enumerate(ordered_ids(call, MESSAGE, len(messages))):
        # The messages of such a campaign share its recipients out among them.
        part = [number, len(messages)]
        _create_message(call, identifier, (campaign, audience), messages[number], {**attributes, "_part": part})
    return documents.one(call, Row(campaign, save_campaign(call, campaign)), 201)


def update_campaign(call: Call) -> Answer:
    """Change a campaign that has not gone out. Objects are merged key by key, a send strategy is replaced whole."""
    body = call.require("campaign", call.id)
    if body["status"] not in _CHANGEABLE:
        raise conflict(f"Campaign with id {call.id} has the status '{body['status']}' and can no longer be changed.")
    attributes = given(call.data["attributes"])
    _check_groups(call, attributes.get("audiences", {}))
    _check_tracking(attributes.get("tracking_options"))
    if "name" in attributes:
        body["definition"]["name"] = attributes["name"]
        call.store.replace(call.account, "campaign", call.id, body)
    _change_audience(call, given(attributes.get("audiences", {})))
    for row in messages_of(call, call.id):
        if row.body["_status"] in _CHANGEABLE:
            _change_message(call, row, attributes)
    return documents.one(call, Row(call.id, save_campaign(call, call.id)))


def update_message(call: Call) -> Answer:
    """Change a message. Content, rendering and push options are merged key by key."""
    body = _changeable(call, call.id)
    changes: Json = call.data["attributes"].get("definition") or {}
    content: Json = body["_content"]
    for name in ("channel", "notification_type"):
        if name in changes and changes[name] != content.get(name):
            pointer = f"/data/attributes/definition/{name}"
            raise invalid_body(pointer, f"'{name}' of a message cannot be changed; it is '{content.get(name)}'.")
    for name, value in changes.items():
        merged = name in ("content", "render_options", "options") and isinstance(value, dict)
        content[name] = {**(content.get(name) or {}), **value} if merged else value
    if "label" in changes:
        body["definition"]["name"] = changes["label"]
    image = call.data.get("relationships", {}).get("image")
    if image is not None:
        _set_image(call, body, image["data"]["id"])
    _save(call, call.id, body)
    return documents.one(call, Row(call.id, body))


def replace_image(call: Call) -> Answer:
    """Give a text or push message another image."""
    body = _changeable(call, call.id)
    _set_image(call, body, call.data["id"])
    _save(call, call.id, body)
    return Answer(204)


def assign_template(call: Call) -> Answer:
    """Give an email a copy of a template, which is the message's own from then on."""
    message: str = call.data["id"]
    body = _changeable(call, message)
    if body["_channel"] != "email":
        detail = f"Only an email has a template; the channel of this message is '{body['_channel']}'."
        raise invalid_body("/data/relationships/template", detail)
    template: str = call.data["relationships"]["template"]["data"]["id"]
    copied = copy_template(call, template, f"Clone of {template}", owner=message)
    if body["_template_id"] is not None:
        earlier = call.store.get(call.account, "template", body["_template_id"])
        if earlier is not None and earlier.get("_owner_id") == message:
            call.store.remove(call.account, "template", body["_template_id"])
    body["_template_id"] = copied.id
    _save(call, message, body)
    return documents.one(call, Row(message, _flat(body)), fresh=[copied])


def _create_message(call: Call, identifier: str, parents: tuple[str, str], message: Json, campaign: Json) -> None:
    """`campaign` has the settings that the campaign was made with, and the message's part of its recipients."""
    content: Json = message["attributes"]["definition"]
    image: str | None = message.get("relationships", {}).get("image", {}).get("data", {}).get("id")
    if image is not None:
        call.require("image", image)
    channel: str = content["channel"]
    name = content.get("label") if channel == "email" else campaign["name"]
    body = message_body(*parents, {"name": name}, call.stamp, channel)
    set_settings(body, campaign)
    body["_part"] = campaign["_part"]
    rendering = {**RENDER_DEFAULTS, **given(content.get("render_options") or {})}
    details = details_of({**content, "render_options": rendering}, None, image)
    complete = {**DETAILS[details["channel"]], **details}
    add_variation(call, call.new_id(VARIATION), identifier, body["definition"]["name"], complete)
    call.store.insert(call.account, MESSAGE, identifier, body)
    save_message(call, identifier, body)


def _change_audience(call: Call, changes: Json) -> None:
    if not changes:
        return
    audience, *_ = call.store.find(call.account, AUDIENCE, "campaign_id", call.id) or [None]
    if audience is None:
        body = audience_body(call.id, changes, call.stamp)
        call.store.insert(call.account, AUDIENCE, call.new_id(AUDIENCE), body)
    else:
        audience.body["definition"] |= changes
        call.store.replace(call.account, AUDIENCE, audience.id, {**audience.body, "updated": call.stamp})
    # An estimate of another audience is out of date.
    call.store.remove(call.account, ESTIMATION, call.id)


def _change_message(call: Call, row: Row, attributes: Json) -> None:
    """What a changed campaign means for one of its messages."""
    if "name" in attributes and row.body["_channel"] == "email":
        # An email's label follows the name of its campaign.
        row.body["definition"]["name"] = attributes["name"]
    set_settings(row.body, attributes)
    save_message(call, row.id, row.body)
    if row.body["_status"] == "Scheduled" and "send_strategy" in attributes:
        sending.reschedule(call, row)


def _changeable(call: Call, message: str) -> Json:
    """The body of a message that has not gone out."""
    body = call.require(MESSAGE, message)
    if body["_status"] not in _CHANGEABLE:
        raise conflict(f"The campaign of this message has the status '{body['_status']}' and can not be changed.")
    if body["_content"] is None:
        raise conflict(f"Message with id {message} has no email, text or push content to change.")
    return body


def _set_image(call: Call, body: Json, image: str) -> None:
    if body["_channel"] == "email":
        pointer = "/data/relationships/images/"
        raise invalid_body(pointer, "Image relationships are only supported for push and SMS messages")
    call.require("image", image)
    body["_image_id"] = image


def _save(call: Call, message: str, body: Json) -> None:
    """Store a message whose content, template or image was changed: all three are kept with its first variation."""
    variation = variations_of(call, message)[0]
    details = details_of(body["_content"], body["_template_id"], body["_image_id"])
    changed = {**variation.body["definition"]["details"], **details}
    definition: Json = {**variation.body["definition"], "details": changed}
    kept = {**variation.body, "definition": definition, "updated": call.stamp, "_image_id": body["_image_id"]}
    call.store.replace(call.account, VARIATION, variation.id, kept)
    save_message(call, message, body)


def _flat(body: Json) -> Json:
    """A message in its oldest form, with everything on one level."""
    content: Json = body["_content"]
    return {
        **body,
        "label": content.get("label") or "",
        "channel": content["channel"],
        "content": content["content"],
        "render_options": content.get("render_options"),
        "created_at": body["created"],
        "updated_at": body["updated"],
    }


def _check_groups(call: Call, audiences: Json) -> None:
    """Audiences must be lists or segments of this account."""
    for side in ("included", "excluded"):
        check_groups(call, audiences.get(side) or [], f"/data/attributes/audiences/{side}")


def _check_tracking(options: Json | None) -> None:
    """Custom UTM parameters need a source and a medium."""
    parameters: list[Json] = (options or {}).get("custom_tracking_params") or []
    names = {parameter["name"] for parameter in parameters}
    if parameters and not {"utm_source", "utm_medium"} <= names:
        pointer = "/data/attributes/tracking_options/custom_tracking_params"
        raise invalid_body(pointer, "Custom tracking parameters must include utm_source and utm_medium.")

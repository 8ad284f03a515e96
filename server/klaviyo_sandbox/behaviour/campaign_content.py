"""Messages of campaigns and their variations: how they come to be, change, are copied and go. Only drafts change."""

from collections.abc import Mapping, Sequence

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour.campaign_records import (
    AUDIENCE,
    MESSAGE,
    UNDER_WAY,
    VARIATION,
    add_variation,
    given,
    message_body,
    ordered_ids,
    save_campaign,
    save_message,
    variations_of,
)
from klaviyo_sandbox.behaviour.campaign_views import DETAILS, channel_of, image_of
from klaviyo_sandbox.behaviour.copies import original_id
from klaviyo_sandbox.behaviour.templates import copy_template
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.loose_json import Json, mapping
from klaviyo_sandbox.storage.store import Row

_DEFINITION = "/data/attributes/definition"
_DETAILS = f"{_DEFINITION}/details"
# How a campaign that is made in one go writes the throttling of its messages.
_THROTTLING: Mapping[str, str] = {
    "NONE": "none",
    "FOR_CAMPAIGNS": "throttle-for-campaigns",
    "FOR_FLOWS": "throttle-for-flows",
    "FOR_CAMPAIGNS_AND_FLOWS": "throttle-for-campaigns-and-flows",
}
# The strategies that a message may be given while it is a draft. The others take more than its options can say.
_PLANNED = ("static", "local_timezone")
# The least and the most of numbers that a message may be given.
_RANGES = (
    ("send_options", "recipient_percentage", 1, 100),
    ("ab_test", "winner_percentage", 1, 99),
    ("ab_test", "winner_wait_hours", 1, 24 * 31),
)


def create_message(call: Call) -> Answer:
    """A draft to one audience of a campaign, with its variations."""
    relationships: Json = call.data["relationships"]
    campaign: str = relationships["campaign"]["data"]["id"]
    audience: str = relationships["campaign-audience"]["data"]["id"]
    call.require("campaign", campaign)
    if call.require(AUDIENCE, audience)["_campaign_id"] != campaign:
        pointer = "/data/relationships/campaign-audience/data/id"
        raise invalid_body(pointer, f"Audience {audience} does not belong to campaign {campaign}.")
    attributes: Json = call.data["attributes"]
    check_variations(call, attributes.get("variations") or [], "/data/attributes/variations")
    definition: Json = attributes["definition"]
    _check_definition(definition)
    identifier = call.new_id(MESSAGE)
    body = add_message(call, identifier, (campaign, audience), definition, attributes.get("variations") or [])
    return documents.one(call, Row(identifier, body), 201)


def update_message(call: Call) -> Answer:
    """Change a draft. Options are merged key by key; an A/B test of null is no test."""
    body = _draft(call, call.id)
    changes: Json = call.data["attributes"].get("definition") or {}
    _check_definition(changes)
    definition: Json = body["definition"]
    if changes.get("name") is not None:
        definition["name"] = changes["name"]
    for name in ("tracking_options", "send_options"):
        definition[name] |= given(changes.get(name) or {})
    if "ab_test" in changes:
        test: Json | None = changes["ab_test"]
        definition["ab_test"] = None if test is None else {**(definition["ab_test"] or {}), **given(test)}
    _plan(body, changes.get("send_options") or {})
    save_message(call, call.id, body)
    return documents.one(call, Row(call.id, body))


def delete_message(call: Call) -> Answer:
    """Remove a message with its variations, unless it is on its way."""
    body = call.require(MESSAGE, call.id)
    if body["_status"] in UNDER_WAY:
        status: str = body["definition"]["status"]
        raise conflict(f"Message with id {call.id} has the status '{status}'. Cancel or revert it first.")
    call.store.remove(call.account, MESSAGE, call.id)
    save_campaign(call, body["_campaign_id"])
    return Answer(204)


def clone_message(call: Call) -> Answer:
    """A draft with the content of another message, for an audience of any campaign."""
    original = original_id(call)
    source = call.require(MESSAGE, original)
    audience: str = call.data["relationships"]["campaign-audience"]["data"]["id"]
    campaign: str = call.require(AUDIENCE, audience)["_campaign_id"]
    name = call.data["attributes"].get("name") or f"Clone of {source['definition']['name'] or original}"
    identifier = call.new_id(MESSAGE)
    # To another audience nobody else's share of the recipients is left out.
    alone = {key: value for key, value in source.items() if key != "_part"}
    return documents.one(
        call, Row(identifier, copy_message(call, identifier, Row(original, alone), (campaign, audience), name)), 201
    )


def create_variation(call: Call) -> Answer:
    """One more variation of a draft, on the channel of those that are there."""
    message: str = call.data["relationships"]["campaign-message"]["data"]["id"]
    body = _draft(call, message)
    definition: Json = call.data["attributes"]["definition"]
    details = _completed(definition.get("details"))
    _check_details(call, details, body["_channel"], _DETAILS)
    row = add_variation(call, call.new_id(VARIATION), message, definition.get("name"), details)
    save_message(call, message, body)
    return documents.one(call, row, 201)


def update_variation(call: Call) -> Answer:
    """Change a variation of a draft. Details are merged key by key."""
    body = call.require(VARIATION, call.id)
    message: str = body["_message_id"]
    parent = _draft(call, message)
    changes: Json = call.data["attributes"]["definition"]
    definition: Json = body["definition"]
    if changes.get("name") is not None:
        definition["name"] = changes["name"]
    if changes.get("details") is not None:
        channel = channel_of(definition["details"]) or parent["_channel"]
        _check_details(call, changes["details"], channel, _DETAILS)
        definition["details"] = {
            **(definition["details"] or _completed(changes["details"]) or {}),
            **changes["details"],
        }
    body.update(updated=call.stamp, _image_id=image_of(definition["details"]))
    call.store.replace(call.account, VARIATION, call.id, body)
    save_message(call, message, parent)
    return documents.one(call, Row(call.id, body))


def delete_variation(call: Call) -> Answer:
    """Remove a variation of a draft."""
    message: str = call.require(VARIATION, call.id)["_message_id"]
    body = _draft(call, message)
    call.store.remove(call.account, VARIATION, call.id)
    save_message(call, message, body)
    return Answer(204)


def add_message(
    call: Call, identifier: str, parents: tuple[str, str], definition: Json, variations: Sequence[Json]
) -> Json:
    """Store a draft with its variations, given as they come in a body. `parents` are a campaign and its audience."""
    contents: list[Json] = [variation["definition"] for variation in variations]
    channel = channel_of(contents[0].get("details")) if contents else None
    body = message_body(*parents, definition, call.stamp, channel)
    _plan(body, definition.get("send_options") or {})
    for number, variation in enumerate(ordered_ids(call, VARIATION, len(contents))):
        content = contents[number]
        add_variation(call, variation, identifier, content.get("name"), _completed(content.get("details")))
    call.store.insert(call.account, MESSAGE, identifier, body)
    save_message(call, identifier, body)
    return body


def copy_message(call: Call, identifier: str, source: Row, parents: tuple[str, str], name: str | None) -> Json:
    """Store a draft like another message, with copies of its variations and of the templates that are its own."""
    definition: Json = {**source.body["definition"], "name": name}
    body = message_body(*parents, definition, call.stamp, source.body["_channel"])
    strategy: Json = source.body.get("_before", source.body["_strategy"])
    if "datetime" in strategy:
        # The original's time has often passed; Klaviyo puts the present in its place.
        strategy = {**strategy, "datetime": call.stamp}
    kept = {key: source.body[key] for key in ("_utm", "_part") if key in source.body}
    body.update(kept, _strategy=strategy)
    variations = variations_of(call, source.id)
    for number, variation in enumerate(ordered_ids(call, VARIATION, len(variations))):
        content: Json = variations[number].body["definition"]
        details = _with_own_template(call, content["details"], source.id, identifier)
        add_variation(call, variation, identifier, content["name"], details)
    call.store.insert(call.account, MESSAGE, identifier, body)
    save_message(call, identifier, body)
    return body


def tracking_and_throttling(message: Json) -> Json:
    """What a message that comes with its campaign says of its tracking and its throttling, as definitions say it."""
    return {
        "tracking_options": {"is_add_utm": message.get("is_add_utm")},
        "send_options": {"throttling_type": _THROTTLING.get(message.get("throttling_type") or "")},
    }


def check_variations(session: Session, variations: Sequence[Json], pointer: str) -> None:
    """The variations of one message are on one channel, and what they refer to exists. Raises ApiError (400)."""
    channel: str | None = None
    for number, variation in enumerate(variations):
        details: Json | None = variation["definition"].get("details")
        _check_details(session, details, channel, f"{pointer}/{number}/definition/details")
        channel = channel or channel_of(details)


def _check_details(session: Session, details: Json | None, channel: str | None, pointer: str) -> None:
    said = details or {}
    if channel is not None and said and channel_of(said) != channel:
        shown = "push" if channel == "mobile_push" else channel
        raise invalid_body(f"{pointer}/channel", f"The channel of this message is '{shown}' and cannot be changed.")
    template: str | None = said.get("template_id") or None
    if said.get("channel") == "email" and template and session.store.get(session.account, "template", template) is None:
        raise invalid_body(f"{pointer}/template_id", f"Template with id '{template}' does not exist")
    image = image_of(said)
    if image is not None and session.store.get(session.account, "image", image) is None:
        raise invalid_body(pointer, f"Image with id {image} does not exist.")


def _check_definition(definition: Json) -> None:
    """What a draft may be given. Raises ApiError (400)."""
    if definition.get("status") not in (None, "draft"):
        detail = "The status of this message is 'draft'. Schedule, send or cancel it to change that."
        raise invalid_body(f"{_DEFINITION}/status", detail)
    options: Json = definition.get("send_options") or {}
    for name, allowed in (("send_strategy", _PLANNED), ("throttle_unit", ())):
        if options.get(name) not in (None, *allowed):
            detail = f"'{options[name]}' is set by scheduling the message, and not by changing it."
            raise invalid_body(f"{_DEFINITION}/send_options/{name}", detail)
    for part, name, least, most in _RANGES:
        number: int | None = mapping(definition.get(part)).get(name)
        if number is not None and not least <= number <= most:
            detail = f"'{name}' must be between {least} and {most}."
            raise invalid_body(f"{_DEFINITION}/{part}/{name}", detail)


def _plan(body: Json, options: Json) -> None:
    """Have a draft that is given a time go out then, once its campaign is sent. Raises ApiError (400) without one."""
    said = given({name: options.get(name) for name in ("send_time", "send_strategy")})
    if not said:
        return
    planned: Json = body["_strategy"]
    moment: str | None = said.get("send_time") or planned.get("datetime")
    if moment is None:
        detail = f"'send_time' is required with the strategy '{said['send_strategy']}'."
        raise invalid_body(f"{_DEFINITION}/send_options/send_time", detail)
    local = said.get("send_strategy", body["definition"]["send_options"]["send_strategy"]) == "local_timezone"
    body["_strategy"] = {"method": "static", "datetime": moment, "options": {"is_local": local}}


def _completed(details: Json | None) -> Json | None:
    return None if details is None else {**DETAILS[details["channel"]], **details}


def _with_own_template(call: Call, details: Json | None, source: str, message: str) -> Json | None:
    """The details for a copy. A template that belongs to the original alone is copied with it."""
    template: str | None = (details or {}).get("template_id")
    kept = call.store.get(call.account, "template", template) if template else None
    if details is None or template is None or kept is None or kept.get("_owner_id") != source:
        return details
    return {**details, "template_id": copy_template(call, template, f"Clone of {template}", owner=message).id}


def _draft(session: Session, message: str) -> Json:
    """The body of a message that must be a draft."""
    body = session.require(MESSAGE, message)
    status: str = body["definition"]["status"]
    if status != "draft":
        detail = f"Message with id {message} has the status '{status}'; only drafts can be changed."
        raise conflict(detail)
    return body

"""Campaigns and their audiences: how they come to be, change, are copied and go."""

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.behaviour.campaign_content import (
    add_message,
    check_variations,
    copy_message,
    tracking_and_throttling,
)
from klaviyo_sandbox.behaviour.campaign_records import (
    AUDIENCE,
    ESTIMATION,
    MESSAGE,
    UNDER_WAY,
    audience_body,
    campaign_body,
    check_groups,
    given,
    messages_of,
    ordered_ids,
    save_campaign,
)
from klaviyo_sandbox.behaviour.copies import original_id
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import ApiError, conflict, invalid_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

_OF_A_CAMPAIGN = (ESTIMATION, "campaign-recipient-estimation-job", "campaign-send-job")
_MESSAGES = "/data/attributes/messages"
_AUDIENCES = "/data/attributes/audiences"


def create_campaign(call: Call) -> Answer:
    """A draft with the audiences, messages and variations that come with it, tied by the audiences' temporary ids."""
    attributes: Json = call.data["attributes"]
    audiences: list[Json] = attributes.get("audiences") or []
    messages: list[Json] = attributes.get("messages") or []
    _check_inline(call, audiences, messages)
    tags: list[Json] = call.data.get("relationships", {}).get("tags", {}).get("data", [])
    for tag in tags:
        call.require("tag", tag["id"])
    campaign = call.new_id("campaign")
    call.store.insert(call.account, "campaign", campaign, campaign_body(attributes["definition"], call.stamp))
    for tag in tags:
        call.store.link(call.account, "tag.campaigns", tag["id"], [campaign], call.micros)
    ids: dict[str, str] = {}
    for identifier, audience in zip(ordered_ids(call, AUDIENCE, len(audiences)), audiences, strict=True):
        ids[audience["temporary_id"]] = identifier
        definition = {name: value for name, value in audience.items() if name != "temporary_id"}
        call.store.insert(call.account, AUDIENCE, identifier, audience_body(campaign, definition, call.stamp))
    for identifier, message in zip(ordered_ids(call, MESSAGE, len(messages)), messages, strict=True):
        parents = campaign, ids[message["audience_temporary_id"]]
        definition = {"name": message.get("name"), **tracking_and_throttling(message)}
        add_message(call, identifier, parents, definition, message.get("variations") or [])
    return documents.one(call, Row(campaign, save_campaign(call, campaign)), 201)


def update_campaign(call: Call) -> Answer:
    """Change what a campaign says of itself. Its settings for sending are merged key by key."""
    body = call.require("campaign", call.id)
    changes = given(call.data["attributes"]["definition"])
    settings = {**body["definition"]["send_settings"], **given(changes.get("send_settings", {}))}
    body["definition"] |= {**changes, "send_settings": settings}
    return documents.one(call, Row(call.id, save_campaign(call, call.id, body)))


def delete_campaign(call: Call) -> Answer:
    """Remove a campaign, its audiences and messages, and what was estimated about it."""
    for kind in _OF_A_CAMPAIGN:
        call.store.remove(call.account, kind, call.id)
    return generic.delete_resource(call)


def clone_campaign(call: Call) -> Answer:
    """A draft with the audiences, messages, variations and templates of another campaign."""
    original: str = call.data["id"]
    source = call.require("campaign", original)
    attributes: Json = call.data["attributes"]
    # The field has another name at earlier revisions.
    name = attributes.get("name") or attributes.get("new_name") or f"Clone of {source['name']}"
    campaign = call.new_id("campaign")
    body = campaign_body({**source["definition"], "name": name, "archived": False}, call.stamp)
    call.store.insert(call.account, "campaign", campaign, body)
    audiences = call.store.find(call.account, AUDIENCE, "campaign_id", original)
    ids = dict(zip((row.id for row in audiences), ordered_ids(call, AUDIENCE, len(audiences)), strict=True))
    for row in audiences:
        copied = audience_body(campaign, row.body["definition"], call.stamp)
        call.store.insert(call.account, AUDIENCE, ids[row.id], copied)
    messages = messages_of(call, original)
    for identifier, row in zip(ordered_ids(call, MESSAGE, len(messages)), messages, strict=True):
        copy_message(call, identifier, row, (campaign, ids[row.body["_audience_id"]]), row.body["definition"]["name"])
    return documents.one(call, Row(campaign, save_campaign(call, campaign)), 201)


def create_audience(call: Call) -> Answer:
    """One more audience of a campaign."""
    campaign: str = call.data["relationships"]["campaign"]["data"]["id"]
    call.require("campaign", campaign)
    definition: Json = call.data["attributes"]["definition"]
    _check_audience(call, definition, "/data/attributes/definition")
    return _store_audience(call, audience_body(campaign, definition, call.stamp))


def update_audience(call: Call) -> Answer:
    """Change whom an audience has, unless a message to it is on its way."""
    body = call.require(AUDIENCE, call.id)
    _check_idle(call, call.id)
    definition = given(call.data["attributes"].get("definition") or {})
    _check_audience(call, definition, "/data/attributes/definition")
    body["definition"] |= definition
    body["updated"] = call.stamp
    call.store.replace(call.account, AUDIENCE, call.id, body)
    _outdate(call, body["_campaign_id"])
    return documents.one(call, Row(call.id, body))


def delete_audience(call: Call) -> Answer:
    """Remove an audience with its messages, unless one of them is on its way."""
    body = call.require(AUDIENCE, call.id)
    _check_idle(call, call.id)
    call.store.remove(call.account, AUDIENCE, call.id)
    _outdate(call, body["_campaign_id"])
    return Answer(204)


def clone_audience(call: Call) -> Answer:
    """A copy of whom an audience has, for its campaign or another one. Its messages stay with the original."""
    original = original_id(call)
    source = call.require(AUDIENCE, original)
    target: Json = call.data.get("relationships", {}).get("campaign", {}).get("data") or {}
    campaign: str = target.get("id") or source["_campaign_id"]
    call.require("campaign", campaign)
    name = call.data["attributes"].get("name") or f"Clone of {source['definition']['name'] or original}"
    return _store_audience(call, audience_body(campaign, {**source["definition"], "name": name}, call.stamp))


def list_tags_of_message(call: Call) -> Answer:
    """The tags of a message are those of its campaign."""
    campaign: str = call.require(MESSAGE, call.id)["_campaign_id"]
    relation = call.world.resources["campaign"].relation("tags")
    rows = call.store.page(call.account, "tag", through=(relation, campaign))
    return documents.identifiers(call, rows) if call.operation.relationships_only else documents.many(call, rows)


def _store_audience(call: Call, body: Json) -> Answer:
    identifier = call.new_id(AUDIENCE)
    call.store.insert(call.account, AUDIENCE, identifier, body)
    _outdate(call, body["_campaign_id"])
    return documents.one(call, Row(identifier, body), 201)


def _outdate(session: Session, campaign: str) -> None:
    """An estimate of other audiences is out of date."""
    session.store.remove(session.account, ESTIMATION, campaign)
    save_campaign(session, campaign)


def _check_idle(session: Session, audience: str) -> None:
    for row in session.store.find(session.account, MESSAGE, "audience_id", audience):
        if row.body["_status"] in UNDER_WAY:
            raise conflict(
                f"The message {row.id} to this audience has the status '{row.body['definition']['status']}'. "
                "Cancel or revert it first."
            )


def _check_audience(session: Session, definition: Json, pointer: str) -> None:
    for side in ("included", "excluded"):
        check_groups(session, definition.get(side) or [], f"{pointer}/{side}")


def _check_inline(call: Call, audiences: list[Json], messages: list[Json]) -> None:
    known: set[str] = set()
    for number, audience in enumerate(audiences):
        if audience["temporary_id"] in known:
            raise _wrong_temporary_id(f"{_AUDIENCES}/{number}/temporary_id", "is given to two audiences")
        known.add(audience["temporary_id"])
        _check_audience(call, audience, f"{_AUDIENCES}/{number}")
    for number, message in enumerate(messages):
        if message["audience_temporary_id"] not in known:
            pointer = f"{_MESSAGES}/{number}/audience_temporary_id"
            raise _wrong_temporary_id(pointer, "is none of the temporary ids in 'audiences'")
        check_variations(call, message.get("variations") or [], f"{_MESSAGES}/{number}/variations")


def _wrong_temporary_id(pointer: str, why: str) -> ApiError:
    return invalid_body(pointer, f"'{pointer.rpartition('/')[2]}' {why}.")

"""How flows are made, changed and removed. The actions are what is stored; a flow's definition is read off them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.behaviour.flow_graph import checked_order, followers, relinked
from klaviyo_sandbox.behaviour.templates import copy_template
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.loose_json import Json, is_object, mapping
from klaviyo_sandbox.storage.store import Row

_TRIGGERS = {
    "metric": "Metric",
    "list": "Added to List",
    "segment": "Added to List",
    "date": "Date Based",
    "price-drop": "Price Drop",
    "low-inventory": "Low Inventory",
}
_CHANNELS = {
    "send-email": "email",
    "send-sms": "sms",
    "send-mobile-push": "mobile_push",
    "send-whatsapp": "whatsapp",
    "send-webhook": "webhook",
    "send-internal-alert": "internal_alert",
}
_SENT: Json = {"smart_sending_enabled": True, "transactional": False, "add_tracking_params": False}
_TEXT_DEFAULTS: Json = {
    "shorten_links": True,
    "include_contact_card": False,
    "add_org_prefix": True,
    "add_info_link": True,
    "add_opt_out_language": False,
    "sms_quiet_hours_enabled": True,
    **_SENT,
}
_PUSH_DEFAULTS: Json = {"sound": False, "badge": False, "on_open": "home", "smart_sending_enabled": True}
# What every email of a flow shows, though nobody set it.
EMAIL_DEFAULTS: Json = {
    **dict.fromkeys(("cc_email", "bcc_email", "custom_tracking_params", "additional_filters")),
    **_SENT,
}
_MESSAGE_DEFAULTS = {"email": EMAIL_DEFAULTS, "sms": _TEXT_DEFAULTS, "mobile_push": _PUSH_DEFAULTS, "whatsapp": _SENT}
HAVE_STATUS = (*_CHANNELS, "content-experiment", "ab-test", "update-profile", "internal-service", "list-update")


def create_flow(call: Call) -> Answer:
    """A draft of a definition whose actions name each other by temporary ids, which become real ones."""
    attributes: Json = call.data["attributes"]
    definition: Json = attributes["definition"]
    checked_order(definition)
    _check_triggers(call, definition["triggers"])
    ids = {action["temporary_id"]: call.new_id("flow-action") for action in definition["actions"]}
    flow = call.new_id("flow")
    triggers: list[Json] = definition["triggers"]
    entry = definition["entry_action_id"]
    body: Json = {
        "name": attributes["name"],
        "status": "draft",
        "archived": False,
        "created": call.stamp,
        "updated": call.stamp,
        "trigger_type": _TRIGGERS[triggers[0]["type"]] if triggers else "Unconfigured",
        "definition": {
            "triggers": triggers,
            "profile_filter": definition.get("profile_filter"),
            "entry_action_id": None if entry is None else ids[entry],
            "reentry_criteria": definition.get("reentry_criteria"),
        },
    }
    call.store.insert(call.account, "flow", flow, body)
    for number, action in enumerate(definition["actions"]):
        made = relinked(made_action(call, action, ids[action["temporary_id"]]), ids)
        write_action(call, flow, made, number)
    for trigger in triggers:
        if trigger.get("id") is not None:
            call.store.link(call.account, f"{trigger['type']}.flow-triggers", trigger["id"], [flow], call.micros)
    return documents.one(call, Row(flow, body), 201)


def update_flow(call: Call) -> Answer:
    """Give a flow, and all of its actions that can have one, another status."""
    status: str = call.data["attributes"]["status"]
    body: Json = {**call.require("flow", call.id), "status": status, "updated": call.stamp}
    call.store.replace(call.account, "flow", call.id, body)
    for row in call.store.find(call.account, "flow-action", "flow_id", call.id):
        definition: Json = row.body["definition"]
        if definition["type"] in HAVE_STATUS:
            definition["data"] = {**(definition.get("data") or {}), "status": status}
            row.body["updated"] = call.stamp
            call.store.replace(call.account, "flow-action", row.id, row.body)
    return documents.one(call, Row(call.id, body))


def delete_flow(call: Call) -> Answer:
    """Remove a flow, its actions, their messages and templates, and that anything sets it off."""
    call.require("flow", call.id)
    sql = "DELETE FROM link WHERE account = ? AND relation LIKE '%.flow-triggers' AND target = ?"
    call.store.run(sql, (call.account, call.id))
    return generic.delete_resource(call)


def update_action(call: Call) -> Answer:
    """Change the settings of an action. Its type stays, and what comes after it unless `links` differ."""
    body = call.require("flow-action", call.id)
    current: Json = body["definition"]
    given: Json = call.data["attributes"]["definition"]
    pointer = "/data/attributes/definition"
    if given["type"] != current["type"]:
        detail = f"The type of a flow action cannot be changed; it is '{current['type']}'."
        raise invalid_body(f"{pointer}/type", detail)
    if given.get("temporary_id") is not None:
        raise invalid_body(f"{pointer}/temporary_id", "'temporary_id' is only for actions that do not exist yet.")
    if given.get("id") not in (None, call.id):
        raise invalid_body(f"{pointer}/id", f"'{given['id']}' is not the id of this action, '{call.id}'.")
    rows = call.store.find(call.account, "flow-action", "flow_id", body["_flow_id"])
    others = {row.id for row in rows} - {call.id}
    for following in followers(given):
        if following not in others:
            raise invalid_body(f"{pointer}/links", f"'{following}' is not another action of this flow.")
    data: Any = given.get("data", current.get("data"))
    if is_object(data) and is_object(current.get("data")):
        data = _merged(current["data"], data)
    made: Json = {**current, **given, "id": call.id}
    if "data" in given:
        made["data"] = data
    made.pop("temporary_id", None)
    changed = write_action(
        call, body["_flow_id"], made_action(call, made, call.id), body.get("_order", 0), body["created"]
    )
    return documents.one(call, Row(call.id, changed))


def delete_action(call: Call) -> Answer:
    """Remove an action; what led to it leads to what came after it. A split with two ways on cannot be removed."""
    body = call.require("flow-action", call.id)
    after = list(dict.fromkeys(followers(body["definition"])))
    if len(after) > 1:
        raise conflict(f"Flow action with id {call.id} leads to {len(after)} others; all but one must go first.")
    following = after[0] if after else None
    flow_id: str = body["_flow_id"]
    for row in call.store.find(call.account, "flow-action", "flow_id", flow_id):
        if call.id in followers(row.body["definition"]):
            row.body["definition"] = relinked(row.body["definition"], {call.id: following})
            row.body["updated"] = call.stamp
            call.store.replace(call.account, "flow-action", row.id, row.body)
    flow = call.require("flow", flow_id)
    if flow["definition"]["entry_action_id"] == call.id:
        flow["definition"]["entry_action_id"] = following
    flow["updated"] = call.stamp
    call.store.replace(call.account, "flow", flow_id, flow)
    return generic.delete_resource(call)


def write_action(session: Session, flow: str, action: Json, number: int, created: str | None = None) -> Json:
    """Store an action and the messages it sends, each with its own copy of its template. Returns the action's body."""
    identifier: str = action["id"]
    known = {row.id: row for row in session.store.find(session.account, "flow-message", "action_id", identifier)}
    for sender in senders(action):
        _write_message(session, identifier, sender, known)
    for message in known:
        session.store.remove(session.account, "flow-message", message)
    stamps = {"created": created or session.stamp, "updated": session.stamp}
    body = action_body({**stamps, "_flow_id": flow}, action, number)
    if session.store.get(session.account, "flow-action", identifier) is None:
        session.store.insert(session.account, "flow-action", identifier, body)
    else:
        session.store.replace(session.account, "flow-action", identifier, body)
    return body


def action_body(stored: Json, action: Json, number: int) -> Json:
    """The body of an action, `number` of its flow; `stored` has what is not in its definition."""
    kind = action["type"].upper().replace("-", "_")
    return {**stored, "definition": action, "_order": number, "_action_type": kind}


def message_body(action: str, sender: Json, created: str, updated: str) -> Json:
    """The body of the message that `sender`, which is an action or inside one, sends."""
    message: Json = sender["data"]["message"]
    return {
        "channel": _CHANNELS[sender["type"]],
        "created": created,
        "updated": updated,
        "_action_id": action,
        "_template_id": message.get("template_id"),
        "_name": message.get("name"),
    }


def senders(action: Json) -> Iterator[Json]:
    """The action itself if it sends a message, or the ones it tries out."""
    settings = mapping(action.get("data"))
    if action["type"] in _CHANNELS and isinstance(settings.get("message"), dict):
        yield action
    if isinstance(settings.get("main_action"), dict):
        yield from senders(settings["main_action"])
        experiment: Json = settings.get("current_experiment") or {"variations": []}
        for variation in experiment["variations"]:
            yield from senders(variation)


def definitions(session: Session, flows: Sequence[str]) -> Mapping[str, Any]:
    """The definition of each flow, its actions in the order they were given."""
    sql = """
        SELECT flow_id, body FROM flow_action WHERE account = ? AND flow_id IN (SELECT value FROM json_each(?))
        ORDER BY json_extract(body, '$._order'), id"""
    actions: dict[str, list[Json]] = {}
    for flow, body in session.store.rows(sql, (session.account, json.dumps(flows))):
        actions.setdefault(flow, []).append(json.loads(body)["definition"])
    rows = session.store.get_many(session.account, "flow", flows)
    return {row.id: {**row.body["definition"], "actions": actions.get(row.id, [])} for row in rows}


def message_definitions(session: Session, messages: Sequence[str]) -> Mapping[str, Any]:
    """The definition of each message, as it stands in its action."""
    rows = session.store.get_many(session.account, "flow-message", messages)
    actions = session.store.get_many(session.account, "flow-action", [row.body["_action_id"] for row in rows])
    sent = (sender["data"]["message"] for action in actions for sender in senders(action.body["definition"]))
    return {message["id"]: message for message in sent}


def made_action(session: Session, action: Json, identifier: str) -> Json:
    """An action with its id, the ids of the actions inside, and what it has unless told otherwise."""
    made: Json = {name: value for name, value in action.items() if name != "temporary_id"}
    made["id"] = identifier
    data: Any = made.get("data")
    if made["type"] in HAVE_STATUS:
        given: Json = data or {}
        data = {"status": "draft", **given}
    if made["type"] in _CHANNELS and "message" in data:
        data["message"] = {**_MESSAGE_DEFAULTS.get(_CHANNELS[made["type"]], {}), **data["message"]}
    if made["type"] in ("ab-test", "content-experiment"):
        data["main_action"] = _inner(session, data["main_action"])
        experiment: Json | None = data.get("current_experiment")
        if experiment is not None:
            experiment = {**experiment, "id": experiment.get("id") or session.new_id("flow-action")}
            experiment["variations"] = [_inner(session, variation) for variation in experiment["variations"]]
            data["current_experiment"] = experiment
    if data is not None:
        made["data"] = data
    return made


def _inner(session: Session, action: Json) -> Json:
    return made_action(session, action, action.get("id") or session.new_id("flow-action"))


def _write_message(session: Session, action: str, sender: Json, known: dict[str, Row]) -> None:
    message: Json = sender["data"]["message"]
    earlier = known.pop(message.get("id") or "", None)
    identifier = earlier.id if earlier else message.get("id") or session.new_id("flow-message")
    template: str | None = message.get("template_id")
    if template is not None and (earlier is None or earlier.body["_template_id"] != template):
        template = copy_template(session, template, f"Clone of {template}", owner=identifier).id
        if earlier is not None and earlier.body["_template_id"] is not None:
            session.store.remove(session.account, "template", earlier.body["_template_id"])
    message.update(id=identifier, template_id=template)
    if template is None:
        del message["template_id"]
    created: str = earlier.body["created"] if earlier else session.stamp
    body = message_body(action, sender, created, session.stamp)
    if earlier is None:
        session.store.insert(session.account, "flow-message", identifier, body)
    else:
        session.store.replace(session.account, "flow-message", identifier, body)


def _merged(current: Json, given: Json) -> Json:
    """An action's settings with changes: those of its message are merged, and its message stays the same one."""
    merged: Json = {**current, **given}
    if isinstance(current.get("message"), dict) and isinstance(given.get("message"), dict):
        merged["message"] = {**current["message"], **given["message"], "id": current["message"]["id"]}
    return merged


def _check_triggers(session: Session, triggers: Sequence[Json]) -> None:
    for number, trigger in enumerate(triggers):
        kind, identifier = trigger["type"], trigger.get("id")
        if identifier is not None and session.store.get(session.account, kind, identifier) is None:
            pointer = f"/data/attributes/definition/triggers/{number}/id"
            raise invalid_body(pointer, f"'{identifier}' is not the id of a {kind} of this account.")

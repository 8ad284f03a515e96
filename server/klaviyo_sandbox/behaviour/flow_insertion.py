"""How an action is put into a flow that exists: after one of its actions, before one, or as the first."""

from dataclasses import dataclass

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour.flow_graph import Way, followers, led_to, ways
from klaviyo_sandbox.behaviour.flows import HAVE_STATUS, made_action, write_action
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.errors import invalid_body
from klaviyo_sandbox.identifiers import new_uuid
from klaviyo_sandbox.loose_json import Json, items, mapping
from klaviyo_sandbox.storage.store import Row

_DEFINITION = "/data/attributes/definition"
_ANCHOR = "/data/attributes/anchor-action"
_SPLITS = ("action-output-split", "conditional-split", "trigger-split", "ab-test", "content-experiment")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a flow: what leads there, what comes after it, and whether it is the flow's first action."""

    flow: str
    leading: list[tuple[str, Way]]
    following: str | None
    first: bool = False


def insert_action(call: Call) -> Answer:
    """Put a new action into a flow; what was linked before is linked through it. It is a draft where it can be one."""
    attributes: Json = call.data["attributes"]
    given: Json = attributes["definition"]
    place = _place(call, given, attributes.get("anchor-action"))
    if given.get("id") is not None:
        raise invalid_body(f"{_DEFINITION}/id", "'id' is not allowed on create; use 'temporary_id'.")
    if given["type"] in _SPLITS:
        raise invalid_body(f"{_DEFINITION}/type", f"An action of the type '{given['type']}' cannot be inserted.")
    flow = call.require("flow", place.flow)
    always_live = given["type"] not in HAVE_STATUS
    if always_live and flow["status"] == "live" and not attributes.get("allow_live_action"):
        detail = "'allow_live_action' must be true: the flow is live, and actions of this type always are."
        raise invalid_body("/data/attributes/allow_live_action", detail)
    rows = call.store.find(call.account, "flow-action", "flow_id", place.flow)
    identifier = call.new_id("flow-action")
    made = made_action(call, _new(call, given, place.following), identifier)
    body = write_action(call, place.flow, made, len(rows))
    for row in rows:
        for way in (way for leading, way in place.leading if leading == row.id):
            row.body["definition"] = led_to(row.body["definition"], way, identifier)
            row.body["updated"] = call.stamp
            call.store.replace(call.account, "flow-action", row.id, row.body)
    if place.first:
        flow["definition"]["entry_action_id"] = identifier
    flow["updated"] = call.stamp
    call.store.replace(call.account, "flow", place.flow, flow)
    return documents.one(call, Row(identifier, body), 201)


def _place(call: Call, given: Json, anchor: Json | None) -> _Place:
    """Where the one placement that was given leads. Raises ApiError (400, 404)."""
    before = list(dict.fromkeys(followers(given)))
    flow: Json | None = call.data.get("relationships", {}).get("flow")
    if [anchor is not None, bool(before), flow is not None].count(True) != 1:
        detail = "Give exactly one of 'anchor-action', links of the definition and the relationship 'flow'."
        raise invalid_body(_ANCHOR, detail)
    if anchor is not None:
        return _after(call, given, anchor["data"])
    if flow is not None:
        return _first(call, flow["data"]["id"])
    if len(before) > 1:
        raise invalid_body(f"{_DEFINITION}/links", "All links must lead to the same action.")
    return _before(call, before[0])


def _after(call: Call, given: Json, anchor: Json) -> _Place:
    identifier: str = anchor["id"]
    body = call.require("flow-action", identifier)
    current, linked = body["definition"], anchor["attributes"]["definition"]
    pointer = f"{_ANCHOR}/data/attributes/definition"
    if linked["type"] != current["type"]:
        raise invalid_body(f"{pointer}/type", f"The anchor action is of the type '{current['type']}'.")
    chosen = {way: name for way, name in ways(linked).items() if name is not None}
    if list(chosen.values()) != [given.get("temporary_id")]:
        raise invalid_body(
            pointer, "One link must have the 'temporary_id' of the new action, and no other may lead on."
        )
    way, there = next(iter(chosen)), ways(current)
    if way not in there:
        raise invalid_body(pointer, f"The anchor action has no branch '{way[0]}'.")
    return _Place(body["_flow_id"], [(identifier, way)], there[way])


def _before(call: Call, following: str) -> _Place:
    flow: str = call.require("flow-action", following)["_flow_id"]
    leading = [
        (row.id, way)
        for row in call.store.find(call.account, "flow-action", "flow_id", flow)
        for way, target in ways(row.body["definition"]).items()
        if target == following
    ]
    first = call.require("flow", flow)["definition"]["entry_action_id"] == following
    return _Place(flow, leading, following, first)


def _first(call: Call, flow: str) -> _Place:
    call.require("flow", flow)
    if call.store.find(call.account, "flow-action", "flow_id", flow):
        detail = "The flow has actions already; say after or before which of them the new one comes."
        raise invalid_body("/data/relationships/flow/data/id", detail)
    return _Place(flow, [], None, first=True)


def _new(call: Call, given: Json, following: str | None) -> Json:
    """The definition as it is to be made: a draft, the branches of a split with ids, and all ways on leading on."""
    made: Json = {name: value for name, value in given.items() if name != "links"}
    kind: str = made["type"]
    if kind in HAVE_STATUS:
        made["data"] = {**mapping(made.get("data")), "status": "draft"}
    if kind == "multi-branch-split" and made.get("data"):
        branches: list[Json] = items(mapping(made["data"]).get("branches"))
        kept: list[Json] = [{**branch, "branch_id": new_uuid(call.store.next_digest())} for branch in branches]
        made["data"] = {**made["data"], "branches": kept}
    for way in ways(made):
        made = led_to(made, way, following)
    return made

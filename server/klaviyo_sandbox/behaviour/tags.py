"""How tags come to be and where they may be put: caps, unique names, and groups of which a resource has one tag."""

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.storage.store import Row

MOST_TAGS = 500
MOST_TAG_GROUPS = 50
MOST_TAGS_OF_ONE = 100


def create_tag(call: Call) -> Answer:
    """A tag in the group it names, or in the account's default group."""
    _check_name(call, "tag", MOST_TAGS)
    reference = call.data.get("relationships", {}).get("tag-group")
    if reference is None:
        (group,) = call.store.find(call.account, "tag-group", "default", 1)
        identifier = group.id
    else:
        identifier = reference["data"]["id"]
        call.require("tag-group", identifier)
    body = {"name": call.data["attributes"]["name"], "_tag_group_id": identifier}
    tag = call.new_id("tag")
    call.store.insert(call.account, "tag", tag, body)
    return documents.one(call, Row(tag, body), 201)


def create_tag_group(call: Call) -> Answer:
    """A group, exclusive only where the caller says so, and never the default one."""
    _check_name(call, "tag-group", MOST_TAG_GROUPS)
    return generic.create_resource(call)


def rename(call: Call) -> Answer:
    """A new name for a tag or a group; nothing else about them can change."""
    kind = call.operation.resource
    body = call.require(kind, call.id)
    _check_name(call, kind, None)
    call.store.replace(call.account, kind, call.id, {**body, "name": call.data["attributes"]["name"]})
    return Answer(204)


def delete_tag_group(call: Call) -> Answer:
    """Remove a group with its tags. The default group stays."""
    if call.require("tag-group", call.id)["default"]:
        raise invalid_body("/data/id", "The default tag group cannot be deleted.")
    return generic.delete_resource(call)


def put_tag(call: Call) -> Answer:
    """Put a tag on resources: at most 100 tags on each, and one of each exclusive group."""
    tag = call.require("tag", call.id)
    group = call.require("tag-group", tag["_tag_group_id"])
    answer = generic.add_related(call)
    relation = call.world.resources["tag"].relation(call.operation.relation)
    for identifier in {item["id"] for item in call.data}:
        sql = "SELECT source FROM link WHERE account = ? AND relation = ? AND target = ?"
        others = [row[0] for row in call.store.rows(sql, (call.account, relation.link, identifier))]
        if len(others) > MOST_TAGS_OF_ONE:
            raise invalid_body("/data", f"{relation.type} {identifier} already has {MOST_TAGS_OF_ONE} tags.")
        rivals = [
            row.body["name"]
            for row in call.store.get_many(call.account, "tag", others)
            if row.id != call.id and row.body["_tag_group_id"] == tag["_tag_group_id"]
        ]
        if group["exclusive"] and rivals:
            detail = f"{relation.type} {identifier} already has the tag '{rivals[0]}' of the exclusive tag group"
            raise conflict(f"{detail} '{group['name']}'.")
    return answer


def _check_name(call: Call, kind: str, most: int | None) -> None:
    """Names are unique, and their number is limited. Raises ApiError (400, 409)."""
    name = call.data["attributes"]["name"]
    if any(row.id != call.id for row in call.store.find(call.account, kind, "name", name)):
        raise conflict(f"A {kind} named '{name}' already exists.")
    if most is not None and call.store.count(call.account, kind) >= most:
        raise invalid_body("/data", f"An account cannot have more than {most} resources of the type '{kind}'.")

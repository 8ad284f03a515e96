"""How the parts of a brand are made, changed and deleted.

Klaviyo's document says that a field which is given replaces the old one as a whole, but for the blocks of the email
defaults, whose fields change one by one. What becomes of defaults that a deleted part was in is our choice.
"""

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

DEFAULTS = "brand-email-default"
IN_EMAILS = ("brand-button", "brand-logo", "brand-social-group")
"""What the email defaults point at."""
# What Klaviyo fills in.
_FILLED_IN = {"style": {"is_shadow_active": False}, "border": {"is_border_active": False}}
# The one field of the email defaults that null empties.
_EMPTIED = "logo_max_width"


def create(call: Call) -> Answer:
    """A new part of the brand."""
    kind = call.operation.resource
    body = generic.stamped(call, call.world.resources[kind], _attributes(call))
    body |= _pointed_at(call)
    _only_primary(call, body)
    identifier = call.new_id(kind)
    call.store.insert(call.account, kind, identifier, body)
    return documents.one(call, Row(identifier, body), 201)


def update(call: Call) -> Answer:
    """Replace the fields that the caller names; null empties one."""
    kind = call.operation.resource
    body = {**call.require(kind, call.id), **_attributes(call), **_pointed_at(call)}
    _only_primary(call, body)
    call.store.replace(call.account, kind, call.id, body)
    return documents.one(call, Row(call.id, body))


def delete(call: Call) -> Answer:
    """Remove a part. Email defaults that it was in have none in its place."""
    kind = call.operation.resource
    answer = generic.delete_resource(call)
    if kind in IN_EMAILS:
        for row in call.store.find(call.account, DEFAULTS, kind, call.id):
            call.store.replace(call.account, DEFAULTS, row.id, {**row.body, f"_{kind}": None})
    return answer


def update_voice(call: Call) -> Answer:
    """Replace the lists of the voice that the caller names; null leaves one as it is."""
    body = call.require("brand-voice", call.id)
    for name, given in call.data["attributes"].items():
        if given is not None:
            body[name] = [{"user_modified": False, **descriptor} for descriptor in given]
    call.store.replace(call.account, "brand-voice", call.id, body)
    return documents.one(call, Row(call.id, body))


def update_email_defaults(call: Call) -> Answer:
    """Change single fields of the blocks that the caller names, and what the defaults point at."""
    body = call.require(DEFAULTS, call.id)
    attributes: Json = call.data["attributes"]
    for name, block in attributes.items():
        given: Json = block or {}
        body[name] = {
            **body[name],
            **{field: value for field, value in given.items() if value is not None or field == _EMPTIED},
        }
    body |= _pointed_at(call)
    call.store.replace(call.account, DEFAULTS, call.id, body)
    return documents.one(call, Row(call.id, body))


def _attributes(call: Call) -> Json:
    attributes: Json = call.data["attributes"]
    return {
        name: {**_FILLED_IN[name], **value} if name in _FILLED_IN and value is not None else value
        for name, value in attributes.items()
    }


def _pointed_at(call: Call) -> Json:
    """What the caller makes it point at, which must exist. Null leaves it as it is."""
    relationships: Json = call.data.get("relationships", {})
    found: Json = {}
    for kind, reference in relationships.items():
        if reference["data"] is not None:
            identifier: str = reference["data"]["id"]
            call.require(kind, identifier)
            found[f"_{kind}"] = identifier
    return found


def _only_primary(call: Call, body: Json) -> None:
    """No other button is primary beside one that is."""
    if body.get("is_primary"):
        for row in call.store.page(call.account, "brand-button"):
            if row.id != call.id and row.body.get("is_primary"):
                call.store.replace(call.account, "brand-button", row.id, {**row.body, "is_primary": False})

"""How universal content is made and changed. A picture of it is taken a moment later."""

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour.copies import original_id
from klaviyo_sandbox.behaviour.templates import identified
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import invalid_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

KIND = "template-universal-content"


def create(call: Call) -> Answer:
    """A new block or section."""
    attributes: Json = call.data["attributes"]
    identifier = call.new_id(KIND)
    definition = identified(call, attributes["definition"])
    body: Json = {**attributes, "definition": definition, "created": call.stamp, "updated": call.stamp}
    _take_screenshot(call, identifier, body)
    call.store.insert(call.account, KIND, identifier, body)
    return documents.one(call, Row(identifier, body), 201)


def update(call: Call) -> Answer:
    """Change a name, or the whole definition; its type stays what it is."""
    body = call.require(KIND, call.id)
    attributes: Json = call.data["attributes"]
    definition: Json | None = attributes.get("definition")
    if definition is not None:
        current = body["definition"]["type"]
        if definition["type"] != current:
            detail = f"The type of universal content cannot be changed; it is '{current}'."
            raise invalid_body("/data/attributes/definition/type", detail)
        body["definition"] = identified(call, definition)
        _take_screenshot(call, call.id, body)
    if attributes.get("name") is not None:
        body["name"] = attributes["name"]
    body["updated"] = call.stamp
    call.store.replace(call.account, KIND, call.id, body)
    return documents.one(call, Row(call.id, body))


def clone(call: Call) -> Answer:
    """A copy of a block, under the same name unless it is given another."""
    source = original_id(call)
    attributes: Json = call.data["attributes"]
    original = call.require(KIND, source)
    identifier = call.new_id(KIND)
    body: Json = {
        "name": attributes.get("name") or original["name"],
        "definition": original["definition"],
        "created": call.stamp,
        "updated": call.stamp,
    }
    _take_screenshot(call, identifier, body)
    call.store.insert(call.account, KIND, identifier, body)
    return documents.one(call, Row(identifier, body), 201)


def finish_screenshot(session: Session, payload: Json) -> None:
    """The latest picture of a block is there."""
    body = session.store.get(session.account, KIND, payload["id"])
    if body is not None and body["_screenshots"] == payload["number"]:
        body.update(screenshot_status="completed", screenshot_url=screenshot_url(session.account, payload["id"]))
        session.store.replace(session.account, KIND, payload["id"], body)


def screenshot_url(account: str, identifier: str) -> str:
    """Where the picture of a block would be served from."""
    return f"https://images.klaviyo-sandbox.example/company/{account}/universal-content/{identifier}.png"


def _take_screenshot(session: Session, identifier: str, body: Json) -> None:
    number: int = body.get("_screenshots", 0) + 1
    body.update(screenshot_status="generating", screenshot_url=body.get("screenshot_url") or "", _screenshots=number)
    session.schedule("universal-content.screenshot", {"id": identifier, "number": number}, session.world.job_seconds)

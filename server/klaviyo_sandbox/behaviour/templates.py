"""How email templates are made, copied and rendered. A message's own copy of one is not part of the library."""

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.behaviour.markup import MarkupError, render
from klaviyo_sandbox.behaviour.plain_text import text_of
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.filters import Where
from klaviyo_sandbox.loose_json import Json, is_list, items, mapping
from klaviyo_sandbox.storage.store import Row

MOST_TEMPLATES = 1000
_SHOWN_FOR = 24 * 3600
EDITORS = ("CODE", "USER_DRAGGABLE", "SYSTEM_DRAGGABLE")
_IN_LIBRARY = Where("{column} IS NULL", column='r."owner_id"')
_NESTED = ("sections", "rows", "columns", "blocks", "subblocks")


def list_templates(call: Call) -> Answer:
    """A page of the library."""
    rows = call.store.page(
        call.account,
        "template",
        filters=[*call.query.filters, _IN_LIBRARY],
        sort=call.query.sort,
        cursor=call.query.cursor,
        limit=call.query.size + 1,
    )
    return documents.many(call, rows)


def create_template(call: Call) -> Answer:
    """A template of HTML, or of a definition when its editor is SYSTEM_DRAGGABLE."""
    attributes: Json = call.data["attributes"]
    editor, content, definition = attributes["editor_type"], attributes.get("html"), attributes.get("definition")
    wanted, given = ("definition", definition) if editor == "SYSTEM_DRAGGABLE" else ("html", content)
    if given is None:
        raise invalid_body(f"/data/attributes/{wanted}", f"'{wanted}' is required for a template of type {editor}.")
    _check_editor(editor, attributes)
    _check_room(call)
    identifier = call.new_id("template")
    body: Json = {
        "name": attributes["name"],
        "editor_type": editor,
        "html": normalized_html(content or ""),
        "text": attributes.get("text"),
        "amp": attributes.get("amp"),
        "definition": None,
        "created": call.stamp,
        "updated": call.stamp,
    }
    if definition is not None:
        _define(call, identifier, body, definition)
    if body["text"] is None:
        body["text"] = text_of(body["html"])
    call.store.insert(call.account, "template", identifier, body)
    return documents.one(call, Row(identifier, body), 201)


def update_template(call: Call) -> Answer:
    """Change a template of the library. Null leaves a name, HTML or definition as it is, and clears the other texts."""
    body = call.require("template", call.id)
    if body.get("_owner_id") is not None:
        raise call.missing("template", call.id)
    attributes: Json = call.data["attributes"]
    _check_editor(body["editor_type"], attributes)
    for name in ("text", "amp"):
        if name in attributes:
            body[name] = attributes[name]
    if attributes.get("name") is not None:
        body["name"] = attributes["name"]
    if attributes.get("html") is not None:
        body["html"] = normalized_html(attributes["html"])
    if attributes.get("definition") is not None:
        _define(call, call.id, body, attributes["definition"])
    body["updated"] = call.stamp
    call.store.replace(call.account, "template", call.id, body)
    return documents.one(call, Row(call.id, body))


def delete_template(call: Call) -> Answer:
    """Remove a template of the library. Klaviyo was seen to answer 200, where its document says 204."""
    owner = call.require("template", call.id).get("_owner_id")
    if owner is not None:
        detail = f"Cannot delete template {call.id} while it is attached to message {owner}"
        raise conflict(detail, pointer="/data")
    generic.delete_resource(call)
    return Answer(200)


def clone_template(call: Call) -> Answer:
    """A copy in the library. Answers 200, as observed."""
    source: str = call.data["id"]
    original = call.require("template", source)
    _check_room(call)
    name = call.data["attributes"].get("name") or f"Clone of {original['name']}"
    return documents.one(call, copy_template(call, source, name))


def render_template(call: Call) -> Answer:
    """What a template makes of a context. Answers 200, as observed."""
    identifier: str = call.data["id"]
    body = call.require("template", identifier)
    context: Json = call.data["attributes"]["context"]
    try:
        for name in ("html", "text", "amp"):
            if body[name] is not None:
                body[name] = render(body[name], context, call.now.date(), escape=name != "text")
    except MarkupError as error:
        raise invalid_body("/data/id", f"The template cannot be rendered. {error}") from None
    return documents.one(call, Row(identifier, body))


def copy_template(session: Session, source: str, name: str, owner: str | None = None) -> Row:
    """Copy a template, into the library or for one message (`owner`). Raises ApiError (404)."""
    original = session.require("template", source)
    stamps = {"created": session.stamp, "updated": session.stamp}
    identifier = session.new_id("template")
    body: Json = {**original, **stamps, "name": name, "_owner_id": owner}
    if body["definition"] is not None:
        body["definition"] = {**body["definition"], "template_id": identifier}
    session.store.insert(session.account, "template", identifier, body)
    return Row(identifier, body)


def screenshots(session: Session, identifiers: Sequence[str]) -> Mapping[str, str | None]:
    """Where a picture of each template would be served from for a day. One without content has none."""
    until = session.micros // 1_000_000 + _SHOWN_FOR
    found: dict[str, str | None] = {}
    for row in session.store.get_many(session.account, "template", identifiers):
        address = f"https://images.klaviyo-sandbox.example/company/{session.account}/templates/{row.id}.png"
        signature = blake2b(f"{address}?{until}".encode(), digest_size=12).hexdigest()
        found[row.id] = f"{address}?Expires={until}&Signature={signature}" if row.body["html"] else None
    return found


def normalized_html(source: str) -> str:
    """A whole document: Klaviyo puts in the <html>, <head> and <body> that are missing."""
    if not source.strip():
        return ""
    opened = re.search(r"<html\b[^>]*>", source, re.IGNORECASE)
    if opened is None:
        head = re.search(r"<head\b.*?</head\s*>", source, re.IGNORECASE | re.DOTALL)
        if head is not None:
            return f"<html>{source}</html>"
        inside = source if re.search(r"<body\b", source, re.IGNORECASE) else f"<body>{source}</body>"
        return f"<html><head></head>{inside}</html>"
    if re.search(r"<head\b", source, re.IGNORECASE):
        return source
    return f"{source[: opened.end()]}<head></head>{source[opened.end() :]}"


def _check_editor(editor: str, attributes: Json) -> None:
    unfit = "html" if editor == "SYSTEM_DRAGGABLE" else "definition"
    if attributes.get(unfit) is not None:
        raise invalid_body(f"/data/attributes/{unfit}", f"'{unfit}' is not allowed for a template of type {editor}.")


def _check_room(call: Call) -> None:
    sql = 'SELECT count(*) FROM template AS r WHERE r.account = ? AND r."owner_id" IS NULL'
    if call.store.rows(sql, (call.account,))[0][0] >= MOST_TEMPLATES:
        detail = f"The account has {MOST_TEMPLATES} templates, which is as many as can be made through the API."
        raise invalid_body("/data", detail)


def _define(session: Session, identifier: str, body: Json, definition: Json) -> None:
    """Give a template a definition, with an id for each of its parts, and the HTML that shows it."""
    kept = identified(session, definition["body"])
    styles = [{**style, "id": style.get("id") or session.new_id("template")} for style in definition["styles"]]
    own = definition.get("id") or session.new_id("template")
    body["definition"] = {"id": own, "template_id": identifier, "body": kept, "styles": styles}
    body["html"] = normalized_html("".join(_contents(kept)))


def identified(session: Session, part: Mapping[str, Any]) -> Json:
    """A part of a definition, such as a section or a block, with ids for it and for everything inside."""
    kept: Json = {**part, "id": part.get("id") or session.new_id("template")}
    for name in _NESTED:
        if is_list(parts := kept.get(name)):
            kept[name] = [identified(session, part) for part in parts]
    return kept


def _contents(part: Mapping[str, Any]) -> list[str]:
    """The HTML and texts of the blocks of a definition, in reading order."""
    content = mapping(part.get("data")).get("content")
    found = [f"<div>{content}</div>"] if isinstance(content, str) else []
    for name in _NESTED:
        for item in items(part.get(name)):
            found += _contents(item)
    return found

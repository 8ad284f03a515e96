"""A spec's request template and an agent's arguments make an HTTP request. Pure: no I/O, and no look at the account.

A hole whose argument is absent disappears with its key; one given as null sends null. An object all of whose holes
disappeared disappears too, so that no empty envelope is sent; the body's own `data` and `data.attributes` stay.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import quote

from klaviyo_mcp.actions.filter_argument import condition_text
from klaviyo_mcp.actions.registry import Action
from klaviyo_mcp.klaviyo.requests import REVISION, Outgoing
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.holes import PATH_SEGMENT, hole, holes
from klaviyo_mcp.registry.model import FilterField, HttpRequest

FILE_KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif"}
"""How the kinds of image that Klaviyo takes begin, and what their file names end in."""


class _Absent:
    """The type of ABSENT."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""What a hole without an argument gives: not null, nothing at all."""


def build(action: Action, arguments: JSON) -> Outgoing:
    """The one HTTP request of an action that is one operation, from arguments that have been checked."""
    template = action.http
    if template is None:
        raise ValueError(f"{action.name} is made of other actions and has no request of its own")
    query = _query(template, arguments, action.spec.filters)
    return Outgoing(
        method=template.method,
        path=_path(template.path, arguments),
        query=query,
        headers=tuple(
            (name, _plain(value))
            for name, part in template.headers.items()
            if (value := _fill(part, arguments, {})) is not ABSENT
        ),
        body=_body(template.body, arguments),
        form=_form(action, template, arguments),
        operation=action.operation,
        needs_company_id="company_id" in template.query and "company_id" not in dict(query),
        buckets=action.buckets(arguments),
        revision=action.spec.revision or REVISION,
    )


def fill(template: Any, values: Mapping[str, Any], filters: dict[str, FilterField] | None = None) -> Any:
    """A template with its holes filled. The object at the top stays, with its constants, even with no hole filled."""
    if isinstance(template, dict) and not _is_form(cast(JSON, template)):
        filled = {key: _fill(part, values, filters or {}) for key, part in cast(JSON, template).items()}
        return _kept(cast(JSON, template), filled)
    return _fill(template, values, filters or {})


def read_hole(name: str, values: Mapping[str, Any]) -> Any:
    """The value at a dotted name such as `profile.email`, or ABSENT."""
    value: Any = values
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return ABSENT
        value = cast(Mapping[str, Any], value)[part]
    return value


def _fill(template: Any, values: Mapping[str, Any], filters: dict[str, FilterField]) -> Any:
    if isinstance(template, str):
        if name := hole(template):
            return read_hole(name, values)
        return template[1:] if template.startswith("$$") else template
    if isinstance(template, list):
        parts = cast(list[Any], template)
        left = [item for item in (_fill(part, values, filters) for part in parts) if item is not ABSENT]
        return left if left or not _has_holes(parts) else ABSENT
    if not isinstance(template, dict):
        return template
    mapping = cast(JSON, template)
    if "$each" in mapping:
        return _each(mapping, values, filters)
    if "$concat" in mapping:
        return _concat(mapping["$concat"], values, filters)
    if "$filter" in mapping:
        return _filter(mapping["$filter"], values, filters)
    filled = {key: _fill(value, values, filters) for key, value in mapping.items()}
    if _has_holes(mapping) and not any(_has_holes(mapping[key]) and filled[key] is not ABSENT for key in mapping):
        return ABSENT
    return _kept(mapping, filled)


def _kept(template: JSON, filled: JSON) -> JSON:
    """What is left of an object. A JSON:API resource keeps its `attributes`, empty if need be: Klaviyo wants them."""
    if "type" in template and "attributes" in template and filled["attributes"] is ABSENT:
        filled = {**filled, "attributes": {}}
    return {key: value for key, value in filled.items() if value is not ABSENT}


def _has_holes(template: Any) -> bool:
    return any(True for _ in holes(template))


def _is_form(template: JSON) -> bool:
    return any(key in template for key in ("$each", "$concat", "$filter"))


def _each(template: JSON, values: Mapping[str, Any], filters: dict[str, FilterField]) -> Any:
    items = _fill(template["$each"], values, filters)
    if items is ABSENT or items is None:
        return items
    return [fill(template["$do"], {**values, "item": item}, filters) for item in cast(list[Any], items)]


def _concat(parts: list[Any], values: Mapping[str, Any], filters: dict[str, FilterField]) -> Any:
    found = [
        part for part in (_fill(part, values, filters) for part in parts) if part is not ABSENT and part is not None
    ]
    if not found:
        return ABSENT
    return list(dict.fromkeys(item for part in found for item in part))


def _filter(parts: list[Any], values: Mapping[str, Any], filters: dict[str, FilterField]) -> Any:
    """Filter text from arguments that already are filter text and from conditions that the spec itself writes."""
    found: list[str] = []
    for part in parts:
        filled = _fill(part, values, filters)
        if filled is ABSENT or filled in (None, ""):
            continue
        found.append(condition_text(cast(JSON, filled), filters) if isinstance(filled, dict) else str(filled))
    return ",".join(found) if found else ABSENT


def _path(template: str, arguments: JSON) -> str:
    return PATH_SEGMENT.sub(lambda match: quote(str(arguments[match[1]]), safe=""), template)


def _query(template: HttpRequest, arguments: JSON, filters: dict[str, FilterField]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for key, part in template.query.items():
        value = _fill(part, arguments, filters)
        # A query has no way to say null or an empty list: both mean that nothing was asked for.
        if value is not ABSENT and value is not None and value != []:
            found.append((key, _plain(value)))
    return tuple(found)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_plain(item) for item in cast(list[Any], value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _body(template: Any, arguments: JSON) -> Any:
    if template is None:
        return None
    body = fill(template, arguments)
    envelope = cast(JSON, template).get("data") if isinstance(template, dict) else None
    if isinstance(envelope, dict) and not _is_form(cast(JSON, envelope)):
        # JSON:API wants its envelope whole, also when no attribute is given.
        body["data"] = fill(envelope, arguments)
    return body


def _form(action: Action, template: HttpRequest, arguments: JSON) -> dict[str, str | tuple[str, bytes]] | None:
    if template.multipart is None:
        return None
    found: dict[str, str | tuple[str, bytes]] = {}
    for key, part in template.multipart.items():
        value = _fill(part, arguments, {})
        if value is not ABSENT and value is not None:
            schema = action.spec.properties.get(part[1:], {})
            found[key] = _file(value, arguments) if schema.get("contentEncoding") == "base64" else _plain(value)
    return found


def _file(content: str, arguments: JSON) -> tuple[str, bytes]:
    """A file field: its name, and its content decoded. Klaviyo tells the kind of image from the content."""
    data = base64.b64decode(content.partition(",")[2] if content.startswith("data:") else content)
    kind = next((ending for start, ending in FILE_KINDS.items() if data.startswith(start)), "bin")
    return f"{arguments.get('name') or 'file'}.{kind}", data

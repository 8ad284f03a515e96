"""A spec's request template and an agent's arguments make an HTTP request. Pure: no I/O, and no look at the account.

A hole whose argument is absent disappears with its key; one that is cleared sends null. An object all of whose holes
disappeared disappears too, so that no empty envelope is sent; the body's own `data` and `data.attributes` stay. A
resource `{type, id}` whose id is given as null is null as a whole, which is how JSON:API clears a relationship.
"""

import base64
import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, Final
from urllib.parse import quote

from klaviyo_mcp.actions.filter_argument import condition_text
from klaviyo_mcp.actions.idempotency import repeatable
from klaviyo_mcp.actions.sparse import asked_of_klaviyo
from klaviyo_mcp.klaviyo.requests import REVISION, ApiRequest, Bucket
from klaviyo_mcp.loose_json import JSON, is_list, is_object, mapping
from klaviyo_mcp.registry.holes import PATH_SEGMENT, hole, holes
from klaviyo_mcp.registry.model import FilterField, HttpRequest
from klaviyo_mcp.registry.registry import Action

WINDOWS = {"s": 1, "m": 60, "d": 86_400}
"""Seconds of the windows that rates are given in."""
FILE_KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif"}
"""How the kinds of image that Klaviyo takes begin, and what their file names end in."""


class _Absent:
    """The type of ABSENT."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""What a hole without an argument gives: not null, nothing at all."""
_Make = Callable[[Mapping[str, Any]], Any]
"""Fills one template with values."""


def build(action: Action, arguments: JSON) -> ApiRequest:
    """The one HTTP request of an action that is one operation, from arguments that have been checked."""
    template = action.http
    if template is None:
        raise ValueError(f"{action.name} is made of other actions and has no request of its own")
    arguments = asked_of_klaviyo(action, arguments)
    query = _query(template, arguments, action.spec.filters)
    return ApiRequest(
        method=template.method,
        path=_path(template.path, arguments),
        query=query,
        headers=tuple(
            (name, _plain(value))
            for name, part in template.headers.items()
            if (value := _maker(part, {})(arguments)) is not ABSENT
        ),
        body=_body(template.body, arguments),
        form=_form(action, template, arguments),
        operation=action.operation,
        template=PATH_SEGMENT.sub(r"{\1}", template.path),
        needs_company_id="company_id" in template.query and "company_id" not in dict(query),
        buckets=_buckets(action, arguments),
        revision=action.spec.revision or REVISION,
        repeatable=repeatable(action.spec, arguments),
        expects="nothing" if action.spec.result.kind in ("done", "accepted") else "data",
    )


def fill(template: Any, values: Mapping[str, Any], filters: dict[str, FilterField] | None = None) -> Any:
    """A template with its holes filled. The object at the top stays, with its constants, even with no hole filled."""
    return _whole(template, filters or {})(values)


def read_hole(name: str, values: Mapping[str, Any]) -> Any:
    """The value at a dotted name such as `profile.email` or `ids.0`, or ABSENT."""
    return _read(name.split("."), values)


def _read(parts: list[str], values: Mapping[str, Any]) -> Any:
    value: Any = values
    for part in parts:
        if is_object(value):
            if part not in value:
                return ABSENT
            value = value[part]
        elif is_list(value) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return ABSENT
    return value


def _reader(parts: list[str]) -> _Make:
    """What reads a hole; most of them are of two or three parts, such as `item.email`."""
    if len(parts) not in (2, 3):
        return partial(_read, parts)
    first, second, *third = parts
    last = third[0] if third else ""

    def read(values: Mapping[str, Any]) -> Any:
        inner: Any = values.get(first)
        if inner.__class__ is dict:
            found: Any = inner.get(second, ABSENT)
            if not last or found is ABSENT:
                return found
            if found.__class__ is dict:
                return found.get(last, ABSENT)
        return _read(parts, values)

    return read


def _whole(template: Any, filters: dict[str, FilterField]) -> _Make:
    """As `_maker`, with the object at the top kept."""
    if is_object(template) and not _is_form(template):
        return _object_maker(template, filters, top=True)
    return _maker(template, filters)


def _maker(template: Any, filters: dict[str, FilterField]) -> _Make:
    """What fills a template with values. It is looked at once, as `$each` may fill its own ten thousand times."""
    if isinstance(template, str):
        if name := hole(template):
            return _reader(name.split("."))
        text = template[1:] if template.startswith("$$") else template
        return lambda _: text
    if is_list(template):
        return _list_maker(template, filters)
    if not is_object(template):
        return lambda _: template
    if "$each" in template:
        return _each(template, filters)
    if "$concat" in template:
        return _concat([_maker(part, filters) for part in template["$concat"]])
    if "$filter" in template:
        return _filter([_maker(part, filters) for part in template["$filter"]], filters)
    return _object_maker(template, filters)


def _list_maker(template: list[Any], filters: dict[str, FilterField]) -> _Make:
    makers, has_holes = [_maker(part, filters) for part in template], _has_holes(template)

    def make(values: Mapping[str, Any]) -> Any:
        left = [item for item in (maker(values) for maker in makers) if item is not ABSENT]
        return left if left or not has_holes else ABSENT

    return make


def _object_maker(template: JSON, filters: dict[str, FilterField], *, top: bool = False) -> _Make:
    parts = [(key, _maker(value, filters), _has_holes(value)) for key, value in template.items()]
    stays = top or not _has_holes(template)
    # A relationship is cleared by null in place of the resource, not by a resource whose id is null.
    relates = not top and template.keys() == {"type", "id"}
    # A JSON:API resource keeps its `attributes`, empty if need be: Klaviyo wants them.
    empty = "attributes" if "type" in template else ""

    def make(values: Mapping[str, Any]) -> Any:
        found: JSON = {}
        kept = stays
        for key, maker, has_holes in parts:
            value = maker(values)
            if value is not ABSENT:
                found[key] = value
                kept = kept or has_holes
            elif key == empty:
                found[key] = {}
        if relates and found.get("id", ABSENT) is None:
            return None
        return found if kept else ABSENT

    return make


def _has_holes(template: Any) -> bool:
    return any(True for _ in holes(template))


def _is_form(template: JSON) -> bool:
    return any(key in template for key in ("$each", "$concat", "$filter"))


def _each(template: JSON, filters: dict[str, FilterField]) -> _Make:
    each, whole, most = _maker(template["$each"], filters), _whole(template["$do"], filters), template.get("$most")

    def make(values: Mapping[str, Any]) -> Any:
        items = each(values)
        if items is ABSENT or items is None:
            return items
        made = (whole({**values, "item": item}) for item in items)
        return [part for part in made if part is not ABSENT][:most]

    return make


def _concat(makers: list[_Make]) -> _Make:
    def make(values: Mapping[str, Any]) -> Any:
        found = [part for part in (maker(values) for maker in makers) if part is not ABSENT and part is not None]
        return list(dict.fromkeys(item for part in found for item in part)) if found else ABSENT

    return make


def _filter(makers: list[_Make], filters: dict[str, FilterField]) -> _Make:
    """Filter text from arguments that already are filter text and from conditions that the spec itself writes."""

    def make(values: Mapping[str, Any]) -> Any:
        parts = [part for part in (maker(values) for maker in makers) if part is not ABSENT and part not in (None, "")]
        found = [condition_text(part, filters) if is_object(part) else str(part) for part in parts]
        return ",".join(found) if found else ABSENT

    return make


def _path(template: str, arguments: JSON) -> str:
    return PATH_SEGMENT.sub(lambda match: quote(str(arguments[match[1]]), safe=""), template)


def _query(template: HttpRequest, arguments: JSON, filters: dict[str, FilterField]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for key, part in template.query.items():
        value = _maker(part, filters)(arguments)
        # A query has no way to say null or an empty list: both mean that nothing was asked for.
        if value is not ABSENT and value is not None and value != []:
            found.append((key, _plain(value)))
    return tuple(found)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_list(value):
        return ",".join(_plain(item) for item in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _body(template: Any, arguments: JSON) -> Any:
    if template is None:
        return None
    envelope = mapping(template).get("data")
    if not is_object(envelope) or _is_form(envelope):
        return fill(template, arguments)
    # JSON:API wants its envelope whole, also when no attribute is given.
    return {**fill({**template, "data": {}}, arguments), "data": fill(envelope, arguments)}


def _form(action: Action, template: HttpRequest, arguments: JSON) -> dict[str, str | tuple[str, bytes]] | None:
    if template.multipart is None:
        return None
    found: dict[str, str | tuple[str, bytes]] = {}
    for key, part in template.multipart.items():
        value = _maker(part, {})(arguments)
        if value is not ABSENT and value is not None:
            schema = action.spec.properties.get(part[1:], {})
            found[key] = _file(value, arguments) if schema.get("contentEncoding") == "base64" else _plain(value)
    return found


def _file(content: str, arguments: JSON) -> tuple[str, bytes]:
    """A file field: its name, and its content decoded. Klaviyo tells the kind of image from the content."""
    data = base64.b64decode(content.partition(",")[2] if content.startswith("data:") else content)
    kind = next((ending for start, ending in FILE_KINDS.items() if data.startswith(start)), "bin")
    return f"{arguments.get('name') or 'file'}.{kind}", data


@cache
def _own_buckets(action: Action) -> tuple[Bucket, ...]:
    limit = action.spec.rate_limit
    return _windows(action.operation, limit.burst, limit.steady, limit.daily) if limit else ()


def _buckets(action: Action, arguments: JSON) -> tuple[Bucket, ...]:
    """The quotas that a call with these arguments counts against."""
    limit = action.spec.rate_limit
    if limit is None or not limit.extra:
        return _own_buckets(action)
    extra = [more for more in limit.extra if _holds(arguments.get(more.argument), more.contains)]
    shared = [bucket for more in extra for bucket in _windows(more.bucket, more.burst, more.steady)]
    return (*_own_buckets(action), *shared)


def _windows(name: str, *rates: str | None) -> tuple[Bucket, ...]:
    """`10/s` and its kin as buckets of one name."""
    parts = [rate.split("/") for rate in rates if rate]
    return tuple(Bucket(name, int(amount), WINDOWS[unit]) for amount, unit in parts)


def _holds(value: object, item: str) -> bool:
    return item in value if isinstance(value, list | str) else False

"""Klaviyo's API as facts, read from `described/REVISION.json`, and what about a request does not fit them.

A shape is one of

    "string"                       a JSON type, or a format of text (date-time, date, time, binary); "any" is anything
    "@ListCreateQuery"             the shape of that name under `shapes`
    {"enum": [...]}                one of these values
    {"is": "integer", "minimum": 1, "maximum": 100}
    {"list": shape}                a list of such values; in a query, its items joined with commas
    {"keys": {"name!": shape}}     an object with these keys and no others; `!` marks those that must be there
    {"one": [shape, ...]}          any of these

and a `?` after a type, a shape's name, `list` or `keys` allows null too.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from klaviyo_mcp.actions.formats import is_date, is_time
from klaviyo_mcp.klaviyo.filters import parse
from klaviyo_mcp.klaviyo.requests import ApiRequest

JSON = dict[str, Any]
FILLED_IN = "company_id"
"""The one query parameter that the client adds itself, from the account."""
TEXT_FORMS = {
    "string": lambda text: True,
    "binary": lambda text: True,
    "date-time": is_time,
    "date": is_date,
    "time": re.compile(r"\d\d:\d\d(:\d\d)?(\.\d+)?").fullmatch,
}
FILTER_KINDS = ("single", "list", "none")


@cache
def described(revision: str) -> "Description":
    """What is described of a revision: all operations of the newest, and of an earlier one those that specs pin."""
    path = Path(__file__).with_name("described") / f"{revision}.json"
    return Description(**json.loads(path.read_bytes()))


def faults(request: ApiRequest) -> list[str]:
    """What about a request does not fit the description of its operation, each with its place; empty when all does."""
    return described(request.revision).faults(request)


@dataclass(frozen=True)
class Description:
    """The operations of one revision, and the shapes that they name."""

    operations: dict[str, JSON]
    shapes: JSON

    def faults(self, request: ApiRequest) -> list[str]:
        stated = self.operations[request.operation]
        names = _names(stated.get("header", {}))
        return [
            *_route_faults(request, stated),
            *self._query_faults(dict(request.query), stated, len(request.query)),
            *(f"header {name} is not known" for name, _ in request.headers if name not in names),
            *self._body_faults(request, stated),
        ]

    def places(self, operation: str) -> set[str]:
        """Every place of a request that is described: `query sort`, `header X`, `body.data[].attributes.name`.

        Places inside one of several forms, and of a shape inside itself, are left out: there may be thousands.
        """
        stated = self.operations[operation]
        found = {f"{kind} {name}" for kind in ("query", "header") for name in _names(stated.get(kind, {}))}
        return found | set(self._stated_places(stated.get("body"), "body", ()))

    def resolved(self, shape: Any) -> Any:
        if isinstance(shape, str) and shape.startswith("@"):
            return self.resolved(self.shapes[shape.strip("@?")])
        return shape

    def _stated_places(self, shape: Any, at: str, within: tuple[str, ...]) -> Iterator[str]:
        if isinstance(shape, str) and shape.startswith("@"):
            if shape in within:
                return
            within = (*within, shape)
            shape = self.resolved(shape)
        if isinstance(shape, dict):
            content = next(iter(shape.values()))
            match next(iter(shape)).rstrip("?"):
                case "keys":
                    for name, inner in content.items():
                        yield f"{at}.{name.rstrip('!')}"
                        yield from self._stated_places(inner, f"{at}.{name.rstrip('!')}", within)
                case "list":
                    yield from self._stated_places(content, f"{at}[]", within)

    def _query_faults(self, query: dict[str, str], stated: JSON, sent: int) -> Iterator[str]:
        if len(query) < sent:
            yield "a query key is sent twice"
        known = {name.rstrip("!"): shape for name, shape in stated.get("query", {}).items()}
        for name in stated.get("query", {}):
            if name.endswith("!") and name[:-1] not in query and name[:-1] != FILLED_IN:
                yield f"query {name[:-1]} is missing"
        for name, text in query.items():
            if name not in known:
                yield f"query {name} is not known"
            elif name == "filter":
                yield from _filter_faults(text, stated.get("filters", {}))
            else:
                yield from self._shape_faults(self._typed(text, known[name]), known[name], f"query {name}")

    def _typed(self, text: str, shape: Any) -> Any:
        """A query value as what its shape says it is; as the text itself when it cannot be that."""
        shape = self.resolved(shape)
        if isinstance(shape, dict) and "list" in shape:
            return [self._typed(item, shape["list"]) for item in text.split(",")]
        kind = shape.get("is", "string") if isinstance(shape, dict) else shape
        if kind.rstrip("?") in ("integer", "number", "boolean"):
            try:
                return json.loads(text)
            except ValueError:
                return text
        return text

    def _body_faults(self, request: ApiRequest, stated: JSON) -> Iterator[str]:
        sent = request.body
        if request.form is not None:
            # A form field is text: true and false arrive as these words. A file is there with its name and content.
            words = {"true": True, "false": False}
            fields = self.resolved(stated["body"])["keys"]
            sent = {}
            for name, value in request.form.items():
                is_file = fields.get(f"{name}!", fields.get(name)) == "binary"
                if is_file == isinstance(value, str):
                    yield f"form field {name} is sent as {'text' if is_file else 'a file'}"
                sent[name] = "" if is_file else words.get(value, value) if isinstance(value, str) else value
        is_form = stated.get("media") == "multipart/form-data"
        if (request.form is not None) != is_form or (request.body is not None) != ("body" in stated and not is_form):
            yield f"the body is not {stated.get('media', 'empty')}"
        elif "body" in stated:
            yield from self._shape_faults(sent, stated["body"], "body")

    def _shape_faults(self, value: Any, shape: Any, where: str) -> Iterator[str]:
        if value is None and self._takes_null(shape):
            return
        shape = self.resolved(shape)
        if isinstance(shape, str):
            yield from _type_faults(value, shape.rstrip("?"), where)
            return
        kind = next(iter(shape)).rstrip("?")
        match kind:
            case "enum":
                if not any(value == allowed and type(value) is type(allowed) for allowed in shape["enum"]):
                    yield f"{where}: {value!r} is not among {shape['enum'][:8]}"
            case "is":
                yield from _type_faults(value, shape["is"].rstrip("?"), where)
                yield from _bound_faults(value, shape, where)
            case "list":
                if not isinstance(value, list):
                    yield f"{where}: {value!r} is not a list"
                    return
                for index, item in enumerate(value):
                    yield from self._shape_faults(item, next(iter(shape.values())), f"{where}[{index}]")
            case "keys":
                yield from self._object_faults(value, next(iter(shape.values())), where)
                yield from _bound_faults(value, shape, where)
            case "one":
                branches = [list(self._shape_faults(value, branch, where)) for branch in shape["one"]]
                if all(branches):
                    yield min(branches, key=_strangeness)[0]

    def _takes_null(self, shape: Any) -> bool:
        if isinstance(shape, str):
            return (
                shape in ("any", "null")
                or shape.endswith("?")
                or (shape[0] == "@" and self._takes_null(self.resolved(shape)))
            )
        key, content = next(iter(shape.items()))
        if key == "one":
            return any(self._takes_null(branch) for branch in content)
        return key.endswith("?") or (key == "enum" and None in content) or (key == "is" and content.endswith("?"))

    def _object_faults(self, value: Any, keys: JSON, where: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{where}: {value!r} is not an object"
            return
        known = {name.rstrip("!"): shape for name, shape in keys.items()}
        for name in keys:
            if name.endswith("!") and name[:-1] not in value:
                yield f"{where}.{name[:-1]} is missing"
        for name, inner in value.items():
            if name in known:
                yield from self._shape_faults(inner, known[name], f"{where}.{name}")
            else:
                yield f"{where}.{name} is not known"


def places_of(request: ApiRequest) -> set[str]:
    """The places that a request fills."""
    found = {f"query {name}" for name, _ in request.query} | {f"header {name}" for name, _ in request.headers}
    return found | set(_filled_places(request.body if request.form is None else request.form, "body"))


def _filled_places(value: Any, at: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{at}.{name}"
            yield from _filled_places(inner, f"{at}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from _filled_places(item, f"{at}[]")


def _route_faults(request: ApiRequest, stated: JSON) -> Iterator[str]:
    if request.method != stated["method"]:
        yield f"method {request.method} instead of {stated['method']}"
    if not re.fullmatch(re.sub(r"\{\w+\}", "[^/?#]+", stated["path"]), request.path):
        yield f"path {request.path} instead of {stated['path']}"


def _filter_faults(text: str, fields: JSON) -> Iterator[str]:
    for condition in parse(text):
        stated = fields.get(condition.field)
        if stated is None:
            yield f"filter field {condition.field} is not known"
        elif condition.operator not in [name for kind in FILTER_KINDS for name in stated.get(kind, [])]:
            yield f"filter operator {condition.operator} is not known for {condition.field}"
        elif "enum" in stated:
            values = condition.value if isinstance(condition.value, list) else [condition.value]
            for value in values:
                if value not in stated["enum"]:
                    yield f"filter value {value} is not known for {condition.field}"


def _names(keys: JSON) -> list[str]:
    return [name.rstrip("!") for name in keys]


def _strangeness(branch: list[str]) -> tuple[int, int]:
    """How far a value is from one of several forms: first by wrong words, which mark another form, then by faults."""
    return sum(" is not among " in fault for fault in branch), len(branch)


def _type_faults(value: Any, kind: str, where: str) -> Iterator[str]:
    fits = {
        "any": True,
        "null": value is None,
        "object": isinstance(value, dict),
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
    }
    known = fits[kind] if kind in fits else isinstance(value, str) and bool(TEXT_FORMS[kind](value))
    if not known:
        yield f"{where}: {value!r} is not of type {kind}"


def _bound_faults(value: Any, shape: JSON, where: str) -> Iterator[str]:
    size = len(value) if isinstance(value, dict) else value
    least, most = shape.get("minimum"), shape.get("maximum", shape.get("maxProperties"))
    if isinstance(size, int | float) and ((least is not None and size < least) or (most is not None and size > most)):
        yield f"{where}: {size} is outside {least} to {most}"

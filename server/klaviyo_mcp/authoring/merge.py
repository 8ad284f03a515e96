"""Brings the facts of a document into an existing spec and leaves alone what a person wrote.

A keyword that the document does not state is the person's; one it does state is refreshed unless `overrides` names it.
"""

from typing import Any

from klaviyo_mcp.authoring.schemas import WORDS, other_form, wordless
from klaviyo_mcp.loose_json import JSON, is_list, is_object
from klaviyo_mcp.registry.holes import holes, path_holes
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.references import reached

ORDER = [field.alias or name for name, field in ActionSpec.model_fields.items()]
"""The keys of a spec file in the order of the model."""

FACTS = ("operation", "provenance", "scopes", "rate_limit", "filters", "input_schema", "request", "result")
"""The keys that a refresh brings up to date; `aliases` only grow, and all others are a person's."""

PARTS = {
    "rate_limit": ("burst", "steady", "daily", "extra"),
    "request": ("query", "body", "multipart"),
    "result": ("type", "paged"),
}
"""Facts that are mappings of facts, with those keys that leave when the document no longer states them."""

SUGGESTED = {"minItems": 1}
"""Keywords that a draft proposes although the document does not state them; a refresh leaves them as they are."""


def refreshed(spec: JSON, stated: JSON) -> JSON:
    """The spec with the facts `stated`; both plain data, neither changed. Unchanged parts compare equal to before."""
    merging = _Merging(spec)
    merged = dict(spec)
    if aliases := [
        alias
        for alias in stated.get("aliases", [])
        if alias not in spec.get("aliases", []) and alias != spec.get("name")
    ]:
        merged["aliases"] = merging.keep("aliases", spec.get("aliases", []), [*spec.get("aliases", []), *aliases])
    for key in FACTS:
        if key == "input_schema":
            value = merging.input_schema(spec.get(key, {}), stated[key], stated["request"])
        elif key in PARTS:
            value = merging.mapping(key, spec.get(key, {}), stated.get(key, {}), gone=PARTS[key])
        elif key == "filters":
            value = merging.filters(spec.get(key, {}), stated.get(key, {}))
        else:
            value = merging.keep(key, spec.get(key), merging.same(spec.get(key), stated.get(key)))
        if value:
            merged[key] = value
        else:
            merged.pop(key, None)
    return in_order(merged, ORDER)


def in_order(mapping: JSON, order: list[str]) -> JSON:
    """New keys of a mapping placed after the key that precedes them in `order`; the others stay where they are."""
    placed: list[str] = []
    for key in mapping:
        before = set(order[: order.index(key)]) if key in order else None
        later = [index for index, other in enumerate(placed) if before is not None and other in before]
        placed.insert(later[-1] + 1 if later and before is not None else len(placed), key)
    return {key: mapping[key] for key in placed}


class _Merging:
    def __init__(self, spec: JSON) -> None:
        self.overrides: list[str] = spec.get("overrides", [])
        self.old_request: JSON = spec.get("request", {})

    def keep(self, where: str, old: Any, new: Any) -> Any:
        """The old value where `overrides` names this place, else the new one."""
        return old if where in self.overrides else new

    def same(self, old: Any, new: Any) -> Any:
        """The new value, but the old order of a list of plain values when only the order differs."""
        if is_list(old) and is_list(new) and len(old) == len(new) and all(value in new for value in old):
            return old
        return new

    def mapping(self, where: str, old: JSON, new: JSON, gone: tuple[str, ...] = ()) -> JSON:
        """The old mapping with the new keys brought in; those in `gone` leave when the document states them no more."""
        merged = {
            key: value
            for key, value in old.items()
            if key not in gone or key in new or f"{where}.{key}" in self.overrides
        }
        for key, value in new.items():
            merged[key] = self.keep(f"{where}.{key}", old.get(key), self.same(old.get(key), value))
        return {key: value for key, value in merged.items() if value is not None}

    def filters(self, old: JSON, new: JSON) -> JSON:
        fields: JSON = {}
        for name, field in old.items():
            where = f"filters.{name}"
            if where in self.overrides:
                fields[name] = field
            elif name in new:
                fields[name] = self.mapping(where, field, new[name], gone=("enum", "one", "many", "alone"))
        return _with_new(fields, new)

    def input_schema(self, old: JSON, new: JSON, request: JSON) -> JSON:
        """Arguments that left the request are dropped; those that a person added, or the engine uses, stay."""
        if "input_schema" in self.overrides:
            return old
        went = _arguments(self.old_request) - _arguments(request)
        old_properties: JSON = {name: value for name, value in old.get("properties", {}).items() if name not in went}
        merged = self.schema("input_schema", {**old, "properties": old_properties}, new)
        definitions = merged.get("$defs", {})
        used = reached({key: value for key, value in merged.items() if key != "$defs"}, definitions)
        merged["$defs"] = {name: value for name, value in definitions.items() if name in used}
        return {key: value for key, value in merged.items() if value or key != "$defs"}

    def schema(self, where: str, old: Any, new: Any) -> Any:
        """One schema: stated keywords from the document, the others from the person."""
        if where in self.overrides:
            return old
        if not is_object(old) or not is_object(new):
            return new
        merged: JSON = dict(old)
        if other_form(old, new):
            merged = {key: value for key, value in old.items() if key in WORDS}
        for key, value in new.items():
            place = f"{where}.{key}"
            if (place in self.overrides and key in old) or (SUGGESTED.get(key) == value and "type" in old):
                continue
            before = old.get(key)
            if key in ("properties", "$defs") and is_object(before):
                merged[key] = self.members(place, before, value, closed=where != "input_schema")
            elif key == "anyOf" and is_list(before):
                merged[key] = self.branches(place, before, value)
            elif key == "items":
                merged[key] = self.schema(place, before, value)
            elif key == "required" and is_list(before):
                merged[key] = _required(before, value, merged)
            else:
                merged[key] = self.same(before, value)
        if "properties" in new and "required" in merged:
            merged["required"] = [name for name in merged["required"] if name in merged["properties"]]
        return in_order({key: value for key, value in merged.items() if value or key != "required"}, list(new))

    def members(self, where: str, old: JSON, new: JSON, *, closed: bool) -> JSON:
        """Properties, or definitions. Inside an argument (`closed`) only what the document names stays."""
        merged: JSON = {}
        for name, schema in old.items():
            if name in new:
                merged[name] = self.schema(f"{where}.{name}", schema, new[name])
            elif not closed or f"{where}.{name}" in self.overrides:
                merged[name] = schema
        return _with_new(merged, new)

    def branches(self, where: str, old: list[Any], new: list[Any]) -> list[Any]:
        """The forms of an `anyOf`, each merged with the old form that has its facts, its constants or its place."""
        rest = list(old)
        merged: list[Any] = []
        for index, branch in enumerate(new):
            same = next((form for form in rest if wordless(form) == wordless(branch)), None)
            if same is None and _tags(branch):
                same = next((form for form in rest if _tags(form) == _tags(branch)), None)
            elif same is None and len(old) == len(new) and old[index] in rest and not _tags(old[index]):
                same = old[index]
            if same is not None:
                rest.remove(same)
            merged.append(self.schema(f"{where}.{index}", same, branch))
        return merged


def _with_new(merged: JSON, new: JSON) -> JSON:
    return in_order({**merged, **{name: value for name, value in new.items() if name not in merged}}, list(new))


def _required(old: list[Any], new: list[Any], schema: JSON) -> list[Any]:
    """What the document requires and what a person requires besides, as far as it still exists."""
    properties = schema.get("properties", {})
    both = [*(name for name in old if name in properties), *(name for name in new if name not in old)]
    return both if set(both) != set(old) else old


def _tags(form: Any) -> dict[str, Any]:
    """The constants by which one form of a value is told from the others, such as `type: static`."""
    properties: JSON = form.get("properties", {}) if is_object(form) else {}
    return {name: schema["enum"] for name, schema in properties.items() if len(schema.get("enum", [])) == 1}


def _arguments(request: Any) -> set[str]:
    """The arguments that a request's holes read."""
    if not is_object(request):
        return set()
    paths = path_holes(str(request.get("path", "")))
    inner = [name.split(".")[0] for key in ("query", "body", "multipart") for name in holes(request.get(key, {}))]
    return {*paths, *inner}

"""An action's input schema as an agent is shown it: small, and in the part of JSON Schema that every client takes.

The full schema still validates. What is left out here (long enumerations, deep documents) is answered for by errors
that name the nearest right value, and can be looked up. What clients take is written in `portable`.
"""

import json

from klaviyo_mcp.loose_json import JSON, items, mapping, objects
from klaviyo_mcp.registry.clearing import CLEAR
from klaviyo_mcp.registry.engine_arguments import FIELDS
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.model import ActionSpec, HttpRequest
from klaviyo_mcp.registry.portable import portable

LONGEST_ENUM = 12
LONGEST_FIELD_ENUM = 6
LARGEST_PROPERTY = 950
LARGEST_DEEP = 4_000
"""Characters of all arguments of one action together that hold objects of stated keys."""
LONGEST_BRIEF = 120
"""Characters that are said of an argument where little is said."""
PARTS = {"items", "anyOf"}
NAMES = {"type": "array", "items": {"type": "string"}}
"""How `fields` is listed."""
COMMON = {
    "cursor": "next_cursor of the previous answer.",
    "max_records": "Fetch further pages until this many records are there.",
}
"""What is said of arguments that all listings have, in the server's instructions too."""
NAMES_TO_EMPTY = {"type": "array", "items": {"type": "string"}, "description": "Names of fields to empty."}
"""How `clear` is listed in the items of a list."""


def listed_schema(spec: ActionSpec) -> JSON:
    """The schema for a tool list: no `$ref`, no long enumeration, no property over LARGEST_PROPERTY characters.

    Klaviyo's sparse fieldsets are left out, and taken all the same: `fields` says it in one, and what a write gives
    back is a line or two.
    """
    sparse = sparse_fieldsets(spec)
    listing = _Listing(mapping(spec.input_schema.get("$defs")))
    listed_ones = {name: schema for name, schema in spec.properties.items() if name not in sparse}
    properties = {name: listing.argument(name, schema) for name, schema in listed_ones.items()}
    if listing.deep > LARGEST_DEEP:
        listing.largest = LARGEST_PROPERTY // 2
        properties = {name: listing.argument(name, schema) for name, schema in listed_ones.items()}
    for name, deprecation in spec.deprecated_arguments.items():
        if name in properties:
            told = f"{deprecation.told} {properties[name].get('description', '')}".rstrip()
            properties[name] = {**properties[name], "description": told}
    # Anthropic's API refuses anyOf and its kin at the root; nothing else stands there.
    listed: JSON = {"type": "object", "properties": properties}
    if spec.required:
        listed["required"] = spec.required
    return listed


def sparse_fieldsets(spec: ActionSpec) -> set[str]:
    """The arguments that only say which fields of records come back, where no listing needs them."""
    if not isinstance(spec.request, HttpRequest) or (spec.effect == "read" and spec.fields_argument is None):
        return set()
    return {name for key, part in spec.request.query.items() if key.startswith("fields[") and (name := hole(part))}


def brief_schema(spec: ActionSpec, most: int) -> tuple[JSON, list[str]]:
    """The arguments that are asked for most, in about `most` characters, and the names of those left out.

    Required ones and those of the first example come first. A call may have any argument, listed or not.
    """
    whole = listed_schema(spec)
    example = spec.examples[0].arguments if spec.examples else {}
    known = sorted(whole["properties"], key=lambda name: (name not in spec.required, name not in example))
    shown: JSON = {}
    size = 0
    for name in known:
        argument = _briefly(whole["properties"][name])
        size += len(json.dumps({name: argument}, ensure_ascii=False))
        if name not in spec.required and (size > most or name.endswith("_fields")):
            continue
        shown[name] = argument
    kept: JSON = {"type": "object", "properties": {name: shown[name] for name in whole["properties"] if name in shown}}
    if spec.required:
        kept["required"] = spec.required
    return kept, [name for name in whole["properties"] if name not in shown]


def _briefly(schema: JSON) -> JSON:
    """An argument with the first sentence of what is said of it, and without what is inside an object or a list."""
    brief = _type_alone(schema) | {key: schema[key] for key in ("enum", "format", "description") if key in schema}
    if "description" in brief:
        said = str(brief["description"]).split(". ", 1)[0].rstrip(".")
        brief["description"] = said if len(said) <= LONGEST_BRIEF else f"{said[: LONGEST_BRIEF - 1]}…"
    return brief


def _type_alone(schema: JSON) -> JSON:
    """The type of a schema without what is inside, or its types where there are several; a list says what it holds."""
    if "anyOf" in schema:
        forms = [_type_alone(form) for form in objects(schema["anyOf"])]
        kinds = [form for index, form in enumerate(forms) if form not in forms[:index]]
        return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    if schema.get("type") == "array":
        return {"type": "array", "items": _type_alone(mapping(schema.get("items")))}
    return {"type": schema.get("type", "string")}


class _Listing:
    """The arguments of one action as they are listed, none over `largest` characters; `deep` counts those of deep ones.

    `definitions` are what references name.
    """

    def __init__(self, definitions: JSON) -> None:
        self.largest = LARGEST_PROPERTY
        self.deep = 0
        self._definitions = definitions
        self._made: dict[int, tuple[JSON, JSON]] = {}

    def argument(self, name: str, schema: JSON) -> JSON:
        """What every action has alike is told once, in the server's instructions, not 300 times."""
        if name in FIELDS and schema == FIELDS[name]:
            return dict(NAMES)
        if name in COMMON and schema.get("description") == COMMON[name]:
            schema = {key: value for key, value in schema.items() if key != "description"}
        if name.endswith("_fields") and schema.get("type") == "array":
            names = schema["items"].get("enum", [])
            fields: JSON = {"type": "array", "items": {"type": "string"}}
            if len(names) <= LONGEST_FIELD_ENUM:
                fields["items"]["enum"] = names
            elif "description" in schema and "Fields to return" not in schema["description"]:
                fields["description"] = schema["description"]
            return fields
        if not self._is_deep(schema):
            return self._shown(schema, 0)
        for depth in (3, 2, 1, 0):
            shown = self._shown(schema, depth)
            size = len(json.dumps(shown, ensure_ascii=False))
            if size <= self.largest:
                break
        self.deep += size
        return shown

    def _shown(self, schema: JSON, depth: int) -> JSON:
        """A portable copy in which objects deeper than `depth` are only named, and long enumerations only counted."""
        whole = self._portable(schema)
        if depth == 0 and self._is_deep(schema):
            return self._named(whole)
        shown = dict(whole)
        if len(items(whole.get("enum"))) > LONGEST_ENUM:
            del shown["enum"]
        if "properties" in whole:
            shown["properties"] = {
                # The names stand beside it.
                name: dict(NAMES_TO_EMPTY) if name == CLEAR else self._shown(part, depth - 1)
                for name, part in whole["properties"].items()
            }
        if "items" in whole:
            shown["items"] = self._shown(whole["items"], depth - self._is_deep(whole["items"]))
        if "anyOf" in whole:
            shown["anyOf"] = [self._shown(form, depth) for form in whole["anyOf"]]
        return shown

    def _named(self, schema: JSON) -> JSON:
        """A deep schema of which only the keys are told."""
        words = [str(schema["description"])] if "description" in schema else []
        shown: JSON = {"type": schema.get("type", "object")}
        if shown["type"] == "array":
            shown["items"] = {"type": "object"}
        return {**shown, "description": " ".join([*words, f"Keys: {', '.join(self._names(schema))}."])}

    def _names(self, schema: JSON) -> list[str]:
        """The keys of an object schema, those of all its forms or of its items, the required ones first."""
        schema = self._portable(schema)
        if "properties" in schema:
            return list(dict.fromkeys([*schema.get("required", []), *schema["properties"]]))[:20]
        parts = [*objects(schema.get("items")), *objects(schema.get("anyOf"))]
        return list(dict.fromkeys(name for part in parts for name in self._names(part)))[:20]

    def _is_deep(self, schema: JSON) -> bool:
        """Whether a schema holds objects of stated keys."""
        schema = self._portable(schema)
        parts = [*objects(schema.get("items")), *objects(schema.get("anyOf"))] if schema.keys() & PARTS else []
        return "properties" in schema or any(self._is_deep(part) for part in parts)

    def _portable(self, schema: JSON) -> JSON:
        """Each is asked for several times; it is kept beside what was made of it, so that its id stays its own."""
        if id(schema) not in self._made:
            self._made[id(schema)] = schema, portable(schema, self._definitions)
        return self._made[id(schema)][1]

"""What an `input_schema` may say: the subset of JSON Schema 2020-12 that is used here, and what MCP clients take of it.

JSON Schema's own schema is not asked: it takes 3 s for the catalogue, and lets a misspelt keyword pass.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from klaviyo_mcp.loose_json import JSON, did_you_mean, is_list, is_number, is_object, nearest
from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.registry.model import NAME_RULES, ActionSpec
from klaviyo_mcp.registry.references import name_of

Found = Iterator[tuple[tuple[int | str, ...], str]]
"""Where in the file, and what is wrong there."""

TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")


def _words(value: Any) -> bool:
    return is_list(value) and all(isinstance(word, str) for word in value) and len(set(value)) == len(value)


def _pattern(value: Any) -> bool:
    try:
        return bool(re.compile(value))
    except (TypeError, re.error):
        return False


VALUES: dict[str, Callable[[Any], bool]] = {
    "anything": lambda _: True,
    "text": lambda value: isinstance(value, str),
    "true or false": lambda value: isinstance(value, bool),
    "a number": is_number,
    "a whole number from 0": lambda value: is_number(value) and isinstance(value, int) and value >= 0,
    "a list": is_list,
    "a list of different words": _words,
    "a regular expression": _pattern,
    f"one or several of {', '.join(TYPES)}": lambda value: (
        value in TYPES if isinstance(value, str) else _words(value) and bool(value) and set(value) <= set(TYPES)
    ),
    "a schema": lambda value: isinstance(value, dict | bool),
    "a list of schemas": lambda value: is_list(value) and bool(value),
    "schemas by name": is_object,
}
"""What a keyword can hold, in words, and whether a value is such a thing."""

KEYWORDS = {
    keyword: form
    for form, keywords in zip(
        VALUES,
        (
            "const default",
            "$comment $ref contentEncoding description format",
            "readOnly uniqueItems",
            "exclusiveMaximum exclusiveMinimum maximum minimum",
            "maxItems maxLength maxProperties minItems minLength minProperties",
            "enum",
            "required",
            "pattern",
            "type",
            "additionalProperties items propertyNames",
            "allOf anyOf oneOf",
            "$defs properties",
        ),
        strict=True,
    )
    for keyword in keywords.split()
}
"""What an input schema may say; a misspelt keyword would be ignored by every validator."""


FORMATS = [
    *ID_FORMS,
    "base64",
    "country",
    "date",
    "date-time",
    "email",
    "hex-color",
    "period",
    "language",
    "phone",
    "time",
    "uri",
]
"""The forms of text that an input schema may ask for; one that is not known would not be checked."""


def schema_rules(spec: ActionSpec) -> Found:
    """What is wrong with an action's `input_schema`."""
    faults = [*malformed(spec.input_schema), *_unknown_formats(spec.input_schema)]
    yield from faults or _tool_rules(spec)


def malformed(schema: JSON) -> Found:
    """Everything at any depth that is no JSON Schema."""
    return _malformed(schema, schema.get("$defs"), ("input_schema",))


def _malformed(schema: Any, definitions: Any, where: tuple[int | str, ...]) -> Found:
    if not is_object(schema):
        if not isinstance(schema, bool):
            yield where, f"not a valid JSON Schema: {schema!r} stands where a schema belongs"
        return
    for keyword, value in schema.items():
        place, form = (*where, keyword), KEYWORDS.get(keyword)
        if form is None:
            near = nearest(keyword, KEYWORDS)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield place, f"{keyword!r} is no keyword of JSON Schema that is used here{hint}"
        elif not VALUES[form](value):
            yield place, f"not a valid JSON Schema: {keyword} must be {form}, and is {str(value)[:60]!r}"
        elif keyword == "$ref" and not _leads_somewhere(schema, definitions):
            yield place, f"not a valid JSON Schema: {value!r} leads to nothing under '#/$defs/'"
        elif form == "schemas by name":
            for name, inner in value.items():
                yield from _malformed(inner, definitions, (*place, name))
        elif form == "a list of schemas":
            for index, inner in enumerate(value):
                yield from _malformed(inner, definitions, (*place, index))
        elif form == "a schema":
            yield from _malformed(value, definitions, place)


def _leads_somewhere(schema: JSON, definitions: Any) -> bool:
    """Whether a reference leads to a definition, and not round in a circle of nothing but references."""
    met: list[str] = []
    while (name := name_of(schema)) is not None:
        if name in met or schema["$ref"] != f"#/$defs/{name}" or not is_object(definitions) or name not in definitions:
            return False
        met.append(name)
        schema = definitions[name]
    return True


def _tool_rules(spec: ActionSpec) -> Found:
    """What holds for the schema of a tool beyond being one."""
    schema = spec.input_schema
    if schema.get("type") != "object" or schema.get("additionalProperties") is not False:
        yield ("input_schema",), "the root needs 'type: object' and 'additionalProperties: false'"
    for key in ("oneOf", "anyOf", "allOf", "$ref"):
        if key in schema:
            yield ("input_schema", key), f"clients reject {key} at the root; use preconditions"
    for name in spec.required:
        if name not in spec.properties:
            yield ("input_schema", "required"), f"requires {name!r}, which is not among the properties"
    for name, part in spec.properties.items():
        if not NAME_RULES["argument"].match(name):
            yield ("input_schema", "properties", name), f"{name!r} is not a plain argument name (a-z, 0-9 and _)"
        for inner in argument_names(part):
            if not NAME_RULES["property"].match(inner):
                yield ("input_schema", "properties", name), f"clients reject the key {inner!r}"
    if "filter" in spec.properties and not spec.filters:
        yield ("input_schema", "properties", "filter"), "a filter needs the table 'filters' of what can be filtered by"
    if spec.filters and "filter" not in spec.properties:
        yield ("filters",), "there is no argument 'filter' to use this table"
    if spec.result.paged and "cursor" not in spec.properties:
        yield ("result", "paged"), "a paged result needs the argument 'cursor'"
    if spec.result.paged != ("max_records" in spec.properties):
        yield ("result",), "'max_records' goes with a paged result, and a paged result with 'max_records'"


def argument_names(schema: Any) -> set[str]:
    """The names of all properties at any depth."""
    if is_list(schema):
        return {name for part in schema for name in argument_names(part)}
    if not is_object(schema):
        return set()
    return {*schema.get("properties", {}), *(name for value in schema.values() for name in argument_names(value))}


def _unknown_formats(value: object) -> Found:
    if is_object(value):
        name = value.get("format")
        if isinstance(name, str) and "type" in value and name not in FORMATS:
            hint = did_you_mean(name, FORMATS)
            yield ("input_schema",), f"{name!r} is no format that is known here. {hint}".strip()
    for part in value.values() if is_object(value) else value if is_list(value) else ():
        yield from _unknown_formats(part)

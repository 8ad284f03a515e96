"""The part of JSON Schema that every MCP client takes, as a table of rules: each with what it makes, and for whom.

Calls are validated against the full schema whatever is listed, so a listed schema only informs: what a rule takes away
is told in the description where it helps to write the right call. Nothing here knows an action.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from klaviyo_mcp.loose_json import JSON, is_object, items, mapping, objects
from klaviyo_mcp.registry.references import resolved

OF_TYPE = {
    "string": ("enum", "format", "pattern", "minLength", "maxLength"),
    "number": ("minimum", "maximum"),
    "integer": ("minimum", "maximum"),
    "boolean": (),
    "array": ("items", "minItems", "maxItems"),
    "object": ("properties", "required"),
}
"""The keywords that a listed schema may have, by the type whose values they speak of."""
KEYWORDS = frozenset({"type", "description", "default", "anyOf"}.union(*OF_TYPE.values()))
FORMS = frozenset({"anyOf", "oneOf", "allOf"})
UNTOUCHED = frozenset(["type", "description", "maxLength", "minimum", "maximum", "maxItems", "items"])
"""Keywords that no rule has anything to say about where a schema has one type, and a list its items."""
PYTHON_TYPES = {"string": str, "number": int | float, "integer": int, "boolean": bool, "array": list, "object": dict}
ANYTHING = {"type": ["string", "number", "boolean", "array"], "items": {"type": "string"}}
"""What a value may be of which nothing is said: a plain value, or a list of texts."""
FORMAT_WORDS = {
    "date": "As YYYY-MM-DD.",
    "time": "As HH:MM:SS.",
    "uri": "A URL.",
    "base64": "In base64.",
    "country": "Two capitals, as US.",
    "hex-color": "As #1F3A2E.",
    "language": "As de or fr-CA.",
}
"""What is said in place of a format where nothing else is; of other formats, the names of arguments say enough."""
NOT_RE2 = re.compile(r"\(\?|\\[1-9]|[*+?}]\+")
"""Lookarounds, references back, possessive quantifiers: what converters in Go and Rust do not compile."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One change of a schema without its parts: what it makes, and who needs that.

    `on` are the keywords it looks at; a schema without any of them stays as it is. None are all.
    """

    change: Callable[[JSON], JSON]
    on: frozenset[str] | None
    makes: str
    why: str


def portable(schema: object, definitions: JSON) -> JSON:
    """A schema by all rules, without its parts: those of `properties`, `items` and `anyOf` stay as they are.

    `definitions` are what its references name; the schema and its forms are resolved, so that none is left of them.
    """
    whole = mapping(schema)  # one that is only `true` says as little as an empty one
    if (
        UNTOUCHED.issuperset(whole)
        and isinstance(kind := whole.get("type"), str)
        and (kind == "array") == ("items" in whole)
    ):
        return whole  # most are so plain; the listing is made at every start
    before, shown = None, _resolved(whole, definitions)
    while before is None or (shown != before and not FORMS.isdisjoint(shown)):
        before = shown  # a form that has become the schema itself may bring forms of its own
        for rule in RULES:
            if rule.on is None or not rule.on.isdisjoint(shown):
                shown = rule.change(shown)
    return shown


def _resolved(schema: JSON, definitions: JSON) -> JSON:
    """A copy of a schema without a reference, nor one in its forms."""
    own = resolved(schema, definitions)
    forms = {key: [_resolved(form, definitions) for form in objects(own[key])] for key in FORMS & own.keys()}
    return {**own, **forms}


def _all_of(schema: JSON) -> JSON:
    whole = _without(schema, "allOf")
    for part in objects(schema["allOf"]):
        whole = _both(part, whole)
    return whole


def _requirements(schema: JSON) -> JSON:
    for key in ("anyOf", "oneOf"):
        forms = objects(schema.get(key) or [])
        if not forms or any(form.keys() != {"required"} for form in forms):
            continue
        rest, told = _without(schema, key), str(schema.get("description", ""))
        names = [" with ".join(form["required"]) for form in forms]
        said = " one of " in told and all(name in told for name in names)
        if said or _listed(names, "or") in told:
            return rest
        exactly = key == "oneOf" or schema.get("maxProperties") == 1
        return _saying(rest, f"{'Exactly' if exactly else 'At least'} one of {_listed(names, 'and')}.")
    return schema


def _forms(schema: JSON) -> JSON:
    """Forms without null: one is the schema itself, plain ones are a list of types, several with keys stay forms."""
    key = "anyOf" if "anyOf" in schema else "oneOf"
    beside, forms = _without(schema, key), [form for form in objects(schema.get(key)) if form.get("type") != "null"]
    kinds = [kind for form in forms for kind in _kinds(form)]
    if forms and all("enum" in form and form.keys() <= {"enum", "type"} for form in forms):
        return {**beside, "enum": list(dict.fromkeys(value for form in forms for value in form["enum"]))}
    apart = "object" not in kinds and len(set(kinds)) == len(kinds) and all(_kinds(form) for form in forms)
    if len(forms) <= 1 or apart:
        for form in forms:
            beside = _both(_without(form, "type") if apart else form, beside)
        return {**beside, "type": kinds} if kinds and apart else beside
    said = {name: beside[name] for name in ("description",) if name in beside}
    return {**said, "anyOf": [_both(form, _without(beside, "description", "default")) for form in forms]}


def _read_only(schema: JSON) -> JSON:
    properties = mapping(schema["properties"])
    hidden = {name for name, part in properties.items() if mapping(part).get("readOnly") is True}
    if not hidden:
        return schema
    required = [name for name in items(schema.get("required")) if name not in hidden]
    return {**schema, "properties": _without(properties, *hidden), "required": required}


def _null(schema: JSON) -> JSON:
    shown = {key: value for key, value in schema.items() if value is not None}
    return shown | {"enum": [value for value in shown["enum"] if value is not None]} if "enum" in shown else shown


def _enums(schema: JSON) -> JSON:
    values = [schema["const"]] if "const" in schema else items(schema.get("enum"))
    rest = _without(schema, "const", "enum")
    texts = [value for value in values if isinstance(value, str) and value]
    if len(texts) == len(values):
        return {**rest, "type": "string", "enum": texts} if texts else rest
    if len(texts) == len(values) - 1 and "" in values:
        return _saying({**rest, "type": "string"}, f"{_listed(texts, 'or')}, or empty text.")
    if all(type(value) is int for value in values):
        rest["type"], least = "integer", min(values)
        if sorted(values) == [*range(least, least + len(values))]:
            return {**rest, "minimum": least, "maximum": max(values)}
    told = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    return _saying(rest, f"One of {_listed(told, 'and')}." if len(told) > 1 else f"Only {told[0]}.")


def _one_type(schema: JSON) -> JSON:
    if isinstance(schema.get("type"), str) or "anyOf" in schema:
        return schema
    kinds = _kinds(schema) or [kind for kind in ("object", "array") if not schema.keys().isdisjoint(OF_TYPE[kind])]
    if not kinds:
        schema = {**schema, **ANYTHING}
        kinds = _kinds(schema)
    if "number" in kinds:
        kinds = [kind for kind in kinds if kind != "integer"]
    own = {kind: {key: schema[key] for key in OF_TYPE[kind] if key in schema} for kind in kinds}
    beside = _without(schema, "type", *(key for keys in OF_TYPE.values() for key in keys))
    match sorted(kinds):
        case [kind]:
            return {"type": kind, **beside, **own[kind]}
        case ["array" | "object" as kind, "string"]:
            return _saying({"type": kind, **beside, **own[kind]}, "Or text.")
        case _:
            return {**beside, "anyOf": [{"type": kind, **own[kind]} for kind in kinds]}


def _formats(schema: JSON) -> JSON:
    form = schema.get("format", schema.get("contentEncoding"))
    if form == "date-time":
        return schema
    shown = _without(schema, "format")
    return _saying(shown, FORMAT_WORDS[form]) if form in FORMAT_WORDS and "description" not in schema else shown


def _bounds(schema: JSON) -> JSON:
    shown = _without(schema, "pattern") if NOT_RE2.search(str(schema.get("pattern", ""))) else schema
    for key, side in (("exclusiveMinimum", "More"), ("exclusiveMaximum", "Less")):
        if key in schema:
            shown = _saying(_without(shown, key), f"{side} than {schema[key]}.")
    return shown


def _least(schema: JSON) -> JSON:
    return _without(schema, *(key for key in ("minLength", "minItems") if schema.get(key) == 1))


def _holds(schema: JSON) -> JSON:
    silent = schema["type"] == "array" and not is_object(schema.get("items"))
    return {**schema, "items": {"type": "string"}} if silent else schema


def _default(schema: JSON) -> JSON:
    value, kind = schema["default"], str(schema.get("type"))
    fits = isinstance(value, PYTHON_TYPES.get(kind, ())) and isinstance(value, bool) == (kind == "boolean")
    return schema if fits and value in schema.get("enum", [value]) else _without(schema, "default")


def _known(schema: JSON) -> JSON:
    strange = schema.keys() - KEYWORDS
    if not strange and "required" not in schema:
        return schema
    shown = _without(schema, *strange, "required")
    required = [name for name in items(schema.get("required")) if name in mapping(schema.get("properties"))]
    return {**shown, "required": required} if required else shown


RULES = (
    Rule(
        _all_of,
        frozenset({"allOf"}),
        "allOf is written as one schema",
        "Gemini's Schema has no allOf, and Anthropic's strict schemas limit it",
    ),
    Rule(
        _requirements,
        frozenset({"anyOf", "oneOf"}),
        "forms that say no more than what is required are told in words",
        "anthropic's transform_schema refuses them; google-genai and litellm make forms without a type of them",
    ),
    Rule(
        _forms,
        frozenset({"anyOf", "oneOf"}),
        "anyOf has two or more forms, none of them null, and nothing but a description beside it",
        "Gemini's any_of stands alone; clients that make types of a schema take the first form for the whole",
    ),
    Rule(
        _read_only,
        frozenset({"properties"}),
        "what can only be read is not shown",
        "it is never sent, and Gemini's Schema has no readOnly",
    ),
    Rule(
        _null,
        frozenset({"const", "default", "enum"}),
        "no null in enums and defaults",
        "langchain-google-genai and Gemini refuse it",
    ),
    Rule(
        _enums,
        frozenset({"const", "enum"}),
        "enums are of text that is not empty; other values are bounds or words",
        "NeMo loads no tool of a server that has another; Gemini's enums are of such text",
    ),
    Rule(
        _one_type,
        None,
        "one type that is not null; text beside a list or an object is told, and what else differs are forms",
        "Semantic Kernel and AutoGen load no tool for a list of types, DSPy and transform_schema refuse the tool; null "
        "invites strict clients to send it for what they do not set",
    ),
    Rule(
        _formats,
        frozenset({"format", "contentEncoding"}),
        "no format but date-time",
        "CrewAI and AutoGen refuse the whole server for `email` where a package is missing; Gemini knows few others",
    ),
    Rule(
        _bounds,
        frozenset({"pattern", "exclusiveMinimum", "exclusiveMaximum"}),
        "bounds are inclusive, and patterns are of RE2",
        "drafts disagree about exclusive bounds, and Gemini has none; what does not compile ends a conversion",
    ),
    Rule(
        _least,
        frozenset({"minLength", "minItems"}),
        "no least length of one",
        "nobody means to give nothing, the full schema refuses it, and a list of all tools is 2 KB shorter",
    ),
    Rule(
        _holds,
        frozenset({"type"}),
        "an array says what it holds",
        "OpenAI answers 400 to the whole request, VS Code drops the tool, pydantic-ai refuses it in strict mode",
    ),
    Rule(
        _default,
        frozenset({"default"}),
        "a default is of the type, and among the values",
        "models that are made of a schema check their defaults",
    ),
    Rule(
        _known,
        None,
        "no other keyword, and nothing required that is not shown",
        "additionalProperties ends google-genai's mcp_to_gemini_tools; `not` and `if` end OpenAI's strict mode",
    ),
)
"""In the order in which they are applied: each relies on those before it."""


def _kinds(schema: JSON) -> list[str]:
    kinds = schema.get("type")
    return [kind for kind in ([kinds] if isinstance(kinds, str) else items(kinds)) if kind != "null"]


def _both(part: JSON, whole: JSON) -> JSON:
    """Two schemas that both hold; where they say a thing differently, the second is believed."""
    merged = {**part, **whole}
    if "properties" in part and "properties" in whole:
        merged["properties"] = {**part["properties"], **whole["properties"]}
    if "required" in part and "required" in whole:
        merged["required"] = list(dict.fromkeys([*part["required"], *whole["required"]]))
    return merged


def _without(schema: JSON, *keys: str) -> JSON:
    return {key: value for key, value in schema.items() if key not in keys}


def _saying(schema: JSON, words: str) -> JSON:
    """A schema whose description ends with a further sentence, unless that has been said."""
    told = str(schema.get("description", "")).rstrip()
    if words.rstrip(".") in told:
        return schema
    joint = " " if told.endswith((".", "!", "?")) else ". " if told else ""
    return {**schema, "description": f"{told}{joint}{words}"}


def _listed(words: list[Any], last: str) -> str:
    *most, final = [str(word) for word in words]
    return f"{', '.join(most)} {last} {final}" if most else final

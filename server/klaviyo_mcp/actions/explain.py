"""One JSON Schema validation error in words for an agent: which argument, what is wrong, and the right form."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.formats import FORMAT_FIXES
from klaviyo_mcp.actions.forms import TYPE_NAMES, explain_forms, like, listed, shown
from klaviyo_mcp.actions.hints import name_meant, value_meant
from klaviyo_mcp.actions.reading import question
from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.registry.references import resolved

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError


MOST_NAMES = 15
"""Fields of one object that there are none of, and that are named each."""


def unknown_name(name: str, known: list[str], kind: str = "argument") -> Problem:
    """A name that there is none of, and those there are."""
    near = name_meant(name, known)
    fix = f"Did you mean {near}?" if near else f"There are: {', '.join(known)}" if known else "There are none"
    return Problem(name, f"there is no such {kind}", fix)


def explain(error: "ValidationError", definitions: JSON) -> list[Problem]:
    """One validation error in words for an agent."""
    where = place_of(error)
    rule: Any = error.validator_value
    match error.validator:
        case "required":
            missing = [name for name in rule if name not in mapping(error.instance)]
            named = _missing_now(error, missing)
            return [
                Problem(f"{where}.{name}".lstrip("."), "is required", _shape(error, name, definitions))
                for name in named
            ]
        case "additionalProperties":
            known = list(mapping(mapping(error.schema).get("properties")))
            extra = [name for name in mapping(error.instance) if name not in known]
            found = [unknown_name(name, known, "field") for name in extra[:MOST_NAMES]]
            more = [Problem(where, f"holds {len(extra) - MOST_NAMES:,} more fields that there are none of")]
            named = [replace(problem, argument=f"{where}.{problem.argument}") for problem in found]
            return named + (more if len(extra) > MOST_NAMES else [])
        case "anyOf" | "oneOf":
            return explain_forms(error, where, definitions, explain)
        case "type":
            wanted = " or ".join(TYPE_NAMES[name] for name in ([rule] if isinstance(rule, str) else rule))
            return [Problem(where, f"must be {wanted}, not {shown(error.instance)}", _shape_hint(error, definitions))]
        case "enum":
            return [
                Problem(where, f"{shown(error.instance)} is not one of the allowed values", _near_value(error, rule))
            ]
        case "const":
            return [Problem(where, f"must be {shown(rule)}, not {shown(error.instance)}")]
        case "format":
            problem, fix = FORMAT_FIXES.get(str(rule), (f"is not of the form {rule}", ""))
            sought = (str(rule), str(error.instance)) if rule in ID_FORMS else None
            return [Problem(where, f"{shown(error.instance)} {problem}", fix, sought)]
        case "minLength" | "maxLength" | "minItems" | "maxItems" | "minimum" | "maximum":
            return [Problem(where, _bounds(str(error.validator), rule, error.instance))]
        case "exclusiveMinimum" | "exclusiveMaximum":
            side = "more" if error.validator == "exclusiveMinimum" else "less"
            return [Problem(where, f"must be {side} than {rule}, not {error.instance}")]
        case "pattern":
            words = str(mapping(error.schema).get("description") or f"It must match {rule}")
            return [Problem(where, f"{shown(error.instance)} does not have the right form", words.rstrip("."))]
        case "minProperties" | "maxProperties":
            side = "at least" if error.validator == "minProperties" else "at most"
            known = ", ".join(mapping(mapping(error.schema).get("properties")))
            return [Problem(where, f"must have {side} {rule} of its fields", f"Fields: {known}" if known else "")]
        case "uniqueItems":
            return [Problem(where, "holds the same item more than once", "Name each item once")]
        case _:
            return [Problem(where, error.message[:200])]


def _missing_now(error: "ValidationError", missing: list[str]) -> list[str]:
    """Jsonschema reports each missing name as an error of its own; its message starts with the name."""
    return [name for name in missing if error.message.startswith(repr(name))]


def place_of(error: "ValidationError") -> str:
    """Where an error is, such as `profiles[3].email`."""
    text = ""
    for part in error.absolute_path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _shape(error: "ValidationError", name: str, definitions: JSON) -> str:
    schema = resolved(mapping(mapping(mapping(error.schema).get("properties")).get(name)), definitions)
    if "enum" in schema:
        return f"One of: {listed(schema['enum'])}"
    if words := str(schema.get("description", "")):
        return words.rstrip(".")
    return like(schema, definitions) if "properties" in schema or "anyOf" in schema else ""


def _shape_hint(error: "ValidationError", definitions: JSON) -> str:
    rule: Any = error.validator_value
    wanted = [rule] if isinstance(rule, str) else rule
    schema = mapping(error.schema)
    of_objects = "properties" in resolved(mapping(schema.get("items")), definitions)
    if "array" in wanted and isinstance(error.instance, str) and not of_objects:
        parts = [part.strip() for part in error.instance[:60].split(",")]
        return f"Send a list, like {json.dumps(parts, ensure_ascii=False)}"
    # A schema that names no fields, such as properties of one's own, has nothing to show.
    shows = "properties" in schema if "object" in wanted else "items" in schema and "array" in wanted
    return like(schema, definitions) if shows else ""


def _near_value(error: "ValidationError", allowed: list[Any]) -> str:
    if asked := question(error.instance, allowed):
        return asked
    near = value_meant(error.instance, allowed)
    return f"Did you mean {near!r}?" if near else f"Allowed: {listed(allowed)}"


def _bounds(rule: str, bound: Any, value: Any) -> str:
    if rule in ("minimum", "maximum"):
        return f"must be {'at least' if rule == 'minimum' else 'at most'} {bound}, not {value}"
    unit = "characters" if rule.endswith("Length") else "items"
    side = "at least" if rule.startswith("min") else "at most"
    return f"must have {side} {bound} {unit}, not {len(value)}"

"""One JSON Schema validation error in words for an agent: which argument, what is wrong, and the right form."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.formats import FORMAT_FIXES
from klaviyo_mcp.actions.reading import question
from klaviyo_mcp.loose_json import JSON, did_you_mean, is_object, items, mapping, nearest, objects
from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.registry.references import resolved

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

TYPE_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def types_of(schema: JSON) -> set[str]:
    """The types that a schema allows by name, none where it names none."""
    found = schema.get("type")
    return {found} if isinstance(found, str) else set(items(found))


def unknown_name(name: str, known: list[str], kind: str = "argument") -> Problem:
    """A name that there is none of, and those there are."""
    near = nearest(name.lower().replace("-", "_"), known)
    fix = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}" if known else "There are none"
    return Problem(name, f"there is no such {kind}", fix)


def explain(error: "ValidationError", definitions: JSON) -> list[Problem]:
    """One validation error in words for an agent."""
    where = _where(error)
    rule: Any = error.validator_value
    match error.validator:
        case "required":
            missing = [name for name in rule if name not in mapping(error.instance)]
            named = _missing_now(error, missing)
            return [Problem(f"{where}.{name}".lstrip("."), "is required", _shape(error, name)) for name in named]
        case "additionalProperties":
            known = list(mapping(mapping(error.schema).get("properties")))
            extra = [name for name in mapping(error.instance) if name not in known]
            return [
                replace(found, argument=f"{where}.{name}")
                for name in extra
                for found in [unknown_name(name, known, "field")]
            ]
        case "anyOf" | "oneOf":
            return [_explain_branches(error, where, definitions)]
        case "type":
            wanted = " or ".join(TYPE_NAMES[name] for name in ([rule] if isinstance(rule, str) else rule))
            return [Problem(where, f"must be {wanted}, not {shown(error.instance)}", _list_hint(error))]
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


def _explain_branches(error: "ValidationError", where: str, definitions: JSON) -> Problem:
    """An `anyOf` or `oneOf` of which no branch fits: the alternatives, or what is wrong in the branch meant."""
    branches = [resolved(branch, definitions) for branch in objects(error.validator_value)]
    if all(set(branch) <= {"required"} for branch in branches):
        names = [" and ".join(items(branch.get("required"))) for branch in branches]
        return Problem(where, f"needs at least one of: {', '.join(names)}", "Add one of them")
    if not error.context:
        return Problem(where, "matches more than one of the allowed forms", "Leave out what belongs to another form")
    wrong: dict[int, list[ValidationError]] = {}
    for inner in error.context:
        wrong.setdefault(int(inner.schema_path[0]), []).append(inner)
    fitting = [index for index in wrong if branches[index].get("type") != "null"] or list(wrong)
    meant = [index for index in fitting if _is_meant(branches[index], error.instance)]
    if not meant:
        # The word that tells the forms apart is missing or wrong: name it with all its values.
        if is_object(given := error.instance) and (tag := _tag(branches)) is not None:
            values = [value for index in fitting for value in _tag_values(branches[index], tag)]
            names = list(dict.fromkeys(str(value) for value in values))
            fix = did_you_mean(given.get(tag), names) or f"One of: {', '.join(names)}"
            return Problem(f"{where}.{tag}".lstrip("."), "must say which form this is", fix)
        if all(inner.validator == "type" and inner.absolute_path == error.absolute_path for inner in error.context):
            kinds = sorted({kind for index in fitting for kind in types_of(branches[index])} - {"null"})
            wanted = " or ".join(TYPE_NAMES[kind] for kind in kinds)
            return Problem(where, f"must be {wanted}, not {shown(error.instance)}")
    nearest = min(meant or fitting, key=lambda index: len(wrong[index]))
    deepest = max(wrong[nearest], key=lambda inner: len(inner.absolute_path))
    explained = explain(deepest, definitions)
    return explained[0] if explained else Problem(_where(deepest) or where, deepest.message[:200])


def _is_meant(branch: JSON, value: object) -> bool:
    """Whether an object carries the single value that marks this branch, such as `method: static`."""
    if not is_object(value):
        return False
    marks = {name: _tag_values(branch, name) for name in mapping(branch.get("properties"))}
    required = items(branch.get("required"))
    single = {
        name: values for name, values in marks.items() if len(values) == 1 and (name in required or name in value)
    }
    return bool(single) and all(value.get(name) in values for name, values in single.items())


def _tag(branches: list[JSON]) -> str | None:
    """The property that tells the branches apart: single-valued and required wherever it is found."""
    for branch in branches:
        for name in items(branch.get("required")):
            if len(_tag_values(branch, name)) == 1:
                return name
    return None


def _tag_values(branch: JSON, name: str) -> list[Any]:
    schema = mapping(mapping(branch.get("properties")).get(name))
    return [schema["const"]] if "const" in schema else items(schema.get("enum"))


def _where(error: "ValidationError") -> str:
    text = ""
    for part in error.absolute_path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _shape(error: "ValidationError", name: str) -> str:
    schema = mapping(mapping(mapping(error.schema).get("properties")).get(name))
    if "enum" in schema:
        return f"One of: {', '.join(str(value) for value in schema['enum'][:12])}"
    words = str(schema.get("description", ""))
    return words.rstrip(".")


def _list_hint(error: "ValidationError") -> str:
    rule: Any = error.validator_value
    wants_list = rule == "array" or "array" in rule
    if wants_list and isinstance(error.instance, str):
        parts = [part.strip() for part in error.instance[:60].split(",")]
        return f"Send a list, like {json.dumps(parts, ensure_ascii=False)}"
    return ""


def _near_value(error: "ValidationError", allowed: list[Any]) -> str:
    if near := question(error.instance, allowed) or did_you_mean(error.instance, allowed):
        return near
    some = ", ".join(str(value) for value in allowed[:15])
    return f"Allowed: {some}{', …' if len(allowed) > 15 else ''}"


def _bounds(rule: str, bound: Any, value: Any) -> str:
    if rule in ("minimum", "maximum"):
        return f"must be {'at least' if rule == 'minimum' else 'at most'} {bound}, not {value}"
    unit = "characters" if rule.endswith("Length") else "items"
    side = "at least" if rule.startswith("min") else "at most"
    return f"must have {side} {bound} {unit}, not {len(value)}"


def shown(value: object) -> str:
    """A value as it can stand in a message: JSON, cut to a readable length."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}…"

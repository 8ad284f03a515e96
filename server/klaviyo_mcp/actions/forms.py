"""A value that may have any of several forms and has none: which form was meant, and everything that is wrong with it.

The form is chosen by what was given: by the word that tells the forms apart, by its keys, by its type.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.hints import value_meant
from klaviyo_mcp.loose_json import JSON, is_object, items, mapping, objects
from klaviyo_mcp.registry.references import resolved
from klaviyo_mcp.registry.worked_example import compact, worked_example

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

Place = tuple[str | int, ...]
Explain = Callable[["ValidationError", JSON], list[Problem]]
"""Explains one error; what is inside a form is explained as everything else is."""
TYPE_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
MOST_VALUES = 40
"""Allowed values that a message shows; the rest is counted."""


def explain_forms(error: "ValidationError", where: str, definitions: JSON, explain: Explain) -> list[Problem]:
    """An `anyOf` or `oneOf` of which no branch fits: what is wrong in the branch meant, or the alternatives."""
    branches = [resolved(branch, definitions) for branch in objects(error.validator_value)]
    if all(set(branch) <= {"required"} for branch in branches):
        names = [" and ".join(items(branch.get("required"))) for branch in branches]
        return [Problem(where, f"needs at least one of: {', '.join(names)}", "Add one of them")]
    if not error.context:
        return [Problem(where, "matches more than one of the allowed forms", "Leave out what belongs to another form")]
    wrong: dict[int, list[ValidationError]] = {}
    for inner in error.context:
        wrong.setdefault(int(inner.schema_path[0]), []).append(inner)
    fitting = [index for index in wrong if branches[index].get("type") != "null"] or list(wrong)
    given: object = error.instance
    meant = [index for index in _meant(branches, given) if index in fitting]
    if not meant:
        # The word that tells the forms apart is missing or wrong: name it with all its values.
        if is_object(given) and (tag := _tag(branches)) is not None:
            values = [value for index in fitting for value in _tag_values(branches[index], tag)]
            names = list(dict.fromkeys(str(value) for value in values))
            near = value_meant(given.get(tag), names)
            fix = f"Did you mean {near!r}?" if near else f"One of: {listed(names)}"
            return [Problem(f"{where}.{tag}".lstrip("."), "must say which form this is", fix)]
        if all(inner.validator == "type" and inner.absolute_path == error.absolute_path for inner in error.context):
            kinds = sorted({kind for index in fitting for kind in types_of(branches[index])} - {"null"})
            wanted = " or ".join(TYPE_NAMES[kind] for kind in kinds)
            shape = branches[fitting[0]] if {"object", "array"} & set(kinds) else {}
            fix = like(shape, definitions) if {"properties", "items"} & shape.keys() else ""
            return [Problem(where, f"must be {wanted}, not {shown(given)}", fix)]
    nearest = min(meant or fitting, key=lambda index: _distance(branches[index], given, wrong[index]))
    close = {index: wrong[index] for index in meant or fitting}
    values = _values_by_place(branches, close)
    undecided = any(len(known) > 1 and place in _refused(wrong[nearest]) for place, known in values.items())
    found: list[Problem] = []
    for inner in wrong[nearest]:
        place = tuple(inner.absolute_path)
        if inner.validator in ("enum", "const") and len(close) > 1 and place in values:
            # Another of the forms meant may take a value that this one does not: all of them are the answer.
            near = value_meant(inner.instance, list(values[place]))
            fix = f"Did you mean {near!r}?" if near else f"Allowed: {listed(list(values[place].values()))}"
            at = explain(inner, definitions)[0].argument
            found.append(Problem(at, f"{shown(inner.instance)} is not one of the allowed values", fix))
        elif not undecided or all(_holds_too(inner, others) for others in close.values()):
            found += explain(inner, definitions)
    return list(dict.fromkeys(found)) or [Problem(where, error.message[:200])]


def types_of(schema: JSON) -> set[str]:
    """The types that a schema allows by name, none where it names none."""
    found = schema.get("type")
    return {found} if isinstance(found, str) else set(items(found))


def like(schema: JSON, definitions: JSON) -> str:
    """The form of an object or list in a sentence: a short example and the keys, the required ones first."""
    example = compact(worked_example(schema, definitions))
    known = list(mapping(schema.get("properties")))
    required = [name for name in items(schema.get("required")) if name in known]
    keys = [*required, *(name for name in known if name not in required)]
    told = f". Keys: {listed(keys, 20)}" if len(keys) > 1 else ""
    kind = "a list" if "array" in types_of(schema) else "an object"
    return f"Send {kind}, like {example}{told}"


def listed(values: list[Any], most: int = MOST_VALUES) -> str:
    """Values with commas; of very many the first, and how many more there are, which ends the text."""
    if len(values) > MOST_VALUES and "Europe/Berlin" in values:
        return "IANA names of time zones, such as Europe/Berlin"
    some = ", ".join(str(value) for value in values[:most])
    return f"{some} and {len(values) - most} more" if len(values) > most else some


def shown(value: object) -> str:
    """A value as it can stand in a message: JSON, cut to a readable length."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _meant(branches: list[JSON], value: object) -> list[int]:
    """The branches that carry most of the words of an object that mark a form, such as `method: static`."""
    if not is_object(value):
        return []
    tag = _tag(branches)
    if tag is not None:
        return [index for index, branch in enumerate(branches) if value.get(tag) in _tag_values(branch, tag)]
    known = [len(value.keys() & mapping(branch.get("properties")).keys()) for branch in branches]
    return [index for index, many in enumerate(known) if many and many == max(known)]


def _distance(branch: JSON, value: object, wrong: "list[ValidationError]") -> tuple[int, int]:
    """How far a value is from a branch: marks of another form count before everything else."""
    given = mapping(value)
    marks = [
        name for name in mapping(branch.get("properties")) if name in given and len(_tag_values(branch, name)) == 1
    ]
    return sum(given[name] not in _tag_values(branch, name) for name in marks), len(wrong)


def _values_by_place(branches: list[JSON], wrong: "dict[int, list[ValidationError]]") -> dict[Place, dict[Any, str]]:
    """All values that any form takes at a place where a value was refused, each as it is shown."""
    found: dict[Place, dict[Any, str]] = {}
    for index, errors in wrong.items():
        takes = types_of(mapping(mapping(branches[index].get("properties")).get("value")))
        note = " (takes a list)" if takes == {"array"} else ""
        for error in errors:
            if error.validator in ("enum", "const"):
                rule: Any = error.validator_value
                known = found.setdefault(tuple(error.absolute_path), {})
                for value in rule if error.validator == "enum" else [rule]:
                    known.setdefault(value, f"{value}{note}")
    return found


def _refused(errors: "list[ValidationError]") -> set[Place]:
    return {tuple(error.absolute_path) for error in errors if error.validator in ("enum", "const")}


def _holds_too(error: "ValidationError", others: "list[ValidationError]") -> bool:
    """Whether another form finds the same wrong at the same place."""
    return any(
        (error.validator, error.message, error.absolute_path) == (other.validator, other.message, other.absolute_path)
        for other in others
    )


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

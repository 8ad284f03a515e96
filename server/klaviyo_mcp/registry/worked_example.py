"""A value that fits a schema, as short as can be: what it requires, its first choices, and plain sample values."""

import json
from typing import Any

from klaviyo_mcp.loose_json import JSON, is_list, is_object, items, mapping, objects
from klaviyo_mcp.registry.references import resolved

SAMPLES: dict[str, Any] = {
    "email": "ada@example.org",
    "phone": "+14155550123",
    "date-time": "2026-11-30T09:00:00Z",
    "date": "2026-11-30",
    "period": "last_30_days",
    "time": "09:00:00",
    "uri": "https://example.org/page",
    "country": "US",
    "hex-color": "#1F3A2E",
    "language": "de",
    "base64": "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7",
}
PATTERNS: dict[str, str] = {
    r"^[0-9A-Za-z_]+$": "TEN_OFF",
    r"^[^:]+:::.+$": "orders:::1001",
    r"^[a-z-]+\(.+\)$": "greater-or-equal(datetime,2026-10-01T00:00:00)",
    r"^\$\w+:::.+:::.+$": "$custom:::$default:::SKU-1",
    r"^https://": "https://example.org/hook",
    r"^klaviyo://": "klaviyo://answers/ID.csv",
    r"^[A-Za-z]{2}$": "DE",
}
"""A text of each pattern that a spec uses; a spec with another one fails the tests and is given its own line."""


def worked_example(schema: JSON, definitions: JSON, within: tuple[str, ...] = ()) -> Any:
    """The shortest value that a schema takes: only what it requires, and of several forms the first that is no null."""
    if "$ref" in schema:
        within = (*within, str(schema["$ref"]))
        schema = resolved(schema, definitions)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        values = [value for value in schema["enum"] if value is not None]
        return "Europe/Berlin" if "Europe/Berlin" in values else values[0] if values else None
    branches = objects(schema.get("anyOf") or schema.get("oneOf") or [])
    if branches:
        chosen = _shortest(branches, definitions, within)
        beside = {key: rule for key, rule in schema.items() if key not in ("anyOf", "oneOf")}
        both = [*items(beside.get("required")), *items(chosen.get("required"))]
        return worked_example({**beside, **chosen, **({"required": both} if both else {})}, definitions, within)
    match _kind(schema):
        case "object":
            return _object(schema, definitions, within)
        case "array":
            least = max(int(schema.get("minItems", 1)), 0 if len(within) != len(set(within)) else 1)
            inner = mapping(schema.get("items"))
            return [worked_example(inner or {"type": "string"}, definitions, within) for _ in range(min(least, 3))]
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _text(schema)


def compact(value: Any, most: int = 400) -> str:
    """A value as JSON on one line, cut to `most` characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _shortest(branches: list[JSON], definitions: JSON, within: tuple[str, ...]) -> JSON:
    """The first branch that is no null and does not lead back into what it is part of."""
    forms = [branch for branch in branches if resolved(branch, definitions).get("type") != "null"] or branches
    free = [branch for branch in forms if str(branch.get("$ref", "")) not in within]
    chosen = (free or forms)[0]
    return resolved(chosen, definitions) if "$ref" in chosen else chosen


def _object(schema: JSON, definitions: JSON, within: tuple[str, ...]) -> JSON:
    properties = mapping(schema.get("properties"))
    names = list(dict.fromkeys(name for name in items(schema.get("required")) if name in properties))
    least = int(schema.get("minProperties", 0))
    writable = [name for name in properties if not mapping(properties[name]).get("readOnly")]
    names += [name for name in writable if name not in names][: max(0, least - len(names))]
    if not names and len(within) == len(set(within)) and "maxProperties" not in schema:
        names = writable[:1]
    made = {name: worked_example(mapping(properties[name]), definitions, within) for name in names}
    return made if made or not least else {"key": "text"}


def _kind(schema: JSON) -> str:
    kinds = schema.get("type")
    if is_list(kinds):
        return str(next((kind for kind in kinds if kind != "null"), "null"))
    if isinstance(kinds, str):
        return kinds
    return "object" if is_object(schema.get("properties")) else "array" if "items" in schema else "string"


def _text(schema: JSON) -> str:
    if "format" in schema and schema["format"] in SAMPLES:
        return str(SAMPLES[schema["format"]])
    if "pattern" in schema:
        return PATTERNS.get(str(schema["pattern"]), "x")
    least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", 20))
    return "text".ljust(least, "x")[: max(most, least)]

"""JSON in a text, as some clients send lists and objects, taken for what it is."""

import json
from typing import Any

from klaviyo_mcp.loose_json import is_object, items

JSON_TYPES = {
    "str": {"string"},
    "bool": {"boolean"},
    "int": {"integer", "number"},
    "float": {"number"},
    "list": {"array"},
    "dict": {"object"},
    "NoneType": {"null"},
}
"""The types of JSON Schema that a Python value is one of, by the name of its class."""
CONTAINERS = {"array", "object"}


def unpacked(text: str, wanted: set[str]) -> Any:
    """The value that a text is the JSON of, if it is one of the wanted types; else the text."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        if text.strip().lower() not in ("true", "false"):
            return text
        value = text.strip().lower() == "true"
    if isinstance(value, float) and value.is_integer() and "number" not in wanted:
        value = int(value)
    return value if types_of(value) & wanted else text


def types_of(value: Any) -> set[str]:
    """The types of JSON Schema that a value is one of."""
    return JSON_TYPES.get(type(value).__name__, set())


def may_be_packed(value: Any) -> bool:
    """Whether a text that looks like JSON is anywhere in a value: where text is allowed too, it fits as it stands."""
    left = [value]
    while left:
        part = left.pop()
        if isinstance(part, str):
            if part.lstrip()[:1] in ("[", "{"):
                return True
        else:
            left.extend(part.values() if is_object(part) else items(part))
    return False

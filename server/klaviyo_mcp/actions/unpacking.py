"""JSON in a text, as some clients send lists and objects, taken for what it is."""

import json
from typing import Any

from klaviyo_mcp.actions.bounds import DEEPEST, TooMuch, count_values
from klaviyo_mcp.loose_json import HALF, HALF_ESCAPED, everything

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
    """The value that a text is the JSON of, if it is one of the wanted types; else the text. Raises TooMuch."""
    try:
        value: Any = json.loads(text)
    except RecursionError:
        raise TooMuch(f"values nested over {DEEPEST} levels deep") from None
    except ValueError:
        if text.strip().lower() not in ("true", "false"):
            return text
        value = text.strip().lower() == "true"
    if isinstance(value, float) and value.is_integer() and "number" not in wanted:
        value = int(value)
    if not types_of(value) & wanted:
        return text
    count_values(value)
    return value if _is_whole(value, text) else text


def _is_whole(value: Any, text: str) -> bool:
    """Whether no half of a character was written as an escape, which cannot be sent."""
    return HALF_ESCAPED.search(text) is None or HALF.search(json.dumps(value, ensure_ascii=False)) is None


def types_of(value: Any) -> set[str]:
    """The types of JSON Schema that a value is one of."""
    names = (kind.__name__ for kind in type(value).__mro__)
    return next((JSON_TYPES[name] for name in names if name in JSON_TYPES), set[str]())


def may_be_packed(value: Any) -> bool:
    """Whether a text that looks like JSON is anywhere in a value: where text is allowed too, it fits as it stands."""
    for part in everything(value):
        if isinstance(part, str) and (part[:1] in "[{" or part[:1].isspace()) and part.lstrip()[:1] in ("[", "{"):
            return True
    return False

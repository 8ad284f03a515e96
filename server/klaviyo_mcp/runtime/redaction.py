"""Arguments without what they say about people: what a spec lists and ids stay, every other text becomes a hash.

What is personal cannot be told from what is not, so only what is known to be harmless is kept: values that a schema
lists, ids in their form, times, small numbers, yes and no, and the names of arguments and fields that a spec has.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from klaviyo_mcp.loose_json import JSON, is_list, is_object, items, mapping, objects
from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.references import resolved

MOST_ITEMS = 20
"""Items of a list that are told; of more, how many there are."""
MOST_KEYS = 100
LONGEST = 64 * 1024
"""Characters of the arguments of a call."""
LARGEST_NUMBER = 1_000_000
"""A whole number from here on could be a phone number."""
A_NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[^0-9]{7,}|[0-9]{10,}")
"""What fits the form of many ids and could be somebody's name or number."""
A_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:?\d{2})?")
A_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
"""Only where a schema asks for one: what is given freely may be a birthday."""

Hash = Callable[[str], str]


def redacted(arguments: object, spec: ActionSpec | None, hashed: Hash) -> Any:
    """Arguments as they may be written down, as a hash alone where that would be too long."""
    schema = spec.input_schema if spec else {}
    told = _Redaction(mapping(schema.get("$defs")), hashed).of(arguments, [schema] if schema else [])
    text = json.dumps(told)
    return told if len(text) <= LONGEST else {"too_long": len(text), "hash": hashed(text)}


class _Redaction:
    def __init__(self, definitions: JSON, hashed: Hash) -> None:
        self._definitions = definitions
        self._hashed = hashed

    def of(self, value: Any, schemas: list[JSON], depth: int = 0) -> Any:
        forms = [form for schema in schemas for form in self._forms(schema)]
        if depth > 20:
            return self._hashed(str(value))
        if is_list(value):
            inner = [form["items"] for form in forms if is_object(form.get("items"))]
            told = [self.of(item, inner, depth + 1) for item in value[:MOST_ITEMS]]
            return told if len(value) <= MOST_ITEMS else [*told, {"and_more": len(value) - MOST_ITEMS}]
        if is_object(value):
            return self._object(value, forms, depth)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int) and abs(value) < LARGEST_NUMBER:
            return value
        text = str(value)
        return text if isinstance(value, str) and _harmless(text, forms) else self._hashed(text)

    def _object(self, value: JSON, forms: list[JSON], depth: int) -> JSON:
        told: JSON = {}
        for key, inner in list(value.items())[:MOST_KEYS]:
            found = [form["properties"][key] for form in forms if key in mapping(form.get("properties"))]
            name = key if found else self._hashed(str(key))
            told[name] = self.of(inner, found, depth + 1)
        if len(value) > MOST_KEYS:
            told["and_more"] = len(value) - MOST_KEYS
        return told

    def _forms(self, schema: Any) -> list[JSON]:
        """The plain forms that a schema allows: references followed, alternatives taken apart."""
        if not is_object(schema):
            return []
        schema = resolved(schema, self._definitions)
        branches = [one for key in ("anyOf", "oneOf", "allOf") for one in objects(schema.get(key))]
        return [schema, *(form for branch in branches for form in self._forms(branch))]


def _harmless(text: str, forms: list[JSON]) -> bool:
    if any(text == listed for form in forms for listed in [*items(form.get("enum")), form.get("const")]):
        return True
    kinds = {str(form.get("format")) for form in forms}
    if A_TIME.fullmatch(text) or ("date" in kinds and A_DATE.fullmatch(text)):
        return True
    return A_NAME.fullmatch(text) is None and any(ID_FORMS[kind].fits(text) for kind in kinds & ID_FORMS.keys())

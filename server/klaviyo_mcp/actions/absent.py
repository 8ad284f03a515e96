"""What was given and still says nothing: null for a declared property, and empty text for an id.

Clients that validate strictly must send every property, and null or empty text for what they do not set. Inside objects
that hold anything, such as custom properties, null is their owner's own.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from klaviyo_mcp.actions.argument_names import OWN_IDS, is_exact, plain
from klaviyo_mcp.actions.unpacking import unpacked
from klaviyo_mcp.loose_json import JSON, everything, is_list, is_object, items, mapping, objects
from klaviyo_mcp.registry.clearing import CLEAR
from klaviyo_mcp.registry.holes import holes
from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.registry.nulls import takes_null
from klaviyo_mcp.registry.references import resolved
from klaviyo_mcp.registry.registry import Action

NOTHING = ("", "null")
"""Texts that say nothing where no such text can be meant."""


@dataclass(slots=True)
class Absent:
    """Takes out what says nothing. `nulls` fills with the places where null did, all items of a list as one.

    A field that the `clear` of its object names is none of them: there null was meant, and is.
    `counts` are the properties whose null is a value. `exact` leaves empty text alone, for what must not be guessed.
    """

    definitions: JSON
    counts: frozenset[str] = frozenset()
    exact: bool = False
    nulls: dict[str, None] = field(default_factory=dict[str, None])

    def without(self, value: Any, schema: JSON, where: str = "") -> Any:
        """The value as its schema describes it, without what says nothing, at any depth."""
        return self._without(value, [schema], where) if _says_nothing_somewhere(value) else value

    def _without(self, value: Any, schemas: list[JSON], where: str, cleared: frozenset[str] = frozenset()) -> Any:
        if not schemas:
            return value
        if is_list(value):
            inner = [form["items"] for form in self._forms(schemas, None) if is_object(form.get("items"))]
            return [self._without(item, inner, f"{where}[]") for item in value]
        if not is_object(value):
            return value
        forms = self._forms(schemas, value)
        cleared |= _names(value.get(CLEAR))
        found: JSON = {}
        for key, inner in value.items():
            place = f"{where}.{key}".lstrip(".")
            declared = [form for form in forms if key in mapping(form.get("properties"))]
            rules = [form["properties"][key] for form in declared]
            if inner is None and declared and not self._counts(key, declared):
                if key not in cleared:
                    self.nulls[place] = None
            elif inner != "" or self.exact or not _only_ids(rules, self.definitions) or _required(key, declared):
                others = [form.get("additionalProperties") for form in forms if not rules]
                parts = frozenset(name.removeprefix(f"{key}.") for name in cleared if name.startswith(f"{key}."))
                found[key] = self._without(inner, rules or [rule for rule in others if is_object(rule)], place, parts)
        return found

    def _counts(self, key: str, declared: list[JSON]) -> bool:
        """Whether null is a value of a property: where it must be given, or is said to count."""
        return any(
            (key in self.counts or _required(key, [form])) and takes_null(form["properties"][key], self.definitions)
            for form in declared
        )

    def _forms(self, schemas: list[JSON], value: JSON | None) -> list[JSON]:
        """The plain forms that schemas allow, without those of which an object carries another mark."""
        found: list[JSON] = []
        for schema in schemas:
            schema = resolved(schema, self.definitions)
            if branches := objects(schema.get("anyOf") or schema.get("oneOf") or []):
                found += self._forms(branches, value)
            if not branches or "properties" in schema:
                found.append(schema)
        if value is None or len(found) < 2:
            return found
        return [form for form in found if not self._is_another(value, form)] or found

    def _is_another(self, value: JSON, form: JSON) -> bool:
        """Whether an object says by a single-valued property, such as its `type`, that it is of another form."""
        for name, rule in mapping(form.get("properties")).items():
            allowed = items(rule.get("enum"))
            if len(allowed) == 1 and value.get(name) is not None and plain(str(value[name])) != plain(str(allowed[0])):
                return True
        return False


def nothing_given(action: Action, arguments: JSON) -> list[str]:
    """The optional arguments that are empty text, or the word null, and ask for no more than their absence does.

    That is whatever a read is asked with, what stands in the query of a write, and an id; an attribute may be empty
    text. What an action that cannot be undone works on is not taken for absent: without it, more might be meant.
    """
    return [
        name
        for name, value in arguments.items()
        if isinstance(value, str)
        and value.strip() in NOTHING
        and name not in action.spec.required
        and not is_exact(action, name)
        and (name in _asked(action) or _is_id(name, action.spec.properties[name]))
    ]


@cache
def _asked(action: Action) -> set[str]:
    """The arguments that only ask: all those of a read, and those in the query of another action."""
    if action.effect == "read":
        return set(action.spec.properties)
    return {name.partition(".")[0] for name in holes(action.http.query)} if action.http else set()


def _is_id(name: str, schema: JSON) -> bool:
    ends = re.search(r"(^|_)ids?$", name) is not None and name not in OWN_IDS
    return ends or schema.get("format") in ID_FORMS


def _only_ids(rules: list[JSON], definitions: JSON) -> bool:
    return bool(rules) and all(resolved(rule, definitions).get("format") in ID_FORMS for rule in rules)


def _names(clear: Any) -> set[str]:
    """The names that a `clear` holds, as a list or in a text."""
    given = unpacked(clear, {"array"}) if isinstance(clear, str) else clear
    listed = given.split(",") if isinstance(given, str) else items(given)
    return {name.strip() for name in listed if isinstance(name, str)}


def _required(key: str, forms: list[JSON]) -> bool:
    return any(key in items(form.get("required")) for form in forms)


def _says_nothing_somewhere(value: Any) -> bool:
    """Whether null or empty text is anywhere in a value; most calls have none, and are not looked at further."""
    return None in (parts := list(everything(value))) or "" in parts

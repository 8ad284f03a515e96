"""Whether a precondition can be checked at all: what it speaks of is there, and what it states can be read."""

import re
from collections.abc import Iterator
from typing import Any

from klaviyo_mcp.loose_json import JSON, is_object, mapping, objects
from klaviyo_mcp.registry.holes import holes
from klaviyo_mcp.registry.live import Lookup
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.precondition import Precondition, keys
from klaviyo_mcp.registry.references import resolved


def rule_problems(rule: Precondition, spec: ActionSpec) -> Iterator[str]:
    """What is wrong with a precondition of a spec, apart from its form."""
    looked = [name for lookup in rule.lookups for name in _asked(lookup, rule) if name != "sought"]
    for place in [*rule.places, *looked]:
        name = re.split(r"[.\[|]", place, maxsplit=1)[0]
        if name not in spec.properties:
            yield f"speaks of {name!r}, which is no argument"
        elif place not in looked and not leads_somewhere(place, spec.input_schema):
            yield f"speaks of {place!r}, and the schema has no such place"
    if rule.conditions:
        for field in rule.conditions.fields:
            if not any(name == field or (field.endswith(".") and name.startswith(field)) for name in spec.filters):
                yield f"speaks of the field {field!r}, which is not among the filters"
        for form in rule.conditions.forms.values():
            if not _is_pattern(form):
                yield f"{form!r} is no pattern"


def _asked(lookup: Lookup, rule: Precondition) -> Iterator[str]:
    """The arguments that a read, and what is sought in its records, speak of."""
    yield from holes(lookup.arguments)
    stated = rule.state or rule.count or rule.none_found
    if stated is not None:
        yield from holes(stated.where)


def leads_somewhere(place: str, schema: JSON) -> bool:
    """Whether a place such as `profiles[].email` can exist in arguments of this schema."""
    definitions = mapping(schema.get("$defs"))
    forms = [schema]
    for part in place.split("."):
        names, lists = keys(part)
        inner: list[Any] = []
        for form in _forms(forms, definitions):
            properties = mapping(form.get("properties"))
            inner += [properties[name] for name in names if name in properties]
            if "properties" not in form and "object" in _types(form):
                return True  # an object with keys of one's own
        for _ in range(lists):
            inner = [form.get("items") for form in _forms(inner, definitions)]
        forms = [form for form in inner if is_object(form)]
    return bool(forms)


def _forms(schemas: list[Any], definitions: JSON) -> list[JSON]:
    """The plain forms of schemas: references followed, alternatives taken apart and each beside what stands around."""
    found: list[JSON] = []
    for schema in objects(schemas):
        plain = resolved(schema, definitions)
        found.append(plain)
        for key in ("anyOf", "oneOf", "allOf"):
            found += _forms(objects(plain.get(key)), definitions)
    return found


def _types(schema: JSON) -> list[Any]:
    stated = schema.get("type")
    return [stated] if isinstance(stated, str) else list(stated or [])


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True

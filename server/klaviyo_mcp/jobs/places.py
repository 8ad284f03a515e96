"""The places of an item that a column can go to, as its schema has them."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from klaviyo_mcp.jobs.converters import types_in
from klaviyo_mcp.loose_json import JSON, is_object, objects
from klaviyo_mcp.registry.references import resolved

AROUND = re.compile(
    r"(?:default|billing|shipping|mailing|business|home|primary|person|contact|customer|square|ansprechpartner|kontakt"
    r"|rechnung|address1|address|street)(.{2,})|(.{2,})(?:geschaftlich|billing|shipping|name|code|value)"
)
"""Words before and behind the name of a column, folded, with which it means the same."""


@dataclass(frozen=True, slots=True)
class Place:
    """A dotted place, its schema, and the names of what stands beside it."""

    path: str
    schema: JSON
    beside: frozenset[str]

    @property
    def leaf(self) -> str:
        """The last part of the place."""
        return self.path.rpartition(".")[2]


def places_of(schema: JSON, definitions: JSON, *, above: str = "") -> Iterator[Place]:
    """Every place in an item, objects before what is in them, in the order of the schema."""
    properties = _properties(schema, definitions)
    for name, inner in properties.items():
        path = f"{above}{name}"
        yield Place(path, inner, frozenset(properties))
        if "object" in types_in(inner, definitions):
            yield from places_of(inner, definitions, above=f"{path}.")


def _properties(schema: JSON, definitions: JSON) -> dict[str, JSON]:
    schema = resolved(schema, definitions)
    found = dict(schema.get("properties") or {})
    for form in objects(schema.get("anyOf") or schema.get("oneOf")):
        if "object" in types_in(form, definitions):
            found = {**_properties(form, definitions), **found}
    return {name: inner for name, inner in found.items() if is_object(inner)}


def needs_of(schema: JSON, definitions: JSON, *, above: str = "") -> Iterator[tuple[str, list[list[str]]]]:
    """What objects must have: the place of each ("" for the item) with alternatives, of which one must be there whole.

    An object that is not there needs nothing, unless it is needed itself.
    """
    schema = resolved(schema, definitions)
    if required := schema.get("required"):
        yield above, [list(required)]
    forms = objects(schema.get("anyOf"))
    if forms and all(set(form) == {"required"} for form in forms):
        yield above, [list(form["required"]) for form in forms]
    for name, inner in _properties(schema, definitions).items():
        if "object" in types_in(inner, definitions):
            yield from needs_of(inner, definitions, above=f"{above}.{name}".lstrip("."))


def folded(name: str) -> str:
    """A name without case, accents and all that is neither letter nor digit."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss").casefold())
    return "".join(character for character in plain if character.isalnum())


def bare(name: str) -> Iterator[str]:
    """The folded name without words that say only whose or which it is, one word less at a time."""
    rest = folded(name)
    while match := AROUND.fullmatch(rest):
        rest = match[1] or match[2]
        yield rest


@cache
def _synonyms() -> list[tuple[frozenset[str], dict[str, frozenset[str]]]]:
    read = yaml.safe_load((files("klaviyo_mcp.jobs") / "columns.yaml").read_text("utf-8"))
    return [
        (
            frozenset(section["beside"]),
            {leaf: frozenset(folded(str(word)) for word in words) for leaf, words in section["names"].items()},
        )
        for section in read
    ]


def means(place: Place, name: str) -> bool:
    """Whether people call a place so; `name` is folded."""
    return any(
        name in names.get(place.leaf, ()) and (beside & place.beside or _within(place, beside))
        for beside, names in _synonyms()
    )


def _within(place: Place, beside: frozenset[str]) -> bool:
    """Whether a place is part of what people are told by: their location has names of its own."""
    return place.path.rpartition(".")[0].rpartition(".")[2] == "location" and "email" in beside

"""A kind of job as data: which action takes the rows of a file, in what chunks, and what becomes of their errors.

`kinds/*.yaml` has one declaration per kind, and there is no code for a single one. Templates are those of specs: a hole
such as `$items` or `$options.list` is filled, and what has none disappears.
"""

import json
from collections.abc import Iterator
from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from klaviyo_mcp.actions.request import ABSENT
from klaviyo_mcp.loose_json import JSON, is_list, is_object, items, mapping
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.registry import Registry

SORTED = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
MOST_BYTES = 4_800_000
"""Bytes that a request has at most, where a kind says nothing: Klaviyo takes 5 MB in all."""


class KindProblem(Exception):
    """A declaration that does not fit the catalogue."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Option(_Part):
    """Something that is the same for the whole job: a list, a consent.

    `schema_of` says where in the action's schema its own is, and excludes `schema`; without either
    it is text. `place` puts it into every item instead of the arguments of the call. `there` is the
    action that reads what has this id: what is not there is told before anything is sent.
    """

    help: str
    required: bool = False
    schema_of: str = ""
    schema_: JSON = Field(default_factory=dict[str, Any], alias="schema")
    place: str = ""
    there: str = ""


class Chunk(_Part):
    """What one request takes: items, bytes in all, and bytes of the JSON of one item; `wrapping` is added to each."""

    items: int = Field(gt=0)
    bytes: int = MOST_BYTES
    item_bytes: int = MOST_BYTES
    wrapping: int = 80


class RowErrors(_Part):
    """Where the errors of single rows are: in the job itself (`field`), or by an action."""

    field: str = ""
    action: str = ""
    arguments: JSON = Field(default_factory=dict[str, Any])


class Follow(_Part):
    """How a job of Klaviyo's is followed to its end: an action with its arguments, and the states it can end in.

    `$job` in a template is the job's id. `failed` and `skipped` name the fields that count rows.
    """

    action: str
    arguments: JSON
    status: str = "status"
    done: tuple[str, ...] = ("complete", "cancelled")
    lost: tuple[str, ...] = ("cancelled",)
    failed: str = "failed_count"
    skipped: str = ""
    errors: RowErrors | None = None


class Key(_Part):
    """What makes an item count once, where its row names nothing: a hash of the item under `place`."""

    place: str


class LookUp(_Part):
    """How it is found out which items of a chunk were carried out when its answer was lost.

    `action` reads the records of `$identities`, at most `at_most` at a time; `name` writes what an item's record has in
    `field`, with places of the item in braces. With `at_most: 1` whatever is read is its record, `$item` is the item.
    Items are done when their record is `found`, or `missing`, and was not so `before` the chunk was sent. `jobs` lists
    Klaviyo's jobs in a `$state`: nothing is looked up while one of them was begun since. Where there are none,
    `settles` is in how many seconds Klaviyo has carried out what it took. With `when`, only where that option is given.
    """

    action: str
    arguments: JSON
    name: str
    field: str = "id"
    at_most: int = 100
    done_when: Literal["found", "missing"] = "found"
    before: bool = True
    jobs: str = ""
    jobs_arguments: JSON = Field(default_factory=dict[str, Any])
    jobs_states: tuple[str, ...] = ("queued", "processing")
    settles: float = 0
    when: str = ""


class Resolve(_Part):
    """What is read of the account for each item before it is sent: that it is there, and its id where `to` takes that.

    The records that `action` reads by `$values`, at most `at_most` at a time, have the value of an item's place `value`
    in their `field`. An item without one is rejected, `unknown` says why. With `when`, only where that option is given.
    """

    value: str
    to: str = ""
    when: str = ""
    action: str
    arguments: JSON
    field: str
    at_most: int = 100
    unknown: str


class Kind(_Part):
    """One kind of job. `item` says where in the action's schema that of an item is, or is the schema itself.

    `identity` are alternatives, the first that a row fills names what it is about; each is one place, or several joined
    by `+` that only together do. `unknown` is the place that takes columns nobody knows, nothing where they are
    refused. `repeat` says what is done when a request was sent and its answer was lost: it is sent again as that
    changes nothing (`safe`), or as a key in each item makes it count once (`key`), or it is looked up first.
    """

    name: str = Field(pattern=r"^[a-z][a-z-]*$")
    title: str
    summary: str
    action: str
    items: str
    item: str | JSON
    arguments: JSON
    options: dict[str, Option] = Field(default_factory=dict[str, Option])
    defaults: JSON = Field(default_factory=dict[str, Any])
    identity: list[str]
    unknown: str = ""
    people: bool = False
    chunk: Chunk
    follow: Follow | None = None
    repeat: Literal["safe", "key", "look_up"]
    key: Key | None = None
    look_up: LookUp | None = None
    resolve: tuple[Resolve, ...] = ()
    says: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> "Kind":
        if (self.key is None) == (self.repeat == "key") or (self.look_up is None) == (self.repeat == "look_up"):
            raise ValueError(f"{self.name}: repeat is {self.repeat}, and what that needs is not there")
        return self

    def complete(self, body: JSON) -> None:
        """Put what the kind gives by itself into an item: its defaults, and the key that makes it count once."""
        for place, way, value in self._given:
            if _found(way, body) is ABSENT:
                put(body, place, value)
        if self.key is not None and _found(self._key_way, body) in (ABSENT, None, ""):
            put(body, self.key.place, sha256(SORTED(body).encode("utf-8", "surrogatepass")).hexdigest()[:32])

    @cached_property
    def _given(self) -> list[tuple[str, list[str], Any]]:
        return [(place, place.split("."), value) for place, value in self.defaults.items()]

    @cached_property
    def _key_way(self) -> list[str]:
        return self.key.place.split(".") if self.key else []

    @property
    def item_bytes(self) -> int:
        """The most bytes that an item may have as JSON."""
        return self.chunk.item_bytes


def _found(way: list[str], body: JSON) -> Any:
    """What an item has at the end of a way through objects, or ABSENT."""
    value: Any = body
    for name in way:
        if value.__class__ is not dict:
            return ABSENT
        value = value.get(name, ABSENT)
    return value


def put(body: JSON, place: str, value: Any) -> None:
    """Set what is at a dotted place, and the objects on the way to it."""
    *way, last = place.split(".")
    for name in way:
        body = body.setdefault(name, {})
    body[last] = value


@cache
def load_kinds() -> dict[str, Kind]:
    """Every kind by its name, in alphabetical order. Raises pydantic's ValidationError for a wrong declaration."""
    folder = files("klaviyo_mcp.jobs") / "kinds"
    read = [yaml.safe_load(file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".yaml")]
    kinds = [Kind.model_validate(one) for document in read for one in items(document)]
    return {kind.name: kind for kind in sorted(kinds, key=lambda kind: kind.name)}


def item_schema(kind: Kind, registry: Registry) -> JSON:
    """The JSON schema of an item, with what it refers to. Raises KindProblem for a place that is not there."""
    schema = registry[kind.action].spec.input_schema
    if isinstance(kind.item, str):
        found = _at(schema, kind.item, kind)
    elif "type" in kind.item:
        found = kind.item
    else:
        parts = {name: _at(schema, place, kind) for name, place in kind.item.items()}
        found = {"type": "object", "properties": parts, "required": [*parts], "additionalProperties": False}
    return {**found, "$defs": schema["$defs"]} if "$defs" in schema else dict(found)


def option_schemas(kind: Kind, registry: Registry) -> dict[str, JSON]:
    """The JSON schema of each option."""
    schema = registry[kind.action].spec.input_schema
    return {
        name: option.schema_ or (_at(schema, option.schema_of, kind) if option.schema_of else {"type": "string"})
        for name, option in kind.options.items()
    }


def option_places(template: Any, at: str = "") -> list[tuple[str, str]]:
    """Each option of a template, and where in the call it stands; those inside of items are left out."""
    if (name := hole(template)) and name.startswith("options."):
        return [(name.removeprefix("options."), at)]
    inner: list[tuple[str, Any]] = []
    if is_object(template) and "$each" not in template:
        inner = list(template.items())
    elif is_list(template):
        inner = [(str(index), value) for index, value in enumerate(template)]
    return [found for name, value in inner for found in option_places(value, f"{at}.{name}" if at else name)]


def _at(schema: JSON, place: str, kind: Kind) -> JSON:
    """The schema at a place such as `groups[].profile`."""
    for name in _steps(place):
        if "$ref" in schema:
            raise KindProblem(f"{kind.name}: {place} leads through a reference")
        found = schema.get("items") if name == "[]" else mapping(schema.get("properties")).get(name)
        if found is None:
            raise KindProblem(f"{kind.name}: {kind.action} has no {place}")
        schema = mapping(found)
    return schema


def _steps(place: str) -> Iterator[str]:
    for part in place.split("."):
        name = part.rstrip("[]")
        yield name
        yield from ["[]"] * part.count("[]")

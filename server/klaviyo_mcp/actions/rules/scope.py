"""Where a rule looks: places inside arguments, by paths such as `profiles[].email`, each found with its own name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from klaviyo_mcp.loose_json import JSON, is_list, is_object, items
from klaviyo_mcp.registry.precondition import Precondition, keys

Way = str | tuple["Way", str | int]
"""How a place is reached: its name, or the way to what it is in, and its key or number there."""


@dataclass(slots=True)
class Found:
    """A value that was given, and where: `profiles[3].email`.

    Its name is made when it is asked for: of ten thousand rows hardly any is named.
    """

    way: Way
    value: Any

    @property
    def name(self) -> str:
        """Where it was given."""
        return _named(self.way)


@dataclass(slots=True)
class Scope:
    """What a rule is asked about: all arguments, or one object among them, to which `way` leads."""

    arguments: JSON
    now: datetime
    hint: str = ""
    way: Way = ""

    @property
    def within(self) -> str:
        """The name of the object, "" for all arguments."""
        return _named(self.way)

    def at(self, place: str) -> list[Found]:
        """Every value given at a place; null is none."""
        return [found for found in self.ever_at(place) if found.value is not None]

    def ever_at(self, place: str) -> list[Found]:
        """Every value at a place, null too."""
        if place.isidentifier():
            # Most places inside an object are a name of it, and a rule is asked about each of ten thousand.
            return [Found((self.way, place), self.arguments[place])] if place in self.arguments else []
        return [Found(way, value) for way, value in _walk(self.way, self.arguments, _parts(place))]

    def has(self, place: str) -> bool:
        """Whether something is given at a place."""
        return bool(self.at(place))

    def lacking(self, place: str) -> list[str]:
        """The names of the places where something could be given and is not: the object is there, its key is not."""
        *above, (names, _) = _parts(place)
        return [
            _named((way, names[0]))
            for way, value in _walk(self.way, self.arguments, above)
            if is_object(value) and all(value.get(name) is None for name in names)
        ]


def scopes(rule: Precondition, arguments: JSON, now: datetime) -> Iterator[Scope]:
    """What a rule is to be asked about, which may be nothing."""
    whole = Scope(arguments, now, rule.hint or "")
    if rule.each is None:
        found = [whole]
    else:
        inner = whole.at(rule.each)
        found = [Scope(one.value, now, rule.hint or "", one.way) for one in inner if is_object(one.value)]
    yield from (scope for scope in found if _is_meant(rule, scope)) if rule.when or rule.unless or rule.given else found


def _is_meant(rule: Precondition, scope: Scope) -> bool:
    """Whether the guards of a rule let it speak of this."""
    return (
        all(has_value(scope, place, wanted) for place, wanted in rule.when.items())
        and not any(has_value(scope, place, wanted) for place, wanted in rule.unless.items())
        and all(scope.has(place) for place in rule.given)
    )


def has_value(scope: Scope, place: str, wanted: object) -> bool:
    """Whether a place has a value, or one of a list of values."""
    return any(one_of(found.value, wanted) for found in scope.ever_at(place))


def one_of(value: object, wanted: object) -> bool:
    """Whether a value is the one wanted, or one of a list of them: in JSON, where true is not 1."""
    return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in items(wanted) or [wanted])


def _walk(way: Way, value: Any, parts: Sequence[tuple[list[str], int]]) -> list[tuple[Way, Any]]:
    """Every value at the end of a way through objects and lists, in the order in which they were given."""
    level: list[tuple[Way, Any]] = [(way, value)]
    for names, lists in parts:
        # Every row of a call goes through here, for each of its rules.
        level = [
            ((above, name), held[name]) for above, held in level if is_object(held) for name in names if name in held
        ]
        for _ in range(lists):
            level = [((above, at), one) for above, held in level if is_list(held) for at, one in enumerate(held)]
    return level


@cache
def _parts(place: str) -> tuple[tuple[list[str], int], ...]:
    """The parts of a place that a spec names, taken apart once."""
    return tuple(keys(part) for part in place.split("."))


def _named(way: Way) -> str:
    if isinstance(way, str):
        return way
    above, key = _named(way[0]), way[1]
    if isinstance(key, int):
        return f"{above}[{key}]"
    return f"{above}.{key}" if above else key

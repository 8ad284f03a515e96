"""Where a rule looks: places inside arguments, by paths such as `profiles[].email`, each found with its own name."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from klaviyo_mcp.loose_json import JSON, is_object, items
from klaviyo_mcp.registry.precondition import Precondition, keys


@dataclass(frozen=True, slots=True)
class Found:
    """A value that was given, and where: `profiles[3].email`."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Scope:
    """What a rule is asked about: all arguments, or one object among them, which `within` names."""

    arguments: JSON
    now: datetime
    hint: str = ""
    within: str = ""

    def at(self, place: str) -> list[Found]:
        """Every value given at a place; null is none."""
        return [found for found in self.ever_at(place) if found.value is not None]

    def ever_at(self, place: str) -> list[Found]:
        """Every value at a place, null too."""
        if place.isidentifier():
            # Most places inside an object are a name of it, and a rule is asked about each of ten thousand.
            return [Found(_join(self.within, place), self.arguments[place])] if place in self.arguments else []
        return list(_walk(Found(self.within, self.arguments), place.split(".")))

    def has(self, place: str) -> bool:
        """Whether something is given at a place."""
        return bool(self.at(place))

    def lacking(self, place: str) -> list[str]:
        """The names of the places where something could be given and is not: the object is there, its key is not."""
        *above, key = place.split(".")
        holders = _walk(Found(self.within, self.arguments), above)
        names, _ = keys(key)
        return [
            _join(holder.name, names[0])
            for holder in holders
            if is_object(holder.value) and all(holder.value.get(name) is None for name in names)
        ]


def scopes(rule: Precondition, arguments: JSON, now: datetime) -> Iterator[Scope]:
    """What a rule is to be asked about, which may be nothing."""
    whole = Scope(arguments, now, rule.hint or "")
    if rule.each is None:
        found = [whole]
    else:
        inner = whole.at(rule.each)
        found = [Scope(one.value, now, rule.hint or "", one.name) for one in inner if is_object(one.value)]
    yield from (scope for scope in found if _is_meant(rule, scope))


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


def _walk(at: Found, parts: list[str]) -> Iterator[Found]:
    if not parts:
        yield at
        return
    names, lists = keys(parts[0])
    for key in names:
        if not is_object(at.value) or key not in at.value:
            continue
        found = [Found(_join(at.name, key), at.value[key])]
        for _ in range(lists):
            found = [
                Found(f"{each.name}[{index}]", value) for each in found for index, value in enumerate(items(each.value))
            ]
        for each in found:
            yield from _walk(each, parts[1:])


def _join(above: str, key: str) -> str:
    return f"{above}.{key}" if above else key

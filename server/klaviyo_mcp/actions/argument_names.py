"""The names of arguments as people spell them: camelCase, Klaviyo's own parameters and paths, `list_id` for an `id`.

A spelling is taken where it can mean only one argument. Where an action cannot be undone, no name is guessed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.loose_json import JSON, is_object
from klaviyo_mcp.registry.holes import hole, holes, path_holes
from klaviyo_mcp.registry.model import HttpRequest
from klaviyo_mcp.registry.registry import Action

CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
JOINTS = re.compile(r"[^A-Za-z0-9$]+")
LONGEST_NAME = 200
"""Characters of a name that are looked at; ours are shorter by far."""
OWN_IDS = {"external_id", "unique_id", "anonymous_id"}
"""Ids that the caller makes up: where an action has one, a bare `id` may mean it as well as Klaviyo's."""
BESIDE = {"company_id", "conversion_metric_id"}
"""Ids that an action is not about, so that `id` never means them."""

CLIENTS_OWN = {"_meta", "action", "chatInput", "sessionId", "tool", "toolCallId"}
"""What some clients add to every call: n8n its own bookkeeping (n8n-io/n8n#21500), others the protocol's `_meta`."""


@dataclass(frozen=True, slots=True)
class Named:
    """Arguments by their right names, the spellings that were taken for them, and the names that nothing is known of.

    `left_out` are the names that a client has added, and that mean no argument of the action. `problems` are of
    arguments given twice, and of spellings that an action takes exactly or not at all.
    """

    arguments: JSON = field(default_factory=dict[str, Any])
    read_as: JSON = field(default_factory=dict[str, Any])
    unknown: list[str] = field(default_factory=list[str])
    left_out: list[str] = field(default_factory=list[str])
    problems: list[Problem] = field(default_factory=list[Problem])


def named(action: Action, given: JSON) -> Named:
    """What was given, by the names that the action's schema has for it."""
    found = Named({name: value for name, value in given.items() if name in action.spec.properties})
    spelt = {name: name for name in found.arguments}
    for name, value in given.items():
        if name in spelt:
            continue
        meant = _meant(action, name)
        if meant is None:
            (found.left_out if name in CLIENTS_OWN else found.unknown).append(name)
        elif is_exact(action, meant) and not is_klaviyos(name, meant):
            words = "there is no such argument, and what this action is done to is never guessed"
            found.problems.append(Problem(name, words, f"Send it as {meant}"))
        elif meant not in spelt:
            spelt[meant] = name
            found.arguments[meant] = value
            found.read_as[name] = meant
        elif found.arguments[meant] == value:
            found.read_as[name] = meant
        else:
            words = f"means {meant}, which is given as {spelt[meant]} with another value"
            found.problems.append(Problem(name, words, f"Give {meant} alone"))
    return found


def is_exact(action: Action, name: str) -> bool:
    """Whether an argument is taken as it stands or not at all: what an action that cannot be undone works on.

    Only what shapes the answer, such as the fields to return, is read with more patience there.
    """
    return action.spec.effect == "destructive" and name not in _shaping(action)


def plain(name: str) -> str:
    """A name without the marks of its spelling: `pageSize`, `page-size` and `page[size]` are all `page_size`."""
    return JOINTS.sub("_", CAMEL.sub("_", name[:LONGEST_NAME])).strip("_").lower()


def respelt(name: str, known: JSON) -> str | None:
    """The one of the known names that differs from this one in spelling alone, None where there is none or several."""
    asked = plain(name)
    same = [other for other in known if plain(other) == asked]
    return same[0] if len(same) == 1 else None


def is_klaviyos(name: str, meant: str) -> bool:
    """Whether a name is Klaviyo's own for what is listed without the `_` it begins with: `_kx` for `kx`. No guess."""
    return name.startswith("_") and name.lstrip("_") == meant


def _meant(action: Action, name: str) -> str | None:
    """The argument that a name can only mean, None when there is none or several."""
    properties = action.spec.properties
    found = respelt(name, properties) or _pictured(action).get(plain(name))
    if found is not None:
        return found
    word = plain(name)
    if word == "id":
        return _only_id(action)
    if "id" in properties and word.endswith("_id"):
        thing = word.removesuffix("_id")
        return "id" if any(f"_{own}".endswith(f"_{thing}") for own in _things(action)) else None
    several = f"{word}s"
    return several if "array" in str(properties.get(several, {}).get("type")) else None


@cache
def _pictured(action: Action) -> dict[str, str]:
    """Klaviyo's names of arguments, from the picture of the request: `data_attributes_email`, `fields_list`."""
    request = action.http
    if request is None:
        return {}
    places = [(plain(key), part) for key, part in request.query.items()]
    places += [(plain(key), part) for key, part in _leaves(request.body)]
    found: dict[str, set[str]] = {}
    for place, part in places:
        if (name := hole(part)) in action.spec.properties:
            for spelling in (place, place.removeprefix("data_"), place.removeprefix("data_attributes_")):
                found.setdefault(spelling, set()).add(name)
    return {spelling: names.pop() for spelling, names in found.items() if len(names) == 1}


def _leaves(template: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if is_object(template):
        for key, part in template.items():
            yield from _leaves(part, f"{place}_{key}" if place else key)
    else:
        yield place, template


@cache
def _things(action: Action) -> set[str]:
    """What the argument `id` is the id of, in the singular: by its form, the path, and the type of the resource."""
    found = {str(action.spec.properties["id"].get("format", "")).removesuffix("-id")}
    request = action.http
    if request is not None:
        parts = request.path.split("/")
        found |= {_singular(before) for before, part in pairwise(parts) if part == "$id"}
        found |= {str(part.get("type")) for part in _objects(request.body) if part.get("id") == "$id"}
    return {thing.replace("-", "_") for thing in found if thing}


def _objects(template: Any) -> Iterator[JSON]:
    if is_object(template):
        yield template
        for part in template.values():
            yield from _objects(part)


def _singular(word: str) -> str:
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")


def _only_id(action: Action) -> str | None:
    """The argument that `id` means where no argument has that name: the one id that must be given."""
    ids = [name for name in action.spec.properties if name.endswith(("_id", "_ids")) and name not in BESIDE]
    return ids[0] if len(ids) == 1 and ids[0] in action.spec.required and ids[0] not in OWN_IDS else None


@cache
def _shaping(action: Action) -> set[str]:
    """The arguments that ask for no more than the form of the answer."""
    request = action.spec.request
    if not isinstance(request, HttpRequest):
        return set()
    asked = {name for part in request.query.values() if (name := hole(part))}
    done = {
        *path_holes(request.path),
        *holes(request.body),
        *holes(request.multipart),
        *holes(request.query.get("filter")),
    }
    return asked - {name.split(".")[0] for name in done}

"""Which calls the steps of a composite make, as far as that is known: pure, and asked both before and during a run."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

from klaviyo_mcp.actions.request import ABSENT, fill, read_hole
from klaviyo_mcp.klaviyo.requests import LONGEST_TARGET
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.holes import hole, holes
from klaviyo_mcp.registry.steps import Step, StepsRequest

BATCH_LENGTH = LONGEST_TARGET - 2_000
"""Characters that the items of a batch may take in an address, where they stand in a filter; the rest is for others."""
Read = Callable[[str, JSON], Any]
BESIDE_AN_ITEM = len("%22%22%2C")
"""Characters around each: its quotes and a comma."""


def known_calls(request: StepsRequest, arguments: JSON) -> list[tuple[Step, list[JSON] | None]]:
    """The steps that will run, each with its calls' arguments, or None where those depend on an earlier answer."""
    known: list[tuple[Step, list[JSON] | None]] = []
    names = {step.name for step in request.steps}
    for step in request.steps:
        if step.action is None:
            continue
        later = bool(names & set(needs(step)))
        if later:
            # What earlier steps find is not known yet and counts neither for nor against.
            own = [value for value in step.when if value[1:].partition(".")[0] not in names]
            if is_wanted(own, step.unless, arguments):
                known.append((step, None))
        elif is_wanted(step.when, step.unless, arguments):
            known.append((step, calls_of(step, arguments)))
    return known


def needs(step: Step) -> Iterator[str]:
    """The names of arguments and of other steps that a step depends on."""
    named = [*step.when, *step.unless, *(step.collect or [])]
    named += [one for one in (step.each, step.batch and step.batch.of, step.match and step.match.of) if one]
    yield from (name[1:].partition(".")[0] for name in named)
    yield from (name.partition(".")[0] for name in holes(step.arguments))
    if step.make is not None:
        yield from starts(step.make)


def starts(expression: str) -> list[str]:
    """The names of values that an expression starts from. Raises ValueError for one that cannot be read."""
    from klaviyo_mcp.actions.expressions import roots  # few actions have expressions

    return roots(expression)


def own_names(request: StepsRequest, step: Step, arguments: Iterable[str]) -> dict[str, list[str]]:
    """For each argument that a step gives, those of the whole action that it is made of, also by way of other steps."""
    steps = {one.name: one for one in request.steps}

    def reached(names: Iterable[str], seen: set[str]) -> Iterator[str]:
        for name in names:
            if name in arguments:
                yield name
            elif name in steps and name not in seen and steps[name].action is None:
                yield from reached(needs(steps[name]), seen | {name})

    return {
        name: list(dict.fromkeys(reached((found.partition(".")[0] for found in holes({"it": part})), set())))
        for name, part in step.arguments.items()
    }


def own_place(place: str, names: dict[str, list[str]]) -> str:
    """A place in the arguments of a step, such as `messages[0].subject`, by the argument that it was made of."""
    candidates = names.get(re.split(r"[.\[]", place)[0], [])
    parts = place.split(".")
    for index, part in enumerate(parts):
        if part.partition("[")[0] in candidates:
            return ".".join(parts[index:])
    return candidates[0] if candidates else place


def calls_of(step: Step, values: JSON) -> list[JSON]:
    """The arguments of each call of a step."""
    return [fill(step.arguments, scope) for scope in _scopes(step, values)]


def is_wanted(when: list[str], unless: list[str], values: JSON, read: Read = read_hole) -> bool:
    """Whether all holes of `when` are given, and none of `unless`; `read` finds what is in one."""
    return all(given(one, values, read) for one in when) and not any(given(one, values, read) for one in unless)


def given(template: str, values: JSON, read: Read = read_hole) -> bool:
    """Whether a hole is there and not empty, null or false."""
    name = hole(template)
    found = read(name, values) if name else ABSENT
    return found is not ABSENT and bool(found)


def batches(items: list[Any], most: int) -> Iterator[list[Any]]:
    """Slices of at most `most` items that fit into the address of a request: long e-mail addresses fill it sooner."""
    batch: list[Any] = []
    length = 0
    for item in items:
        taken = len(quote(str(item), safe="")) + BESIDE_AN_ITEM
        if batch and (len(batch) == most or length + taken > BATCH_LENGTH):
            yield batch
            batch, length = [], 0
        batch.append(item)
        length += taken
    if batch:
        yield batch


def _scopes(step: Step, values: JSON) -> list[JSON]:
    """The values for each call of a step: one per batch, one per item, or just one."""
    if step.batch is not None:
        items = list(dict.fromkeys(read_hole(step.batch.of[1:], values)))
        return [{**values, "batch": batch} for batch in batches(items, step.batch.size)]
    if step.each is not None:
        return [{**values, "item": item} for item in read_hole(step.each[1:], values)]
    return [values]

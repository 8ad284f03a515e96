"""The rules of a spec that look into the account before anything is sent to change it.

What could not be looked up, as the key may not read it or there is no quota for it, is told as not checked: it keeps no
call from being made. Nothing is refused for what was read before the call.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import anyio

from klaviyo_mcp.actions.errors import ActionError, Problem, ScopeMissing
from klaviyo_mcp.actions.likeness import is_a_slip
from klaviyo_mcp.actions.looking import Looks, Reading
from klaviyo_mcp.actions.plan import Lookup, Plan, outer_name
from klaviyo_mcp.actions.preconditions import failed
from klaviyo_mcp.actions.request import ABSENT, fill, read_hole
from klaviyo_mcp.actions.rules.scope import one_of
from klaviyo_mcp.klaviyo.errors import (
    AnswerTimeout,
    CircuitOpen,
    ConnectionLost,
    DeadlinePassed,
    ForeignAnswer,
    KlaviyoError,
    PermissionDenied,
    QuotaExhausted,
    ServerError,
    Throttled,
)
from klaviyo_mcp.klaviyo.user_text import repeated
from klaviyo_mcp.klaviyo.words import quoted
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.precondition import Precondition

UNTOLD = (
    ScopeMissing,
    PermissionDenied,
    QuotaExhausted,
    Throttled,
    DeadlinePassed,
    CircuitOpen,
    AnswerTimeout,
    ConnectionLost,
    ServerError,
    ForeignAnswer,
)
"""Errors of a look that say nothing of the write: it may go through all the same."""
PUT_IN = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_.]*)\}")


@dataclass(frozen=True, slots=True)
class Look:
    """One rule and what its reads have found, in their order."""

    rule: Precondition
    lookups: tuple[Lookup, ...]
    readings: tuple[Reading, ...]
    arguments: JSON

    @property
    def hint(self) -> str:
        """What to do when the rule does not hold."""
        return self.rule.hint or ""


class NotTold(Exception):
    """A reading lacks what a rule asks for; the message says what."""


async def check_live(plan: Plan, looks: Looks) -> list[str]:
    """Every rule of a plan that needs a look into the account; the reads are made side by side.

    Returns warnings: what could not be checked, and what rules that only warn have found. Raises PreconditionFailed
    with all that do not hold, and errors of reads that the write would meet as well.
    """
    if not plan.lookups:
        return [*plan.unchecked]
    problems, warnings, unchecked = await _asked(plan, looks, anew=False)
    if problems:
        # Somebody may have put it right since it was read for an earlier call.
        problems, warnings, unchecked = await _asked(plan, looks, anew=True)
    if problems:
        raise failed(plan.action, list(dict.fromkeys(problems)), looked=True)
    return [*warnings, *plan.unchecked, *unchecked]


async def _asked(plan: Plan, looks: Looks, *, anew: bool) -> tuple[list[Problem], list[str], list[str]]:
    found = await _readings(plan, looks, anew=anew)
    problems: list[Problem] = []
    warnings: list[str] = []
    unchecked: list[str] = []
    for number, rule in enumerate(plan.action.spec.preconditions):
        lookups = tuple(lookup for lookup in plan.lookups if lookup.number == number)
        if not lookups:
            continue
        errors = [error for lookup in lookups if isinstance(error := found[id(lookup)], ActionError | KlaviyoError)]
        try:
            if errors:
                raise NotTold(f"{lookups[0].plan.action.name} could not tell ({errors[0].code})")
            readings = tuple(one for lookup in lookups if isinstance(one := found[id(lookup)], Reading))
            wrong = list(CHECKS[rule.kind](Look(rule, lookups, readings, plan.arguments)))
        except NotTold as reason:
            unchecked.append(f"Not checked beforehand: {rule.question}. {reason}.")
            continue
        if rule.warns:
            warnings += [str(problem) for problem in wrong]
        else:
            problems += wrong
    return problems, warnings, unchecked


async def _readings(plan: Plan, looks: Looks, *, anew: bool) -> dict[int, Reading | ActionError | KlaviyoError]:
    """What each lookup has found, or why it could not tell. Raises an error that the write would meet as well."""
    found: dict[int, Reading | ActionError | KlaviyoError] = {}

    async def one(lookup: Lookup) -> None:
        try:
            found[id(lookup)] = await looks.look(lookup, anew=anew)
        except (ActionError, KlaviyoError) as error:
            found[id(lookup)] = error

    async with anyio.create_task_group() as group:
        for lookup in plan.lookups:
            group.start_soon(one, lookup)
    for lookup in plan.lookups:
        error = found[id(lookup)]
        if isinstance(error, ActionError | KlaviyoError) and not isinstance(error, UNTOLD):
            raise error
    return found


def _exists(look: Look) -> Iterator[Problem]:
    """A read finds what it asks for."""
    if look.readings[0].first is None:
        asked = look.lookups[0].asked
        name, value = next(iter(asked.items()))
        named = outer_name(asked, name, look.arguments)
        yield Problem(named, f"nothing with the id {value!r} exists in this account", look.hint)


def _state(look: Look) -> Iterator[Problem]:
    """A field of what a read finds has one of some values, or is not empty."""
    yield from _exists(look)
    stated = look.rule.state
    if stated is None:
        return
    for record in _with(look.readings[0].records or (), stated.where, look.arguments):
        value = read_hole(stated.path, record)
        if stated.filled:
            # Klaviyo leaves out what is empty, so what is not there is.
            if value in (ABSENT, None, "", [], {}):
                yield Problem("", f"{stated.path} is empty and must hold something", look.hint)
        elif value is ABSENT:
            raise NotTold(f"{stated.action} did not say what {stated.path} is")
        elif value in stated.not_in:
            yield Problem("", f"{stated.path} is {value!r}, with which this cannot be done", look.hint)
        elif stated.allowed and value not in stated.allowed:
            allowed = " or ".join(repr(one) for one in stated.allowed)
            yield Problem("", f"{stated.path} is {value!r} and must be {allowed}", look.hint)


def _count(look: Look) -> Iterator[Problem]:
    """There is room for one more."""
    stated, reading = look.rule.count, look.readings[0]
    if stated is None:
        return
    found = len(_with(reading.records or (), stated.where, look.arguments))
    if found >= stated.at_most:
        yield Problem("", f"there are {found:,} {stated.of} already, and at most {stated.at_most:,} may be", look.hint)
    elif not reading.whole and not stated.newest:
        raise NotTold(f"There are too many {stated.of} to be counted")


def _all_found(look: Look) -> Iterator[Problem]:
    """Every value that was given is one of what the reads find."""
    stated = look.rule.all_found
    if stated is None:
        return
    found = {
        str(value).casefold()
        for reading in look.readings
        for record in reading.records or ()
        if (value := read_hole(stated.by, record)) is not ABSENT
    }
    missing = [(name, value) for name, value in look.lookups[0].sought if str(value).casefold() not in found]
    if missing and not all(reading.whole for reading in look.readings):
        raise NotTold("There is more than could be read")
    for name, value in missing:
        yield Problem(name, f"{value!r} {stated.lack}", look.hint)


def _none_found(look: Look) -> Iterator[Problem]:
    """Nothing that a read finds has certain values."""
    stated, reading = look.rule.none_found, look.readings[0]
    if stated is None:
        return
    found = _with(reading.records or (), stated.where, look.arguments)
    if stated.besides:
        passed_over = _with(tuple(found), stated.besides, look.arguments)
        found = [record for record in found if record not in passed_over]
    if not found and not reading.whole:
        raise NotTold("There is more than could be read")
    for record in found[:1]:
        yield Problem("", _said(stated.says, record), look.hint)


def _mistyped(look: Look) -> Iterator[Problem]:
    """What is not there is not one letter from something that is."""
    stated = look.rule.mistyped
    if stated is None:
        return
    there = [str(read_hole(stated.by, record)) for reading in look.readings for record in reading.records or ()]
    known = {name.casefold() for name in there}
    for name, value in look.lookups[0].sought:
        near = [one for one in there if is_a_slip(one.casefold(), str(value).casefold())]
        if near and str(value).casefold() not in known:
            yield Problem(
                name, f"{value!r} {stated.lack}, one letter from {quoted(near[0])}, which is there", look.hint
            )


CHECKS: dict[str, Callable[[Look], Iterator[Problem]]] = {
    "exists": _exists,
    "state": _state,
    "count": _count,
    "all_found": _all_found,
    "none_found": _none_found,
    "mistyped": _mistyped,
}
"""How each kind of live precondition is judged."""


def _with(records: tuple[JSON, ...], where: JSON, arguments: JSON) -> list[JSON]:
    """The records whose fields have these values."""
    wanted: JSON = fill(where, arguments)
    if wanted.keys() != where.keys():
        return []  # what is to be compared was not given
    return [
        record for record in records if all(one_of(read_hole(path, record), value) for path, value in wanted.items())
    ]


def _said(text: str, record: JSON) -> str:
    """A sentence with fields of a record put in."""
    return PUT_IN.sub(
        lambda blank: repeated(value) if (value := read_hole(blank[1], record)) is not ABSENT else "", text
    )

"""Composite actions: several actions in a row, each seeing the ids that earlier ones found or made.

The steps of a call run one after another; the calls of one step (one per batch or item) run a few at a time. When one
of them fails, no further one is begun, those under way are let finish, and what has been done is reported.
"""

from collections.abc import Awaitable, Callable
from typing import cast

import anyio

from klaviyo_mcp.actions.errors import Stopped
from klaviyo_mcp.actions.request import ABSENT, fill, read_hole
from klaviyo_mcp.actions.result import Answer, all_records
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.holes import hole, holes
from klaviyo_mcp.registry.model import Step, StepsRequest

RunAction = Callable[[str, JSON], Awaitable[Answer]]
AT_ONCE = 8
"""Calls of one step that are under way together; far below every burst limit of Klaviyo."""


async def run_steps(request: StepsRequest, arguments: JSON, run: RunAction, writes: Callable[[str], bool]) -> Answer:
    """Walk the steps and fill the answer.

    `run` carries out one action, `writes` tells whether an action changes something. Raises the KlaviyoError of a step,
    or Stopped when earlier work had changed something by then.
    """
    values: JSON = dict(arguments)
    wrote = False
    for step in request.steps:
        if not _wanted(step.when, step.unless, values):
            values[step.name] = _found([], [])
            continue
        if step.collect is not None:
            ids = [item for part in step.collect if given(part, values) for item in read_hole(part[1:], values)]
            values[step.name] = _found(list(dict.fromkeys(ids)), [])
            continue
        calls = [fill(step.arguments, scope) for scope in _scopes(step, values)]
        answers, failure = await _run_all(cast(str, step.action), calls, run)
        values[step.name] = _outcome(step, values, answers)
        wrote = wrote or (writes(cast(str, step.action)) and bool(answers))
        if failure is not None:
            if wrote:
                raise Stopped(failure, cast(str, step.action), fill(request.answer, values))
            raise failure
    data: JSON = fill(request.answer, values)
    warnings = [caution.says for caution in request.warnings if all(given(value, values) for value in caution.when)]
    return Answer({**data, "warnings": warnings} if warnings else data, "Done." if wrote else "Nothing was changed.")


def plan_steps(request: StepsRequest, arguments: JSON) -> list[tuple[Step, list[JSON] | None]]:
    """The steps that would run, each with its calls' arguments, or None where those depend on an earlier answer."""
    planned: list[tuple[Step, list[JSON] | None]] = []
    names = {step.name for step in request.steps}
    for step in request.steps:
        needs = [value[1:] for value in (*step.when, *step.unless, *([step.each] if step.each else []))]
        needs += [*holes(step.arguments)]
        later = any(name.partition(".")[0] in names for name in needs)
        if step.collect is not None:
            continue
        if later:
            # What earlier steps find is not known yet and counts neither for nor against.
            own = [value for value in step.when if value[1:].partition(".")[0] not in names]
            if _wanted(own, step.unless, arguments):
                planned.append((step, None))
        elif _wanted(step.when, step.unless, arguments):
            planned.append((step, [fill(step.arguments, scope) for scope in _scopes(step, arguments)]))
    return planned


def _wanted(when: list[str], unless: list[str], values: JSON) -> bool:
    """Whether a step runs: all holes of `when` are given, and none of `unless`."""
    return all(given(value, values) for value in when) and not any(given(value, values) for value in unless)


def given(template: str, values: JSON) -> bool:
    """Whether a hole is there and not empty, null or false."""
    name = hole(template)
    found = read_hole(name, values) if name else ABSENT
    return found is not ABSENT and bool(found)


def _scopes(step: Step, values: JSON) -> list[JSON]:
    """The values for each call of a step: one per batch, one per item, or just one."""
    if step.batch is not None:
        items = list(dict.fromkeys(read_hole(step.batch.of[1:], values)))
        size = step.batch.size
        return [{**values, "batch": items[start : start + size]} for start in range(0, len(items), size)]
    if step.each is not None:
        return [{**values, "item": item} for item in read_hole(step.each[1:], values)]
    return [values]


async def _run_all(action: str, calls: list[JSON], run: RunAction) -> tuple[list[Answer], KlaviyoError | None]:
    """The answers of all calls in order, up to the first failure."""
    answers: dict[int, Answer] = {}
    failures: list[KlaviyoError] = []
    places = anyio.CapacityLimiter(AT_ONCE)

    async def one(index: int, arguments: JSON) -> None:
        async with places:
            if failures:
                return
            try:
                answers[index] = await run(action, arguments)
            except KlaviyoError as error:
                failures.append(error)

    async with anyio.create_task_group() as group:
        for index, arguments in enumerate(calls):
            group.start_soon(one, index, arguments)
    return [answers[index] for index in sorted(answers)], failures[0] if failures else None


def _outcome(step: Step, values: JSON, answers: list[Answer]) -> JSON:
    records = [record for answer in answers for record in all_records(answer)]
    if step.match is None:
        return _found([record["id"] for record in records if "id" in record], [])
    field = step.match.field
    wanted: list[str] = read_hole(step.match.of[1:], values)
    by_value = {str(record.get(field)).casefold(): record["id"] for record in records}
    matched = [by_value[value.casefold()] for value in wanted if value.casefold() in by_value]
    missing = {value.casefold(): value for value in wanted if value.casefold() not in by_value}
    return _found(list(dict.fromkeys(matched)), list(missing.values()))


def _found(ids: list[str], unmatched: list[str]) -> JSON:
    return {"ids": ids, "count": len(ids), "unmatched": unmatched}

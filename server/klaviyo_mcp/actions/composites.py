"""Composite actions: several actions in a row, each seeing the ids that earlier ones found or made.

The steps of a call run one after another; the calls of one step (one per batch or item) run a few at a time. When one
of them fails, no further one is begun, those under way are let finish, and what has been done is reported.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio

from klaviyo_mcp.actions.errors import ActionError, Stopped
from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.actions.plan import Plan
from klaviyo_mcp.actions.request import fill, read_hole
from klaviyo_mcp.actions.steps import calls_of, given, is_wanted
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.model import Step, StepsRequest

AT_ONCE = 8
"""Calls of one step that are under way together; far below every burst limit of Klaviyo."""
Failure = ActionError | KlaviyoError


async def run_steps(
    plan: Plan, plan_of: Callable[[str, JSON], Plan], carry_out: Callable[[Plan], Awaitable[Outcome]]
) -> Outcome:
    """Walk the steps of a plan and fill the answer.

    `plan_of` admits a call whose arguments are known only now, `carry_out` does what a plan says. Raises the error of
    a step, or Stopped when earlier work had changed something by then.
    """
    request = plan.action.spec.request
    assert isinstance(request, StepsRequest)  # noqa: S101 - only such an action has a plan of steps
    planned = {known.step.name: known.calls for known in plan.steps or ()}
    values: JSON = dict(plan.arguments)
    parts: list[Outcome] = []
    for step in request.steps:
        if not is_wanted(step.when, step.unless, values):
            values[step.name] = _found([], [])
            continue
        if step.action is None:
            ids = [item for part in step.collect or [] if given(part, values) for item in read_hole(part[1:], values)]
            values[step.name] = _found(list(dict.fromkeys(ids)), [])
            continue
        outcomes, failure = await _run_step(step, step.action, values, planned.get(step.name), plan_of, carry_out)
        values[step.name] = _step_values(step, values, outcomes)
        parts += outcomes
        if failure is not None:
            if any(part.wrote for part in parts):
                raise Stopped(failure, step.action, fill(request.answer, values))
            raise failure
    composed: JSON = fill(request.answer, values)
    warnings = tuple(caution.says for caution in request.warnings if all(given(one, values) for one in caution.when))
    wrote = any(part.wrote for part in parts)
    return Outcome(plan.action, plan.arguments, (), warnings, composed, wrote, parts=tuple(parts))


async def _run_step(
    step: Step,
    action: str,
    values: JSON,
    planned: Sequence[Plan] | None,
    plan_of: Callable[[str, JSON], Plan],
    carry_out: Callable[[Plan], Awaitable[Outcome]],
) -> tuple[list[Outcome], Failure | None]:
    """The outcomes of a step's calls in order, up to the first failure. All are admitted before the first is sent."""
    try:
        plans = planned if planned is not None else [plan_of(action, call) for call in calls_of(step, values)]
    except ActionError as error:
        return [], error
    outcomes: dict[int, Outcome] = {}
    failures: list[Failure] = []
    places = anyio.CapacityLimiter(AT_ONCE)

    async def one(index: int, plan: Plan) -> None:
        async with places:
            if failures:
                return
            try:
                outcomes[index] = await carry_out(plan)
            except (ActionError, KlaviyoError) as error:
                failures.append(error)

    async with anyio.create_task_group() as group:
        for index, plan in enumerate(plans):
            group.start_soon(one, index, plan)
    return [outcomes[index] for index in sorted(outcomes)], failures[0] if failures else None


def _step_values(step: Step, values: JSON, outcomes: list[Outcome]) -> JSON:
    records = [record for outcome in outcomes for record in outcome.records]
    if step.match is None:
        return _found([record["id"] for record in records if record.get("id") is not None], [])
    field = step.match.field
    wanted: list[str] = read_hole(step.match.of[1:], values)
    by_value = {str(record.get(field)).casefold(): record["id"] for record in records}
    matched = [by_value[value.casefold()] for value in wanted if value.casefold() in by_value]
    missing = {value.casefold(): value for value in wanted if value.casefold() not in by_value}
    return _found(list(dict.fromkeys(matched)), list(missing.values()))


def _found(ids: list[Any], unmatched: list[str]) -> JSON:
    return {"ids": ids, "count": len(ids), "unmatched": unmatched}

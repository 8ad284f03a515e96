"""Composite actions: several actions in a row, each seeing what earlier ones found or made.

The steps of a call run one after another, but for reads that stand together and do not depend on each other; the calls
of one step (one per batch or item) run a few at a time. When one of them fails, no further one is begun, those under
way are let finish, and what has been done is reported.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import anyio

from klaviyo_mcp.actions.errors import ActionError, NotPutTogether, Stopped
from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.actions.plan import Plan, PlannedStep
from klaviyo_mcp.actions.request import fill, read_hole
from klaviyo_mcp.actions.steps import calls_of, given, is_wanted, needs, own_names, own_place, starts
from klaviyo_mcp.klaviyo.errors import KlaviyoError, NotFound, StoppedBefore, StoppedWhile
from klaviyo_mcp.klaviyo.jsonapi import included
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, mapping, objects
from klaviyo_mcp.registry.steps import FACTS, Step, StepsRequest, expression_of

AT_ONCE = 8
"""Calls of steps that are under way together; far below every burst limit of Klaviyo."""
Failure = ActionError | KlaviyoError


@dataclass(frozen=True, slots=True)
class Doing:
    """What steps do: `plan_of` admits a call whose arguments are known only now, `carry_out` does what a plan says.

    `show` tells what a call would do, `facts` what is known of the account: `now`, and `account` by its facts' names.
    """

    plan_of: Callable[[str, JSON], Plan]
    carry_out: Callable[[Plan], Awaitable[Outcome]]
    show: Callable[[str, JSON], Awaitable[JSON]]
    facts: Callable[[], Awaitable[JSON]]


async def run_steps(plan: Plan, doing: Doing) -> Outcome:
    """Walk the steps of a plan and fill the answer.

    Raises the error of a step that is not optional, or of the first that is where nothing could be read; Stopped when
    earlier work had changed something by then.
    """
    request = plan.action.spec.request
    assert isinstance(request, StepsRequest)  # noqa: S101 - only such an action has a plan of steps
    run = _Run(plan, request, doing)
    if not run.needed.isdisjoint(FACTS):
        run.values |= await doing.facts()
    for together in _groups(request.steps, {one.name for one in plan.action.made_of if one.effect == "read"}):
        await run.steps(together)
    if run.unread and not run.parts:
        raise next(iter(run.unread.values()))
    run.values["not_read"] = not_read = _not_read(request.steps, run.unread)
    try:
        composed = run.answer()
    except ActionError as error:
        raise run.stopped(error, "the answer") from None
    if not_read:
        composed["not_read"] = not_read
    warnings = tuple(one.says for one in request.warnings if all(given(hole, run.values) for hole in one.when))
    return Outcome(plan.action, plan.arguments, (), warnings, composed, run.wrote, parts=tuple(run.parts))


def _groups(steps: Iterable[Step], reads: set[str]) -> list[list[Step]]:
    """The steps in order, those in one group that may run side by side."""
    groups: list[list[Step]] = []
    for step in steps:
        last = groups[-1] if groups else []
        names = {one.name for one in last}
        beside = all(one.action in reads for one in (*last, step)) and not names & set(needs(step))
        if last and beside:
            last.append(step)
        else:
            groups.append([step])
    return groups


def _not_read(steps: Iterable[Step], unread: dict[str, Failure]) -> list[JSON]:
    failed = ((step, unread[step.name]) for step in steps if step.name in unread)
    return [{"what": step.optional, "why": one_line(_why(error)), "code": error.code} for step, error in failed]


def _why(error: Failure) -> str:
    """What is wrong: for arguments of a step, which only its spec knows, the problems themselves."""
    return " ".join(map(str, error.problems)) if isinstance(error, ActionError) and error.problems else error.message


@dataclass(slots=True)
class _Run:
    """One run: what is known so far, what became of each call, and what could not be read."""

    plan: Plan
    request: StepsRequest
    doing: Doing
    values: JSON = field(init=False)
    parts: list[Outcome] = field(default_factory=list[Outcome])
    unread: dict[str, Failure] = field(default_factory=dict[str, Failure])
    places: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(AT_ONCE))
    planned: dict[str, PlannedStep] = field(init=False)

    def __post_init__(self) -> None:
        self.values = dict(self.plan.arguments)
        self.planned = {known.step.name: known for known in self.plan.steps or ()}

    @property
    def needed(self) -> set[str]:
        """The names that steps depend on, and that expressions of the answer start from."""
        made = filter(None, map(expression_of, self.request.answer.values()))
        return {name for step in self.request.steps for name in needs(step)} | {
            name for expression in made for name in starts(expression)
        }

    @property
    def wrote(self) -> bool:
        return any(part.wrote for part in self.parts)

    async def steps(self, together: list[Step]) -> None:
        """Run steps side by side, and keep what each has found, in order. Raises the first failure that counts."""
        found: dict[str, tuple[list[Outcome], Failure | None]] = {}

        async def one(step: Step) -> None:
            if is_wanted(step.when, step.unless, self.values):
                found[step.name] = await self._calls(step)
            elif step.make is None and step.shows is None:
                # Whether it is complete is not said: nobody looked.
                self.values[step.name] = _found([], rows=[], included={})

        async with anyio.create_task_group() as group:
            for step in together:
                group.start_soon(one, step)
        failed: tuple[Failure, str] | None = None
        for step in (step for step in together if step.name in found):
            outcomes, failure = found[step.name]
            self.parts += outcomes
            if step.action is not None:
                self.values[step.name] = _step_values(step, self.values, outcomes, read=failure is None)
            if failure is None:
                continue
            if step.optional and not isinstance(failure, StoppedBefore | StoppedWhile):
                self.unread[step.name] = failure
            else:
                failed = failed or (failure, str(step.action or step.shows or step.name))
        if failed is not None:
            raise self.stopped(*failed)

    def stopped(self, failure: Failure, name: str) -> Failure:
        """The error to raise for a failure: what had been done is told with it."""
        return Stopped(failure, name, self.answer(lenient=True)) if self.wrote else failure

    def answer(self, *, lenient: bool = False) -> JSON:
        """The answer, as far as it is known; `lenient` leaves out what does not fit. Raises NotPutTogether."""
        made: JSON = {}
        for key, part in self.request.answer.items():
            if (expression := expression_of(part)) is None:
                made |= fill({key: part}, self.values)
                continue
            try:
                value = _evaluated(expression, self.values, key)
            except NotPutTogether:
                if lenient:
                    continue
                raise
            if value is not None:
                made[key] = value
        return made

    async def _calls(self, step: Step) -> tuple[list[Outcome], Failure | None]:
        """The outcomes of a step's calls in order, up to the first failure."""
        try:
            if step.make is not None:
                self._keep(step.name, _evaluated(step.make, self.values, step.name))
            elif step.collect is not None:
                holes = [part for part in step.collect if given(part, self.values)]
                ids = [item for part in holes for item in read_hole(part[1:], self.values)]
                self.values[step.name] = _found([], ids=list(dict.fromkeys(ids)))
            elif step.shows is not None:
                self.values[step.name] = await self.doing.show(step.shows, fill(step.arguments, self.values))
            else:
                return await self._carried_out(step, self._plans(step, str(step.action)))
        except (ActionError, KlaviyoError) as error:
            return [], self._told_by_own_names(step, error)
        return [], None

    def _told_by_own_names(self, step: Step, error: Failure) -> Failure:
        """A failure with its problems told by the names of the arguments that this action was given."""
        if isinstance(error, ActionError):
            names = own_names(self.request, step, self.plan.arguments)
            error.problems = tuple(replace(one, argument=own_place(one.argument, names)) for one in error.problems)
        return error

    def _keep(self, name: str, value: Any) -> None:
        """A hole with nothing in it is left out of arguments; null would be sent."""
        if value is not None:
            self.values[name] = value

    def _plans(self, step: Step, action: str) -> Iterable[Plan]:
        """The plans of a step's calls: all are admitted before the first is sent. Raises ActionError."""
        planned = self.planned.get(step.name)
        if planned is not None and planned.error is not None:
            raise planned.error
        if planned is not None and planned.calls is not None:
            return planned.calls
        return [self.doing.plan_of(action, call) for call in calls_of(step, self.values)]

    async def _carried_out(self, step: Step, plans: Iterable[Plan]) -> tuple[list[Outcome], Failure | None]:
        outcomes: dict[int, Outcome] = {}
        failures: list[Failure] = []

        async def one(index: int, plan: Plan) -> None:
            async with self.places:
                if failures:
                    return
                try:
                    outcomes[index] = await self._once_there(plan, step.patience or 0)
                except NotFound as error:
                    # Of many, that there is none of one is an answer.
                    if step.optional is None or step.each is None:
                        failures.append(error)
                except (ActionError, KlaviyoError) as error:
                    failures.append(error)

        async with anyio.create_task_group() as group:
            for index, plan in enumerate(plans):
                group.start_soon(one, index, plan)
        failure = self._told_by_own_names(step, failures[0]) if failures else None
        return [outcomes[index] for index in sorted(outcomes)], failure

    async def _once_there(self, plan: Plan, patience: int) -> Outcome:
        """What became of a call; one that finds nothing is repeated for so many seconds."""
        while True:
            try:
                return await self.doing.carry_out(plan)
            except NotFound:
                if patience <= 0:
                    raise
            await anyio.sleep(1)
            patience -= 1


def _evaluated(expression: str, values: JSON, name: str) -> Any:
    from klaviyo_mcp.actions.expressions import NotComputed, evaluate  # few actions have expressions

    try:
        return evaluate(expression, values)
    except NotComputed as error:
        raise NotPutTogether(f"What was read could not be put together ({name}): {error}.") from error


def _step_values(step: Step, values: JSON, outcomes: list[Outcome], *, read: bool) -> JSON:
    """What later steps see of a step that runs an action: of one that failed whatever it found until then."""
    records = [
        record for one in outcomes for record in (one.related_records if one.composed is None else [one.composed])
    ]
    rows = [
        row
        for one in outcomes
        if (name := one.action.spec.result.rows) is not None
        for record in one.records
        for row in objects(record.get(name))
    ]
    more: JSON = {
        "rows": rows,
        "included": included(mapping(reply.document) for one in outcomes for reply in one.all_replies),
        "read": read,
    }
    if read:
        more["complete"] = not any(one.goes_on for one in outcomes)
    if step.match is None:
        return _found(records, **more)
    name = step.match.field
    wanted: list[str] = read_hole(step.match.of[1:], values)
    by_value = {str(record.get(name)).casefold(): record["id"] for record in records}
    matched = [by_value[value.casefold()] for value in wanted if value.casefold() in by_value]
    missing = {value.casefold(): value for value in wanted if value.casefold() not in by_value}
    return _found(records, ids=list(dict.fromkeys(matched)), unmatched=list(missing.values()), **more)


def _found(records: list[JSON], **more: Any) -> JSON:
    ids = more.pop("ids", None)
    if ids is None:
        ids = [record["id"] for record in records if record.get("id") is not None]
    return {"ids": ids, "count": len(ids), "unmatched": [], "records": records, **more}

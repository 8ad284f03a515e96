"""What a call would do, in words and numbers that are looked up in the account before it is confirmed.

Some of what is found refuses a call, whoever confirms it: `Refusal`s of its spec, and more than it was expected to
reach. What could not be looked up is told, and keeps nobody from deciding.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from klaviyo_mcp.actions.errors import ActionError, Problem
from klaviyo_mcp.actions.losing import lost
from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.actions.plan import Plan
from klaviyo_mcp.actions.preconditions import failed
from klaviyo_mcp.actions.request import ABSENT, fill
from klaviyo_mcp.actions.rules.scope import one_of
from klaviyo_mcp.actions.sentences import filled, read_through
from klaviyo_mcp.actions.steps import batches, is_wanted
from klaviyo_mcp.klaviyo.errors import KlaviyoError, NotFound
from klaviyo_mcp.loose_json import JSON, everything, is_list, is_number, is_object, items, mapping
from klaviyo_mcp.registry.consequences import Consequences, Look, Refusal, Strangers
from klaviyo_mcp.registry.holes import holes

MOST_LOOKED_AT = 25
"""Items of a list that are looked at one by one."""
NO_WAY_BACK = "No single call takes this back."
Read = Callable[[str, JSON], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Told:
    """What was found: sentences, how many people or records are reached, what must stay the same, what is not known.

    `shown` is more that a person should see, such as an example.
    """

    says: tuple[str, ...] = ()
    people: int | None = None
    same: JSON = field(default_factory=dict[str, Any])
    unknown: tuple[str, ...] = ()
    undo: str = ""
    shown: JSON = field(default_factory=dict[str, Any])


@dataclass(slots=True)
class _Seen:
    """Arguments and what was looked up, by name; which looks failed, and why, and which saw only a part."""

    values: JSON
    failed: dict[str, str] = field(default_factory=dict[str, str])
    partial: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def unknown(self) -> tuple[str, ...]:
        return (*self.failed.values(), *self.partial.values())

    def people(self, paths: Iterable[str]) -> int | None:
        """The sum of the numbers, or of the lengths of lists, that are known; None where one is not known whole."""
        if any(path.partition(".")[0] in {*self.failed, *self.partial} for path in paths):
            return None
        found = [read_through(path, self.values) for path in paths]
        numbers = [len(one) if is_list(one) else one for one in found if one is not ABSENT]
        known = [number for number in numbers if isinstance(number, int)]
        return sum(known) if known else None


async def consequences(plan: Plan, read: Read) -> Told:
    """What a plan would do, as its spec and those of its known parts tell it; `read` looks into the account.

    Raises PreconditionFailed for what is refused.
    """
    told: list[Told] = []
    for part in telling_parts(plan):
        seen = await _see_all(part, read)
        _refuse(part, seen)
        told.append(_told(part, seen))
    return _together(plan, told)


async def ahead(plan: Plan, read: Read) -> tuple[Told, tuple[Problem, ...]]:
    """As `consequences`, but for looking alone: what refuses a call is told beside the rest."""
    told, problems = list[Told](), list[Problem]()
    for part in telling_parts(plan):
        seen = await _see_all(part, read)
        problems += _refusals(part, seen)
        told.append(_told(part, seen))
    return _together(plan, told), tuple(problems)


def _together(plan: Plan, told: list[Told]) -> Told:
    """What is told of a plan by what its parts tell."""
    people = [one.people for one in told if one.people is not None]
    same: JSON = {}
    for index, one in enumerate(told):
        same |= {f"{index}.{name}" if index else name: value for name, value in one.same.items()}
    return Told(
        tuple(dict.fromkeys([*plan.because, *(sentence for one in told for sentence in one.says)])),
        sum(people) if people else None,
        same,
        tuple(dict.fromkeys(text for one in told for text in one.unknown)),
        next((one.undo for one in told if one.undo), "") or _undone(plan),
    )


def telling_parts(plan: Plan) -> list[Plan]:
    """The plans whose specs tell something: its own, or those of what it is made of."""
    spec = plan.action.spec.consequences
    if spec.says or spec.looks or spec.refuses:
        return [plan]
    if plan.chosen is not None:
        return telling_parts(plan.chosen)
    parts = [found for step in plan.steps or () for call in step.calls or () for found in telling_parts(call)]
    return parts[:MOST_LOOKED_AT]


def must_be_looked_at(plan: Plan) -> bool:
    """Whether a call may be refused for what is found, so that it is looked up also where nobody has to confirm it."""
    return bool(plan.action.spec.consequences.refuses) or "expect" in plan.arguments


async def held_against(plan: Plan, read: Read) -> tuple[str, ...]:
    """Look up what may refuse a plan, and nothing else; gives what of it is not known. Raises PreconditionFailed."""
    seen = await _see(plan, read, {look.name for look in deciding_looks(plan)})
    _refuse(plan, seen)
    return seen.unknown


def deciding_looks(plan: Plan) -> list[Look]:
    """What is looked up before a plan is carried out since it may refuse it, confirmed or not."""
    if not must_be_looked_at(plan):
        return []
    spec = plan.action.spec.consequences
    paths = [path for one in spec.refuses for path in (one.some, one.none) if path]
    needed = _needed(spec, [*paths, *spec.counted])
    return [look for look in spec.looks if look.name in needed]


def _told(plan: Plan, seen: _Seen) -> Told:
    spec = plan.action.spec.consequences
    return Told(
        tuple(_sentences(spec, seen.values)),
        seen.people(spec.counted),
        {path: value for path in spec.same if (value := read_through(path, seen.values)) is not ABSENT},
        seen.unknown,
        _undone(plan),
    )


def _sentences(spec: Consequences, values: JSON) -> Iterator[str]:
    for one in spec.sayings:
        sentence = filled(one.text, values) if is_wanted(one.when, one.unless, values, read_through) else None
        if sentence is not None:
            yield sentence


def _undone(plan: Plan) -> str:
    """How a plan can be taken back, before it is carried out."""
    spec = plan.action.spec.consequences
    if spec.undo:
        return spec.undo
    if spec.way_back:
        return f"Can be taken back with {spec.way_back[0].action}: the answer has the call."
    return _undone(plan.chosen) if plan.chosen is not None else NO_WAY_BACK if plan.effect != "read" else ""


async def _see_all(plan: Plan, read: Read) -> _Seen:
    return await _see(plan, read, {look.name for look in plan.action.spec.consequences.looks})


async def _see(plan: Plan, read: Read, names: set[str]) -> _Seen:
    """The looks of these names, each with the arguments and the looks before it."""
    spec = plan.action.spec.consequences
    seen = _Seen(dict(plan.arguments))
    for look in spec.looks:
        if look.name not in names or not is_wanted(look.when, look.unless, seen.values, read_through):
            continue
        if any(name.partition(".")[0] in seen.failed for name in _used(look)):
            seen.failed[look.name] = f"{look.name.replace('_', ' ')}: depends on what is not known"
            continue
        try:
            found = await _looked(look, seen.values, read)
            seen.values[look.name] = found
            if found.get("more") is True and not look.tally:
                words = look.name.replace("_", " ")
                seen.partial[look.name] = f"{words}: there are more than were looked at with {look.action}"
        except NotFound:
            continue  # that there is none is an answer
        except (ActionError, KlaviyoError) as error:
            seen.failed[look.name] = f"{look.name.replace('_', ' ')}: {look.action} could not tell ({error.code})"
    for one in spec.strangers:
        if not set(one.among) & set(seen.failed) and is_wanted(one.when, [], seen.values, read_through):
            seen.values[one.name] = _strangers(one, seen.values)
    for one in spec.losing:
        if not {one.of.partition(".")[0], one.against.partition(".")[0]} & set(seen.failed):
            seen.values[one.name] = lost(one, seen.values)
    return seen


def _needed(spec: Consequences, paths: Iterable[str]) -> set[str]:
    """The looks that some paths depend on."""
    needed = {path.partition(".")[0] for path in paths}
    for one in spec.strangers:
        needed |= {*one.among} if one.name in needed else set()
    for one in spec.losing:
        needed |= {path.partition(".")[0] for path in (one.of, one.against)} if one.name in needed else set()
    for look in reversed(spec.looks):
        if look.name in needed:
            needed |= {name.partition(".")[0] for name in _holes(look)}
    return needed


def _holes(look: Look) -> Iterator[str]:
    yield from _used(look)
    yield from (name[1:] for name in look.unless)


def _used(look: Look) -> Iterator[str]:
    yield from holes(look.arguments)
    named = [look.each, look.mentions, look.batch.of if look.batch else None, *look.when]
    yield from (name[1:] for name in named if name)


def _refuse(plan: Plan, seen: _Seen) -> None:
    """Raises PreconditionFailed with every reason not to carry out a plan."""
    if problems := _refusals(plan, seen):
        raise failed(plan.action, problems, looked=True)


def _refusals(plan: Plan, seen: _Seen) -> list[Problem]:
    spec = plan.action.spec.consequences
    problems = [problem for one in spec.refuses if (problem := _refusal(one, spec, seen)) is not None]
    expected = plan.arguments.get("expect")
    if isinstance(expected, int):
        found = seen.people(spec.counted)
        if found is None:
            text = f"expected at most {expected:,}, and how many it reaches could not be found; nothing was sent"
            problems.append(Problem("expect", text, "Leave out expect if it may be any number"))
        elif found > expected:
            text = f"expected at most {expected:,}, found {found:,}; nothing was sent"
            problems.append(Problem("expect", text, "Look whom it reaches, and ask the user before you expect more"))
    return problems


def _refusal(one: Refusal, spec: Consequences, seen: _Seen) -> Problem | None:
    if not is_wanted([], one.unless, seen.values, read_through):
        return None
    path = one.some or one.none or ""
    value: Any = seen.people(spec.counted) if path in spec.counted else read_through(path, seen.values)
    known = value is not ABSENT and value is not None
    if not known or bool(value) != (one.some is not None):
        return None
    return Problem(one.argument, filled(one.says, seen.values) or one.says, one.fix)


async def _looked(look: Look, values: JSON, read: Read) -> JSON:
    """What sentences see of a look."""
    calls, more = [values], False
    if look.each is not None:
        listed = items(read_through(look.each[1:], values))
        calls = [{**values, "item": item} for item in listed[:MOST_LOOKED_AT]]
        more = len(listed) > MOST_LOOKED_AT
    elif look.batch is not None:
        listed = items(read_through(look.batch.of[1:], values))
        calls = [{**values, "batch": batch} for batch in batches(listed, look.batch.size)]
    found: list[JSON] = []
    for scope in calls:
        outcome = await read(look.action, fill(look.arguments, scope))
        if look.each is None and look.batch is None and _is_single(outcome):
            return _single(outcome)
        found += [outcome.composed] if outcome.composed is not None else outcome.seen_records
        more = more or outcome.goes_on
    if look.mentions is not None:
        named = read_through(look.mentions[1:], values)
        found = [record for record in found if _mentions(record, named)]
    return {**_collected(found, look), "more": more}


def _mentions(record: JSON, named: Any) -> bool:
    """Whether a value stands anywhere in a record, apart from its own id."""
    return any(part == named for key, value in record.items() if key != "id" for part in everything(value))


def _is_single(outcome: Outcome) -> bool:
    return outcome.composed is not None or outcome.action.spec.result.kind not in ("collection", "identifiers")


def _single(outcome: Outcome) -> JSON:
    if outcome.composed is not None:
        return outcome.composed
    records = outcome.seen_records
    return records[0] if records else mapping(outcome.replies[0].document) if outcome.replies else {}


def _collected(records: list[JSON], look: Look) -> JSON:
    sums: dict[str, float] = {}
    for record in records:
        for name, value in record.items():
            if is_number(value):
                sums[name] = sums.get(name, 0) + value
    return {
        "count": len(records),
        "ids": [record["id"] for record in records if record.get("id")],
        "names": [record["name"] for record in records if record.get("name")],
        "records": records,
        "sums": sums,
        "tallied": sum(1 for record in records if look.tally and _is_counted(record, look)),
    }


def _is_counted(record: JSON, look: Look) -> bool:
    return all(one_of(read_through(path, record), wanted) for path, wanted in look.tally.items())


def _strangers(one: Strangers, values: JSON) -> list[str]:
    """Who of a list is not among the records of looks, by what they are called there."""
    known = {
        key: {
            str(record.get(key)).casefold()
            for look in one.among
            for record in items(mapping(values.get(look)).get("records"))
        }
        for key in one.keys
    }
    found: list[str] = []
    for item in items(read_through(one.of[1:], values)):
        key = next((key for key in one.keys if is_object(item) and item.get(key)), None)
        if key is not None and str(item[key]).casefold() not in known[key]:
            found.append(str(item[key]))
    return list(dict.fromkeys(found))

"""For every kind of precondition: how to change arguments so that they keep a rule of it, and so that they break it."""

import copy
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.precondition import Precondition, keys

JSON = dict[str, Any]
PAST, FUTURE = "2020-01-01T00:00:00Z", "2090-12-01T09:00:00Z"
Spot = tuple[Any, Any]
"""An object or a list, and the key or index of a value that is or may be in it."""


def spots(arguments: JSON, rule: Precondition, place: str, *, lacking: bool = False) -> list[Spot]:
    """Where the values of a place are, or with `lacking` could be: the last key need not be there."""
    path = f"{rule.each}.{place}" if rule.each else place
    holders: list[Any] = [arguments]
    *above, last = path.split(".")
    for part in above:
        holders = [value for holder in holders for value in _below(holder, part)]
    found: list[Spot] = []
    names, lists = keys(last)
    for holder in holders:
        if not isinstance(holder, dict):
            continue
        for name in names:
            if lists and isinstance(holder.get(name), list):
                found += [(holder[name], index) for index in range(len(holder[name]))]
            elif not lists and (lacking or name in holder):
                found.append((holder, name))
    return found


def _below(holder: Any, part: str) -> list[Any]:
    names, lists = keys(part)
    found = [holder[name] for name in names if isinstance(holder, dict) and name in holder]
    for _ in range(lists):
        found = [item for value in found if isinstance(value, list) for item in value]
    return found


def guard(arguments: JSON, rule: Precondition) -> None:
    """Give the arguments in `when` their values, and take those in `unless` away."""
    for place, value in rule.when.items():
        for holder, key in spots(arguments, rule, place, lacking=True):
            holder[key] = value[0] if isinstance(value, list) else value
    for place in rule.unless:
        for holder, key in spots(arguments, rule, place):
            if place in rule.when:
                continue
            if isinstance(holder[key], str):
                del holder[key]
            else:
                holder[key] = False


def put(arguments: JSON, rule: Precondition, places: list[str], value: Any, *, lacking: bool = False) -> None:
    for place in places:
        for holder, key in spots(arguments, rule, place, lacking=lacking):
            holder[key] = value


def drop(arguments: JSON, rule: Precondition, places: list[str]) -> None:
    for place in places:
        for holder, key in spots(arguments, rule, place):
            if isinstance(holder, dict):
                holder.pop(key, None)


def listed(stated: Any) -> list[str]:
    return [stated] if isinstance(stated, str) else stated


def mend(arguments: JSON, rule: Precondition) -> None:
    """Change arguments so that they keep a rule that they break."""
    match rule.kind:
        case "exactly_one_of" | "at_most_one_of":
            drop(arguments, rule, getattr(rule, rule.kind)[1:])
        case "together":
            put(arguments, rule, rule.together.needs, "https://example.org", lacking=True)
        case "requires":
            put(arguments, rule, rule.requires, PAST, lacking=True)
        case "forbids":
            drop(arguments, rule, rule.forbids)
        case "only_alone":
            drop(arguments, rule, [rule.only_alone.argument])
        case "differ":
            for place in rule.differ:
                _cut(arguments, rule, place)
        case "includes":
            found = spots(arguments, rule, rule.includes.of)
            for (holder, key), value in zip(found, rule.includes.values, strict=False):
                holder[key] = value
        case "conditions":
            arguments.pop(rule.conditions.of, None)
        case _:
            _mend_times(arguments, rule)


def _mend_times(arguments: JSON, rule: Precondition) -> None:
    match rule.kind:
        case "in_past":
            put(arguments, rule, listed(rule.in_past), PAST)
        case "in_future" | "has_offset" | "in_utc":
            put(arguments, rule, listed(getattr(rule, rule.kind)), FUTURE)
        case "within":
            time = FUTURE if (rule.within.earliest or "").startswith("-") else PAST
            for place in rule.within.of:
                for holder, key in spots(arguments, rule, place):
                    holder[key] = time[:10] if len(str(holder[key])) == 10 else time
        case "ordered" | "span":
            custom = {"start": "2026-10-01T00:00:00", "end": "2026-10-05T00:00:00"}
            arguments["timeframe"] = custom if "start" in arguments["timeframe"] else {"key": "last_7_days"}
        case _:
            pass


def _cut(arguments: JSON, rule: Precondition, place: str) -> None:
    """Leave one item in each list of a place."""
    path = f"{rule.each}.{place}" if rule.each else place
    parts = path.split(".")
    for end in range(1, len(parts) + 1):
        if parts[end - 1].endswith("[]"):
            bare = rule.model_copy(update={"each": None})
            for holder, key in reversed(spots(arguments, bare, ".".join(parts[:end]))):
                if key:
                    del holder[key]


def broken(arguments: JSON, rule: Precondition, spec: ActionSpec, others: list[JSON]) -> Iterator[JSON]:
    """Ways to break a rule, from arguments that keep all; `others` are calls to take values from."""
    yield from WAYS[rule.kind](arguments, rule, spec, others)


Way = Callable[[JSON, Precondition, ActionSpec, list[JSON]], Iterator[JSON]]


def _changed(arguments: JSON, rule: Precondition, change: Callable[[JSON], Any]) -> JSON:
    made = copy.deepcopy(arguments)
    guard(made, rule)
    change(made)
    return made


def _nothing(arguments: JSON, rule: Precondition, spec: ActionSpec, others: list[JSON]) -> Iterator[JSON]:
    names: list[str] = getattr(rule, rule.kind)
    yield _changed(arguments, rule, lambda made: drop(made, rule, names))
    if rule.kind != "at_least_one_given":
        yield _changed(arguments, rule, lambda made: put(made, rule, names, None))


def _two(arguments: JSON, rule: Precondition, spec: ActionSpec, others: list[JSON]) -> Iterator[JSON]:
    """Two at once, in one object after another, each with the values that some other call gives it."""
    names: list[str] = getattr(rule, rule.kind)
    samples = [_samples(others, rule, name) for name in names[:2]]
    for first, second in product(*samples):
        for index in range(len(spots(arguments, rule, names[0], lacking=True))):

            def give(made: JSON, index: int = index, first: Any = first, second: Any = second) -> None:
                for name, sample in ((names[0], first), (names[1], second)):
                    holder, key = spots(made, rule, name, lacking=True)[index]
                    holder[key] = sample

            yield _changed(arguments, rule, give)


def _samples(others: list[JSON], rule: Precondition, name: str) -> list[Any]:
    found = [holder[key] for other in others for holder, key in spots(other, rule, name) if holder[key]]
    return [value for index, value in enumerate(found) if value not in found[:index]][:6]


def _without_needs(arguments: JSON, rule: Precondition, spec: ActionSpec, others: list[JSON]) -> Iterator[JSON]:
    need = rule.together

    def take(made: JSON, sample: Any) -> None:
        put(made, rule, [need.argument], sample, lacking=True)
        drop(made, rule, need.needs)

    for sample in (1, True) if need.equals is None else (need.equals,):
        yield _changed(arguments, rule, lambda made, sample=sample: take(made, sample))


def _required(arguments: JSON, rule: Precondition, spec: ActionSpec, others: list[JSON]) -> Iterator[JSON]:
    yield _changed(arguments, rule, lambda made: drop(made, rule, rule.requires))


def _forbidden(arguments: JSON, rule: Precondition, spec: ActionSpec, others: list[JSON]) -> Iterator[JSON]:
    for value in ("7", 7, "draft", PAST):
        yield _changed(arguments, rule, lambda made, value=value: put(made, rule, rule.forbids, value, lacking=True))
    for place in rule.forbids:
        for value in ("7", 7, "draft", PAST, *_samples(others, rule, place)):
            yield _changed(
                arguments, rule, lambda made, value=value, place=place: put(made, rule, [place], value, lacking=True)
            )


def _not_alone(arguments: JSON, rule: Precondition, spec: ActionSpec, others: list[JSON]) -> Iterator[JSON]:
    alone = rule.only_alone
    yield _changed(arguments, rule, lambda made: put(made, rule, [alone.argument], alone.equals, lacking=True))


def _many(arguments: JSON, rule: Precondition, spec: ActionSpec, others: list[JSON]) -> Iterator[JSON]:
    def fill(made: JSON) -> None:
        for holder, key in spots(made, rule, rule.items.of[0]):
            holder[key] = holder[key][:1] * (rule.items.at_most // 2 + 1)
        outer = made[rule.items.of[0].partition("[]")[0]]
        outer.append(copy.deepcopy(outer[0]))

    yield _changed(arguments, rule, fill)


def _large(arguments: JSON, rule: Precondition, spec: ActionSpec, others: list[JSON]) -> Iterator[JSON]:
    limit = rule.bytes or rule.text_bytes
    text = "x" * (limit.at_most + 1)
    whole = rule.each or ""
    bare = rule.model_copy(update={"each": None})
    for place in limit.of or [""]:
        path = ".".join(part for part in (whole, place) if part)
        for holder, key in spots(arguments, bare, path, lacking=True)[:1]:
            for trail in _free(holder.get(key) if isinstance(holder, dict) else holder[key]):

                def swell(made: JSON, trail: tuple[Any, ...] = trail, path: str = path) -> None:
                    at, last = spots(made, bare, path, lacking=True)[0]
                    for step in trail:
                        if isinstance(at, dict):
                            at.setdefault(last, {})
                        at, last = at[last], step
                    at[last] = text

                yield _changed(arguments, rule, swell)


def _free(value: Any, depth: int = 4) -> Iterator[tuple[Any, ...]]:
    """The ways down to a text, or to a new key of an object."""
    if depth == 0:
        return
    if isinstance(value, str):
        yield ()
    elif isinstance(value, list):
        for trail in _free(value[0], depth - 1) if value else ():
            yield (0, *trail)
    elif value is None or isinstance(value, dict):
        yield ("a_key_of_ones_own",)
        for key, inner in (value or {}).items():
            for trail in _free(inner, depth - 1):
                yield (key, *trail)


def _same(arguments: JSON, rule: Precondition, spec: ActionSpec, others: list[JSON]) -> Iterator[JSON]:
    def repeat(made: JSON) -> None:
        if len(rule.differ) > 1:
            holder, key = spots(made, rule, rule.differ[0])[0]
            put(made, rule, rule.differ[1:], holder[key])
            return
        path = f"{rule.each}.{rule.differ[0]}" if rule.each else rule.differ[0]
        bare = rule.model_copy(update={"each": None})
        for holder, key in spots(made, bare, path[: path.rindex("[]") + 2])[:1]:
            inner = path[path.rindex("[]") + 3 :]
            holder[key][inner] = holder[key].get(inner) or 1
            holder.append(copy.deepcopy(holder[key]))

    yield _changed(arguments, rule, repeat)


def _lacking(arguments: JSON, rule: Precondition, spec: ActionSpec, others: list[JSON]) -> Iterator[JSON]:
    yield _changed(arguments, rule, lambda made: put(made, rule, [rule.includes.of], "other"))


def _timed(*values: str) -> Way:
    def way(arguments: JSON, rule: Precondition, spec: ActionSpec, others: list[JSON]) -> Iterator[JSON]:
        stated = rule.within.of if rule.within else listed(getattr(rule, rule.kind))
        for value in values:
            yield _changed(arguments, rule, lambda made, value=value: put(made, rule, stated, value, lacking=True))

    return way


def _timeframe(start: str, end: str) -> Way:
    def way(arguments: JSON, rule: Precondition, spec: ActionSpec, others: list[JSON]) -> Iterator[JSON]:
        yield _changed(arguments, rule, lambda made: made.update(timeframe={"start": start, "end": end}))

    return way


def _filtered(arguments: JSON, rule: Precondition, spec: ActionSpec, others: list[JSON]) -> Iterator[JSON]:
    stated = rule.conditions
    for field, known in spec.filters.items():
        value = ID_FORMS[known.format].example if known.format else "x"
        one = {"field": field, "operator": (known.one or known.many or known.alone)[0], "value": value}
        if stated.once and known.one:
            yield _changed(arguments, rule, lambda made, one=one: made.update(filter=[one, one]))
        if stated.values_at_most and known.many:
            many = {**one, "operator": known.many[0], "value": [value] * (stated.values_at_most + 1)}
            yield _changed(arguments, rule, lambda made, many=many: made.update(filter=[many]))
        if field in (*stated.in_past, *stated.sorted_alike):
            late = {**one, "operator": "greater-than", "value": "2090-01-01T00:00:00Z"}
            early = {**late, "value": "2020-01-01T00:00:00Z"}
            yield _changed(arguments, rule, lambda made, late=late: made.update(filter=[late]))
            yield _changed(arguments, rule, lambda made, early=early: made.update(filter=[early], sort="name"))
        if any(field.startswith(need) for need in stated.needs):
            yield _changed(arguments, rule, lambda made, one=one: made.update(filter=[one]))
        if field in stated.forms:
            yield _changed(arguments, rule, lambda made, one=one: made.update(filter=[one]))


WAYS: dict[str, Way] = {
    "exactly_one_of": _nothing,
    "at_least_one_of": _nothing,
    "at_least_one_given": _nothing,
    "at_most_one_of": _two,
    "together": _without_needs,
    "requires": _required,
    "forbids": _forbidden,
    "only_alone": _not_alone,
    "items": _many,
    "bytes": _large,
    "text_bytes": _large,
    "differ": _same,
    "includes": _lacking,
    "in_past": _timed("2090-01-01T00:00:00Z", "2090-01"),
    "in_future": _timed("2001-01-01T00:00:00Z"),
    "within": _timed("1980-01-01T00:00:00Z", "1980-01-01"),
    "has_offset": _timed("2090-12-01T09:00:00", "2020-01-01T09:00:00"),
    "in_utc": _timed("2090-12-01T09:00:00+02:00"),
    "ordered": _timeframe("2026-10-05T00:00:00", "2026-10-01T00:00:00"),
    "span": _timeframe("2020-01-01T00:00:00", "2023-01-01T00:00:00"),
    "conditions": _filtered,
}

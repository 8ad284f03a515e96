"""Records filtered, sorted, grouped and summed: what read_more does, without a look at sizes.

Arithmetic is exact. A sum, average, least or most is of the values that are numbers, also in texts; how many are none
is told beside it. Records without a field count in none of these, and sort last.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.answers.comparing import NAMED, OPERATORS, Condition, comparable, moment, number, order, what_is_wrong
from klaviyo_mcp.answers.dotted import names_in, value_at, values_at
from klaviyo_mcp.klaviyo.user_text import said
from klaviyo_mcp.loose_json import JSON, did_you_mean, is_object, nearest

AGGREGATES = ("sum", "average", "min", "max")
PERIODS = {"year": 4, "month": 7, "day": 10, "hour": 13}
"""How much of a time a group shares, as `datetime:month` asks for: so many characters of it, as it is written."""
PERIOD = re.compile(rf"(.+):({'|'.join(PERIODS)})")
MOST_CONDITIONS, MOST_FIELDS = 20, 20
DIGITS_OF_AVERAGE = Decimal("0.000001")
MOST_DIGITS = 200
"""Digits that arithmetic is exact to."""
NAMES_TOLD = 40


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of records. `aggregates` are the fields of each of AGGREGATES that is asked for."""

    where: tuple[Condition, ...] = ()
    sort: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    aggregates: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    count: bool = False

    @property
    def computes(self) -> bool:
        """Whether numbers are asked for, and no records."""
        return bool(self.group_by or self.count or any(self.aggregates.values()))

    @property
    def asks(self) -> bool:
        """Whether anything is asked for."""
        return self.computes or bool(self.where or self.sort or self.fields)

    @classmethod
    def read(cls, given: JSON) -> "Query":
        """The query of checked arguments. Raises InvalidArguments with every problem."""
        problems: list[Problem] = []
        where = tuple(
            made
            for index, entry in enumerate(given.get("where", []))
            if (made := _condition(entry, f"where[{index}]", problems)) is not None
        )
        listed: dict[str, tuple[str, ...]] = {}
        for name in ("sort", "fields", "group_by", *AGGREGATES):
            values = given.get(name, [])
            if len(values) > MOST_FIELDS:
                problems.append(Problem(name, f"holds {len(values)}", f"Give at most {MOST_FIELDS}"))
            if not all(isinstance(value, str) and value for value in values):
                problems.append(Problem(name, "must hold names of fields", 'Such as ["location.city"]'))
            listed[name] = tuple(str(value) for value in values)
        if len(given.get("where", [])) > MOST_CONDITIONS:
            problems.append(Problem("where", f"holds {len(given['where'])}", f"Give at most {MOST_CONDITIONS}"))
        aggregates = {name: listed[name] for name in AGGREGATES if listed[name]}
        query = cls(where, listed["sort"], listed["fields"], listed["group_by"], aggregates, given.get("count", False))
        if query.computes and query.fields:
            problems.append(Problem("fields", "goes with records", "Leave it out where you count, sum or group"))
        if problems:
            raise InvalidArguments("read_more was called with arguments that it does not take.", tuple(problems))
        return query

    def names(self) -> Iterable[tuple[str, str]]:
        """Every field of the records that it speaks of, and the argument that names it."""
        yield from ((f"where[{index}]", condition.field) for index, condition in enumerate(self.where))
        yield from (("fields", name) for name in self.fields)
        yield from (("group_by", _period(name)[0]) for name in self.group_by)
        yield from ((kind, name) for kind, names in self.aggregates.items() for name in names)
        if not self.computes:
            yield from (("sort", _key(name)) for name in self.sort)


def check_names(query: Query, records: Sequence[Any]) -> None:
    """Raises InvalidArguments for fields that none of the records has, with those that are spelt most like them."""
    if not records:
        return
    problems: list[Problem] = []
    known: list[str] | None = None
    for argument, name in query.names():
        if any(value_at(record, name) is not None for record in records):
            continue
        known = names_in(records) if known is None else known
        near = nearest(name, known, most=3) or [one for one in known if one.rpartition(".")[2] == name][:3]
        meant = f"Did you mean {' or '.join(map(said, near))}? " if near else ""
        more = f" and {len(known) - NAMES_TOLD} more" if len(known) > NAMES_TOLD else ""
        told = f"{meant}There are: {', '.join(map(said, known[:NAMES_TOLD]))}{more}"
        problems.append(Problem(argument, f"no record has a field {name!r}, or it is null in all", told))
    if query.computes:
        problems += _unknown_orders(query)
    if problems:
        raise InvalidArguments("read_more found fields named that are not there.", tuple(problems))


def chosen(query: Query, records: Sequence[Any]) -> list[int]:
    """The places of the records that all conditions hold for, sorted."""
    found = [index for index, record in enumerate(records) if all(condition.holds(record) for condition in query.where)]
    if query.computes:
        return found
    # From the last name to the first, as sorting keeps the order of what is equal.
    for name in reversed(query.sort):
        key = _key(name)
        found = _sorted(found, lambda index, key=key: value_at(records[index], key), down=name.startswith("-"))
    return found


def not_compared(query: Query, records: Sequence[Any]) -> list[str]:
    """What is to be said of values that a condition could not be held against, and which it does not hold for."""
    told: list[str] = []
    for condition in query.where:
        if not condition.operator.startswith(("greater", "less")):
            continue
        values = (value for record in records for value in values_at(record, condition.field))
        count = sum(comparable(value, condition.value) is None for value in values)
        if count:
            kind = "number" if number(condition.value) is not None else "time"
            told.append(f"{condition.operator} does not hold for {count} values of {condition.field}: no {kind}.")
    return told


def computed(query: Query, records: Sequence[Any]) -> list[JSON]:
    """A group for each combination of values that the records have, or one for all of them.

    Each has `group`, `count`, and the aggregates by field. They are sorted as asked, else the largest first.
    """
    if not query.group_by:
        return [_figures(query, records)]
    groups: dict[str, tuple[JSON, list[Any]]] = {}
    for record in records:
        names = {name: _grouped(record, name) for name in query.group_by}
        key = json.dumps(names, sort_keys=True, default=str)
        groups.setdefault(key, (names, []))[1].append(record)
    made = [{"group": names, **_figures(query, inner)} for names, inner in groups.values()]
    for name in reversed(query.sort or ("-count", *query.group_by)):
        key = _key(name)
        made = _sorted(made, lambda group, key=key: _of_group(group, key), down=name.startswith("-"))
    return made


def as_json(found: Decimal) -> int | float | str:
    """An exact number: as a number where JSON's readers keep every digit of it, else as text."""
    if found == found.to_integral_value() and abs(found) < 2**53:
        return int(found)
    if Decimal(repr(float(found))) == found:
        return float(found)
    return format(found, "f")


def _figures(query: Query, records: Sequence[Any]) -> JSON:
    figures: JSON = {"count": len(records)}
    spoken = dict.fromkeys(name for names in query.aggregates.values() for name in names)
    found = {name: [values_at(record, name) for record in records] for name in spoken}
    values = {name: [value for inner in found[name] for value in inner] for name in spoken}
    for kind, names in query.aggregates.items():
        figures[kind] = {name: _aggregate(kind, values[name]) for name in names}
    told = {
        "without": {name: sum(not inner for inner in found[name]) for name in spoken},
        "not_numbers": {name: sum(number(value) is None for value in values[name]) for name in spoken},
    }
    return figures | {
        key: some for key, counts in told.items() if (some := {name: count for name, count in counts.items() if count})
    }


def _aggregate(kind: str, values: list[Any]) -> Any:
    """One figure, None where no value is a number. Least and most are times where all values are."""
    numbers = [found for value in values if (found := number(value)) is not None]
    pick: Callable[..., Any] = max if kind == "max" else min
    if not numbers:
        times = [(time, value) for value in values if (time := moment(value)) is not None]
        return pick(times)[1] if times and kind in ("min", "max") else None
    if kind in ("min", "max"):
        return as_json(pick(numbers))
    with localcontext() as exact:
        exact.prec = MOST_DIGITS
        total = sum(numbers, Decimal(0))
        if kind == "sum":
            return as_json(total)
        return as_json((total / len(numbers)).quantize(DIGITS_OF_AVERAGE, ROUND_HALF_EVEN))


def _condition(entry: Any, where: str, problems: list[Problem]) -> Condition | None:
    shape = 'Each is {"field": …, "operator": …, "value": …}'
    if not is_object(entry) or not isinstance(entry.get("field"), str) or not entry["field"]:
        problems.append(Problem(where, "is no condition", shape))
        return None
    if extra := set(entry) - {"field", "operator", "value"}:
        problems.append(Problem(where, f"has {', '.join(sorted(extra))}", shape))
        return None
    given = str(entry.get("operator", "equals")).strip().lower().replace("_", "-")
    operator = NAMED.get(given)
    if operator is None:
        fix = f"{did_you_mean(given, OPERATORS)} There are: {', '.join(OPERATORS)}, before and after".strip()
        problems.append(Problem(where, f"there is no operator {given[:60]!r}", fix))
        return None
    value = entry.get("value", True if operator == "exists" else None)
    if isinstance(value, str) and operator == "exists" and value.lower() in ("true", "false"):
        value = value.lower() == "true"
    if wrong := what_is_wrong(operator, value):
        problems.append(Problem(where, f"{operator} {wrong}", shape))
        return None
    return Condition(entry["field"], operator, value)


def _sorted(items: list[Any], value_of: Callable[[Any], Any], *, down: bool) -> list[Any]:
    """Sorted by a value, with those that have none at the end either way, and equals in the order that they had."""
    valued = [(value_of(item), item) for item in items]
    there = [(order(value), item) for value, item in valued if value is not None]
    there.sort(key=lambda one: one[0], reverse=down)
    return [item for _, item in there] + [item for value, item in valued if value is None]


def _key(name: str) -> str:
    return name.removeprefix("-")


def _period(name: str) -> tuple[str, int | None]:
    """The field of a grouping, and how many characters of a time are shared."""
    match = PERIOD.fullmatch(name)
    return (match[1], PERIODS[match[2]]) if match else (name, None)


def _grouped(record: Any, name: str) -> Any:
    field_name, characters = _period(name)
    value = value_at(record, field_name)
    return value[:characters] if characters and moment(value) is not None else value


def _unknown_orders(query: Query) -> list[Problem]:
    """Groups are sorted by what they have: what they are grouped by, their count, and their figures."""
    known = [
        *query.group_by,
        "count",
        *(f"{kind}.{name}" for kind, names in query.aggregates.items() for name in names),
    ]
    return [
        Problem("sort", f"groups have no {_key(name)!r}", f"There are: {', '.join(known)}")
        for name in query.sort
        if _key(name) not in known
    ]


def _of_group(group: JSON, key: str) -> Any:
    if key in group["group"]:
        return group["group"][key]
    if key == "count":
        return group["count"]
    kind, _, name = key.partition(".")
    return group[kind][name]

"""What all reports share: checking what is asked for, grouping, cutting into intervals, and the answer's document."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour.timeframes import Span, cut, span_of
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.clock import iso, microseconds
from klaviyo_sandbox.errors import ApiError, invalid_body, invalid_parameter
from klaviyo_sandbox.filters import Condition, parse
from klaviyo_sandbox.loose_json import Json

_HERE = "/data/attributes"
_MOST_ITEMS = 100
_PAGE = 100

# What a group is told apart by: its dimensions' values, in the order they were asked for.
Key = tuple[str, ...]
# The values of each dimension of one fact. A dimension such as a tag may have several at once.
Dimensions = Mapping[str, Sequence[str]]


@dataclass(slots=True)
class Tally:
    """What was counted of one group in one interval: how often, for how much, and by how many profiles."""

    sums: dict[str, float] = field(default_factory=lambda: defaultdict[str, float](float))
    people: dict[str, set[str]] = field(default_factory=lambda: defaultdict[str, set[str]](set))

    def add(self, what: str, who: str, amount: float = 1.0) -> None:
        """Count something that somebody did."""
        self.sums[what] += amount
        self.people[what].add(who)

    def total(self, what: str) -> float:
        """How often it happened, or for how much."""
        return self.sums.get(what, 0.0)

    def unique(self, what: str) -> float:
        """By how many profiles."""
        return float(len(self.people.get(what, ())))


Statistic = Callable[[Tally], float]


@dataclass(frozen=True, slots=True)
class Kind:
    """What may be asked of one kind of report.

    grouped_by: what its groups may be told apart by; `required` must be among it, `default` is it otherwise
    needs: a dimension → the one that must be grouped by with it
    paired: dimensions that several values of one thing share, such as a tag's id and name
    filters: a dimension → the operators on it; `choices` are the only values of some
    """

    statistics: Mapping[str, Statistic]
    grouped_by: tuple[str, ...]
    default: tuple[str, ...]
    filters: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict[str, str])
    paired: tuple[tuple[str, str], ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(slots=True)
class Report:
    """A report being made: what was asked for, and the tallies of each group."""

    call: Call
    kind: Kind
    span: Span
    group_by: tuple[str, ...]
    conditions: Sequence[Condition]
    starts: Sequence[datetime]
    interval: str
    _edges: list[int] = field(default_factory=list[int])
    _groups: dict[Key, list[Tally]] = field(default_factory=dict[Key, list[Tally]])

    def add(self, dimensions: Dimensions, at: int, what: str, who: str, amount: float = 1.0) -> None:
        """Count something that lies at `at` (microseconds since 1970), unless a filter leaves it out."""
        if not self.span.since <= at < self.span.until or not self.admits(dimensions):
            return
        index = self._index(at)
        for key in self._keys(dimensions):
            self.group(key)[index].add(what, who, amount)

    def group(self, key: Key) -> list[Tally]:
        """The tallies of a group, one for each interval."""
        if key not in self._groups:
            self._groups[key] = [Tally() for _ in self.starts]
        return self._groups[key]

    def admits(self, dimensions: Dimensions) -> bool:
        """Whether the filters let something with these dimensions in."""
        return all(_holds(condition, dimensions[condition.field]) for condition in self.conditions)

    def answer(self) -> Answer:
        """The document. Klaviyo's has relationships to what is reported on; those of the live service have none."""
        pages = "page_cursor" in self.call.operation.parameters
        first = _page_start(self.call)
        keys = sorted(self._groups)
        shown = keys[first : first + _PAGE] if pages else keys
        asked: list[str] = list(dict.fromkeys(self.call.data["attributes"]["statistics"]))
        results: list[Json] = []
        for key in shown:
            tallies = self._groups[key]
            told = {name: [_rounded(self.kind.statistics[name](tally)) for tally in tallies] for name in asked}
            statistics = told if self.interval else {name: values[0] for name, values in told.items()}
            results.append({"groupings": dict(zip(self.group_by, key, strict=True)), "statistics": statistics})
        attributes: Json = {"results": results}
        if self.interval:
            attributes["date_times"] = [iso(start) for start in self.starts]
        links: Json = {"self": documents.self_link(self.call), **({"next": None, "prev": None} if pages else {})}
        if first + len(shown) < len(keys):
            links["next"] = f"{self.call.base_url}{self.call.path}?page_cursor={first + len(shown)}"
        return Answer(200, {"data": self._data(attributes), "links": links})

    def _data(self, attributes: Json) -> Json:
        kind = self.call.operation.resource
        data: Json = {"type": kind, "id": self.call.new_id(kind), "attributes": attributes}
        fields = self.call.query.fields.get(kind)
        if fields is not None:
            data["attributes"] = {name: value for name, value in attributes.items() if name in fields}
        return data

    def _index(self, at: int) -> int:
        if not self._edges:
            self._edges.extend(microseconds(start.astimezone(UTC)) for start in self.starts)
        return max(index for index, edge in enumerate(self._edges) if edge <= at)

    def _keys(self, dimensions: Dimensions) -> Iterable[Key]:
        """The groups that something belongs to: one for each combination of its dimensions' values."""
        partners = dict(self.kind.paired)
        # What goes together is not combined: a tag's id goes with its own name only.
        leading = [name for name in self.group_by if name not in partners.values() or not self._leads(name)]
        for places in product(*(range(len(dimensions[name])) for name in leading)):
            chosen = dict(zip(leading, places, strict=True))
            yield tuple(dimensions[name][chosen[self._leader(name, chosen)]] for name in self.group_by)

    def _leads(self, name: str) -> bool:
        """Whether the partner of a paired dimension is grouped by as well."""
        return any(second == name and first in self.group_by for first, second in self.kind.paired)

    def _leader(self, name: str, chosen: Mapping[str, int]) -> str:
        return name if name in chosen else next(first for first, second in self.kind.paired if second == name)


def start(call: Call, kind: Kind) -> Report:
    """A report as the body asks for it. Raises ApiError (400)."""
    asked: Json = call.data["attributes"]
    span = span_of(call, asked["timeframe"])
    interval: str = asked.get("interval", "")
    starts = cut(span, interval) if interval else [span.start]
    group_by = tuple(dict.fromkeys(asked.get("group_by") or kind.default))
    for name in kind.required:
        if name not in group_by:
            raise invalid_body(f"{_HERE}/group_by", f"'{name}' is required in 'group_by'.")
    for name, prerequisite in kind.needs.items():
        if name in group_by and prerequisite not in group_by:
            raise invalid_body(f"{_HERE}/group_by", f"'{name}' can only be grouped by together with '{prerequisite}'.")
    return Report(call, kind, span, group_by, _conditions(asked.get("filter"), kind), starts, interval)


def _conditions(text: str | None, kind: Kind) -> list[Condition]:
    if not text:
        return []
    pointer = f"{_HERE}/filter"
    try:
        conditions = parse(text)
    except ApiError as error:
        raise invalid_body(pointer, error.problems[0].detail) from None
    seen: set[str] = set()
    for condition in conditions:
        operators = kind.filters.get(condition.field)
        if operators is None:
            allowed = ", ".join(kind.filters)
            raise invalid_body(pointer, f"'{condition.field}' is not a valid filter. Use: {allowed}.")
        listed = isinstance(condition.value, list)
        if condition.operator not in operators or listed == (condition.operator == "equals"):
            detail = f"'{condition.operator}' is not a valid filter operator for '{condition.field}'."
            raise invalid_body(pointer, f"{detail} It takes: {', '.join(operators)}; all but equals take a list.")
        if condition.field in seen:
            raise invalid_body(pointer, f"Only one filter on '{condition.field}' can be used.")
        seen.add(condition.field)
        values = condition.value if isinstance(condition.value, list) else [condition.value or ""]
        if len(values) > _MOST_ITEMS:
            raise invalid_body(pointer, f"A filter may list up to {_MOST_ITEMS} values.")
        choices = kind.choices.get(condition.field)
        if choices and (wrong := [value for value in values if value not in choices]):
            detail = f"'{wrong[0]}' is not a valid value for '{condition.field}'. Choose one of: {', '.join(choices)}."
            raise invalid_body(pointer, detail)
    return conditions


def _holds(condition: Condition, values: Sequence[str]) -> bool:
    wanted = set(condition.value) if isinstance(condition.value, list) else {condition.value}
    return wanted <= set(values) if condition.operator == "contains-all" else bool(wanted & set(values))


def _page_start(call: Call) -> int:
    given = call.query.parameters.get("page_cursor", ())
    if not given:
        return 0
    if not (given[0].isascii() and given[0].isdigit()):
        raise invalid_parameter("page_cursor", "Invalid cursor provided.")
    return int(given[0])


def ratio(part: Statistic, whole: Statistic) -> Statistic:
    """A rate: 0 where there is nothing to compare with."""
    return lambda tally: part(tally) / whole(tally) if whole(tally) else 0.0


def total(what: str) -> Statistic:
    """How often something happened, or for how much."""
    return lambda tally: tally.total(what)


def unique(what: str) -> Statistic:
    """How many profiles did something."""
    return lambda tally: tally.unique(what)


def _rounded(value: float) -> float | int:
    return int(value) if value == int(value) else round(value, 4)

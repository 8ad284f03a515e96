"""Every row checked before anything is sent: made into an item, or told why not."""

from collections.abc import Callable, Iterable, Iterator, KeysView, Sequence
from datetime import tzinfo
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from klaviyo_mcp.jobs.check_report import CheckReport, Problems
from klaviyo_mcp.jobs.converters import EMAIL, NOT_READ, PHONE, READ, SEEN, TEXT, TIME, ZONELESS, Convert, Converters
from klaviyo_mcp.jobs.duplicates import RULES, settled
from klaviyo_mcp.jobs.item_text import too_much, written
from klaviyo_mcp.jobs.items import Item, Rejected
from klaviyo_mcp.jobs.mapping import Mapping
from klaviyo_mcp.jobs.places import folded, means, needs_of, places_of
from klaviyo_mcp.jobs.row_kind import RowKind
from klaviyo_mcp.jobs.row_rules import RowRules
from klaviyo_mcp.jobs.rows import BadRow, Row, SourceProblem
from klaviyo_mcp.jobs.source import Source
from klaviyo_mcp.jobs.values import HIDDEN, Wrong
from klaviyo_mcp.loose_json import JSON, mapping

TOGETHER = 256
"""Items of which rules are asked at a time."""
BLANKS = f" \t\r\n\u00a0\u202f\u3000{HIDDEN}"
"""What is taken from the ends of a text."""
NORMALISED = {
    EMAIL: ("address", "addresses", "written in small letters"),
    PHONE: ("phone number", "phone numbers", "written in international form{region}"),
    TIME: ("time", "times", "written in RFC 3339"),
    ZONELESS: ("time without an offset", "times without an offset", "taken as {zone}"),
    READ: ("day", "days", "written like 2026-11-30"),
    NOT_READ: ("value that is not as the others", "values that are not as the others", "left as text"),
    TEXT: ("number", "numbers", "made text"),
    SEEN: ("value", "values", "freed of characters at its ends that cannot be seen"),
}
"""How it is told what converters counted."""


class Checker:
    """Makes rows into items, by a function per column that is made once from the schema of its place.

    `region` (ISO 3166) is where phone numbers without a country code are from, `zone` (IANA) is that of times
    without an offset, UTC where it is not given. `rules` are those of the action for one item, if there are any. Raises
    SourceProblem for a region, zone or constant that cannot be used.
    """

    def __init__(
        self,
        kind: RowKind,
        schema: JSON,
        mapped: Mapping,
        *,
        region: str = "",
        zone: str = "",
        rules: RowRules | None = None,
    ) -> None:
        definitions = mapping(schema.get("$defs"))
        self.problems = Problems()
        self._kind, self._region, self._zone = kind, region.upper(), zone
        self._most_bytes = kind.item_bytes
        self._rules = rules
        try:
            self._converters = Converters(definitions, region=region, zone=_zone(zone))
        except ValueError as error:
            raise SourceProblem(str(error), "Give the two letters of a country, such as --region DE.") from None
        self._named = {place.path: place for place in places_of(schema, definitions)}
        self._places = {path: place.schema for path, place in self._named.items()}
        self._late: dict[str, str] = {}
        # The longest way last: an object that a column gives whole is there before what other columns put into it.
        order = sorted(mapped.columns.items(), key=lambda pair: pair[1].count("."))
        steps: dict[tuple[str, ...], list[tuple[str, Convert | None, Convert, str]]] = {}
        for column, place in order:
            if place:
                of_text, of_other, way, last = self._step(column, place, mapped)
                steps.setdefault(tuple(way), []).append((column, of_text, of_other, last))
        self._steps = list(steps.items())
        self._known = frozenset(mapped.columns)
        self._unknown = kind.unknown.split(".") if kind.unknown else []
        self._constants = [
            (*_parted(self._way(place)), self._constant(place, value)) for place, value in mapped.constants.items()
        ]
        filled = [*mapped.columns.values(), *mapped.constants, *kind.defaults, kind.unknown]
        needs = [need for need in needs_of(schema, definitions) if _can_be_there(need[0], filled)]
        self._needs = [
            (above.split(".") if above else [], [dict.fromkeys(form).keys() for form in forms], _each_alone(forms))
            for above, forms in needs
        ]
        ways = [(one, [place.split(".") for place in one.split("+")]) for one in kind.identity]
        self._identity = [(one, one if len(way) == len(way[0]) == 1 else "", way) for one, way in ways]
        self._column_of = {place: column for column, place in mapped.columns.items() if place}

    def check(self, row: Row) -> Item | Rejected:
        """A row as an item, or why it is none: all that is wrong with it, by column."""
        body: JSON = {}
        wrong: list[tuple[str, Wrong]] = []
        values = row.values
        for way, steps in self._steps:
            target: JSON | None = None
            for column, of_text, of_other, last in steps:
                value = values.get(column)
                try:
                    if isinstance(value, str):
                        value = value.strip()
                        if not value.isascii():
                            value = self._seen(column, value)
                        if not value:
                            continue
                        if of_text is not None:
                            value = of_text(value)
                    elif value is None:
                        continue
                    else:
                        value = of_other(value)
                except Wrong as error:
                    wrong.append((column, error))
                    continue
                if target is None:
                    target = _object_at(body, way)
                target[last] = value
        if not self._known.issuperset(values):
            self._take_others(values, body, wrong)
        for way, last, value in self._constants:
            _object_at(body, way).setdefault(last, value)
        return self._rejected(row, wrong) if wrong else self._item(row, body)

    def by_rules(self, rows: Iterator[Item | Rejected]) -> Iterator[Item | Rejected]:
        """What was checked so far, without the items that break a rule of the action."""
        if not self._rules:
            yield from rows
            return
        while together := list(islice(rows, TOGETHER)):
            items = [one for one in together if isinstance(one, Item)]
            broken = {id(items[place]): problem for place, problem in self._rules.broken(items).items()}
            for one in together:
                if (problem := broken.get(id(one))) is not None:
                    column = self._column_of.get(problem.argument, problem.argument)
                    yield self.reject(one.line, one.raw, column, problem.problem, problem.fix)
                else:
                    yield one

    def normalised(self) -> list[str]:
        """What was normalised so far, with counts."""
        values = {"region": f", as of {self._region}" if self._region else "", "zone": self._zone or "UTC"}
        told: list[str] = []
        for (what, column), count in self._converters.counts.items():
            one, many, became = NORMALISED[what]
            verb = f"{one} of {column!r} was" if count == 1 else f"{many} of {column!r} were"
            told.append(f"{count:,} {verb} {became.format(**values)}.")
        return told

    def reject(self, line: int, raw: str, where: str, why: str, advice: str) -> Rejected:
        """A row that is not sent, counted with those that have the same problem."""
        self.problems.add(line, where, why, advice)
        return Rejected(line, raw, why, advice, where)

    def _item(self, row: Row, body: JSON) -> Item | Rejected:
        if not body:
            return self.reject(row.line, row.raw, "", "has nothing that would be sent", "Fill it, or leave the row out")
        self._kind.complete(body)
        for way, forms, any_of in self._needs:
            target: Any = body
            for name in way:
                target = target.get(name) if target.__class__ is dict else None
            if target.__class__ is not dict or (any_of and not any_of.isdisjoint(target)):
                continue
            for form in forms:
                if target.keys() >= form:
                    break
            else:
                return self._lacking(row, way, forms)
        try:
            text, size = written(body)
        except (ValueError, RecursionError):
            return self.reject(row.line, row.raw, "", "has a number or text that cannot be sent", "Correct it")
        if why := too_much(body, text):
            return self.reject(row.line, row.raw, "", why, "Send less of it")
        if self._most_bytes and size > self._most_bytes:
            why = f"is longer than {self._most_bytes:,} bytes"
            return self.reject(row.line, row.raw, "", why, "Send less of it")
        return Item(row.line, body, self._identity_of(body), size, row.raw, text)

    def _identity_of(self, body: JSON) -> str:
        for name, plain, ways in self._identity:
            if plain:
                if value := body.get(plain):
                    return f"{name}={value}"
                continue
            if len(ways) == 1:
                if (value := _at(body, ways[0])) not in (None, ""):
                    return f"{name}={value}"
                continue
            values = [_at(body, way) for way in ways]
            if all(value not in (None, "") for value in values):
                return f"{name}={chr(31).join(map(str, values))}"
        return ""

    def _lacking(self, row: Row, way: list[str], needed: Sequence[KeysView[str]]) -> Rejected:
        forms = [list(form) for form in needed]
        places = (
            [".".join([*way, form[0]]) for form in forms] if len(forms) > 1 else [".".join([*way, n]) for n in forms[0]]
        )
        columns = [self._column_of[place] for place in places if place in self._column_of] or places
        joint = " nor " if len(forms) > 1 else " or no "
        why = f"has {'neither ' if len(forms) > 1 and len(columns) > 1 else 'no '}{joint.join(columns)}"
        return self.reject(row.line, row.raw, "", why, "Fill it, or leave the row out")

    def _rejected(self, row: Row, wrong: list[tuple[str, Wrong]]) -> Rejected:
        for column, error in wrong:
            self.problems.add(row.line, column, error.why, error.advice)
        why = "; ".join([wrong[0][1].why, *(f"{column} {error.why}" for column, error in wrong[1:])])
        advice = "; ".join(dict.fromkeys(error.advice for _, error in wrong if error.advice))
        return Rejected(row.line, row.raw, why, advice, wrong[0][0])

    def _take_others(self, values: dict[str, Any], body: JSON, wrong: list[tuple[str, Wrong]]) -> None:
        """What rows of JSON have beside the columns of the first ones, which no mapping was made for."""
        for column in values.keys() - self._known:
            value = values[column]
            if isinstance(value, str):
                value = self._seen(column, value.strip())
            if value is None or value == "":
                continue
            try:
                self._take_other(column, value, body)
            except Wrong as error:
                wrong.append((column, error))

    def _seen(self, column: str, text: str) -> str:
        """A text without what cannot be seen at its ends, counted where there was some."""
        seen = text.strip(BLANKS)
        if seen != text:
            self._converters.counts[SEEN, column] += 1
        return seen

    def _take_other(self, column: str, value: Any, body: JSON) -> None:
        """A place by its own name is one; what only may be one is not guessed, and what is none is a property."""
        if column not in self._late:
            name = folded(column)
            near = next((place.path for place in self._named.values() if means(place, name)), "")
            self._late[column] = column if column in self._places else near
        place = self._late[column]
        if place and place != column:
            raise Wrong(
                "is in none of the first rows, by which columns were told apart",
                f"Call it {place} if that is what it is",
            )
        if not place and not self._unknown:
            raise Wrong("is nothing that this job takes", "Leave it out")
        if not place:
            _object_at(body, self._unknown)[column] = value
            return
        *way, last = self._way(place)
        target = _object_at(body, way)
        if last in target:
            raise Wrong(f"and {self._column_of.get(place, 'another column')} are both {place}", "Leave one of them out")
        of_text, of_other = self._converters.of_place(self._places[place], column)
        target[last] = of_text(value) if of_text and isinstance(value, str) else of_other(value)

    def _way(self, place: str) -> list[str]:
        under = f"{self._kind.unknown}."
        if self._kind.unknown and place.startswith(under) and place not in self._places:
            return [*self._kind.unknown.split("."), place.removeprefix(under)]
        return place.split(".")

    def _step(self, column: str, place: str, mapped: Mapping) -> tuple[Convert | None, Convert, list[str], str]:
        *way, last = self._way(place)
        reading = mapped.readings.get(column, "text")
        if place in self._places:
            return *self._converters.of_place(self._places[place], column, reading), way, last
        return *self._converters.free(column, reading), way, last

    def _constant(self, place: str, value: Any) -> Any:
        if place not in self._places:
            return value
        try:
            of_text, of_other = self._converters.of_place(self._places[place], place)
            return (of_text(value) if of_text else value) if isinstance(value, str) else of_other(value)
        except Wrong as error:
            raise SourceProblem(f"--set {place}: the value {error.why}", f"{error.advice}.") from None


class Checked:
    """The rows of a source, each as an `Item` or `Rejected`, streamed; `report` is whole at the end."""

    def __init__(self, source: Source, checker: Checker, duplicates: str) -> None:
        self.report = CheckReport()
        self._source, self._checker, self._rule = source, checker, duplicates

    def __iter__(self) -> Iterator[Item | Rejected]:
        report, checker = self.report, self._checker
        one = settled(checker.by_rules(self._read()), self._rule, checker.reject)
        for found in one:
            if found.__class__ is Item:
                report.good += 1
            elif isinstance(found, Rejected) and found.duplicate:
                report.duplicates += 1
            else:
                report.rejected += 1
            yield found
        report.problems = checker.problems.all()
        report.told = [*self._source.told, *checker.normalised()]
        report.fingerprint = self._source.fingerprint

    def _read(self) -> Iterator[Item | Rejected]:
        report, checker = self.report, self._checker
        check: Callable[[Row], Item | Rejected] = checker.check
        for row in self._source.rows():
            report.rows += 1
            if isinstance(row, BadRow):
                yield checker.reject(row.line, row.raw, "", row.why, "Correct the row in the file")
            else:
                yield check(row)


def checked(source: Source, checker: Checker, *, duplicates: str = "refuse") -> Checked:
    """All rows of a source, checked, with those that are about the same settled by a rule.

    `duplicates`: `first` or `last` of them is sent, `merge` makes one of them (later values win, in the place of the
    first), `refuse` rejects every one after the first. `last` and `merge` read everything before the first item comes.
    Raises SourceProblem for another rule.
    """
    if duplicates not in RULES:
        raise SourceProblem(f"There is no rule {duplicates!r} for duplicates", f"The rules are {', '.join(RULES)}.")
    return Checked(source, checker, duplicates)


def _object_at(body: JSON, way: Sequence[str]) -> JSON:
    """The object at the end of a way, made where it is not there."""
    for name in way:
        body = body.setdefault(name, {})
    return body


def _can_be_there(above: str, filled: Iterable[str]) -> bool:
    """Whether an object can be there, by the places that are filled: it, what is in it, or what it is in."""
    return not above or any(f"{place}.".startswith(f"{above}.") or above.startswith(f"{place}.") for place in filled)


def _each_alone(forms: list[list[str]]) -> frozenset[str]:
    """Names of which each alone is enough; none where some count only together."""
    return frozenset(name for form in forms for name in form) if all(len(form) == 1 for form in forms) else frozenset()


def _at(body: JSON, way: list[str]) -> Any:
    value: Any = body
    for part in way:
        if value.__class__ is not dict:
            return None
        value = value.get(part)
    return value


def _parted(way: list[str]) -> tuple[list[str], str]:
    return way[:-1], way[-1]


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, LookupError):
        raise SourceProblem(f"There is no time zone {name!r}", "Give its IANA name, such as Europe/Berlin.") from None

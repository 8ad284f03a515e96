"""Which column of a file goes where in an item: taken from what is given, from names, from values, or asked for."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from klaviyo_mcp.actions.formats import E164, is_email
from klaviyo_mcp.jobs.converters import types_in
from klaviyo_mcp.jobs.places import Place, bare, folded, means, needs_of, places_of
from klaviyo_mcp.jobs.row_kind import RowKind
from klaviyo_mcp.jobs.rows import Row, SourceProblem
from klaviyo_mcp.jobs.values import READINGS, UNIX, UNIX_MS, decimal_mark, order_of_days, reading_of
from klaviyo_mcp.loose_json import JSON, did_you_mean, is_object, mapping
from klaviyo_mcp.registry.id_forms import ID_FORMS

OTHERS = "*"
"""As a column: all that nothing is known of."""
MOST_SAID = 30
LIKE = 0.9
"""The share of a column's values that must look like something for its name not to matter."""
LONGEST_LIKE = 100
"""Characters of a value that is looked at for being an address or a number."""
CODE = re.compile(r"(nr|no|id|num|number|nummer|numero|code|sku|ean|gtin|plz|zip|postcode|phone|tel|telefon|fax|iban)$")
"""Ends of names (folded) whose values are no amounts, even where they are nothing but digits."""


@dataclass(slots=True)
class Mapping:
    """Where each column goes, what every item gets besides, and how texts of a column are read.

    `columns`: column → dotted place, "" for a column that is left out; what follows the kind's `unknown` is one name,
    dots and all. `constants`: dotted place → value, where no column gives one. `readings`: column → one of
    `values.READINGS`. `told`: what was decided, in sentences.
    """

    columns: dict[str, str]
    constants: dict[str, Any] = field(default_factory=dict[str, Any])
    told: list[str] = field(default_factory=list[str])
    readings: dict[str, str] = field(default_factory=dict[str, str])


def suggested(
    kind: RowKind,
    schema: JSON,
    columns: list[str],
    sample: list[Row],
    given: dict[str, str],
    constants: dict[str, Any],
    *,
    dates: str = "",
    decimal: str = "",
) -> Mapping:
    """Where columns go: as `given` (column → place; "" leaves out, `*` is all others, `place:number` is a reading).

    What is not given is taken from names in many languages, then from values. `dates` is `day-first` or `month-first`,
    `decimal` is `comma` or `point`. Raises SourceProblem where it would have to be guessed, or a place is unknown.
    """
    return _Suggestion(kind, schema, columns, sample, dates, decimal).made(given, constants)


class _Suggestion:
    def __init__(
        self, kind: RowKind, schema: JSON, columns: list[str], sample: list[Row], dates: str, decimal: str
    ) -> None:
        self._kind, self._schema, self._columns = kind, schema, columns
        self._definitions = mapping(schema.get("$defs"))
        self._places = {place.path: place for place in places_of(schema, self._definitions)}
        self._dates, self._decimal = dates, decimal
        self._texts: dict[str, list[str]] = {
            column: [value for row in sample if isinstance(value := row.values.get(column), str) and value.strip()]
            for column in columns
        }
        self._map = Mapping({})

    def made(self, given: dict[str, str], constants: dict[str, Any]) -> Mapping:
        self._take_given({column: place for column, place in given.items() if column != OTHERS})
        for name, value in constants.items():
            place, value = self._place(name, "--set"), _value(value)
            self._map.constants[place if is_object(value) else self._deepest(place)] = value
        self._take_by_name()
        self._take_by_value()
        self._take_unknown(given.get(OTHERS))
        self._need()
        for column, place in self._map.columns.items():
            if place and column not in self._map.readings:
                self._read(column, place)
        self._tell()
        # In the order of the file, in which a custom property made of two columns would be told.
        self._map.columns = {
            column: self._map.columns[column] for column in self._columns if column in self._map.columns
        }
        return self._map

    def _take_given(self, given: dict[str, str]) -> None:
        for column, place in given.items():
            if column not in self._columns:
                close = did_you_mean(column, self._columns)
                raise SourceProblem(
                    f"--map names a column {column!r} that is not there. {close}".strip(),
                    f"The columns are {_spoken(self._columns)}.",
                )
            place, _, reading = place.partition(":")
            if reading:
                if reading not in READINGS:
                    raise SourceProblem(f"A column cannot be read as {reading!r}", f"Readings are {_spoken(READINGS)}.")
                self._map.readings[column] = reading
            path = self._place(place, "--map") if place else ""
            self._map.columns[column] = self._deepest(path) if self._texts[column] else path
        self._once()

    def _place(self, name: str, option: str) -> str:
        """The place that is meant by a dotted place, its last part, or the name of a new custom property."""
        under = f"{self._kind.unknown}." if self._kind.unknown else ""
        if name in self._places or (under and name.startswith(under) and len(name) > len(under)):
            return name
        if same := self._by_leaf(folded(name)):
            return same
        if under and option == "--set":
            return f"{under}{name}"
        names = [place.path for place in self._places.values()]
        custom = f" A custom property is {under}{name}." if under else ""
        close = did_you_mean(name, names)
        raise SourceProblem(
            f"{option} names a place {name!r} that an item of {self._kind.name} does not have. {close}".strip(),
            f"The places are {_spoken(names)}.{custom}",
        )

    def _by_leaf(self, name: str) -> str:
        """The place whose last part is a folded name, the nearest to the top."""
        found = [place.path for place in self._places.values() if folded(place.leaf) == name]
        return min(found, key=lambda path: path.count("."), default="")

    def _take_by_name(self) -> None:
        exact, alike = dict[str, list[str]](), defaultdict[str, list[str]](list)
        for column in self._left():
            name = folded(column)
            path = column if column in self._places else self._by_leaf(name)
            if path:
                path = self._deepest(path) if self._texts[column] else path
            if path and self._holds(column, path):
                exact.setdefault(path, []).append(column)
            elif place := next((place for place in self._places.values() if means(place, name)), None):
                alike[place.path].append(column)
        # A constant is for rows that have no value of their own, and takes no column's place.
        used = set(self._map.columns.values())
        for path, names in {**alike, **exact}.items():
            if path in used:
                continue
            if path in exact and self._places[path].schema.get("format") == "email":
                names = names + [
                    column for column in alike[path] if self._texts[column] and self._all(column, is_email)
                ]
            if len(names) > 1:
                raise self._asked(path, names, "are called like")
            if not self._fits(names[0], self._places[path]):
                raise SourceProblem(
                    f"The column {names[0]!r} is called like {path}, and its values are none of it",
                    f"Say what it is: {self._choices(names[0], [self._likely(path), *self._own_key(path)])}",
                )
            self._map.columns[names[0]] = path
        self._take_by_part_of_name()

    def _take_by_part_of_name(self) -> None:
        """Take what is called like a place but for words around it (`Billing City`), where it is the only one."""
        found = defaultdict[str, list[str]](list)
        for column in self._left():
            for name in bare(column):
                place = next((place for place in self._places.values() if means(place, name)), None)
                # Of several addresses one would be taken that nobody looked at.
                if place and place.leaf != "email" and place.path.count(".") < 2 and self._fits(column, place):
                    found[place.path].append(column)
                    break
        used = self._used()
        self._map.columns.update(
            {names[0]: path for path, names in found.items() if len(names) == 1 and path not in used}
        )

    def _holds(self, column: str, path: str) -> bool:
        """Whether a column can be a whole object: `Location` is more often the name of a town."""
        kinds = types_in(self._places[path].schema, self._definitions)
        return kinds != {"object"} or all(text.lstrip().startswith("{") for text in self._texts[column])

    def _fits(self, column: str, place: Place) -> bool:
        """Whether ids of Klaviyo's are what a column has; its name says little, as everything has an id."""
        form, texts = place.schema.get("format", ""), [text.strip() for text in self._texts[column]]
        return form not in ID_FORMS or not texts or sum(map(ID_FORMS[form].fits, texts)) * 2 >= len(texts)

    def _likely(self, path: str) -> str:
        """Another place for what is called like an id of Klaviyo's and is none: one's own id."""
        own = path.rpartition(".")[0]
        other = f"{own}.external_id".lstrip(".")
        return other if other in self._places and other != path else ""

    def _own_key(self, path: str) -> list[str]:
        """What names an item of its own rather than whom it is about: an order has an id as well."""
        key = next(iter(self._kind.identity), "")
        return [key] if key in self._places and key.partition(".")[0] != path.partition(".")[0] else []

    def _take_by_value(self) -> None:
        known: dict[str, Callable[[str], bool]] = {
            "email": is_email,
            "phone_number": lambda text: bool(E164.fullmatch(_digits(text))),
        }
        for leaf, fits in known.items():
            path = self._by_leaf(folded(leaf))
            if not path or path in self._used() or path in self._map.constants:
                continue
            found = [column for column in self._left() if self._texts[column] and self._all(column, fits)]
            if len(found) > 1:
                raise self._asked(path, found, "look like")
            if found:
                self._map.columns[found[0]] = path
                self._map.told.append(f"Column {found[0]!r} was taken for {path} by its values.")

    def _all(self, column: str, fits: Callable[[str], bool]) -> bool:
        texts = [text.strip() for text in self._texts[column][:200]]
        return sum(len(text) <= LONGEST_LIKE and bool(fits(text)) for text in texts) >= len(texts) * LIKE

    def _take_unknown(self, others: str | None) -> None:
        left = self._left()
        if others == "":
            self._map.columns.update(dict.fromkeys(left, ""))
        elif others and others != self._kind.unknown:
            raise SourceProblem("--map '*=…' can only leave out", "Write --map '*=' for columns that nothing takes.")
        elif self._kind.unknown:
            self._map.columns.update({column: f"{self._kind.unknown}.{column}" for column in left})
        elif left:
            free = [path for path in self._places if path not in self._used()]
            where = f", or say where they go (--map 'Column=place'): {_spoken(free)}" if free else ""
            raise SourceProblem(
                f"Nothing takes the column{'s' * (len(left) > 1)} {_spoken(left)}",
                f"Leave them out with --map '*='{where}.",
            )
        self._once()

    def _need(self) -> None:
        """Raise SourceProblem where no row could have what every item needs."""
        whole: JSON = {}
        self._kind.complete(whole)
        places = {place for place in self._map.columns.values() if place} | set(self._map.constants) | _paths(whole)
        there = places | {
            ".".join(place.split(".")[:end]) for place in places for end in range(1, place.count(".") + 1)
        }
        for above, forms in needs_of(self._schema, self._definitions):
            if above and above not in there and not self._is_needed(above):
                continue
            ways = [[f"{above}.{name}".lstrip(".") for name in form] for form in forms]
            # What a column holds as an object can be there with it.
            if any(self._map.columns.get(column) == above for column in self._columns) and above:
                continue
            if not any(set(way) <= there for way in ways):
                missing = [" with ".join(self._deepest(place) for place in way if place not in there) for way in ways]
                raise SourceProblem(
                    f"No column is known for {' or '.join(missing)}, without which nothing can be sent",
                    f"Say which it is, such as --map 'Column={missing[0]}'. The columns are {_spoken(self._columns)}.",
                )

    def _deepest(self, path: str) -> str:
        """What an object that is needed needs itself, where that is one thing."""
        inner = next((forms[0] for above, forms in self._needs() if above == path and len(forms) == 1), list[str]())
        return self._deepest(f"{path}.{inner[0]}") if len(inner) == 1 else path

    def _is_needed(self, above: str) -> bool:
        return any(
            above in {f"{one}.{name}".lstrip(".") for name in forms[0]}
            for one, forms in self._needs()
            if len(forms) == 1
        )

    def _needs(self) -> list[tuple[str, list[list[str]]]]:
        return list(needs_of(self._schema, self._definitions))

    def _read(self, column: str, path: str) -> None:
        texts = self._texts[column]
        place = self._places.get(path)
        if not texts:
            return
        if place is None:
            if not CODE.search(folded(column)):
                reading = reading_of(texts, dates=self._dates, decimal=self._decimal)
                if reading == "ambiguous":
                    self._map.told.append(
                        f"Column {column!r} has days that can be read in two ways, and is sent as text; "
                        "--dates day-first or month-first says how they are written."
                    )
                elif reading != "text":
                    self._map.readings[column] = reading
            return
        if place.schema.get("format") in ("date-time", "date"):
            reading = order_of_days([text.strip() for text in texts], self._dates)
            if reading == "ambiguous":
                raise SourceProblem(
                    f"Days of the column {column!r} can be read in two ways",
                    "Give --dates day-first (31/12/2026) or --dates month-first (12/31/2026).",
                )
            seconds = {"unix": UNIX, "unix-ms": UNIX_MS}
            stamps = (name for name, form in seconds.items() if all(form.fullmatch(text.strip()) for text in texts))
            self._map.readings[column] = next(stamps, reading if reading != "text" else self._dates or "date")
        elif mark := decimal_mark([text.strip() for text in texts], self._decimal):
            self._map.readings[column] = f"number{mark}"

    def _tell(self) -> None:
        under = f"{self._kind.unknown}." if self._kind.unknown else "\n"
        known = [f"{column!r} → {place}" for column, place in self._map.columns.items() if place in self._places]
        custom = [column for column, place in self._map.columns.items() if place.startswith(under)]
        out = [column for column, place in self._map.columns.items() if not place]
        read: dict[str, list[str]] = defaultdict(list)
        for column in custom:
            read[READ_AS.get(self._map.readings.get(column, "text"), "")].append(column)
        said = [f"Columns: {', '.join(known)}."] if known else []
        if custom:
            kinds = [f"{_spoken(names)}{f' ({words})' if words else ''}" for words, names in read.items()]
            said.append(f"Custom properties ({self._kind.unknown}): {'; '.join(kinds)}.")
        if out:
            said.append(f"Left out: {_spoken(out)}.")
        taken = set(self._map.columns.values())
        if always := [place for place in self._map.constants if place not in taken]:
            said.append(f"In every item: {_spoken(always)}.")
        if otherwise := [place for place in self._map.constants if place in taken]:
            said.append(f"Given where a row has none: {_spoken(otherwise)}.")
        self._map.told[:0] = said

    def _once(self) -> None:
        """Raise SourceProblem where two columns go to one place."""
        taken: dict[str, str] = {}
        for column, place in self._map.columns.items():
            if place and place in taken:
                raise self._asked(place, [taken[place], column], "go to")
            taken[place] = column

    def _asked(self, path: str, columns: list[str], how: str) -> SourceProblem:
        return SourceProblem(
            f"The columns {_spoken(columns)} {how} {path}, and only one can be it",
            f"Say which it is, such as {self._choices(columns[0], [path])} and leave out or name the others: "
            f"{', '.join(self._choices(column, ['']) for column in columns[1:4])}",
        )

    def _choices(self, column: str, places: Iterable[str]) -> str:
        own = [f"{self._kind.unknown}.{column}"] if self._kind.unknown else []
        ways = [
            f"--map '{column}={place}'" for place in dict.fromkeys([place for place in places if place] + own + [""])
        ]
        return " or ".join(ways)

    def _left(self) -> list[str]:
        return [column for column in self._columns if column not in self._map.columns]

    def _used(self) -> set[str]:
        return set(self._map.columns.values()) | set(self._map.constants)


READ_AS = {
    "number": "as numbers",
    "number.": "as numbers",
    "number,": "as numbers with a decimal comma",
    "boolean": "as true or false",
    "date": "as days or times",
    "day-first": "as days, the day first",
    "month-first": "as days, the month first",
    "unix": "as times",
    "unix-ms": "as times",
}
"""How readings are told."""


def _value(value: Any) -> Any:
    """A constant as it was meant: numbers, true, false and texts in quotation marks are JSON, anything else is text."""
    if not isinstance(value, str):
        return value
    try:
        read = json.loads(value)
    except ValueError:
        return value
    return value if is_object(read) or isinstance(read, list) or read is None else read


def _paths(body: JSON, above: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in body.items():
        found |= {f"{above}{name}"} | (_paths(value, f"{above}{name}.") if is_object(value) else set())
    return found


def _digits(text: str) -> str:
    return re.sub(r"[\s()/.-]", "", text)


def _spoken(names: Iterable[str]) -> str:
    names = list(names)
    said = ", ".join(repr(name) for name in names[:MOST_SAID])
    return said if len(names) <= MOST_SAID else f"{said} and {len(names) - MOST_SAID} more"

"""Arguments made from an input schema: drawn by hypothesis, or everything given and every form taken in turn.

`_Walk` follows the schema; what is free it asks of a Chooser. A definition that contains itself is entered once more,
and then ended as shortly as it can be.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Protocol

from hypothesis import strategies as st

from klaviyo_mcp.registry.clearing import as_written
from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.registry.model import ActionSpec, FilterField
from klaviyo_mcp.registry.nulls import without_null
from klaviyo_mcp.registry.references import resolved
from klaviyo_mcp.registry.registry import Action

JSON = dict[str, Any]
Within = tuple[str, ...]
"""The definitions that a value is part of, the outermost first."""
FORMATS = {
    "email": ["ada@example.org", "grace.hopper+vip@example.org", "o'neil@sub.example.co.uk"],
    "phone": ["+14155550123", "+4915112345678"],
    "date-time": ["2026-11-30T09:00:00Z", "2024-02-29T23:59:59+02:00", "2026-10-01T00:00:00"],
    "date": ["2026-11-30", "2024-02-29"],
    "period": ["last_30_days", "last_week", "2026-10-01..2026-10-31"],
    "time": ["09:00:00", "23:30:15"],
    "country": ["US", "DE"],
    "hex-color": ["#1F3A2E", "#fff", "#1F3A2ECC"],
    "language": ["de", "fr-CA", "zh-Hant-TW"],
    "uri": ["https://example.org/a?b=c&d=é", "http://example.org"],
    **{name: [form.example] for name, form in ID_FORMS.items()},
    "base64": ["R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"],
}
PATTERNS = {
    r"^[0-9A-Za-z_]+$": ["TEN_OFF", "x9"],
    r"^[^:]+:::.+$": ["orders:::1001", "a:::b c/d"],
    r"^[a-z-]+\(.+\)$": ["greater-or-equal(datetime,2026-10-01T00:00:00)", "less-than(datetime,2026-11-01T00:00:00)"],
    r"^\$\w+:::.+:::.+$": ["$custom:::$default:::SKU-1", "$custom:::$default:::Ä/b c"],
    r"^https://": ["https://example.org/hook?x=1"],
    r"^klaviyo://": ["klaviyo://answers/a1b2c3d4.csv"],
    r"^[A-Za-z]{2}$": ["DE", "us"],
}
"""Texts of each pattern that a spec uses; a spec with another one fails here and is given its own line."""
FILTER_VALUES: dict[str, list[Any]] = {
    "string": ["a@example.org", 'say "hi"', "comma, (and) bracket"],
    "datetime": ["2026-11-01T00:00:00Z"],
    "date": ["2026-11-01"],
    "boolean": [True, False],
    "number": [1, 2.5],
    "integer": [3],
}


AWKWARD = "aé/?&=#%+: 9"
"""Text that tells a right encoding from a wrong one."""
BOTH = (True, False)
NOTHING = (None, "null", {"type": "null"})


class Chooser(Protocol):
    """Decides what a schema leaves open."""

    def among(self, options: Sequence[Any], place: str = "") -> Any:
        """One of the options of a place; they are the same object at every visit."""
        ...

    def whether(self) -> bool:
        """Whether to give something that may be left out."""
        ...

    def size(self, least: int, most: int) -> int:
        """How many items a list has."""
        ...

    def text(self, least: int, most: int) -> str:
        """Any text of so many characters."""
        ...

    def number(self, least: float, most: float, *, whole: bool) -> float:
        """A number between two."""
        ...


def arguments(spec: ActionSpec, chooser: Chooser) -> JSON:
    """The arguments of one call, which fit the spec's schema and its filter fields."""
    schema = _schema(spec)
    walk = _Walk(chooser, schema.get("$defs", {}))
    made = walk.value(schema, ())
    if spec.fields_argument:
        # Its names are no enumeration, and what it asks of Klaviyo the arguments of sparse fieldsets ask, too.
        made.pop("fields", None)
    if "filter" in made and spec.filters:
        own = Action(spec).filter_arguments
        others = {field: stated for field, stated in spec.filters.items() if own.get(field) not in made}
        made["filter"] = _conditions(others, chooser)
    for name, schema in spec.properties.items():
        if name in made and schema.get("type") == "string" and not made[name].strip().strip("."):
            made[name] = "x"  # an id of a path is neither empty nor a step in the path
    return made


_schemas: dict[int, tuple[ActionSpec, JSON]] = {}


def _schema(spec: ActionSpec) -> JSON:
    """What is given a value cannot be cleared as well, and null is no value where a field may be absent.

    The same object for the same spec, by which a chooser knows what it has chosen from.
    """
    if id(spec) not in _schemas:
        _schemas[id(spec)] = spec, without_null(as_written(spec).input_schema, spec.clearing.null_counts)
    return _schemas[id(spec)][1]


def _conditions(fields: dict[str, FilterField], chooser: Chooser) -> list[JSON]:
    offers = [
        (name, operator, many)
        for name, field in fields.items()
        for many, operators in ((False, field.one), (True, field.many), (None, field.alone))
        for operator in operators
    ]
    conditions: list[JSON] = []
    for _ in range(chooser.size(1, 2)):
        name, operator, many = offers[chooser.among(_positions(len(offers)), "filter")]
        options: list[Any] = fields[name].enum or FORMATS.get(
            fields[name].format or "", FILTER_VALUES[fields[name].type]
        )
        value = chooser.among(options)
        conditions.append({"field": name, "operator": operator, **({} if many is None else {"value": value})})
        if many:
            conditions[-1]["value"] = [value]
    return conditions


@cache
def _positions(count: int) -> tuple[int, ...]:
    return tuple(range(count))


@cache
def _samples(least: float, most: float) -> tuple[float, ...]:
    return least, most, (least + most) / 2


@cache
def _whole_samples(least: float, most: float) -> tuple[int, ...]:
    return math.ceil(least), math.floor(most), math.floor((least + most) / 2)


class _Walk:
    def __init__(self, chooser: Chooser, definitions: JSON) -> None:
        self._choose = chooser
        self._definitions = definitions
        self._heights: dict[str, float] = {}

    def value(self, schema: JSON, within: Within, at: str = "") -> Any:
        if "$ref" in schema:
            return self.value(self._target(schema), (*within, schema["$ref"]), at)
        for form in ("anyOf", "oneOf"):
            if form in schema:
                return self._form(schema, form, within, at)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choose.among(schema["enum"])
        kinds = schema.get("type", ["string", "integer", "boolean"])
        kind = kinds if isinstance(kinds, str) else self._choose.among(kinds)
        match kind:
            case "object":
                return self._object(schema, within, at)
            case "array":
                return self._list(schema, within, at)
            case "string":
                return self._text(schema)
            case "integer" | "number":
                least, most = schema.get("minimum", 0), schema.get("maximum", 10_000)
                return self._choose.number(least, most, whole=kind == "integer")
            case "boolean":
                return self._choose.among(BOTH)
            case _:
                return None

    def _form(self, schema: JSON, form: str, within: Within, at: str) -> Any:
        branches = schema[form]
        chosen = min(branches, key=self.height) if _ends(within) else self._choose.among(branches, at)
        beside = {key: rule for key, rule in schema.items() if key != form}
        if set(chosen) == {"required"}:
            return self.value({**beside, "required": [*beside.get("required", []), *chosen["required"]]}, within, at)
        return self.value({**beside, **chosen}, within, at)

    def _object(self, schema: JSON, within: Within, at: str) -> JSON:
        required = schema.get("required", [])
        made = {
            name: self.value(inner, within, f"{at}.{name}")
            for name, inner in schema.get("properties", {}).items()
            if name in required or (self._choose.whether() and not _ends(within))
        }
        most = schema.get("maxProperties", len(made))
        if len(made) > most:
            names = [*made, *made]
            first = self._choose.among(_positions(len(made)), at)
            made = {name: made[name] for name in names[first : first + most]}
        if not made and schema.get("minProperties"):
            name, inner = next(iter(schema.get("properties", {"key": {"type": "string"}}).items()))
            made[name] = self.value(inner, within, f"{at}.{name}")
        if "properties" not in schema and schema.get("maxProperties", 1) and self._choose.whether():
            made["Any key of one's own"] = self._choose.text(0, 10)
        return made

    def _list(self, schema: JSON, within: Within, at: str) -> list[Any]:
        items = schema.get("items", {"type": "string"})
        least = schema.get("minItems", 0)
        most = min(schema.get("maxItems", least + 2), least + (1 if within else 2))
        if "enum" in items and least == 0:
            most = min(len(items["enum"]), schema.get("maxItems", 1_000))
        size = least if _ends(within) else self._choose.size(least, most)
        made = [self.value(items, within, f"{at}[]") for _ in range(size)]
        return made if not schema.get("uniqueItems") else list(dict.fromkeys(made))

    def _text(self, schema: JSON) -> str:
        if "pattern" in schema:
            return self._choose.among(PATTERNS[schema["pattern"]])
        if "format" in schema:
            return self._choose.among(FORMATS[schema["format"]])
        least = schema.get("minLength", 0)
        return self._choose.text(least, min(schema.get("maxLength", least + 12), least + 12))

    def _target(self, schema: JSON) -> JSON:
        target = self._definitions[schema["$ref"].rsplit("/", 1)[-1]]
        return {**target, **{key: rule for key, rule in schema.items() if key != "$ref"}}

    def height(self, schema: JSON) -> float:
        """How many definitions must be entered to end a value of this schema; infinite for a circle."""
        if "$ref" in schema:
            name = schema["$ref"]
            if name not in self._heights:
                self._heights[name] = math.inf
                self._heights[name] = 1 + self.height(self._target(schema))
            return self._heights[name]
        branches = schema.get("anyOf") or schema.get("oneOf") or []
        own = min((self.height(branch) for branch in branches), default=0.0)
        properties = schema.get("properties", {})
        needed = [properties[name] for name in schema.get("required", []) if name in properties]
        if schema.get("minItems"):
            needed.append(schema.get("items", {}))
        return max([own, *(self.height(inner) for inner in needed)])


def _ends(within: Within) -> bool:
    """Whether a definition has been entered from inside itself, so that it is time to end."""
    return len(within) > len(set(within))


class Drawn:
    """Chooses as hypothesis draws."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def among(self, options: Sequence[Any], place: str = "") -> Any:
        return options[self._draw(st.integers(0, len(options) - 1))] if len(options) > 1 else options[0]

    def whether(self) -> bool:
        return self._draw(st.booleans())

    def size(self, least: int, most: int) -> int:
        return self._draw(st.integers(least, min(most, least + 3)))

    def text(self, least: int, most: int) -> str:
        return self._draw(_texts(least, most))

    def number(self, least: float, most: float, *, whole: bool) -> float:
        if whole:
            return self._draw(st.integers(math.ceil(least), math.floor(most)))
        return self._draw(st.floats(least, most, allow_subnormal=False))


@cache
def _texts(least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=least, max_size=most)


def drawn_arguments(spec: ActionSpec) -> st.SearchStrategy[JSON]:
    """Hypothesis' strategy for the arguments of an action."""

    @st.composite
    def drawn(draw: st.DrawFn) -> JSON:
        return arguments(spec, Drawn(draw))

    return drawn()


class InTurn:
    """Gives everything, and takes the options of each place one after another, over all calls made with it."""

    def __init__(self) -> None:
        self._left: dict[str, int] = {}

    @property
    def is_through(self) -> bool:
        """Whether every option of every place has had its turn."""
        return not any(left > 0 for left in self._left.values())

    def among(self, options: Sequence[Any], place: str = "") -> Any:
        key = f"{place} {id(options)}"
        options = [option for option in options if option not in NOTHING] or options
        left = self._left.get(key, len(options))
        self._left[key] = left - 1
        return options[-left % len(options)]

    def whether(self) -> bool:
        return True

    def size(self, least: int, most: int) -> int:
        return most

    def text(self, least: int, most: int) -> str:
        return (AWKWARD * (1 + least // len(AWKWARD)))[: max(least, min(most, len(AWKWARD)))]

    def number(self, least: float, most: float, *, whole: bool) -> float:
        return self.among(_whole_samples(least, most) if whole else _samples(least, most))


def everything(spec: ActionSpec, at_most: int = 60) -> list[JSON]:
    """Calls with every argument given, until every form and enumerated value has had its turn."""
    return list(in_turn(spec, InTurn(), at_most))


def in_turn(spec: ActionSpec, chooser: InTurn, at_most: int) -> Iterator[JSON]:
    """Calls made with one chooser, until every option of every place has had its turn."""
    for _ in range(at_most):
        yield arguments(spec, chooser)
        if chooser.is_through:
            return


class Least(InTurn):
    """Gives only what must be given."""

    def whether(self) -> bool:
        return False

    def size(self, least: int, most: int) -> int:
        return max(1, least)


def one_by_one(spec: ActionSpec) -> list[JSON]:
    """Calls with what must be given alone, in every form, and with each of the other arguments added alone."""
    calls: list[JSON] = []
    for name in ["", *(name for name in spec.properties if name not in spec.required)]:
        schema = {**spec.input_schema, "required": [*spec.required, *([name] if name else [])]}
        calls += in_turn(spec.model_copy(update={"input_schema": schema}), Least(), 20)
    return calls


def changed(arguments: JSON, whole: JSON, change: Callable[[Any, JSON], Any]) -> JSON:
    """Arguments with a change made to every value that one plain schema describes; those of several forms are left.

    `whole` is the schema of all arguments, `change` is given a value and its schema.
    """
    definitions: JSON = whole.get("$defs", {})

    def walked(value: Any, schema: JSON) -> Any:
        schema = resolved(schema, definitions)
        if isinstance(value, dict):
            rules = schema.get("properties", {})
            value = {key: walked(inner, rules[key]) if key in rules else inner for key, inner in value.items()}
        elif isinstance(value, list) and isinstance(schema.get("items"), dict):
            value = [walked(inner, schema["items"]) for inner in value]
        return change(value, schema)

    return {name: walked(value, whole["properties"][name]) for name, value in arguments.items()}

"""Arguments made from an input schema: drawn by hypothesis, or everything given and every form taken in turn.

`value` walks the schema; what it may choose freely it asks of a Chooser. Definitions that contain themselves are
followed DEEPEST levels down and then ended as shortly as they can be.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

from hypothesis import strategies as st

from klaviyo_mcp.spec.model import ActionSpec, FilterField

JSON = dict[str, Any]
DEEPEST = 6
FORMATS = {
    "email": ["ada@example.org", "grace.hopper+vip@example.org", "o'neil@sub.example.co.uk"],
    "phone": ["+14155550123", "+4915112345678"],
    "date-time": ["2026-11-30T09:00:00Z", "2024-02-29T23:59:59+02:00", "2026-10-01T00:00:00"],
    "date": ["2026-11-30", "2024-02-29"],
    "time": ["09:00:00", "23:30:15"],
    "uri": ["https://example.org/a?b=c&d=é", "http://example.org"],
    "binary": ["iVBORw0KGgo="],
}
PATTERNS = {
    r"^[0-9A-Za-z_]+$": ["TEN_OFF", "x9"],
    r"^[^:]+:::.+$": ["orders:::1001", "a:::b c/d"],
    r"^[a-z-]+\(.+\)$": ["greater-or-equal(datetime,2026-10-01T00:00:00)", "less-than(datetime,2026-11-01T00:00:00)"],
    r"^\$\w+:::.+:::.+$": ["$custom:::$default:::SKU-1", "$custom:::$default:::Ä/b c"],
    r"^https://": ["https://example.org/hook?x=1"],
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


class Chooser(Protocol):
    """Decides what a schema leaves open."""

    def among(self, options: Sequence[Any], place: str = "") -> Any:
        """One of the options, which are the same object at every visit or come with the name of their place."""
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
    walk = _Walk(chooser, spec.input_schema.get("$defs", {}))
    made = walk.value({key: rule for key, rule in spec.input_schema.items() if key != "$defs"}, 0)
    if "filter" in made and spec.filters:
        made["filter"] = _conditions(spec.filters, chooser)
    for name, schema in spec.properties.items():
        if name in made and schema.get("type") == "string" and not made[name].strip(" ."):
            made[name] = "x"  # an id of a path is neither empty nor a step in the path
    return made


def _conditions(fields: dict[str, FilterField], chooser: Chooser) -> list[JSON]:
    offers = [
        (name, operator, many)
        for name, field in fields.items()
        for many, operators in ((False, field.one), (True, field.many), (None, field.alone))
        for operator in operators
    ]
    conditions: list[JSON] = []
    for _ in range(chooser.size(1, 2)):
        name, operator, many = chooser.among(offers, "filter")
        options = fields[name].enum or FILTER_VALUES[fields[name].type]
        value = chooser.among(options)
        conditions.append({"field": name, "operator": operator, **({} if many is None else {"value": value})})
        if many:
            conditions[-1]["value"] = [value]
    return conditions


class _Walk:
    def __init__(self, chooser: Chooser, definitions: JSON) -> None:
        self._choose = chooser
        self._definitions = definitions
        self._heights: dict[str, float] = {}

    def value(self, schema: JSON, depth: int) -> Any:
        if "$ref" in schema:
            return self.value(self._target(schema), depth + 1)
        for form in ("anyOf", "oneOf"):
            if form in schema:
                return self._form(schema, form, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choose.among(schema["enum"])
        kinds = schema.get("type", ["string", "integer", "boolean"])
        kind = kinds if isinstance(kinds, str) else self._choose.among(kinds)
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._list(schema, depth)
            case "string":
                return self._text(schema)
            case "integer" | "number":
                least, most = schema.get("minimum", 0), schema.get("maximum", 10_000)
                return self._choose.number(least, most, whole=kind == "integer")
            case "boolean":
                return self._choose.among(BOTH)
            case _:
                return None

    def _form(self, schema: JSON, form: str, depth: int) -> Any:
        branches = schema[form]
        chosen = min(branches, key=self.height) if depth > DEEPEST else self._choose.among(branches)
        beside = {key: rule for key, rule in schema.items() if key != form}
        if set(chosen) == {"required"}:
            return self.value({**beside, "required": [*beside.get("required", []), *chosen["required"]]}, depth)
        return self.value({**beside, **chosen}, depth)

    def _object(self, schema: JSON, depth: int) -> JSON:
        required = schema.get("required", [])
        made = {
            name: self.value(inner, depth)
            for name, inner in schema.get("properties", {}).items()
            if name in required or (self._choose.whether() and depth <= DEEPEST)
        }
        if not made and schema.get("minProperties"):
            name, inner = next(iter(schema.get("properties", {"key": {"type": "string"}}).items()))
            made[name] = self.value(inner, depth)
        if "properties" not in schema and self._choose.whether():
            made["Any key of one's own"] = self._choose.text(0, 10)
        return made

    def _list(self, schema: JSON, depth: int) -> list[Any]:
        items = schema.get("items", {"type": "string"})
        least = schema.get("minItems", 0)
        most = min(schema.get("maxItems", least + 2), least + 2)
        if "enum" in items and least == 0:
            most = min(len(items["enum"]), schema.get("maxItems", 1_000))
        size = least if depth > DEEPEST else self._choose.size(least, most)
        made = [self.value(items, depth) for _ in range(size)]
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
        return self._draw(_TEXTS.get((least, most)) or _texts(least, most))

    def number(self, least: float, most: float, *, whole: bool) -> float:
        if whole:
            return self._draw(st.integers(math.ceil(least), math.floor(most)))
        return self._draw(st.floats(least, most, allow_subnormal=False))


_TEXTS: dict[tuple[int, int], st.SearchStrategy[str]] = {}


def _texts(least: int, most: int) -> st.SearchStrategy[str]:
    alphabet = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])
    _TEXTS[least, most] = made = st.text(alphabet, min_size=least, max_size=most)
    return made


@st.composite
def drawn_arguments(draw: st.DrawFn, spec: ActionSpec) -> JSON:
    """Hypothesis' strategy for the arguments of an action."""
    return arguments(spec, Drawn(draw))


class InTurn:
    """Gives everything, and takes the options of each place one after another, over all calls made with it."""

    def __init__(self) -> None:
        self._turns: dict[int | str, int] = {}
        self.fresh = True

    def among(self, options: Sequence[Any], place: str = "") -> Any:
        turn = self._turns.get(place or id(options), 0)
        self._turns[place or id(options)] = turn + 1
        self.fresh = self.fresh or turn < len(options)
        return options[turn % len(options)]

    def whether(self) -> bool:
        return True

    def size(self, least: int, most: int) -> int:
        return most

    def text(self, least: int, most: int) -> str:
        return (AWKWARD * (1 + least // len(AWKWARD)))[: max(least, min(most, len(AWKWARD)))]

    def number(self, least: float, most: float, *, whole: bool) -> float:
        middle = (least + most) / 2
        return math.floor(middle) if whole else middle


def everything(spec: ActionSpec, at_most: int = 60) -> list[JSON]:
    """Calls with every argument given, until every form and enumerated value has had its turn."""
    chooser = InTurn()
    calls: list[JSON] = []
    while chooser.fresh and len(calls) < at_most:
        chooser.fresh = False
        calls.append(arguments(spec, chooser))
    return calls

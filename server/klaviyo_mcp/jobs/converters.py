"""One function per column, made from the JSON schema of its place: what it is given, as its place takes it.

Rows are not held against JSON Schema: that takes a thousand times as long. A value that is an object or a list is, as
such values are rare.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import tzinfo
from typing import Any

from klaviyo_mcp.actions import formats
from klaviyo_mcp.actions.validating import validator
from klaviyo_mcp.jobs.phones import PhoneReader
from klaviyo_mcp.jobs.values import FREE, HIDDEN, Wrong, as_read, boolean, moment, number
from klaviyo_mcp.loose_json import JSON, is_list, is_object, items, objects
from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.registry.references import resolved

Convert = Callable[[Any], Any]
UNSEEN = str.maketrans("", "", HIDDEN)
SEPARATORS = ("|", ";", ",")
"""What stands between the items of a list in one cell: the first of these that is in it."""
EMAIL, PHONE, TIME, ZONELESS, READ, NOT_READ, TEXT, SEEN = (
    "email",
    "phone",
    "time",
    "zoneless",
    "read",
    "not read",
    "text",
    "seen",
)


KEYWORDS = {
    "additionalProperties": "has a property that is not known",
    "anyOf": "has none of the forms that are allowed",
    "format": "does not have the form that is needed",
    "maxItems": "has too many items",
    "maxLength": "is too long",
    "maxProperties": "has too many properties",
    "minItems": "has too few items",
    "required": "lacks a property that is needed",
    "type": "is of another type than its place",
}
"""What is wrong, by the keyword of JSON Schema; the values themselves are not told."""


class Converters:
    """Makes the converters of a job's columns, which count in `counts` what they normalise, by (what, column).

    Raises ValueError for a region that is not known.
    """

    def __init__(self, definitions: JSON, *, region: str = "", zone: tzinfo | None = None) -> None:
        self._definitions = definitions
        self._zone = zone
        self.counts: Counter[tuple[str, str]] = Counter()
        self._phones = PhoneReader(region) if region else None

    def of_place(self, schema: JSON, column: str, reading: str = "text") -> tuple[Convert | None, Convert]:
        """What makes text, without blanks around it, and what makes other values what a place takes, or raises Wrong.

        None where the place takes any text.
        """
        schema = self._resolved(schema)
        kinds = types_in(schema, self._definitions)
        from_text = self._of_text(schema, kinds, column, reading)
        return None if from_text is _as_it_is else from_text, self._of_typed(schema, kinds, column)

    def free(self, column: str, reading: str) -> tuple[Convert | None, Convert]:
        """The same for a place that takes anything: text as its column is read, or as it is where it is not that."""
        if reading == "text":
            return None, _as_it_is
        counts, read, not_read, reads = self.counts, (READ, column), (NOT_READ, column), FREE[reading]

        def convert(value: str) -> Any:
            try:
                found = reads(value, reading)
            except Wrong:
                counts[not_read] += 1
                return value
            if found.__class__ is str and found != value:
                counts[read] += 1
            return found

        return convert, _as_it_is

    def _resolved(self, schema: JSON) -> JSON:
        schema = resolved(schema, self._definitions)
        forms = [form for form in objects(schema.get("anyOf") or schema.get("oneOf")) if form.get("type") != "null"]
        return self._resolved(forms[0]) if len(forms) == 1 and "type" not in schema else schema

    def _of_text(self, schema: JSON, kinds: set[str], column: str, reading: str) -> Convert:
        if "enum" in schema:
            return _enumerated(schema["enum"])
        if "string" in kinds:
            return self._bounded(schema, self._formatted(schema.get("format", ""), column, reading))
        if "array" in kinds:
            return self._listed(schema, column)
        if "object" in kinds:
            return self._parsed(schema, "is no object in JSON", 'Write it like {"key": "value"}')
        if "boolean" in kinds:
            return boolean
        if kinds & {"number", "integer"}:
            return self._counted(schema, reading, whole="number" not in kinds)
        return _as_it_is

    def _formatted(self, form: str, column: str, reading: str) -> Convert:
        if form == "email":
            return self._email(column)
        if form == "phone":
            return self._phone(column)
        if form == "date-time":
            return self._moment(column, reading)
        if form == "date":
            return lambda text: as_read(text, reading if reading != "text" else "date")
        if form in ID_FORMS:
            fits, (why, _) = ID_FORMS[form].fits, formats.id_problem(form)
            return _checked(fits, why, "Take it from Klaviyo, or leave the column out")
        if check := FORMATS.get(form):
            return _checked(check, *formats.FORMAT_FIXES[form])
        return _as_it_is

    def _email(self, column: str) -> Convert:
        counts, counted = self.counts, (EMAIL, column)
        why, advice = formats.FORMAT_FIXES["email"]

        def convert(text: str) -> str:
            if len(text) > formats.LONGEST_EMAIL:
                raise Wrong(why, advice)
            lower = (text if text.isascii() else text.translate(UNSEEN)).lower()
            if not formats.is_email(lower):
                raise Wrong(why, advice)
            if lower != text:
                counts[counted] += 1
            return lower

        return convert

    def _phone(self, column: str) -> Convert:
        phones, counts, counted = self._phones or PhoneReader(), self.counts, (PHONE, column)

        def convert(text: str) -> str:
            found = phones(text)
            if found != text:
                counts[counted] += 1
            return found

        return convert

    def _moment(self, column: str, reading: str) -> Convert:
        zone, counts, counted, zoneless = self._zone, self.counts, (TIME, column), (ZONELESS, column)

        def convert(text: str) -> str:
            found, without = moment(text, reading, zone)
            if without:
                counts[zoneless] += 1
            elif found != text:
                counts[counted] += 1
            return found

        return convert

    def _bounded(self, schema: JSON, convert: Convert) -> Convert:
        longest, shortest, pattern = schema.get("maxLength"), schema.get("minLength", 0), schema.get("pattern")
        if longest is None and shortest <= 1 and pattern is None:
            return convert
        search = re.compile(pattern).search if pattern else None

        def bounded(text: str) -> Any:
            found = convert(text)
            if longest is not None and len(found) > longest:
                raise Wrong(f"has more than {longest} characters", "Shorten it")
            if len(found) < shortest:
                raise Wrong(f"has fewer than {shortest} characters", "Correct it")
            if search and search(found) is None:
                raise Wrong(f"does not have the form {pattern}", "Correct it")
            return found

        return bounded

    def _counted(self, schema: JSON, reading: str, *, whole: bool) -> Convert:
        least, most = schema.get("minimum"), schema.get("maximum")
        reading = reading if reading.startswith("number") else "number"

        def convert(text: str) -> int | float:
            found = number(text, reading)
            if whole and found != int(found):
                raise Wrong("is not a whole number", "Write it without decimals")
            if (least is not None and found < least) or (most is not None and found > most):
                raise Wrong(f"is not between {least} and {most}", "Correct it")
            return int(found) if whole else found

        return convert

    def _listed(self, schema: JSON, column: str) -> Convert:
        inner = self.of_place(schema.get("items") or {}, column)[0] or _as_it_is
        whole = self._parsed(schema, "is no list in JSON", 'Write it like ["a", "b"]')
        valid = self._valid(schema)

        def convert(text: str) -> list[Any]:
            if text.startswith("["):
                return whole(text)
            between = next((mark for mark in SEPARATORS if mark in text), None)
            parts = text.split(between) if between else [text]
            return valid([inner(part.strip()) for part in parts if part.strip()])

        return convert

    def _parsed(self, schema: JSON, why: str, advice: str) -> Convert:
        valid = self._valid(schema)

        def convert(text: str) -> Any:
            try:
                return valid(json.loads(text))
            except (ValueError, RecursionError):
                raise Wrong(why, advice) from None

        return convert

    def _of_typed(self, schema: JSON, kinds: set[str], column: str) -> Convert:
        """For values that are no text: as they are where the place takes them, numbers as text where it takes that."""
        valid, counts, counted = self._valid(schema), self.counts, (TEXT, column)
        only_text = "string" in kinds and not kinds & {"number", "integer"}
        of_text = self._bounded(schema, self._formatted(schema.get("format", ""), column, "text"))

        def convert(value: Any) -> Any:
            if only_text and value.__class__ is int:
                counts[counted] += 1
                return of_text(str(value))
            return valid(value)

        return convert

    def _valid(self, schema: JSON) -> Convert:
        holds = None

        def convert(value: Any) -> Any:
            nonlocal holds
            # Made with the first value that needs it: most columns have none.
            holds = holds or validator({**schema, "$defs": self._definitions} if self._definitions else schema)
            problem = next(holds.iter_errors(value), None)  # pyright: ignore[reportUnknownMemberType]
            if problem is None:
                return {**value} if is_object(value) else value
            where = ".".join(str(part) for part in problem.absolute_path)
            what = KEYWORDS.get(str(problem.validator), "is not what its place takes")
            raise Wrong(f"{f'has something at {where} that ' if where else ''}{what}", _needed(problem.schema))

        return convert


def types_in(schema: JSON, definitions: JSON) -> set[str]:
    """The JSON types that a schema takes beside null; all that are known of its forms."""
    schema = resolved(schema, definitions)
    kind = schema.get("type")
    found = {kind} if isinstance(kind, str) else set(kind) if is_list(kind) else set[str]()
    for form in objects(schema.get("anyOf") or schema.get("oneOf")):
        found |= types_in(form, definitions)
    return found - {"null"}


def _as_it_is(value: Any) -> Any:
    return value


FORMATS: dict[str, Callable[[str], bool]] = {
    "uri": formats.is_uri,
    "base64": formats.is_base64,
    "hex-color": formats.is_hex_color,
}


def _checked(check: Callable[[str], bool], why: str, advice: str) -> Convert:
    def convert(text: str) -> str:
        if not check(text):
            raise Wrong(why, advice)
        return text

    return convert


def _enumerated(allowed: list[Any]) -> Convert:
    words = {str(value).casefold(): value for value in allowed if value is not None}
    shown = ", ".join(str(value) for value in list(words.values())[:20])

    def convert(text: str) -> Any:
        try:
            return words[text.casefold()]
        except KeyError:
            raise Wrong("is none of the values that its place takes", f"Those are {shown}") from None

    return convert


def _needed(schema: Any) -> str:
    kind = schema.get("type") if is_object(schema) else None
    kinds = [kind] if isinstance(kind, str) else [one for one in items(kind) if one != "null"]
    return f"It takes: {' or '.join(kinds)}" if kinds else "Correct it"

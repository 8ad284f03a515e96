"""Values as people write them, read as what the schema asks for: `"5"` as 5, one object as a list, `LIVE` as live.

Only what does not fit as it stands is read, and only where it can mean one thing. Free text and free objects are never
touched. Values that arrive as JSON in a string are taken for what they are, as some clients send them so.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from klaviyo_mcp.actions.absent import Absent
from klaviyo_mcp.actions.argument_names import is_klaviyos, plain, respelt
from klaviyo_mcp.actions.bounds import TooMuch
from klaviyo_mcp.actions.formats import is_phone
from klaviyo_mcp.actions.unpacking import CONTAINERS, may_be_packed, types_of, unpacked
from klaviyo_mcp.loose_json import JSON, is_list, is_object, items, mapping, objects
from klaviyo_mcp.registry.references import resolved

MOST_READ = 20
"""Readings that are told one by one; an import of 10,000 rows may hold as many."""
MOST_NAMES = 50
"""Fields of one object that may have a name that is none, to be read as slips of writing."""
FORMATTED_PHONE = re.compile(r"\+[0-9][0-9 ().\-/\u00a0]{5,30}")
WORD = re.compile(r"[\w.@+:$%'-]+")
ASKED = {
    ("draft", "manual"): (
        {"paused", "pause", "stopped", "off", "inactive", "disabled"},
        "Which is meant: draft, where nothing is sent, or manual, where messages wait until somebody sends them",
    )
}
"""Words that may mean either of two allowed values, and the question that settles it."""

NOT_GIVEN: Final = object()
"""What the word null stands for where no text is meant."""

Fits = Callable[[Any, JSON], bool]
"""Whether a value is valid against a schema, which may refer to the definitions of its action."""


@dataclass(slots=True)
class Reader:
    """Reads the values of one call. `read_as` fills with what was read, by place: `profiles[3].phone_number`.

    `exact` takes JSON in a string, and an id that is written as a number, for what must not be guessed. `absent` takes
    out what says nothing, also of what was unpacked.
    """

    absent: Absent
    fits: Fits
    exact: bool = False
    read_as: JSON = field(default_factory=dict[str, Any])

    @property
    def definitions(self) -> JSON:
        """What schemas may refer to."""
        return self.absent.definitions

    def property(self, value: Any, schema: JSON, where: str) -> Any:
        """The value of an argument or field as its schema asks for it; NOT_GIVEN for the word null where none fits."""
        if value == "null" and not self.exact and not self.fits(value, schema):
            return NOT_GIVEN
        return self.value(value, schema, where)

    def value(self, value: Any, schema: JSON, where: str) -> Any:
        """A value as its schema asks for it, or unchanged where it cannot be read so."""
        schema = resolved(schema, self.definitions)
        if isinstance(value, str):
            value = self._unpacked(value, schema, where)
        if (branches := _branches(schema)) and not _names_only(branches):
            return self._in_branches(value, schema, branches, where)
        if is_object(value):
            if self._wants_objects(schema) and not self.exact:
                return self._told([self.value(value, mapping(schema.get("items")), f"{where}[0]")], where)
            return self._object(value, schema, where)
        if is_list(value):
            inner = schema.get("items") if len(value) <= schema.get("maxItems", len(value)) else None
            return [self.value(item, inner, f"{where}[{at}]") for at, item in enumerate(value)] if inner else value
        return self._plain(value, schema, where)

    def _object(self, value: JSON, schema: JSON, where: str) -> JSON:
        properties, others = mapping(schema.get("properties")), schema.get("additionalProperties")
        if others is False and len(value) > len(properties) + MOST_NAMES:
            return value  # no slips of writing
        found: JSON = {}
        for key, inner in value.items():
            name = key
            # Where any key may stand, a key that is not known is its owner's own.
            if key not in properties and others is False:
                meant = respelt(key, properties)
                taken = meant is not None and (not self.exact or is_klaviyos(key, meant))
                if meant is not None and taken and meant not in value and meant not in found:
                    name = meant
                    self.read_as[f"{where}.{key}"] = name
            rule = properties.get(name, others)
            read = self.property(inner, rule, f"{where}.{name}") if is_object(rule) else inner
            if read is not NOT_GIVEN:
                found[name] = read
        return found

    def _in_branches(self, value: Any, schema: JSON, branches: list[JSON], where: str) -> Any:
        """The value as the one form reads it that then takes it; of several that differ, none is taken."""
        if value is None or self.fits(value, schema):
            return value
        beside = {key: rule for key, rule in schema.items() if key not in ("anyOf", "oneOf")}
        forms = [{**beside, **resolved(branch, self.definitions)} for branch in branches]
        forms = [form for form in forms if form.get("type") != "null"]
        if len(forms) > 1:
            read = [(form, self._tried(value, form, where)) for form in forms]
            taken = [(form, made) for form, made in read if self.fits(made, form)]
            if taken:
                forms = [taken[0][0]] if all(made == taken[0][1] for _, made in taken) else []
            else:
                forms = [form for form in forms if is_object(value) and self._is_marked(value, form)]
        return self.value(value, forms[0], where) if len(forms) == 1 else value

    def _tried(self, value: Any, schema: JSON, where: str) -> Any:
        return Reader(Absent(self.definitions, self.absent.counts), self.fits, self.exact).value(value, schema, where)

    def _is_marked(self, value: JSON, form: JSON) -> bool:
        """Whether an object carries every single value that marks a form, such as `type: send-email`."""
        properties = {name: resolved(rule, self.definitions) for name, rule in mapping(form.get("properties")).items()}
        marks = {
            name: items(rule.get("enum")) for name, rule in properties.items() if len(items(rule.get("enum"))) == 1
        }
        return any(name in value for name in marks) and all(
            plain(str(value[name])) == plain(str(only)) for name, (only,) in marks.items() if name in value
        )

    def _unpacked(self, text: str, schema: JSON, where: str) -> Any:
        """The value that a text is the JSON of, where the schema asks for such a value and not for text."""
        wanted = self._types(schema)
        if "string" in wanted and wanted & CONTAINERS and may_be_packed(text) and not self.exact:
            # A list is meant, and not a name with brackets; what is no list of what the schema lists stays text.
            try:
                value = unpacked(text, wanted & CONTAINERS)
            except TooMuch:
                return text  # which is what it may be
            return self._told(value, where) if value != text and self.fits(value, schema) else text
        if not wanted or "string" in wanted:
            return text
        value = unpacked(text, wanted)
        if isinstance(value, bool | int | float):
            self.read_as[where] = value
        return self.absent.without(value, schema, _one_for_all(where))

    def _types(self, schema: JSON) -> set[str]:
        """The types that a schema allows in any of its forms, none where one of them allows all."""
        if (branches := _branches(schema)) and not _names_only(branches):
            inner = [self._types(resolved(branch, self.definitions)) for branch in branches]
            return set[str]().union(*inner) if all(inner) else set()
        kinds = schema.get("type")
        return {kinds} if isinstance(kinds, str) else set(items(kinds))

    def _wants_objects(self, schema: JSON) -> bool:
        kinds = self._types(schema)
        inner = resolved(mapping(schema.get("items")), self.definitions)
        return "array" in kinds and "object" not in kinds and "object" in self._types(inner)

    def _plain(self, value: Any, schema: JSON, where: str) -> Any:
        kinds = self._types(schema)
        if isinstance(value, float) and value.is_integer() and "integer" in kinds:
            return int(value)
        if isinstance(value, bool) or not kinds:
            return value
        if isinstance(value, int | float) and "string" in kinds and not kinds & {"integer", "number"}:
            # How a float was written cannot be told: 1e3 and 1000.0 are one number, and different ids.
            if isinstance(value, float) and (self.exact or value.is_integer()):
                return value
            return self._told(str(value), where) if self.fits(str(value), schema) else value
        if self.exact:
            return value
        if "array" in kinds and not kinds & types_of(value):
            return self._words(value, schema, where) if isinstance(value, str) else self._one(value, schema, where)
        if isinstance(value, str):
            if "enum" in schema:
                return self._enumerated(value, schema["enum"], where)
            if schema.get("format") == "base64":
                return "".join(value.split())  # encoders break lines, and no character of it is blank
            if schema.get("format") == "phone" and (number := phone(value)):
                return self._told(number, where) if number != value else value
        return value

    def _enumerated(self, text: str, allowed: list[Any], where: str) -> Any:
        """The allowed value that differs from a text in case and joints alone."""
        if text in allowed:
            return text  # of the hundreds that some fields may be, none is looked at closer
        folded = _folded(text)
        same = [value for value in allowed if isinstance(value, str) and _folded(value) == folded]
        return self._told(same[0], where) if len(same) == 1 else text

    def _words(self, text: str, schema: JSON, where: str) -> Any:
        """The list that `a, b` is, where the items of a list are single words and have no comma."""
        inner = resolved(mapping(schema.get("items")), self.definitions)
        parts = [part.strip() for part in text.split(",")]
        if len(parts) == 1:
            return self._one(text, schema, where)
        if "string" not in self._types(inner) or not all(WORD.fullmatch(part) for part in parts):
            return text
        if not ("enum" in inner or "format" in inner or where.endswith(("_ids", "_fields"))):
            return text
        return self._told([self._tried(part, inner, where) for part in parts], where)

    def _one(self, value: Any, schema: JSON, where: str) -> Any:
        """The list of one that a single value is, where the list may hold it."""
        inner = resolved(mapping(schema.get("items")), self.definitions)
        if value == "" or (isinstance(value, float) and "number" not in self._types(inner)):
            return value
        read = [self._tried(value, inner, where)]
        return self._told(read, where) if self.fits(read, schema) else value

    def _told(self, value: Any, where: str) -> Any:
        self.read_as[where] = value
        return value


def phone(text: str) -> str | None:
    """The E.164 form of a number that is written with its country code, None for any other.

    Without one it would have to be guessed where the person lives.
    """
    if is_phone(text):
        return text
    if FORMATTED_PHONE.fullmatch(text) is None:
        return None
    import phonenumbers  # 40 ms, and only for numbers that somebody has formatted

    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def question(given: object, allowed: list[Any]) -> str:
    """What to ask about a word that may mean several of the allowed values; nothing for other words."""
    for values, (words, asked) in ASKED.items():
        if str(given).lower() in words and set(values) <= {str(value) for value in allowed}:
            return f"{asked}?"
    return ""


def told(read_as: JSON) -> JSON:
    """Readings as an answer tells them: long values cut, and no more than MOST_READ of them."""
    shown = {place: _short(value) for place, value in list(read_as.items())[:MOST_READ]}
    more = len(read_as) - len(shown)
    return {**shown, "…": f"and {more} more of these kinds"} if more else shown


def _short(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False)
    return value if len(text) <= 200 else f"{text[:197]}…"


def _one_for_all(where: str) -> str:
    """A place with the items of a list as one: `items[].price` for `items[3].price`."""
    return re.sub(r"\[\d+\]", "[]", where)


def _folded(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", text.strip()).casefold()


def _branches(schema: JSON) -> list[JSON]:
    return objects(schema.get("anyOf") or schema.get("oneOf") or [])


def _names_only(branches: list[JSON]) -> bool:
    """Whether forms differ only in what must be given, so that values are described beside them."""
    return all(set(branch) <= {"required"} for branch in branches)

"""Klaviyo's filter grammar: conditions to text with right quoting, and text to conditions.

    equals(email,"a@example.org"),greater-than(created,2026-01-01T00:00:00Z)

Conditions are joined with AND, by a comma or `and(…)`; no endpoint has `or` or `not`. Strings need quotes, times,
numbers and booleans must not have them, lists stand in brackets. Which fields and operators an operation accepts is
the business of its spec.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_BARE = 300
"""Characters of a value without quotes: a number, a time or a word. Python reads no number of far more digits."""

Scalar = str | int | float | bool
Value = Scalar | list[Scalar] | None


@dataclass(frozen=True, slots=True)
class Bare:
    """A word that stands in a filter without quotes, such as a time."""

    text: str


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. `value` is None only for `has`."""

    field: str
    operator: str
    value: "Value | Bare | list[Scalar | Bare]" = None


class FilterSyntaxError(ValueError):
    """Text that is not a filter. `position` counts characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        """`message` says what was expected."""
        super().__init__(f"{message} (at character {position + 1})")
        self.position = position


def render(conditions: Sequence[Condition]) -> str:
    """The filter text for conditions joined with AND."""
    return ",".join(_render_condition(condition) for condition in conditions)


def parse(text: str) -> list[Condition]:
    """The conditions of a filter text. Unquoted words come back as Bare. Raises FilterSyntaxError."""
    return _Parser(text).filter()


def _render_condition(condition: Condition) -> str:
    if condition.value is None:
        return f"{condition.operator}({condition.field})"
    return f"{condition.operator}({condition.field},{_render_value(condition.value)})"


def _render_value(value: "Value | Bare | list[Scalar | Bare]") -> str:
    if isinstance(value, list):
        return f"[{','.join(_render_value(item) for item in value)}]"
    if isinstance(value, Bare):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    return repr(value)


def quoted(text: str) -> str:
    """A string in quotes: the kind of quote that the text does not hold, where there is one."""
    quote = "'" if '"' in text and "'" not in text else '"'
    escaped = text.replace("\\", "\\\\").replace(quote, "\\" + quote)
    return f"{quote}{escaped}{quote}"


class _Parser:
    """A recursive-descent parser over one text."""

    NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$-]*")
    BARE = re.compile(r"[^\s,()\[\]'\"]+")
    NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,299})(\.[0-9]+)?([eE][+-]?[0-9]+)?$")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def filter(self) -> list[Condition]:
        conditions = self.conditions()
        if self.at < len(self.text):
            raise FilterSyntaxError("expected a comma between conditions, or the end", self.at)
        return conditions

    def conditions(self) -> list[Condition]:
        found = self.condition()
        while self.take(","):
            found += self.condition()
        return found

    def condition(self) -> list[Condition]:
        start = self.skip()
        operator = self.word("expected an operator such as equals(field,value)")
        if operator in ("or", "not"):
            raise FilterSyntaxError(f"Klaviyo has no {operator!r}; conditions can only be joined with AND", start)
        self.expect("(", f"expected '(' after {operator!r}")
        if operator == "and":
            self.depth += 1
            if self.depth > 20:
                raise FilterSyntaxError("and(…) is nested too deep", start)
            inner = self.conditions()
            self.depth -= 1
            self.expect(")", "expected ')' to close and(…)")
            return inner
        field = self.word("expected the name of a field")
        if self.take(")"):
            return [Condition(field, operator)]
        self.expect(",", "expected ',' and a value after the field")
        value = self.list_of_values() if self.take("[") else self.value()
        self.expect(")", "expected ')' after the value")
        return [Condition(field, operator, value)]

    def list_of_values(self) -> "list[Scalar | Bare]":
        values: list[Scalar | Bare] = []
        if self.take("]"):
            return values
        values.append(self.value())
        while self.take(","):
            values.append(self.value())
        self.expect("]", "expected ']' to close the list")
        return values

    def value(self) -> "Scalar | Bare":
        start = self.skip()
        quote = self.text[start : start + 1]
        if quote in ("'", '"') and quote:
            return self.string(quote)
        match = self.BARE.match(self.text, start)
        if match is None:
            raise FilterSyntaxError("expected a value", start)
        self.at = match.end()
        if len(match[0]) > LONGEST_BARE:
            raise FilterSyntaxError(f"a value of {len(match[0]):,} characters needs quotes", start)
        return _scalar(match[0])

    def string(self, quote: str) -> str:
        start, self.at = self.at, self.at + 1
        parts: list[str] = []
        while self.at < len(self.text):
            character = self.text[self.at]
            self.at += 1
            if character == quote:
                return "".join(parts)
            if character == "\\" and self.text[self.at : self.at + 1] in ("\\", "'", '"'):
                character = self.text[self.at]
                self.at += 1
            parts.append(character)
        raise FilterSyntaxError("this quoted string is not closed", start)

    def word(self, expected: str) -> str:
        start = self.skip()
        match = self.NAME.match(self.text, start)
        if match is None:
            raise FilterSyntaxError(expected, start)
        self.at = match.end()
        return match[0]

    def skip(self) -> int:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1
        return self.at

    def take(self, character: str) -> bool:
        if self.text[self.skip() : self.at + 1] != character:
            return False
        self.at += 1
        self.skip()
        return True

    def expect(self, character: str, message: str) -> None:
        if not self.take(character):
            raise FilterSyntaxError(message, self.at)


def _scalar(word: str) -> "Scalar | Bare":
    if word in ("true", "false"):
        return word == "true"
    if _Parser.NUMBER.match(word):
        return float(word) if any(mark in word for mark in ".eE") else int(word)
    return Bare(word)

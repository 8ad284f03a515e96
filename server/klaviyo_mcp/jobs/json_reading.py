"""Rows of JSON: an object a line, or one list of objects, of which one is in memory at a time."""

import io
import json
import re
from collections.abc import Iterator
from itertools import count
from typing import Any

from klaviyo_mcp.jobs.rows import BadRow, Row, SourceProblem
from klaviyo_mcp.jobs.text_lines import LONGEST_LINE, Lines, LineTooLong, not_text, shown
from klaviyo_mcp.loose_json import HALF, HALF_ESCAPED, is_list, is_object

PIECE = 256 * 1024
"""Characters read at a time from a list."""
MOST_DIGITS = 300
"""Digits of a whole number: with some more no program that reads JSON has a number for it."""
NAMED = {"email", "phone_number", "profile", "id", "external_id", "event", "name"}
"""What an object has that is a row itself, whatever lists it has besides."""
BLANK = re.compile(r"[ \t\r\n]*")


class _NotANumber(ValueError):
    pass


class _Twice(ValueError):
    pass


def _no_constant(word: str) -> float:
    raise _NotANumber(f"has {word}, which no JSON has")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _NotANumber("has a number too large")
    return number


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise _NotANumber("has a number too large")
    return int(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice("has two values under one name")
    return found


DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite, parse_int=_whole, object_pairs_hook=_once)


def jsonl_rows(text: io.TextIOBase) -> Iterator[Row | BadRow]:
    """Every line that is not blank as a row."""
    lines = Lines(text)
    number = 0
    while True:
        lines.taken.clear()
        number += 1
        try:
            line = next(lines)
        except StopIteration:
            return
        except LineTooLong:
            yield BadRow(number, shown(lines.taken[0]), f"is longer than {LONGEST_LINE:,} characters")
            continue
        if line.strip():
            yield _row(number, line, ended=line.endswith(("\n", "\r")))


def list_rows(name: str, text: io.TextIOBase) -> Iterator[Row | BadRow]:
    """Every item of one list, which may be in an object beside values that are no rows.

    Raises SourceProblem where the JSON is damaged, as where its next row begins is unknown then, and where an object
    has no list of objects, or several.
    """
    pieces = _Pieces(name, text)
    if pieces.peek() == "{":
        yield from _of_object(name, pieces)
    else:
        pieces.expect("[", "is no list of rows")
        yield from _items(pieces)
    if pieces.peek():
        raise SourceProblem(
            f"{name}, line {pieces.line}: there is more after its end",
            "Give one list, or an object a line.",
        )


def _of_object(name: str, pieces: "_Pieces") -> Iterator[Row | BadRow]:
    """The rows of the one list of objects that an object has."""
    found = ""
    pieces.expect("{", "")
    while pieces.peek() != "}":
        key = str(pieces.value()[0])
        pieces.expect(":", "has a name without a value")
        if pieces.peek() != "[":
            pieces.value()
        else:
            pieces.expect("[", "")
            of_objects = pieces.peek() == "{"
            if of_objects and found:
                raise SourceProblem(
                    f"{name} has several lists of objects, under {found!r} and {key!r}",
                    "Give the one that is meant in a file of its own.",
                )
            found = key if of_objects else found
            for row in _items(pieces):
                if of_objects:
                    yield row
        if pieces.peek() != ",":
            break
        pieces.expect(",", "")
    pieces.expect("}", "has no comma between two values, or is cut off")
    if not found:
        raise SourceProblem(
            f"{name} holds one object, and no list of rows", "Give a list of objects, or one object a line (JSONL)."
        )


def _items(pieces: "_Pieces") -> Iterator[Row | BadRow]:
    """The items of a list whose beginning was read, to its end."""
    if pieces.peek() == "]":
        pieces.expect("]", "")
        return
    # By their place in the list: a whole list often stands in one line, and a report has to tell its rows apart.
    for number in count(1):
        value, raw = pieces.value()
        why = not_text(raw) or _unfit(value, raw)
        yield BadRow(number, shown(raw), why) if why else Row(number, value, raw)
        if pieces.peek() != ",":
            break
        pieces.expect(",", "")
    pieces.expect("]", "has no comma between two rows, or is cut off")


def is_one_line(head: str, *, whole: bool) -> bool:
    """Whether text that begins with `{` has a whole object in its first line, as JSONL has.

    Where this line is the `whole` text, it is not a row if it has a list of objects: those are meant.
    """
    first, _, rest = head.lstrip().partition("\n")
    try:
        found = DECODER.decode(first)
    except (ValueError, RecursionError):
        return False
    lists = [value for value in found.values() if is_list(value) and value and is_object(value[0])]
    return not (lists and whole and not rest.strip() and not found.keys() & NAMED)


def _row(number: int, line: str, *, ended: bool) -> Row | BadRow:
    why = not_text(line)
    if not why:
        try:
            value = DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            why = _why(error)
            if not ended and isinstance(error, json.JSONDecodeError):
                why += "; the file ends here, maybe cut off"
        else:
            why = _unfit(value, line)
            if not why:
                return Row(number, value, line.strip())
    return BadRow(number, shown(line), why)


def _unfit(value: Any, raw: str) -> str:
    if not is_object(value):
        return 'is no object, such as {"email": …}'
    if not value:
        return "has no value"
    if HALF_ESCAPED.search(raw) and HALF.search(json.dumps(value, ensure_ascii=False)):
        return "has half of a character"
    return ""


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"is no JSON: {error.msg.lower().removesuffix(' at')} at character {error.pos + 1}"
    if isinstance(error, RecursionError):
        return "is nested too deep"
    return str(error) if isinstance(error, _NotANumber | _Twice) else "cannot be read"


class _Pieces:
    """JSON text read piece by piece: of what was read, only what is not yet used is kept."""

    def __init__(self, name: str, text: io.TextIOBase) -> None:
        self._name = name
        self._text = text
        self._kept = ""
        self._at = 0
        self.line = 1

    def peek(self) -> str:
        """The next character that is not blank, "" at the end."""
        while True:
            match = BLANK.match(self._kept, self._at)
            self._pass(match.end() if match else self._at)
            if self._at < len(self._kept):
                return self._kept[self._at]
            if not self._more():
                return ""

    def expect(self, character: str, otherwise: str) -> None:
        """Pass over a character. Raises SourceProblem, which says `otherwise`, where another stands there."""
        if self.peek() != character:
            raise self._damaged(otherwise)
        self._pass(self._at + 1)

    def value(self) -> tuple[Any, str]:
        """The next value, and its text."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._kept, self._at)
            except (ValueError, RecursionError) as error:
                # What is cut by the end of a piece looks damaged.
                if not isinstance(error, json.JSONDecodeError) or len(self._kept) - self._at > LONGEST_LINE:
                    raise self._damaged(f"has a row that {_why(error)}") from error
                if not self._more(max(PIECE, len(self._kept))):
                    raise self._damaged(f"has a row that {_why(error)}, or is cut off") from error
                continue
            # A number could go on in the next piece.
            if end == len(self._kept) and self._more():
                continue
            raw = self._kept[self._at : end]
            self._pass(end)
            return value, raw

    def _pass(self, end: int) -> None:
        self.line += self._kept.count("\n", self._at, end)
        self._at = end

    def _more(self, size: int = PIECE) -> bool:
        piece = self._text.read(size)
        self._kept, self._at = self._kept[self._at :] + piece, 0
        return bool(piece)

    def _damaged(self, what: str) -> SourceProblem:
        return SourceProblem(
            f"{self._name}, line {self.line}: the file {what}",
            "Write it anew, as a list of objects or as an object a line (JSONL).",
        )

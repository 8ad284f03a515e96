"""JSON as it comes in, made so that it can go out again: bounded in depth, without halves of characters or odd numbers.

What a record's text says is data, and left as it is. What is *shown* as words goes through `words`.
"""

import json
from math import isfinite
from typing import Any

from klaviyo_mcp.loose_json import HALF, HALF_ESCAPED, is_list, is_object

MOST_DEPTH = 100
"""How deep a document may be nested. Klaviyo's own have some 20 levels; what serialises an answer stops at 255."""
MOST_DIGITS = 300
"""Digits of a number that stays one: about as many as a float holds. Python takes 4,300, other languages fewer."""
REPLACEMENT = "\ufffd"


class TooDeep(ValueError):
    """A document that is nested deeper than MOST_DEPTH."""


def read_document(content: bytes) -> Any:
    """JSON of any kind. Raises ValueError for what is none, or TooDeep.

    Bytes that are no UTF-8 and halves of characters become U+FFFD. A number that no JSON has (NaN, Infinity), or that
    is too large to be one elsewhere, becomes its text.
    """
    text = content.decode("utf-8-sig", "replace")
    try:
        found: Any = json.loads(text, parse_int=_integer, parse_float=_fraction, parse_constant=str)
    except RecursionError:
        raise TooDeep("nested too deep") from None
    if is_deeper(found, MOST_DEPTH):
        raise TooDeep("nested too deep")
    return without_halves(found) if HALF_ESCAPED.search(text) else found


def is_deeper(value: object, most: int) -> bool:
    """Whether objects and lists lie in each other more than `most` deep. Level by level, as recursion has an end."""
    level: list[object] = [value]
    for _ in range(most + 1):
        level = [inner for outer in level for inner in _contents(outer)]
        if not level:
            return False
    return True


def without_halves(value: Any) -> Any:
    """A copy of a value, of bounded depth, with halves of characters replaced, in keys too, and odd numbers as text."""
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, str):
        # A class of texts, such as that of customers' words, is none that is lost here.
        return type(value)(HALF.sub(REPLACEMENT, value)) if HALF.search(value) else value
    if is_list(value):
        return [without_halves(item) for item in value]
    if is_object(value):
        return {without_halves(key): without_halves(inner) for key, inner in value.items()}
    return value


def _contents(value: object) -> list[object]:
    inner = value.values() if is_object(value) else value if is_list(value) else ()
    return [item for item in inner if isinstance(item, dict | list)]


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MOST_DIGITS else digits


def _fraction(digits: str) -> float | str:
    number = float(digits)
    return number if isfinite(number) else digits

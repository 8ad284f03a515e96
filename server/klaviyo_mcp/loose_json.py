"""One idiom for loose data: JSON whose form is not known until looked at. The ground that every room stands on."""

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeGuard

JSON = dict[str, Any]
"""A JSON object: what a key holds is anything until it is asked."""
LONG_LIST = 50
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
HALF = re.compile("[\ud800-\udfff]")
"""Half of a character (a lone surrogate): legal as an escape in JSON, and in no encoding that anything is sent in."""
HALF_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")
"""Where one may stand in the text of JSON; a pair, which is a character, begins alike."""


def is_object(value: object) -> TypeGuard[JSON]:
    """Whether a value is a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a value is a JSON list."""
    return isinstance(value, list)


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a JSON number; in Python true and false are numbers, too."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def mapping(value: object) -> JSON:
    """The value if it is an object, else an empty one."""
    return value if is_object(value) else {}


def items(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if is_list(value) else []


def objects(value: object) -> list[JSON]:
    """The objects of a list; one object counts as a list of itself, anything else as none."""
    return [value] if is_object(value) else [item for item in items(value) if is_object(item)]


def everything(value: Any) -> Iterator[Any]:
    """A value and every value inside it, at any depth, in no order that is promised."""
    left = [value]
    while left:
        part = left.pop()
        yield part
        if not isinstance(part, str):
            left.extend(part.values() if is_object(part) else items(part))


def json_bytes(value: Any, errors: str = "strict") -> bytes:
    """Compact JSON in UTF-8 of what is known to be JSON. `errors` is what is done about half a character: see `codecs`.

    A long list is made item by item: as one text, ten thousand profiles would take three times their bytes.
    Raises ValueError for half a character, where `errors` does.
    """
    return b"".join(list(_pieces(value, partial(compact_json, errors=errors))))


EXPONENT = re.compile(rb"[0-9]e[-+]?[0-9]")
"""Numbers that are not written alike everywhere: 1e-07 and 1e-7."""


def compact_json(value: Any, errors: str = "strict") -> bytes:
    """The same in one go, for what is short. The bytes are those of `json.dumps`, in a third of its time."""
    from pydantic_core import to_json  # a start has no need of it

    try:
        data = to_json(value)
    except ValueError:  # half a character, or deeper than it goes
        data = b""
    return _encode(value).encode("utf-8", errors) if not data or EXPONENT.search(data) else data


def checked_json(value: Any) -> Iterator[bytes]:
    """The same as `json_bytes`, in pieces, of what may not be JSON. Raises TypeError and ValueError as `json` does."""
    return _pieces(value, lambda part: _encode(part).encode())


def _pieces(value: Any, write: Callable[[Any], bytes]) -> Iterator[bytes]:
    """The JSON of objects in objects, and of long lists, part by part."""
    if is_object(value):
        for number, (key, part) in enumerate(value.items()):
            yield (b"," if number else b"{") + write(str(key)) + b":"
            yield from _pieces(part, write)
        yield b"}" if value else b"{}"
    elif is_list(value) and len(value) > LONG_LIST:
        for number, part in enumerate(value):
            yield (b"," if number else b"[") + write(part)
        yield b"]"
    else:
        yield write(value)


def text(value: object) -> str:
    """The value if it is text, else none."""
    return value if isinstance(value, str) else ""


def nearest(given: object, known: Iterable[object], *, most: int = 1, likeness: float = 0.6) -> list[str]:
    """Up to `most` of the known words that are spelt most like the given one; `likeness` is from 0 to 1."""
    words = [word if isinstance(word, str) else str(word) for word in known]
    return difflib.get_close_matches(str(given), words, n=most, cutoff=likeness)


def did_you_mean(given: object, known: Iterable[object], *, likeness: float = 0.6) -> str:
    """`Did you mean 'x'?` for the nearest known word, or nothing when none comes near."""
    near = nearest(given, known, likeness=likeness)
    return f"Did you mean {near[0]!r}?" if near else ""

"""Lines of JSON-RPC as they come over stdio: every line is a message or has a reason why it is none.

The SDK's reader drops what it cannot parse, so that the client waits in vain, and puts replacement characters where
text is not UTF-8, so that a write stores something else than was meant. Both are refused here, with the id of the
request where one can be read. Nothing heavy is imported.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from klaviyo_mcp.loose_json import HALF, HALF_ESCAPED, is_list, is_object

PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32602, -32603
LONGEST_LINE = 32_000_000
"""Bytes of a line that is read: several times what the largest tool call needs (an image of 5 MB in base64)."""
LONGEST_SEARCHED = 8_000_000
"""Bytes of an unreadable line in which its id is looked for."""
LONGEST_ID = 200
_BOM = b"\xef\xbb\xbf"
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{}]|-?\d+', re.DOTALL)
_AFTER_ID = re.compile(rb'\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)\s*[,}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a line is no message, and the id of the request that it was meant to be, None when none can be read."""

    id: str | int | float | None
    code: int
    message: str


def read_line(line: bytes) -> dict[str, Any] | list[Unreadable]:
    """The message of a line, or what to answer instead; nothing at all for an empty line."""
    line = line.removeprefix(_BOM).strip()
    if not line:
        return []
    if len(line) > LONGEST_LINE:
        return [Unreadable(find_id(line), INVALID_REQUEST, f"a message may have {LONGEST_LINE:,} bytes at most")]
    try:
        text = line.decode()
        found = json.loads(text, parse_constant=_no_json)
    except UnicodeDecodeError as error:
        why = f"the message is not UTF-8 (byte 0x{line[error.start]:02x} at position {error.start})"
        return [Unreadable(find_id(line), PARSE_ERROR, why)]
    except RecursionError:
        return [Unreadable(find_id(line), PARSE_ERROR, "the message is nested too deep")]
    except json.JSONDecodeError as error:
        return [Unreadable(find_id(line), PARSE_ERROR, f"the message is not JSON: {error.msg} at position {error.pos}")]
    except ValueError:
        return [Unreadable(find_id(line), PARSE_ERROR, "the message holds a number that is not JSON or far too long")]
    if is_list(found):
        why = "batches are not part of this protocol; send each message on a line of its own"
        ids = [one["id"] for one in found if is_object(one) and _is_id(one.get("id")) and "method" in one]
        return [Unreadable(one, INVALID_REQUEST, why) for one in ids or [None]]
    problem = _problem(found, text)
    return [problem] if problem else found


def find_id(line: bytes) -> str | int | None:
    """The id of a message that cannot be parsed: that of the message itself, never one inside its arguments."""
    depth = 0
    for token in _TOKENS.finditer(line, 0, LONGEST_SEARCHED):
        match token[0]:
            case b"{" | b"[":
                depth += 1
            case b"}" | b"]":
                depth -= 1
            case b'"id"' if depth == 1 and (value := _AFTER_ID.match(line, token.end())):
                return _id_of(value[1])
            case _:
                pass
    return None


def _id_of(text: bytes) -> str | int | None:
    try:
        found = json.loads(text) if len(text) <= LONGEST_ID else None
    except ValueError:
        return None
    return found if _is_id(found) else None


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_ID and value.isprintable()
    return isinstance(value, int) and not isinstance(value, bool)


def _problem(found: object, text: str) -> Unreadable | None:
    """What keeps a JSON value from being a message."""
    if not is_object(found):
        return Unreadable(None, INVALID_REQUEST, "a message is a JSON object")
    given = found.get("id")
    told = given if _is_id(given) or isinstance(given, float) else None
    if HALF_ESCAPED.search(text) and (where := _half_character(found)):
        why = f"{where} holds half a character (one surrogate of a pair), so nothing was done; send it whole"
        return Unreadable(told, INVALID_PARAMS, why)
    if "method" not in found and ("result" in found or "error" in found):
        return None
    if found.get("jsonrpc") != "2.0":
        return Unreadable(told, INVALID_REQUEST, 'a message has "jsonrpc": "2.0"')
    if not isinstance(found.get("method"), str):
        return Unreadable(told, INVALID_REQUEST, "a message has a method, as text")
    if "id" in found and not _is_id(given):
        return Unreadable(told, INVALID_REQUEST, "the id of a request is text or a whole number")
    if found.get("params") is not None and not is_object(found["params"]):
        return Unreadable(told, INVALID_PARAMS, "params are a JSON object")
    return None


def _half_character(message: object) -> str | None:
    """Where a message has text that is not Unicode; a pair of surrogates was joined when it was parsed."""
    waiting: list[tuple[str, object]] = [("", message)]
    while waiting:
        where, value = waiting.pop()
        if is_object(value):
            if any(HALF.search(name) for name in value):
                return f"a name in {where or 'the message'}"
            waiting += ((f"{where}.{name}" if where else name, inner) for name, inner in value.items())
        elif is_list(value):
            waiting += ((f"{where}[{index}]", inner) for index, inner in enumerate(value))
        elif isinstance(value, str) and HALF.search(value):
            return where[:LONGEST_ID]
    return None


def _no_json(constant: str) -> NoReturn:
    raise ValueError(constant)

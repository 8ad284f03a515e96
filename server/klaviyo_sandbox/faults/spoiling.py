"""What something between a program and Klaviyo can make of an answer: its text, its headers and its body."""

import json
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from starlette.responses import Response

from klaviyo_sandbox.faults.declared import Kind
from klaviyo_sandbox.loose_json import is_list, is_object

# Half a character, a mark that turns the direction of what follows, an escape for terminals, an invisible letter.
_STRANGE = " \ud800 \u202e \u001b[2J \U000e0041"
_LEVELS = 100_000
_BOMB_MEGABYTES = 64
_GARBAGE = {
    "Retry-After": "\u00b2",
    "RateLimit-Limit": "75, 75;w=\u0661, ;w;w=;=",
    "RateLimit-Remaining": "-9e999",
    "RateLimit-Reset": "nan",
    "Date": "Thu, 99 Foo 99999 99:99:99 GMT",
}


def _with_body(response: Response, body: bytes, **headers: str) -> Response:
    """The same answer with another body."""
    kept = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Response(body, response.status_code, {**kept, **headers})


def _truncated(response: Response) -> Response:
    return _with_body(response, bytes(response.body)[: len(response.body) // 2])


def _empty(response: Response) -> Response:
    return _with_body(response, b"")


def _strange(response: Response) -> Response:
    try:
        document = json.loads(bytes(response.body))
    except ValueError:
        return response
    return _with_body(response, json.dumps(_each_text(document)).encode())


def _each_text(value: Any, name: str = "") -> Any:
    if is_object(value):
        return {key: _each_text(item, key) for key, item in value.items()}
    if is_list(value):
        return [_each_text(item, name) for item in value]
    return value + _STRANGE if isinstance(value, str) and name in ("name", "detail", "title") else value


def _deep(response: Response) -> Response:
    deep = b"[" * _LEVELS + b"]" * _LEVELS
    return _with_body(response, b'{"data":{"type":"any","id":"any","attributes":' + deep + b"}}")


def _bomb(response: Response) -> Response:
    return _with_body(response, _packed(), **{"content-encoding": "gzip"})


@lru_cache(maxsize=1)
def _packed() -> bytes:
    packer = zlib.compressobj(level=9, wbits=31)
    megabyte = b" " * 1024 * 1024
    parts = [packer.compress(b'{"data":[')]
    parts += [packer.compress(megabyte) for _ in range(_BOMB_MEGABYTES)]
    return b"".join([*parts, packer.compress(b"]}"), packer.flush()])


def _garbled(response: Response) -> Response:
    for name, value in _GARBAGE.items():
        response.headers[name] = value.encode("utf-8").decode("latin-1")
    return response


SPOILED: dict[Kind, Callable[[Response], Response]] = {
    "truncate": _truncated,
    "empty": _empty,
    "characters": _strange,
    "deep": _deep,
    "bomb": _bomb,
    "headers": _garbled,
}

"""Klaviyo's own SDK, made to send its requests to a server on this machine that writes them down.

Each operation is a method of one of its API classes. Its arguments are named by the SDK's own rules, which are applied
here to our arguments without a look at our request template; the body goes through the SDK's own models.
"""

import importlib
import inspect
import json
import pkgutil
import re
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import openapi_client
import openapi_client.api
from openapi_client.configuration import Configuration
from pydantic import BaseModel

from klaviyo_mcp.klaviyo.requests import REVISION

JSON = dict[str, Any]
RAW = "_without_preload_content"
"""The variant of each method that sends the request and leaves the answer unread."""
OWN = "_"
"""Arguments of the SDK itself, such as `_request_timeout`, start like this."""
SPELLED_OTHERWISE = ((r"^additional_(.+)_fields$", r"additional_fields_\1"), (r"^(.+)_fields$", r"fields_\1"))


@dataclass(frozen=True)
class Request:
    """One HTTP request as it arrived, decoded: the query sorted, the body as JSON, a form as its fields."""

    method: str
    path: str
    query: list[tuple[str, str]]
    body: Any = None
    form: dict[str, str | bytes] | None = None


class Sdk:
    """The SDK, sending to a host whose list of what `arrived` is read here."""

    def __init__(self, host: str, arrived: list[Request]) -> None:
        client = openapi_client.ApiClient(Configuration(host=host, api_key={"Klaviyo-API-Key": "Klaviyo-API-Key pk_x"}))
        client.default_headers["revision"] = REVISION
        self._client = client
        self._arrived = arrived

    def request(self, operation: str, arguments: JSON, body: Any) -> tuple[Request, list[str]]:
        """What the SDK sends, and the names of the arguments it has no place for outside the body."""
        owner, method = methods()[operation]
        known = {name for name in inspect.signature(method).parameters if name != "self" and not name.startswith(OWN)}
        model = body_model(operation)
        passed: JSON = {}
        left: list[str] = []
        for name, value in arguments.items():
            theirs = sdk_name(name, known)
            if theirs is None or (model is not None and theirs == model[0]):
                left.append(name)
            else:
                passed[theirs] = value
        if "revision" in known:
            passed["revision"] = REVISION
        if model is not None:
            passed[model[0]] = model[1].from_dict(body)
        self._arrived.clear()
        getattr(owner(self._client), operation + RAW)(**passed, _request_timeout=5.0).release_conn()
        (request,) = self._arrived
        return request, left


def sdk_name(name: str, known: set[str]) -> str | None:
    """Our argument by the SDK's rules of naming: `profile_fields` is `fields_profile`, `cursor` is `page_cursor`."""
    if name == "cursor":
        name = "page_cursor"
    for pattern, theirs in SPELLED_OTHERWISE:
        if (found := re.sub(pattern, theirs, name)) in known:
            return found
    return name if name in known else None


@cache
def methods() -> dict[str, tuple[type, Callable[..., Any]]]:
    """Every operation the SDK has: the API class and its method."""
    found: dict[str, tuple[type, Callable[..., Any]]] = {}
    for module in pkgutil.iter_modules(openapi_client.api.__path__):
        loaded = importlib.import_module(f"openapi_client.api.{module.name}")
        for name, owner in vars(loaded).items():
            if name.endswith("Api") and inspect.isclass(owner):
                for method in vars(owner):
                    if method.endswith(RAW):
                        found[method.removesuffix(RAW)] = (owner, getattr(owner, method))
    return found


@cache
def body_model(operation: str) -> tuple[str, type[Any]] | None:
    """The argument of a method that takes the body, and its model."""
    _, method = methods()[operation]
    for name, parameter in inspect.signature(method).parameters.items():
        for kind in _kinds(parameter.annotation):
            if inspect.isclass(kind) and issubclass(kind, BaseModel):
                return name, kind
    return None


def _kinds(annotation: Any) -> list[Any]:
    return [annotation, *(kind for inner in typing.get_args(annotation) for kind in _kinds(inner))]


@contextmanager
def catching() -> Iterator[Sdk]:
    """The SDK, sending to a server that answers 204 to everything."""
    arrived: list[Request] = []

    class Catcher(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            arrived.append(
                read_request(self.command, self.path, self.rfile.read(length), str(self.headers["Content-Type"]))
            )
            self.send_response(204)
            self.end_headers()

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Tests speak for themselves."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Catcher) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield Sdk(f"http://127.0.0.1:{server.server_port}", arrived)
        finally:
            server.shutdown()
            thread.join()


def read_request(method: str, target: str, content: bytes = b"", media: str = "") -> Request:
    """A request as it goes over the wire, decoded."""
    split = urlsplit(target)
    query = sorted(parse_qsl(split.query, keep_blank_values=True))
    if media.startswith("multipart/form-data"):
        parts = message_from_bytes(f"Content-Type: {media}\n\n".encode() + content).get_payload()
        form: dict[str, str | bytes] = {}
        for part in typing.cast(list[Any], parts):
            named = part.get_param("name", header="Content-Disposition")
            data = part.get_payload(decode=True)
            form[named] = data if part.get_filename() else data.decode()
        return Request(method, split.path, query, form=form)
    return Request(method, split.path, query, json.loads(content) if content else None)

"""Reading a request's body: JSON in JSON:API's envelope or a form, checked against what the operation declares."""

import asyncio
import json
import zlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from klaviyo_sandbox.declare import Operation, Resource
from klaviyo_sandbox.errors import JSON_API, ApiError, Problem, invalid_body
from klaviyo_sandbox.loose_json import Json, is_object
from klaviyo_sandbox.shapes import Check, Flag, Items, Record, Shape, Text

LARGEST_BODY = 5 * 1024 * 1024
# What a form may hold beside a file of the largest size.
_FORM_MARGIN = 64 * 1024
_PIECE = 64 * 1024
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent."""

    filename: str
    content: bytes


class Body(NamedTuple):
    """The `data` member of a body: an object, or a list for relationships. `dropped` points at what was left out."""

    data: Any
    dropped: tuple[str, ...] = ()


def takes_body(operation: Operation) -> bool:
    """Whether the operation reads a body. Nine of Klaviyo's DELETE endpoints do."""
    return operation.body is not None or operation.most_identifiers is not None


async def read_content(request: Request, operation: Operation) -> bytes:
    """The body, decompressed. Raises ApiError (413, 415)."""
    content = bytearray()
    most = LARGEST_BODY + (_FORM_MARGIN if operation.upload else 0)
    accepted = ("multipart/form-data",) if operation.upload else (JSON_API, "application/json")
    async for chunk in request.stream():
        content += chunk
        if len(content) > most:
            raise too_large(LARGEST_BODY)
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type not in accepted:
        detail = f'Unsupported media type "{media_type}" in request. Use {accepted[0]}.'
        raise ApiError(
            415, [Problem("unsupported_media_type", "Unsupported media type.", detail, {"pointer": "/data"})]
        )
    if request.headers.get("Content-Encoding", "identity").lower() != "gzip":
        return bytes(content)
    try:
        plain = zlib.decompressobj(wbits=31).decompress(bytes(content), most + 1)
    except zlib.error:
        raise invalid_body("/data", "The request body is not valid gzip.") from None
    if len(plain) > most:
        raise too_large(LARGEST_BODY)
    return plain


def read_body(content: bytes, operation: Operation, resources: Mapping[str, Resource], path_id: str) -> Body:
    """A body, checked. Raises ApiError (400, 413)."""
    if operation.largest_body is not None and len(content) > operation.largest_body:
        raise too_large(operation.largest_body)
    try:
        document: Any = json.loads(content, parse_constant=_no_constant)
        if b"\\ud" in content.lower():
            # Half of a surrogate pair is valid in JSON's grammar but is no text.
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise invalid_body("/data", "The request body must be valid JSON.") from None
    if not is_object(document):
        raise invalid_body("/data", "The request body must be a JSON object with a 'data' member.")
    resource = resources[operation.resource]
    check = Check(resource.type)
    check.value(body_shape(operation, resource), document, "")
    data: Any = document.get("data")
    # What a relationship is set to is another resource than the one in the path.
    itself = operation.identified == "required" and path_id and not operation.relation
    if not check.problems and itself and data["id"] != path_id:
        check.fail("/data/id", f"The id '{data['id']}' in the body does not match the id '{path_id}' in the path.")
    if check.problems:
        raise ApiError(400, check.problems)
    check.drop(document)
    return Body(data, tuple(check.dropped))


async def read_form(content: bytes, content_type: str, operation: Operation) -> Json:
    """The fields of a form as `attributes`, checked like those of a JSON body. Raises ApiError (400)."""
    attributes: Json = {}
    for name, value in await _parts(content, content_type):
        if name in attributes:
            raise invalid_body(f"/data/attributes/{name}", f"'{name}' was given more than once.")
        attributes[name] = value
    file = attributes.pop(operation.upload, None)
    shape = operation.body or Record({})
    for name, value in attributes.items():
        if isinstance(shape.fields.get(name), Flag) and isinstance(value, str):
            attributes[name] = _FLAGS.get(value.lower(), value)
    check = Check(operation.resource)
    check.value(shape, attributes, "/data/attributes")
    if not isinstance(file, Upload):
        detail = f"'{operation.upload}' must be a file; it is required for the resource '{operation.resource}'."
        check.fail(f"/data/attributes/{operation.upload}", detail)
    if check.problems:
        raise ApiError(400, check.problems)
    return {"attributes": {**attributes, operation.upload: file}}


class _FormParser(MultiPartParser):
    """Starlette's parser, which by itself takes a form that breaks off for a shorter one.

    A form's size is bounded before it comes here, so its file stays in memory.
    """

    spool_max_size = 0
    ended = False

    def on_end(self) -> None:
        """Called after the last boundary."""
        self.ended = True


async def _parts(content: bytes, content_type: str) -> list[tuple[str, str | Upload]]:
    async def stream() -> AsyncGenerator[bytes]:
        for start in range(0, len(content), _PIECE):
            yield content[start : start + _PIECE]
            # A large form takes a tenth of a second: others have their turn between its pieces.
            await asyncio.sleep(0)

    # Starlette reads what is no UTF-8 as Latin-1. Asked for Latin-1 it keeps every byte, and `_utf8` judges them.
    parser = _FormParser(Headers({"Content-Type": f"{content_type}; charset=latin-1"}), stream())
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise invalid_body("/data", f"The request body is no form of several parts: {error.message}") from None
    try:
        if not parser.ended:
            raise invalid_body("/data", "The request body must be a form of several parts, ended by its boundary.")
        return [
            (_utf8(name), _utf8(part) if isinstance(part, str) else Upload(_utf8(part.filename), await part.read()))
            for name, part in form.multi_items()
        ]
    finally:
        await form.close()


def _utf8(latin: str | None) -> str:
    try:
        return (latin or "").encode("latin-1").decode()
    except UnicodeDecodeError:
        raise invalid_body("/data", "The text in a form must be UTF-8.") from None


def too_large(most: int) -> ApiError:
    """413 for a body of more than `most` bytes."""
    detail = f"The request body is larger than the {most // 1024} KB allowed."
    return ApiError(413, [Problem("payload_too_large", "Payload too large.", detail, {"pointer": "/data"})])


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def body_shape(operation: Operation, resource: Resource) -> Record:
    """What the whole body of an operation must look like."""
    kind = Text(choices=(operation.body_type or resource.type,))
    if operation.most_identifiers is not None:
        meta = {"meta": operation.body_meta} if operation.body_meta is not None else {}
        identifier = Record({"type": kind, "id": Text(shortest=1), **meta}, required=("type", "id"))
        return Record({"data": Items(identifier, most=operation.most_identifiers)}, required=("data",))
    fields: dict[str, Shape] = {"type": kind}
    required = ["type"]
    if operation.identified != "forbidden":
        fields["id"] = Text(shortest=1, nullable=operation.identified == "optional")
        if operation.identified == "required":
            required.append("id")
    for name, shape in (
        ("attributes", operation.body),
        ("meta", operation.body_meta),
        ("relationships", operation.body_relationships),
    ):
        # An operation without attributes of its own (a job about one id) declares an empty record.
        if shape is not None and (shape.fields or name != "attributes"):
            fields[name] = shape
            if name == "attributes" or (name == "relationships" and shape.required):
                required.append(name)
    return Record({"data": Record(fields, tuple(required))}, required=("data",))

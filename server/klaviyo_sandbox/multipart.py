"""Reading a multipart/form-data body (RFC 7578), which Klaviyo takes where a file is uploaded."""

from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any, cast

from klaviyo_sandbox.declare import Operation
from klaviyo_sandbox.errors import ApiError, invalid_body
from klaviyo_sandbox.shapes import Check, Flag, Json, Record

_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent."""

    filename: str
    content: bytes


def read_form(content: bytes, content_type: str, operation: Operation) -> Json:
    """The fields of a form as `attributes`, checked like those of a JSON body. Raises ApiError (400)."""
    attributes: Json = {}
    for name, value in _parts(content, content_type):
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


def _parts(content: bytes, content_type: str) -> list[tuple[str, str | Upload]]:
    outer = Message()
    outer["Content-Type"] = content_type
    boundary = outer.get_boundary()
    pieces = (b"\r\n" + content).split(b"\r\n--" + boundary.encode()) if boundary else []
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise invalid_body("/data", "The request body must be a form of several parts, ended by its boundary.")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> tuple[str, str | Upload]:
    head, _, payload = piece.partition(b"\r\n\r\n")
    headers = BytesHeaderParser().parsebytes(head.lstrip(b"\r\n"))
    name = cast(Any, headers.get_param("name", header="Content-Disposition"))
    filename = headers.get_filename()
    if not isinstance(name, str):
        raise invalid_body("/data", "Every part of the form must have a name.")
    if filename is not None:
        return name, Upload(filename, payload)
    try:
        return name, payload.decode()
    except UnicodeDecodeError:
        raise invalid_body(f"/data/attributes/{name}", f"'{name}' must be text in UTF-8.") from None

"""How images are taken in: from a file, a data URI or a URL. Only URLs on this machine are ever fetched."""

import binascii
import re
from base64 import b64decode
from hashlib import blake2b
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from pathlib import PurePosixPath
from urllib.parse import SplitResult, unquote, unquote_to_bytes, urlsplit

from klaviyo_sandbox import documents
from klaviyo_sandbox.bodies import Upload
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.errors import ApiError, invalid_body
from klaviyo_sandbox.identifiers import new_uuid
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

LARGEST_IMAGE = 5 * 1024 * 1024
_BEGINNINGS = {b"\xff\xd8\xff": "jpeg", b"\x89PNG\r\n\x1a\n": "png", b"GIF87a": "gif", b"GIF89a": "gif"}
_ENDINGS = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".gif": "gif"}
_DATA_URI = re.compile(r"data:image/[\w.+-]+((?:;[\w.+-]+=[\w.+-]+)*)(;base64)?,(.*)", re.DOTALL)
_FETCH_SECONDS = 3.0
# The top-level domain that never leads anywhere (RFC 2606): how a caller tries an image that cannot be fetched.
_NOWHERE = ".invalid"
_URL, _FILE = "/data/attributes/import_from_url", "/data/attributes/file"


def import_image(call: Call) -> Answer:
    """An image from a URL or a data URI."""
    attributes: Json = call.data["attributes"]
    source: str = attributes["import_from_url"].strip()
    if source.startswith("data:"):
        content = _decoded(source)
        kind, size, default = format_of(content, _URL), len(content), "image"
    else:
        kind, size, default = _linked(source)
    return _created(call, attributes, attributes.get("name") or default, kind, size)


def upload_image(call: Call) -> Answer:
    """An image from a file."""
    attributes: Json = call.data["attributes"]
    file: Upload = attributes["file"]
    kind = format_of(file.content, _FILE)
    name = attributes.get("name") or PurePosixPath(file.filename).name or "image"
    return _created(call, attributes, name, kind, len(file.content))


def update_image(call: Call) -> Answer:
    """Change an image. A name that is left out is cleared: Klaviyo was seen to do so."""
    body = call.require("image", call.id)
    attributes: Json = call.data["attributes"]
    body["name"] = attributes.get("name")
    if attributes.get("hidden") is not None:
        body["hidden"] = attributes["hidden"]
    body["updated_at"] = call.stamp
    call.store.replace(call.account, "image", call.id, body)
    return documents.one(call, Row(call.id, body))


def format_of(content: bytes, pointer: str) -> str:
    """`jpeg`, `png` or `gif`, by what an image's bytes begin with. Raises ApiError (400) for anything else."""
    if len(content) > LARGEST_IMAGE:
        raise invalid_body(pointer, f"The image must not be larger than {LARGEST_IMAGE // 1024 // 1024} MB.")
    for beginning, kind in _BEGINNINGS.items():
        if content.startswith(beginning):
            return kind
    raise _unsupported(pointer)


def image_url(account: str, kind: str, digest: bytes) -> str:
    """Where an image of an account would be served from."""
    return f"https://images.klaviyo-sandbox.example/company/{account}/images/{new_uuid(digest)}.{kind}"


def _created(call: Call, attributes: Json, name: str, kind: str, size: int) -> Answer:
    identifier = call.new_id("image")
    body: Json = {
        "name": _unused_name(call, name),
        "image_url": image_url(call.account, kind, call.store.next_digest()),
        "format": kind,
        "size": size,
        "hidden": bool(attributes.get("hidden")),
        "updated_at": call.stamp,
    }
    call.store.insert(call.account, "image", identifier, body)
    return documents.one(call, Row(identifier, body), 201)


def _unused_name(call: Call, name: str) -> str:
    """The name, with `.1` and so on behind it when another image has it."""
    candidate, number = name, 0
    while call.store.find(call.account, "image", "name", candidate):
        number += 1
        candidate = f"{name}.{number}"
    return candidate


def _decoded(uri: str) -> bytes:
    found = _DATA_URI.fullmatch(uri)
    if found is None:
        raise invalid_body(_URL, "A data URI must have the form data:image/png;base64,….")
    if not found[2]:
        return unquote_to_bytes(found[3])
    try:
        return b64decode(unquote(found[3]), validate=True)
    except (binascii.Error, ValueError):
        raise invalid_body(_URL, "The data URI does not hold valid base64.") from None


def _linked(source: str) -> tuple[str, int, str]:
    """The format, the size in bytes and the file name of the image at a URL."""
    try:
        parts = urlsplit(source)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise invalid_body(_URL, "'import_from_url' must be an http or https URL, or a data URI.")
    name = PurePosixPath(unquote(parts.path)).name or "image"
    if parts.scheme == "http" and _is_this_machine(host):
        content = _fetched(parts, host, port)
        return format_of(content, _URL), len(content), name
    if host.endswith(_NOWHERE):
        raise _unreachable()
    ending = PurePosixPath(name).suffix.lower()
    if ending and ending not in _ENDINGS:
        raise _unsupported(_URL)
    # What is elsewhere is never fetched; its size is made up, always the same for the same URL.
    size = 20_000 + int.from_bytes(blake2b(source.encode(), digest_size=4).digest()) % 480_000
    return _ENDINGS.get(ending, "jpeg"), size, name


def _fetched(parts: SplitResult, host: str, port: int | None) -> bytes:
    connection = HTTPConnection(host, port, timeout=_FETCH_SECONDS)
    try:
        connection.request("GET", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}")
        response = connection.getresponse()
        content = response.read(LARGEST_IMAGE + 1)
    except (OSError, HTTPException, ValueError):
        raise _unreachable() from None
    finally:
        connection.close()
    if response.status != 200:
        raise _unreachable()
    return content


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _unreachable() -> ApiError:
    return invalid_body(_URL, "Unable to fetch the URL you entered.")


def _unsupported(pointer: str) -> ApiError:
    return invalid_body(pointer, "The image has an unsupported format. Use jpeg, png or gif.")

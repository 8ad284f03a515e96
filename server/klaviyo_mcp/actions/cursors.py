"""Cursors of our own: the question they go on with, a page of Klaviyo's, and how far into it what was shown goes.

Klaviyo's cursor cannot point into a page and means nothing without the filter, sort, fields and page size of the page
before. Ours carries all of it, so that it can be sent alone. It is signed with a key of the account, so that one of
another account, or one that was altered, is refused instead of answered with other records. It holds nothing that its
bearer did not ask for, and is not encrypted.
"""

import base64
import binascii
import hashlib
import hmac
import json
import zlib
from dataclasses import dataclass

from klaviyo_mcp.loose_json import JSON, is_object

MARK = "kmcp1."
"""How our cursors begin: the layout, and that they are ours."""
SIGNATURE_BYTES = 12
LONGEST = 20_000
"""Characters of a cursor that are looked at; the longest that Klaviyo's limits allow is far shorter."""


class InvalidCursor(ValueError):
    """A cursor that cannot be gone on with; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Position:
    """The first record that was not shown: in which page of which question, and how many of that page were shown.

    `question` holds the arguments that say what is asked for, `page` Klaviyo's cursor, None for the first page.
    """

    action: str
    question: JSON
    page: str | None
    offset: int = 0


def seal(position: Position, account: str, key: bytes) -> str:
    """The text that an agent is given."""
    fields = [position.action, account, position.question, position.page, position.offset]
    body = zlib.compress(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode(), 9)
    return f"{MARK}{_text(body)}.{_text(_signature(body, key))}"


def is_ours(cursor: str) -> bool:
    """Whether a cursor is one of ours rather than Klaviyo's."""
    return cursor.startswith(MARK)


def unseal(cursor: str, action: str, account: str | None, key: bytes | None) -> Position:
    """The position behind one of our cursors. Without a key (a preview) the signature is not looked at.

    Raises InvalidCursor.
    """
    body, _, signature = cursor[:LONGEST].removeprefix(MARK).partition(".")
    try:
        packed = _bytes(body)
        fields = json.loads(zlib.decompressobj().decompress(packed, 1_000_000))
        of_action, of_account, question, page, offset = fields
        given = _bytes(signature)
    except (ValueError, zlib.error, binascii.Error, RecursionError):
        raise InvalidCursor("is not whole: copy next_cursor exactly as it was given, or begin without cursor") from None
    if of_action != action:
        raise InvalidCursor(f"goes on with {of_action}, not with {action}: call {of_action} with it, or leave it out")
    if account is not None and of_account != account:
        raise InvalidCursor(f"is of the account {of_account!r}, and this call is for {account!r}: begin without cursor")
    if key is not None and not hmac.compare_digest(given, _signature(packed, key)):
        raise InvalidCursor(
            "was altered, or was made with other credentials of this account: copy next_cursor exactly as it was "
            "given, or begin without cursor"
        )
    if not is_object(question) or not isinstance(offset, int) or offset < 0 or not isinstance(page, str | None):
        raise InvalidCursor("was made by another version of klaviyo-mcp: begin without cursor")
    return Position(of_action, question, page, offset)


def _signature(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, body, hashlib.sha256)[:SIGNATURE_BYTES]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)

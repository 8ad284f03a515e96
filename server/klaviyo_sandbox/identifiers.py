"""The forms of Klaviyo's identifiers, made from a digest so that the same seed gives the same ids."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Literal
from uuid import UUID

from klaviyo_sandbox.clock import microseconds

IdForm = Literal[
    "ulid",
    "six",
    "eleven",
    "uuid",
    "digits",
    "seven_digits",
    "rising",
    "signed",
    "job",
    "chosen",
    "hex",
    "mapping",
    "encoded",
]

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Steps of 100 nanoseconds between the start of the Gregorian calendar, which time in UUIDs counts from, and 1970.
_TICKS_BEFORE_1970 = 0x01B21DD213814000
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Klaviyo's own pattern for the names that callers choose, with the signs between Z and a that it lets in.
CHOSEN_NAME = "[0-9_A-z]+"
_FORMS: dict[IdForm, re.Pattern[str]] = {
    "ulid": re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}"),
    "six": re.compile(r"[0-9A-Za-z]{6}"),
    "eleven": re.compile(r"[0-9A-Za-z]{11}"),
    "digits": re.compile(r"[0-9]+"),
    "seven_digits": re.compile(r"[0-9]+"),
    "rising": re.compile(r"[0-9]+"),
    "signed": re.compile(r"-?[0-9]+"),
    "hex": re.compile(r"[0-9a-f]{32}"),
    "mapping": re.compile(
        "added_to_cart|cancelled_sales|ordered_product|refunded_sales|revenue|started_checkout|viewed_product"
    ),
    "chosen": re.compile(CHOSEN_NAME),
    "job": re.compile(r"[0-9A-Za-z_-]{40}"),
    "encoded": re.compile(r"[0-9A-Za-z_-]+"),
    "uuid": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
}


def new_identifier(form: IdForm, digest: bytes, moment: datetime) -> str:
    """An identifier of `form` from at least 16 bytes of `digest`. ULIDs begin with `moment`, so they sort by age."""
    number = int.from_bytes(digest[:16], "big")
    match form:
        case "ulid":
            milliseconds = max(0, microseconds(moment) // 1000) & (1 << 48) - 1
            return _digits(milliseconds << 80 | number & (1 << 80) - 1, _CROCKFORD, 26)
        case "six":
            # Like Klaviyo's: mixed-case letters and digits, beginning with a capital.
            return _BASE62[10 + number % 26] + _digits(number // 26, _BASE62, 5)
        case "eleven":
            return _digits(number, _BASE62, 11)
        case "digits":
            return str(10**8 + number % (9 * 10**8))
        case "seven_digits":
            return str(10**6 + number % (9 * 10**6))
        case "signed":
            return str(int.from_bytes(digest[:8], "big", signed=True))
        case "uuid":
            return new_uuid(digest)
        case "hex":
            return digest[:16].hex()
        case "chosen" | "mapping" | "encoded" | "rising":
            raise ValueError("Such an identifier follows from what it identifies, and not from a digest.")
        case "job":
            return urlsafe_b64encode(f"job:{new_identifier('ulid', digest, moment)}".encode()).decode()


def new_uuid(digest: bytes) -> str:
    """A version 4 UUID made of the first 16 bytes of `digest`."""
    return str(UUID(bytes=digest[:16], version=4))


def new_event_uuid(timestamp: int, digest: bytes) -> str:
    """The UUID (version 1) of an event that happened at `timestamp`, in seconds since 1970, from 16 bytes of digest."""
    ticks = timestamp * 10**7 + _TICKS_BEFORE_1970
    low, middle, high = ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF | 0x1000
    node = int.from_bytes(digest[2:8], "big")
    return str(UUID(fields=(low, middle, high, digest[0] & 0x3F | 0x80, digest[1], node)))


def encoded(text: str) -> str:
    """`text` as an identifier that can be read back: base64url without padding."""
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decoded(identifier: str) -> str | None:
    """What `encoded` made an identifier of, or None for anything else."""
    try:
        return urlsafe_b64decode(identifier + "=" * (-len(identifier) % 4)).decode()
    except ValueError:
        return None


def well_formed(form: IdForm, identifier: str) -> bool:
    """Whether `identifier` could be an id of this form."""
    return _FORMS[form].fullmatch(identifier) is not None


def _digits(number: int, alphabet: str, length: int) -> str:
    base = len(alphabet)
    digits: list[str] = []
    for _ in range(length):
        number, digit = divmod(number, base)
        digits.append(alphabet[digit])
    return "".join(reversed(digits))

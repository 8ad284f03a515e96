"""The text of tokens: a prefix, 256 random bits, and a checksum that tells junk from a token without a look-up.

Only hashes of them are kept, so that who reads the store can use none. Of others' tokens, what a JWT says of itself.
"""

import base64
import hmac
import json
import re
from hashlib import sha256
from secrets import token_urlsafe
from typing import Literal

from klaviyo_mcp.loose_json import JSON, mapping

Kind = Literal["kma", "kmr", "kmc"]
"""Access token, refresh token, authorization code."""
_FORM = re.compile(r"(km[arc])_([A-Za-z0-9_-]{43})([A-Za-z0-9_-]{6})")


def new_token(kind: Kind) -> str:
    """A new one, such as kma_ and 49 characters."""
    body = token_urlsafe(32)
    return f"{kind}_{body}{_checksum(kind, body)}"


def well_formed(kind: Kind, token: str) -> bool:
    """Whether this can be a token of this kind at all."""
    found = _FORM.fullmatch(token)
    return found is not None and found[1] == kind and hmac.compare_digest(found[3], _checksum(kind, found[2]))


def hashed(secret: str) -> str:
    """What is kept instead of a token, state or id: SHA-256 in hexadecimal digits. Enough for 256 random bits."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def claims_of(token: str) -> JSON:
    """What a JWT claims, with nothing verified; empty for what is no JWT."""
    try:
        payload = token.split(".")[1]
        return mapping(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
    except (ValueError, IndexError, RecursionError):
        return {}


def _checksum(kind: str, body: str) -> str:
    return base64.urlsafe_b64encode(sha256(f"{kind}_{body}".encode()).digest())[:6].decode()

"""Keys for each purpose from one secret: what is kept is sealed, cookies are signed, and a secret can be replaced.

Of several secrets the first signs and seals, and all verify and open: put a new one in front, and take the old one away
when nothing that was made with it is alive any more.
"""

import base64
import hmac
from collections.abc import Sequence
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SHORTEST = 32
"""Characters that a secret has at least."""


class Sealing:
    """Seals, opens, signs and verifies, each with keys of its own."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """`secrets`, newest first. Raises ValueError, without quoting one."""
        if not secrets or any(len(secret) < SHORTEST for secret in secrets):
            raise ValueError(
                f"Each secret needs at least {SHORTEST} characters; make one with: openssl rand -base64 32"
            )
        self._secrets = tuple(secret.encode() for secret in secrets)
        self._signing: dict[str, list[bytes]] = {}
        self._newest = fernet(self._secrets[0], "records")
        self._fernet = MultiFernet([fernet(secret, "records") for secret in self._secrets])

    def __repr__(self) -> str:
        """Never a key."""
        return "Sealing(…)"

    def seal(self, plain: bytes) -> str:
        """What is to be kept, as text that only these secrets open."""
        return self._fernet.encrypt(plain).decode()

    def open(self, sealed: str) -> bytes | None:
        """What was sealed; None when it was not, by any of these secrets."""
        try:
            return self._fernet.decrypt(sealed.encode())
        except (InvalidToken, ValueError):
            return None

    def is_newest(self, sealed: str) -> bool:
        """Whether it was sealed with the secret that seals now."""
        try:
            return bool(self._newest.decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            return False

    def sign(self, label: str, value: str) -> str:
        """`value.signature`, for a cookie. `label` is the purpose: what is signed for one is not valid for another."""
        return f"{value}.{_signature(self._keys(label)[0], value)}"

    def verified(self, label: str, signed: str) -> str | None:
        """The value of such a text; None when it was not signed here for this purpose."""
        value, _, signature = signed.rpartition(".")
        if not signed.isascii():
            return None
        good = [hmac.compare_digest(_signature(key, value), signature) for key in self._keys(label)]
        return value if any(good) else None

    def _keys(self, label: str) -> list[bytes]:
        if label not in self._signing:
            self._signing[label] = [derived(secret, f"sign {label}") for secret in self._secrets]
        return self._signing[label]


def derived(secret: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose (HKDF with SHA-256)."""
    return HKDF(SHA256(), length=32, salt=None, info=f"klaviyo-mcp {purpose}".encode()).derive(secret)


def fernet(secret: bytes, purpose: str) -> Fernet:
    """What seals with a key for one purpose."""
    return Fernet(base64.urlsafe_b64encode(derived(secret, purpose)))


def _signature(key: bytes, value: str) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, value.encode(), sha256)).decode().rstrip("=")

"""Hosts and origins as HTTP names them: read whole or not at all, and compared without regard to case."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

AUTHORITY = re.compile(
    r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\.?))(?::(?P<port>\d{1,5}|\*))?"
)
ORIGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/?#@]+)/?")
USUAL = {"http": "80", "https": "443"}
"""The ports that are left out."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A host and its port. As a pattern, a port that is empty or `*` means any."""

    host: str
    port: str = ""

    @classmethod
    def read(cls, text: str) -> Self | None:
        """What `localhost:8000` or `[::1]` says; None for what is no host, such as one with a path or a user."""
        found = AUTHORITY.fullmatch(text.strip().lower())
        if found is None:
            return None
        host, port = found["six"] or found["name"], found["port"] or ""
        try:
            # One way to write each address.
            return cls(str(ip_address(host)), port)
        except ValueError:
            return None if found["six"] else cls(host.rstrip("."), port)

    def covers(self, other: "Authority", usual: tuple[str, ...] = tuple(USUAL.values())) -> bool:
        """Whether a host that was asked for is this one. A port that it leaves out is the usual one of its scheme."""
        any_port = self.port in ("", "*")
        return self.host == other.host and (
            any_port or self.port == other.port or (not other.port and self.port in usual)
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a page comes from: scheme, host and port. As a pattern, a port `*` means any."""

    scheme: str
    authority: Authority

    @classmethod
    def read(cls, text: str) -> Self | None:
        """What `https://app.example.org` says; None for `null` and whatever else is no origin."""
        found = ORIGIN.fullmatch(text.strip().lower())
        authority = Authority.read(found["authority"]) if found else None
        if found is None or authority is None:
            return None
        port = "" if authority.port == USUAL.get(found["scheme"]) else authority.port
        return cls(found["scheme"], Authority(authority.host, port))

    def covers(self, other: "Origin") -> bool:
        """Whether a page's origin is this one."""
        mine, theirs = self.authority, other.authority
        return self.scheme == other.scheme and mine.host == theirs.host and mine.port in ("*", theirs.port)


def bracketed(host: str) -> str:
    """A host as it stands in a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host

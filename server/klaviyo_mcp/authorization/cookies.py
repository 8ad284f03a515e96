"""Cookies of the authorization server: their names, values that are signed, and never more than a few of a kind."""

from collections.abc import Mapping
from secrets import token_urlsafe
from typing import Literal

from klaviyo_mcp.authorization.replies import Cookie
from klaviyo_mcp.authorization.sealing import Sealing
from klaviyo_mcp.authorization.token_text import hashed, same

Purpose = Literal["kmc", "kmb", "kms"]
"""The consent page that was shown here, the browser that went on to Klaviyo, a session of the manage page."""
MOST = 10
"""Cookies of one purpose that a browser keeps: proxies refuse long headers."""


class Cookies:
    """Makes cookies and reads them. Over https they have names that no other host and no plain http can set."""

    def __init__(self, sealing: Sealing, *, secure: bool) -> None:
        """`secure`: the service is reached over https; the weaker names are not even looked at then."""
        self._sealing = sealing
        self._secure = secure

    def made(self, purpose: Purpose, about: str, max_age: int, now: float) -> tuple[Cookie, str]:
        """A cookie about something that has one each, and the hash of its secret, to be kept."""
        secret = token_urlsafe(32)
        value = self._sealing.sign(purpose, f"{int(now)}.{secret}")
        return Cookie(self._name(purpose, about), value, max_age, self._secure), hashed(secret)

    def secret(self, purpose: Purpose, about: str, cookies: Mapping[str, str]) -> str | None:
        """The secret of the cookie that a browser has brought, None when it has none that is ours."""
        value = self._sealing.verified(purpose, cookies.get(self._name(purpose, about), ""))
        return value.partition(".")[2] if value else None

    def holds(self, purpose: Purpose, about: str, cookies: Mapping[str, str], kept: str) -> bool:
        """Whether the browser has the cookie whose secret has the hash `kept`."""
        secret = self.secret(purpose, about, cookies)
        return secret is not None and same(hashed(secret), kept)

    def removed(self, purpose: Purpose, about: str) -> Cookie:
        """What takes a cookie away."""
        return Cookie(self._name(purpose, about), "", 0, self._secure)

    def too_many(self, purpose: Purpose, cookies: Mapping[str, str]) -> tuple[Cookie, ...]:
        """What takes the oldest away, so that one more is not too many."""
        own = [name for name in cookies if name.startswith(f"{self._name(purpose, '')}_")]
        own.sort(key=lambda name: cookies[name].partition(".")[0].zfill(20))
        return tuple(Cookie(name, "", 0, self._secure) for name in own[: max(0, len(own) - MOST + 1)])

    def _name(self, purpose: Purpose, about: str) -> str:
        mark = f"{purpose}_{hashed(about)[:16]}" if about else purpose
        return f"__Host-{mark}" if self._secure else mark

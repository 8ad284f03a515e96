"""What an operator decides about the authorization server, as plain values, and the addresses that follow from it."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from klaviyo_mcp.accounts.endpoint import KLAVIYO
from klaviyo_mcp.accounts.records import Secret

DAY = 86_400.0
SCHEMES = frozenset({"cursor", "vscode", "vscode-insiders"})
"""Private-use schemes of redirect URIs that are accepted unless others are chosen."""


@dataclass(frozen=True, slots=True)
class AuthorizationConfig:
    """Settings of the authorization server.

    `issuer` is the public URL without a path and without a slash at its end; every address that is published comes from
    it, never from a request. `secrets` are KLAVIYO_MCP_SECRET as a list: the first signs and seals, all verify and
    open; each has at least 32 characters. `app_id` and `app_secret` are those of the app at Klaviyo, `api_url` is where
    its API is, and `oauth_url` where consent and tokens are, when that is not Klaviyo. `app_scope` says whether the app
    is installed once per company or once per user, and `scopes_left_out` what Klaviyo is not asked for. Lives are in
    seconds. `clients` are pre-registered clients: JSON, or the path of a file that holds it. With `pinned`, copies that
    come along stand in for the metadata documents of well-known clients that cannot be fetched.
    """

    issuer: str
    secrets: tuple[str, ...] = field(repr=False)
    app_id: str
    app_secret: Secret
    api_url: str = KLAVIYO
    oauth_url: str | None = None
    app_scope: Literal["company", "user"] = "company"
    scopes_left_out: frozenset[str] = frozenset()
    access_life: float = 3600.0
    refresh_life: float = 30 * DAY
    redirect_schemes: frozenset[str] = SCHEMES
    clients: str = field(default="", repr=False)
    pinned: bool = True
    name: str = "Klaviyo"
    documentation: str | None = None

    @property
    def resource(self) -> str:
        """The URL of the MCP endpoint, which tokens are for."""
        return f"{self.issuer}/mcp"

    @property
    def redirect_uri(self) -> str:
        """Where Klaviyo sends a person back to; to be registered at Klaviyo exactly so."""
        return f"{self.issuer}/oauth/klaviyo/callback"

    @property
    def secure(self) -> bool:
        """Whether the service is reached over https, so that cookies can be kept to that."""
        return urlsplit(self.issuer).scheme == "https"


def checked(config: AuthorizationConfig) -> AuthorizationConfig:
    """The config if its values can be. Raises ValueError that names the one that cannot."""
    parts = urlsplit(config.issuer)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or config.issuer != f"{parts.scheme}://{parts.netloc}"
    ):
        raise ValueError("The issuer has to be a URL without a path and without a slash at its end.")
    if "@" in parts.netloc or not config.issuer.isascii() or config.issuer != config.issuer.lower():
        raise ValueError("The issuer has to be in lower-case ASCII letters, without a user.")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("The issuer has to be https, unless it is on this machine.")
    if min(config.access_life, config.refresh_life) < 1:
        raise ValueError("Tokens have to live for a second at least.")
    return config

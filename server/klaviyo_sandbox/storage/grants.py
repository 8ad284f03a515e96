"""OAuth's state: registered apps, authorization codes, and the grants and access tokens that came of them."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_urlsafe
from urllib.parse import urlsplit

from klaviyo_sandbox.auth import COMPANY_ID, Key
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Store

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - of an invented app
REDIRECT_URIS = tuple(f"http://{host}:{port}/callback" for host in ("127.0.0.1", "localhost") for port in (8971, 8000))

CODE_SECONDS = 60
ACCESS_TOKEN_SECONDS = 3600
# A refresh token that nobody used for so long is void.
UNUSED_DAYS = 90
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """A registered app."""

    client: str
    secret: str
    name: str
    redirect_uris: tuple[str, ...]


DEFAULT_APP = OAuthApp(CLIENT_ID, CLIENT_SECRET, "Sandbox app", REDIRECT_URIS)


@dataclass(frozen=True, slots=True)
class Code:
    """What an authorization code stands for."""

    client: str
    account: str
    scopes: str
    redirect_uri: str
    challenge: str


@dataclass(frozen=True, slots=True)
class Grant:
    """An app's access to an account."""

    refresh_token: str
    client: str
    account: str
    scopes: str


@dataclass(frozen=True, slots=True)
class Grants:
    """All of it, in the store. Moments are in microseconds since 1970; what writes belongs inside `store.writing()`.

    auto_approve, access_token_seconds: what holds until the control endpoint says otherwise
    """

    store: Store
    auto_approve: bool = False
    access_token_seconds: int = ACCESS_TOKEN_SECONDS

    def settings(self) -> Json:
        """Whether consent is given without asking and for which company, and how long access tokens live."""
        kept = self.store.remembered("oauth.settings")
        return {
            "auto_approve": self.auto_approve,
            "company_id": COMPANY_ID,
            "access_token_seconds": self.access_token_seconds,
            **(json.loads(kept) if kept else {}),
        }

    def set(self, settings: Json) -> None:
        """Change some settings."""
        self.store.remember("oauth.settings", json.dumps({**self.settings(), **settings}))

    def app(self, client: str) -> OAuthApp | None:
        """The app with this client id."""
        sql = "SELECT secret, name, redirect_uris FROM oauth_app WHERE client = ?"
        for secret, name, uris in self.store.rows(sql, (client,)):
            return OAuthApp(client, secret, name, tuple(json.loads(uris)))
        return DEFAULT_APP if client == CLIENT_ID else None

    def register(self, app: OAuthApp) -> None:
        """Add an app, or change it."""
        row = (app.client, app.secret, app.name, json.dumps(app.redirect_uris))
        self.store.run("INSERT OR REPLACE INTO oauth_app VALUES (?, ?, ?, ?)", row)

    def companies(self) -> list[tuple[str, str]]:
        """The accounts that can be chosen: their ids and names."""
        rows = self.store.rows("SELECT id, body FROM account ORDER BY id")
        return [(account, json.loads(body)["contact_information"]["organization_name"]) for account, body in rows]

    def issue_code(self, code: Code, now: int) -> str:
        """A code for what the user allowed."""
        text = token_urlsafe(24)
        row = (code.client, code.account, code.scopes, code.redirect_uri, code.challenge, now + CODE_SECONDS * _SECOND)
        self.store.run("INSERT INTO oauth_code VALUES (?, ?, ?, ?, ?, ?, ?)", (text, *row))
        return text

    def take_code(self, text: str, now: int) -> Code | None:
        """What a code stands for, once."""
        self.store.run("DELETE FROM oauth_code WHERE expires <= ?", (now,))
        sql = "SELECT client, account, scopes, redirect_uri, challenge FROM oauth_code WHERE code = ?"
        found = self.store.rows(sql, (text,))
        self.store.run("DELETE FROM oauth_code WHERE code = ?", (text,))
        return Code(*found[0]) if found else None

    def begin(self, code: Code, now: int) -> Grant:
        """The grant that a code leads to."""
        grant = Grant(token_urlsafe(32), code.client, code.account, code.scopes)
        row = (grant.refresh_token, grant.client, grant.account, grant.scopes, now)
        self.store.run("INSERT INTO oauth_grant VALUES (?, ?, ?, ?, ?)", row)
        return grant

    def find(self, refresh_token: str, client: str, now: int) -> Grant | None:
        """An app's grant, unless it was left unused for too long."""
        sql = "SELECT account, scopes FROM oauth_grant WHERE refresh_token = ? AND client = ? AND used > ?"
        found = self.store.rows(sql, (refresh_token, client, now - UNUSED_DAYS * 86400 * _SECOND))
        return Grant(refresh_token, client, *found[0]) if found else None

    def issue_token(self, grant: Grant, now: int) -> Json:
        """A new access token, as the token endpoint answers. Earlier ones stay valid until they expire."""
        seconds = int(self.settings()["access_token_seconds"])
        access_token = token_urlsafe(32)
        self.store.run("DELETE FROM oauth_token WHERE expires <= ?", (now,))
        self.store.run("UPDATE oauth_grant SET used = ? WHERE refresh_token = ?", (now, grant.refresh_token))
        row = (access_token, grant.refresh_token, now + seconds * _SECOND)
        self.store.run("INSERT INTO oauth_token VALUES (?, ?, ?)", row)
        return {
            "access_token": access_token,
            "refresh_token": grant.refresh_token,
            "token_type": "Bearer",
            "expires_in": seconds,
            "scope": grant.scopes,
        }

    def revoke(self, token: str, client: str) -> None:
        """Void an app's token: a refresh token with everything it led to, or a single access token."""
        self.store.run(_REVOKE, (token, token, client))
        self.store.run("DELETE FROM oauth_grant WHERE refresh_token = ? AND client = ?", (token, client))

    def expire(self, access_token: str) -> None:
        """Let an access token expire before its time."""
        self.store.run("DELETE FROM oauth_token WHERE access_token = ?", (access_token,))

    def key(self, access_token: str, now: int) -> Key | None:
        """Who an access token lets in, or None when it is unknown or has expired."""
        sql = (
            "SELECT g.client, g.account, g.scopes FROM oauth_token AS t JOIN oauth_grant AS g USING (refresh_token)"
            " WHERE t.access_token = ? AND t.expires > ?"
        )
        for client, account, scopes in self.store.rows(sql, (access_token, now)):
            return Key(account, scopes=frozenset(scopes.split()), app=client)
        return None


_REVOKE = """
DELETE FROM oauth_token WHERE (access_token = ? OR refresh_token = ?)
AND refresh_token IN (SELECT refresh_token FROM oauth_grant WHERE client = ?)
"""


def wrong_redirect_uri(uris: Sequence[str]) -> str | None:
    """What keeps the first of these addresses that cannot be registered from it, or None."""
    return next((wrong for uri in uris if (wrong := _wrong_uri(uri))), None)


def _wrong_uri(uri: str) -> str | None:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return f"'{uri}' is not a valid address."
    plain = re.fullmatch(r"https?://[A-Za-z0-9.\-:\[\]]+(/[^\s#\"'<>\\]*)?", uri)
    if not plain or parts.username is not None or not parts.hostname or (port is not None and port == 0):
        return f"'{uri}' is not an http or https address without a fragment."
    return None

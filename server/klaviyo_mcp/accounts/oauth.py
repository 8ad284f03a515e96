"""OAuth with Klaviyo: the authorize address, and tokens for a code or a refresh token. Authorization code with PKCE.

All traffic with the token endpoint goes through Authlib's client: Basic authentication, with time limits, and never
on a redirect. Klaviyo's pages on OAuth are the source (developers.klaviyo.com, "Set up OAuth").
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import time
from typing import Any, cast

import anyio
import httpx2

from klaviyo_mcp.accounts.records import Secret
from klaviyo_mcp.klaviyo.errors import NotSent
from klaviyo_mcp.klaviyo.receiving import ACCEPT_ENCODING, BoundedTransport
from klaviyo_mcp.klaviyo.route import SystemRoute, proxy_for
from klaviyo_mcp.klaviyo.unreached import NEVER_LEFT, not_reached
from klaviyo_mcp.loose_json import is_object, text

AUTHORIZE = "https://www.klaviyo.com"
TOKENS = "https://a.klaviyo.com"
LARGEST = 1_000_000
"""Bytes of an answer with tokens, which has some hundreds."""
TIMEOUT = httpx2.Timeout(connect=5.0, read=10.0, write=5.0, pool=5.0)
LONGEST = 15.0
"""Seconds that one exchange with the token endpoint may take in all; less than a lock in Redis lives."""
DEFAULT_LIFETIME = 3600.0
"""Seconds an access token lives when the answer does not say. Klaviyo's live about an hour."""


class OAuthFailed(Exception):
    """The token endpoint could not be used; another attempt may succeed."""


class GrantRefused(OAuthFailed):
    """`invalid_grant`: the code or the refresh token is not accepted, now or ever."""


class AppRefused(OAuthFailed):
    """`invalid_client`: the client id or the client secret is wrong."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave. `expires_at` is by this machine's clock, counted from before the request."""

    access_token: Secret
    refresh_token: Secret
    expires_at: float
    received_at: float
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """The app a user gives access to, and where its provider is."""

    client_id: str
    client_secret: Secret
    authorize_url: str
    token_url: str
    revoke_url: str
    transport: httpx2.AsyncBaseTransport | None = None

    def consent(self, redirect_uri: str, scopes: list[str]) -> "Consent":
        """A fresh request for consent: every call has a state and a verifier of its own."""
        from authlib.common.security import generate_token  # only consent needs it

        verifier = generate_token(64)
        client = self._client(redirect_uri=redirect_uri, scope=" ".join(scopes), code_challenge_method="S256")
        url, state = client.create_authorization_url(self.authorize_url, code_verifier=verifier)
        return Consent(str(url), str(state), Secret(verifier), redirect_uri, tuple(scopes))

    async def exchange(self, code: str, consent: "Consent") -> Tokens:
        """The tokens for a code. Raises OAuthFailed."""
        async with self._talking() as client:
            began = time()
            answer = await client.fetch_token(
                self.token_url,
                grant_type="authorization_code",
                code=code,
                code_verifier=consent.verifier.reveal(),
                redirect_uri=consent.redirect_uri,
            )
        return _tokens(answer, began, None, consent.scopes)

    async def refresh(self, refresh_token: Secret, scopes: tuple[str, ...]) -> Tokens:
        """A new pair. A refresh token that is not sent along stays as it was. Raises OAuthFailed."""
        async with self._talking() as client:
            began = time()
            answer = await client.fetch_token(
                self.token_url, grant_type="refresh_token", refresh_token=refresh_token.reveal()
            )
        return _tokens(answer, began, refresh_token, scopes)

    async def revoke(self, refresh_token: Secret) -> None:
        """Take the grant back. Raises OAuthFailed when it is not certain that Klaviyo did."""
        async with self._talking() as client:
            response = await client.revoke_token(
                self.revoke_url,
                token=refresh_token.reveal(),
                token_type_hint="refresh_token",  # noqa: S106
            )
        if response.status_code == 401:
            raise AppRefused(_wrong_secret(self.client_id))
        if not response.is_success:
            raise OAuthFailed(f"{_host(self.revoke_url)} answered {response.status_code} to the revocation.")

    def _client(self, **more: Any) -> Any:
        from authlib.integrations.httpx_client import AsyncOAuth2Client  # pyright: ignore[reportMissingTypeStubs]

        return AsyncOAuth2Client(
            client_id=self.client_id,
            client_secret=self.client_secret.reveal(),
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - the name of a method
            revocation_endpoint_auth_method="client_secret_basic",
            timeout=TIMEOUT,
            transport=BoundedTransport(self.transport or SystemRoute(), LARGEST),
            headers={"Accept-Encoding": ACCEPT_ENCODING},
            follow_redirects=False,
            **more,
        )

    @asynccontextmanager
    async def _talking(self) -> AsyncGenerator[Any]:
        """An Authlib client, and whatever goes wrong with it in our words. What Authlib quotes may hold secrets."""
        from authlib.integrations.base_client import OAuthError  # pyright: ignore[reportMissingTypeStubs]

        where = _host(self.token_url)
        try:
            with anyio.fail_after(LONGEST):
                async with self._client() as client:
                    yield client
        except OAuthError as error:
            word = str(cast(Any, error).error)
            if word == "invalid_grant":
                raise GrantRefused("Klaviyo does not accept the code or the grant (invalid_grant).") from None
            if word == "invalid_client":
                raise AppRefused(_wrong_secret(self.client_id)) from None
            # The word comes from outside: only what looks like one is shown.
            shown = word if word.replace("_", "").isalpha() and len(word) <= 40 else "an error"
            raise OAuthFailed(f"{where} answered {shown} to the request for tokens.") from None
        except httpx2.HTTPStatusError as error:
            raise OAuthFailed(f"{where} answered {error.response.status_code} to the request for tokens.") from None
        except NotSent as error:
            raise OAuthFailed(f"{error.message} {error.advice}") from None
        except NEVER_LEFT as error:
            url = httpx2.URL(self.token_url)
            proxy = proxy_for(url) if self.transport is None else None
            fault = not_reached(error, url, "the request for tokens", proxy)
            raise OAuthFailed(f"{fault.message} {fault.advice}") from None
        except (httpx2.HTTPError, TimeoutError) as error:
            raise OAuthFailed(f"{where} could not be reached ({type(error).__name__}).") from None
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            raise OAuthFailed(f"{where} answered the request for tokens with something that is not tokens.") from None


@dataclass(frozen=True, slots=True)
class Consent:
    """A request for consent that is under way. The verifier is what proves that the code is ours."""

    url: str
    state: str
    verifier: Secret
    redirect_uri: str
    scopes: tuple[str, ...]


def klaviyo_app(
    client_id: str,
    client_secret: Secret,
    *,
    base_url: str | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> OAuthApp:
    """An app at Klaviyo, or at one `base_url` for consent and tokens alike, such as a sandbox's."""
    authorize, tokens = (base_url, base_url) if base_url else (AUTHORIZE, TOKENS)
    return OAuthApp(
        client_id,
        client_secret,
        authorize_url=f"{authorize}/oauth/authorize",
        token_url=f"{tokens}/oauth/token",
        revoke_url=f"{tokens}/oauth/revoke",
        transport=transport,
    )


def _tokens(answer: Any, began: float, before: Secret | None, scopes: tuple[str, ...]) -> Tokens:
    if not is_object(answer):
        raise OAuthFailed("The answer to the request for tokens is not an object.")
    access, given = text(answer.get("access_token")), text(answer.get("refresh_token"))
    refresh = Secret(given) if given else before
    if not access or refresh is None:
        raise OAuthFailed("The answer to the request for tokens lacks a token.")
    try:
        lifetime = float(answer.get("expires_in") or DEFAULT_LIFETIME)
    except (TypeError, ValueError):
        lifetime = DEFAULT_LIFETIME
    granted = text(answer.get("scope")).split()
    return Tokens(
        access_token=Secret(access),
        refresh_token=refresh,
        expires_at=began + lifetime,
        received_at=began,
        scopes=tuple(sorted(granted)) or scopes,
    )


def _wrong_secret(client_id: str) -> str:
    return (
        f"Klaviyo does not know the app {client_id!r} with this secret (invalid_client): set KLAVIYO_CLIENT_ID and "
        "KLAVIYO_CLIENT_SECRET to those of your app."
    )


def _host(url: str) -> str:
    return httpx2.URL(url).host

"""Klaviyo as the authorization server behind this one: consent with our own PKCE, whose account it is, giving back."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from klaviyo_mcp.accounts.connect import whose
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.errors import AccountProblem
from klaviyo_mcp.accounts.oauth import AppRefused, Consent, GrantRefused, OAuthApp, OAuthFailed, klaviyo_app
from klaviyo_mcp.accounts.records import Company, Grant, Secret
from klaviyo_mcp.accounts.tokens import app_of, new_grant
from klaviyo_mcp.authorization.config import AuthorizationConfig
from klaviyo_mcp.authorization.errors import OAuthProblem
from klaviyo_mcp.authorization.token_text import claims_of
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.loose_json import text


@dataclass(frozen=True, slots=True)
class Consented:
    """What a consent at Klaviyo has led to."""

    credentials: Grant
    company: Company
    user: str | None


class Upstream:
    """The operator's app at Klaviyo."""

    def __init__(self, config: AuthorizationConfig, endpoint: Endpoint) -> None:
        """`endpoint` is how Klaviyo is reached."""
        self._config = config
        # Whose account it is costs each account of its own quota, so connecting many must not wait for a common one.
        self._endpoint = replace(endpoint, base_url=config.api_url, pace=False)

    def consent(self, scopes: Iterable[str]) -> Consent:
        """A request for consent, with a state and a verifier that nothing else has."""
        return self._app.consent(self._config.redirect_uri, list(scopes))

    async def consented(self, code: str, consent: Consent) -> Consented:
        """Tokens for a code, and whose they are. Raises OAuthProblem in the words of an authorization response."""
        try:
            credentials = new_grant(self._app, await self._app.exchange(code, consent))
            company = await whose(credentials, self._endpoint)
        except GrantRefused:
            raise OAuthProblem("access_denied", "Klaviyo did not accept its own code; it may be too old.") from None
        except AppRefused:
            raise OAuthProblem("server_error", "Klaviyo does not know this service's app with its secret.") from None
        except (OAuthFailed, KlaviyoError):
            raise OAuthProblem("temporarily_unavailable", "Klaviyo could not be reached: try again.") from None
        if company.account_id is None:
            raise OAuthProblem("access_denied", "Klaviyo did not say whose account it is: accounts:read is missing.")
        return Consented(credentials, company, subject(credentials.access_token))

    async def give_back(self, pairs: Iterable[Grant]) -> bool:
        """Revoke grants at Klaviyo, which removes the app there; whether Klaviyo has taken all of them back."""
        done = True
        current = (self._config.app_id, self._config.app_secret)
        for pair in {pair.refresh_token: pair for pair in pairs}.values():
            try:
                await app_of(pair, current=current, transport=self._endpoint.pool.transport).revoke(pair.refresh_token)
            except GrantRefused:
                pass  # Klaviyo does not know it any more, which is what was wanted.
            except (OAuthFailed, AccountProblem):
                done = False
        return done

    @property
    def _app(self) -> OAuthApp:
        config = self._config
        return klaviyo_app(
            config.app_id, config.app_secret, base_url=config.oauth_url, transport=self._endpoint.pool.transport
        )


def subject(token: Secret) -> str | None:
    """The user of a token that is a JWT and names one. It comes from Klaviyo itself, so nothing is verified."""
    return text(claims_of(token.reveal()).get("sub")) or None

"""An account: one Klaviyo company, and the client that holds its credentials."""

from collections.abc import Generator
from dataclasses import dataclass

import httpx2

from klaviyo_mcp.klaviyo.client import KlaviyoClient
from klaviyo_mcp.klaviyo.credentials import ApiKeyAuth
from klaviyo_mcp.klaviyo.errors import NotSent
from klaviyo_mcp.klaviyo.quota import Quota


@dataclass(frozen=True, slots=True)
class Account:
    """One Klaviyo company. `name` is what people call the connection; nothing about an account is global."""

    name: str
    client: KlaviyoClient


class NoAccount(NotSent):
    """No account is connected."""

    code = "no_account"
    advice = (
        "A person has to set KLAVIYO_API_KEY to a private key of the Klaviyo account (Settings > API keys; it starts "
        "with pk_) in this server's configuration and restart it, or start it with --sandbox to try it without one."
    )


class NoCredentials(httpx2.Auth):
    """Stands in for missing credentials, so that a server can start, list its tools and say what it lacks."""

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Public endpoints need no credentials; everything else raises NoAccount."""
        if not request.url.path.startswith("/client/"):
            raise NoAccount("No Klaviyo account is connected.")
        yield request


def open_account(
    name: str,
    *,
    api_key: str | None,
    base_url: str,
    company_id: str | None = None,
    pace: bool = True,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> Account:
    """An account reached with a private API key. `pace` False leaves rate limits to Klaviyo's own 429s."""
    client = KlaviyoClient(
        ApiKeyAuth(api_key) if api_key else NoCredentials(),
        base_url=base_url,
        company_id=company_id,
        quota=Quota() if pace else None,
        transport=transport,
    )
    return Account(name, client)

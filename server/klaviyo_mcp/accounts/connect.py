"""Connecting and disconnecting: whose account credentials are for, and how they come into the vault and out of it."""

import re
import unicodedata
from collections.abc import Generator
from time import time

import httpx2

from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.errors import CorruptRecord, NameTaken, NotRevoked, unknown_account
from klaviyo_mcp.accounts.oauth import GrantRefused, OAuthApp, OAuthFailed
from klaviyo_mcp.accounts.records import NAME, ApiKey, Company, Connection, Credentials, Grant, Secret
from klaviyo_mcp.accounts.tokens import app_of
from klaviyo_mcp.accounts.vault import Vault
from klaviyo_mcp.klaviyo.credentials import ApiKeyAuth
from klaviyo_mcp.klaviyo.errors import PermissionDenied
from klaviyo_mcp.klaviyo.requests import ApiRequest, WaitBudget
from klaviyo_mcp.loose_json import mapping, objects

WAIT = 10.0
"""Seconds to wait for quota while asking whose account it is."""


class Bearer(httpx2.Auth):
    """One access token as it is, for the first look into an account."""

    def __init__(self, token: Secret) -> None:
        """`token` is shown in no repr."""
        self._token = token

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Add the token."""
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        yield request


async def whose(credentials: Credentials, endpoint: Endpoint) -> Company:
    """The company behind credentials; empty when they may not read it. Raises KlaviyoError when they do not work."""
    is_key = isinstance(credentials, ApiKey)
    auth = ApiKeyAuth(credentials.key.reveal()) if is_key else Bearer(credentials.access_token)
    try:
        reply = await endpoint.client(auth).send(
            ApiRequest("GET", "/api/accounts", repeatable="read", expects="data"), WaitBudget(WAIT)
        )
    except PermissionDenied:
        return Company()
    found = objects(mapping(reply.document).get("data"))
    if not found:
        return Company()
    attributes = mapping(found[0].get("attributes"))
    name = mapping(attributes.get("contact_information")).get("organization_name")
    test = attributes.get("test_account")
    return Company(
        account_id=str(found[0]["id"]) if found[0].get("id") else None,
        name=str(name) if name else None,
        test_account=test if isinstance(test, bool) else None,
    )


async def join(
    vault: Vault, credentials: Credentials, company: Company, *, base_url: str, name: str | None
) -> Connection:
    """Keep new credentials under `name`, or under one made from the company's; the first connection is the default.

    Credentials of the same company replace those before. Raises NameTaken or VaultProblem.
    """
    await vault.prepare()
    async with vault.lock():
        names = await vault.names()
        chosen = name or await _name_for(vault, company, names)
        before = await _readable(vault, chosen) if chosen in names else None
        if before is not None and before.company.account_id != company.account_id:
            raise NameTaken(
                f"{chosen!r} is the account {described(before.company)}, and these credentials are for "
                f"{described(company)}. Nothing was changed."
            )
        connection = Connection(chosen, company, base_url, connected_at=time(), credentials=credentials)
        async with vault.lock(chosen):
            await vault.write(connection)
        if not [other for other in names if other != chosen]:
            await vault.choose_default(chosen)
    return connection


async def leave(
    vault: Vault,
    name: str,
    *,
    forget: bool = False,
    app: tuple[str, Secret] | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> Connection | None:
    """Give a grant back to Klaviyo, then forget the connection; None when its record could not be read any more.

    `forget` goes on when Klaviyo cannot be told. Raises UnknownAccount, NotRevoked or VaultProblem.
    """
    names = await vault.names()
    if name not in names:
        raise unknown_account(name, names)
    async with vault.lock(), vault.lock(name):
        connection = await _readable(vault, name)
        grant = connection.grant if connection is not None else None
        if grant is not None and grant.reconnect is None:
            try:
                await app_of(grant, current=app, transport=transport).revoke(grant.refresh_token)
            except GrantRefused:
                pass  # Klaviyo does not know it any more, which is what was wanted.
            except OAuthFailed as error:
                if not forget:
                    raise NotRevoked(f"{error} The account {name!r} is still connected.") from None
        await vault.remove(name)
        if await vault.default() == name:
            await vault.choose_default(None)
    return connection


async def give_back(app: OAuthApp, grant: Grant, vault: Vault, company: Company) -> bool:
    """Revoke a grant that was not kept, unless another connection is to the same company; whether it was revoked."""
    for name in await vault.names():
        other = await _readable(vault, name)
        if other is not None and other.company.account_id == company.account_id:
            return False
    try:
        await app.revoke(grant.refresh_token)
    except OAuthFailed:
        return False
    return True


def described(company: Company) -> str:
    """A company in words: its name and id, as far as they are known."""
    if company.name and company.account_id:
        return f"{company.name} ({company.account_id})"
    return company.name or company.account_id or "of a company that the credentials may not name"


async def _name_for(vault: Vault, company: Company, names: list[str]) -> str:
    """The name this company has already, or one like its own."""
    for name in names:
        known = await _readable(vault, name)
        if known is not None and company.account_id and known.company.account_id == company.account_id:
            return name
    plain = unicodedata.normalize("NFKD", company.name or company.account_id or "account")
    stem = re.sub(r"[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode().lower()).strip("-")[:36].rstrip("-")
    stem = stem if NAME.fullmatch(stem) else "account"
    return next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, 1000))) if name not in names)


async def _readable(vault: Vault, name: str) -> Connection | None:
    try:
        return await vault.read(name)
    except CorruptRecord:
        return None

"""An account: one Klaviyo company, the client that holds its credentials, and what is known of what it may do.

A call is for one `Account`. What a server has of them is `Accounts`: the one of the settings here, those of the vault
in `connections`.
"""

import hashlib
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import httpx2

from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.errors import NoAccount, UnknownAccount
from klaviyo_mcp.accounts.facts import AccountFacts
from klaviyo_mcp.accounts.glimpses import Glimpses
from klaviyo_mcp.accounts.permissions import LearnedAccess, Permissions
from klaviyo_mcp.klaviyo.client import KlaviyoClient
from klaviyo_mcp.klaviyo.credentials import ApiKeyAuth
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.klaviyo.kept import KeptReplies, ScarceReads

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Account:
    """One Klaviyo company. `name` is what people call the connection; nothing about an account is global.

    `client` holds its credentials, `access` what these are known to allow, and `facts` what reports need to know of the
    company. `cursor_key` signs the cursors that are given out for it, so that no other account can go on with them.
    `counted_as` is the same for all connections to one company whose requests are counted together, `company` for all
    to it whatever app or key they are by. `found_as` is what finds the account again.
    `scarce` keeps its answers to reads with a daily limit, `glimpses` what rules have lately read of it. There is
    nothing to close: connections belong to the endpoint.
    """

    name: str
    client: KlaviyoClient
    access: Permissions = field(default_factory=lambda: LearnedAccess("default"))
    cursor_key: bytes = b""
    facts: AccountFacts = field(default_factory=AccountFacts)
    scarce: ScarceReads = field(default_factory=lambda: KeptReplies().of(""))
    counted_as: str = ""
    glimpses: Glimpses = field(default_factory=Glimpses)
    company: str = ""
    found_as: str = ""


class NoCredentials(httpx2.Auth):
    """Stands in for missing credentials, so that a server can start, list its tools and say what it lacks."""

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Public endpoints need no credentials; everything else raises NoAccount."""
        if not request.url.path.startswith("/client/"):
            raise NoAccount("No Klaviyo account is connected.")
        yield request


def open_account(
    name: str,
    endpoint: Endpoint,
    *,
    api_key: str | None = None,
    auth: httpx2.Auth | None = None,
    access: Permissions | None = None,
    company_id: str | None = None,
    counted_as: str | None = None,
    secret: str | None = None,
    whose: str | None = None,
    found_as: str | None = None,
) -> Account:
    """An account reached with `auth`, or with a private API key; cheap enough to be opened for a single call.

    `counted_as` says whose quota it uses, None that it has one of its own. `secret` is what only this account's owner
    and Klaviyo know and that outlives a token: its key, unless something else is given. `whose` is Klaviyo's id of the
    company, and `found_as` what finds the account again, where those are other than `counted_as` and `name`.
    """
    auth = auth or (ApiKeyAuth(api_key) if api_key else NoCredentials())
    company = counted_as or name
    client = endpoint.client(auth, company_id=company_id, counted_as=company)
    cursor_key = hashlib.sha256(f"klaviyo-mcp cursors\n{secret or api_key or name}".encode()).digest()
    kept_for = f"{endpoint.base_url} {name} {company} {cursor_key.hex()}"
    return Account(
        name,
        client,
        access or LearnedAccess(name),
        cursor_key,
        endpoint.facts(company),
        endpoint.kept.of(kept_for),
        f"{endpoint.base_url} {company}",
        endpoint.glimpses.of(kept_for),
        company_at(endpoint.base_url, whose or company),
        found_as or name,
    )


def company_at(base_url: str, id: str) -> str:
    """What tells a company from all others: Klaviyo's id of it, or what stands in for that, and where it is."""
    return f"{base_url} {id}"


class Accounts(Protocol):
    """The accounts that a server, or a request to it, has to do with."""

    @property
    def can_be_named(self) -> bool:
        """Whether a call may say which account it is for."""
        ...

    async def names(self) -> list[str]:
        """The names that can be chosen from, sorted."""
        ...

    async def default(self) -> str | None:
        """The one that is meant when none is named; None when one has to be."""
        ...

    async def find(self, name: str | None = None) -> Account:
        """The account of that name, or the one that is meant. Raises AccountProblem."""
        ...

    def interrupt(self) -> None:
        """Have all calls end now, each with an error that says what became of it, as this process has to stop."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


async def found_for_any(
    accounts: Accounts, look: Callable[[Account], Awaitable[Found]], *absent: type[Exception]
) -> Found | None:
    """What `look` finds for the first account that has it, the one that is meant by default before all others.

    None where none has it. An account that cannot be used has nothing, and so has one for which `look` raises one of
    `absent`; whatever else it raises passes through.
    """
    default, names = await accounts.default(), await accounts.names()
    for name in sorted(names, key=lambda name: name != default):
        try:
            return await look(await accounts.find(name))
        except (KlaviyoError, *absent):
            continue
    return None


class OneAccount:
    """A single account: from KLAVIYO_API_KEY, or of a sandbox. No vault is opened for it."""

    def __init__(self, account: Account, endpoint: Endpoint) -> None:
        """`account` is the one, and `endpoint` what it is reached by."""
        self.account = account
        self._endpoint = endpoint

    @property
    def can_be_named(self) -> bool:
        """There is nothing to choose."""
        return False

    async def names(self) -> list[str]:
        """Its name."""
        return [self.account.name]

    async def default(self) -> str | None:
        """Its name."""
        return self.account.name

    async def find(self, name: str | None = None) -> Account:
        """It. Raises UnknownAccount for any other name."""
        if name not in (None, self.account.name):
            raise UnknownAccount(f"There is no account named {name!r}; there is {self.account.name!r}.")
        return self.account

    def interrupt(self) -> None:
        """Have its calls end now."""
        self._endpoint.interrupt()

    async def close(self) -> None:
        """Close its connections."""
        await self._endpoint.close()

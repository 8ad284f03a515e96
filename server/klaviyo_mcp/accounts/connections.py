"""The accounts in the vault: which there are, which one is meant, and each of them open for use.

An account is opened when it is first asked for, and forgotten when many others were used since. Each has credentials
and permissions of its own; what they share is the endpoint's connections, which know no account.
"""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import time
from typing import Any
from weakref import WeakValueDictionary

import anyio
import httpx2

from klaviyo_mcp.accounts.account import Account, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.errors import (
    AmbiguousAccount,
    OtherServer,
    UnknownAccount,
    VaultProblem,
    VaultUnavailable,
    unknown_account,
)
from klaviyo_mcp.accounts.permissions import GrantedAccess, LearnedAccess, Permissions
from klaviyo_mcp.accounts.records import ApiKey, Connection, Secret
from klaviyo_mcp.accounts.tokens import OAuthAuth, TokenKeeper, app_of
from klaviyo_mcp.accounts.vault import Vault
from klaviyo_mcp.klaviyo.credentials import ApiKeyAuth
from klaviyo_mcp.loose_json import JSON, mapping

NOTE_EVERY = 600.0
"""Seconds between two notes of when a connection was last used."""
MOST_OPEN = 256
"""Accounts that stay open at a time. Opening one again costs a look into the vault."""


class ConnectedAccounts:
    """The accounts in the vault."""

    def __init__(
        self,
        vault: Vault,
        endpoint: Endpoint | None = None,
        *,
        fixed: str | None = None,
        app: tuple[str, Secret] | None = None,
        company_id: str | None = None,
        base_url: str | None = None,
        most_open: int = MOST_OPEN,
        called: Callable[[Connection], str] | None = None,
        trusted_for: float = 0.0,
        clock: Callable[[], float] = time,
    ) -> None:
        """`fixed` is the only account to serve, when one was asked for. `app` is the OAuth app of the settings.

        `company_id` stands in for a connection of which the public key is not known. `base_url` is where accounts have
        to be, when that was set: credentials go to the server they are for and to no other. Beyond `most_open`, the one
        that was asked for longest ago is forgotten; a call that has it goes on with it. `called` says what an account
        is called to those who use it, where that is not the name of its connection. `trusted_for` is how many seconds
        what was read of a connection holds where it costs a request to see whether it was changed.
        """
        self.vault = vault
        self.endpoint = endpoint or Endpoint()
        self._fixed = fixed
        self._app = app
        self._company_id = company_id
        self._base_url = base_url
        self._most_open = most_open
        self._called = called
        self._trusted_for = trusted_for
        self._clock = clock
        self._open: OrderedDict[str, _Open] = OrderedDict()
        # One lock per name, so that nobody waits for another one's account. It lives as long as someone holds it.
        self._opening: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    @property
    def can_be_named(self) -> bool:
        """Whether a call may say which account it is for."""
        return self._fixed is None

    @property
    def open_now(self) -> int:
        """How many accounts are open."""
        return len(self._open)

    async def names(self) -> list[str]:
        """All names, or the one that was fixed."""
        return [self._fixed] if self._fixed else await self.vault.names()

    async def default(self) -> str | None:
        """The fixed one, the only one, or the one that was chosen as default."""
        names = await self.names()
        if len(names) == 1:
            return names[0]
        chosen = await self.vault.default() if names else None
        return chosen if chosen in names else None

    async def find(self, name: str | None = None) -> Account:
        """The account of that name, or the one that is meant.

        Raises UnknownAccount, AmbiguousAccount or VaultProblem. Without any connection, the result answers for itself.
        """
        chosen = name or await self.default()
        if chosen is None:
            names = await self.names()
            if not names:
                return open_account("none", self.endpoint, company_id=self._company_id)
            raise AmbiguousAccount(f"Several accounts are connected: {', '.join(names)}. Say which one is meant.")
        if self._fixed not in (None, chosen):
            raise UnknownAccount(f"There is no account named {chosen!r} here; this server has {self._fixed!r}.")
        known = self._open.get(chosen)
        if known is not None and self._holds(known, self.vault.stamp(chosen)):
            self._open.move_to_end(chosen)
            await known.notes.used()
            return known.account
        async with self._opening.setdefault(chosen, anyio.Lock()):
            return (await self._opened(chosen)).account

    def interrupt(self) -> None:
        """Have the calls of all accounts end now."""
        self.endpoint.interrupt()

    async def close(self) -> None:
        """Close all connections and the vault."""
        self._open.clear()
        await self.endpoint.close()
        await self.vault.close()

    async def _opened(self, name: str) -> "_Open":
        """The account as the vault has it now: it may have been connected anew, or removed, since it was opened."""
        known, stamp = self._open.get(name), self.vault.stamp(name)
        if known is not None and self._holds(known, stamp):
            # Whoever had the lock before has looked.
            return known
        try:
            connection = await self.vault.read(name)
        except VaultUnavailable:
            if known is None:
                raise
            return known
        if connection is None:
            self._open.pop(name, None)
            raise unknown_account(name, [other for other in await self.names() if other != name])
        if self._base_url not in (None, connection.base_url):
            raise OtherServer(
                f"The account {name!r} is connected at {connection.base_url}, and KLAVIYO_BASE_URL is {self._base_url}."
            )
        if known is None or not known.serves(connection):
            known = await self._make(connection)
        self._open[name] = known
        self._open.move_to_end(name)
        while len(self._open) > self._most_open:
            self._open.popitem(last=False)
        known.connection, known.stamp, known.read_at = connection, stamp, self._clock()
        if known.keeper is not None:
            known.keeper.adopt(connection)
        await known.notes.used()
        return known

    def _holds(self, known: "_Open", stamp: object | None) -> bool:
        """Whether the vault has still what was read: by its stamp, or because that was a moment ago."""
        if stamp is not None:
            return stamp == known.stamp
        return 0 <= self._clock() - known.read_at < self._trusted_for

    async def _make(self, connection: Connection) -> "_Open":
        name = self._called(connection) if self._called else connection.name
        credentials = connection.credentials
        notes = Notes(self.vault, connection, self._clock)
        whose = connection.company.account_id
        if isinstance(credentials, ApiKey):
            keeper = None
            auth: httpx2.Auth = ApiKeyAuth(credentials.key.reveal())
            access: Permissions = LearnedAccess(name, await notes.learned(), keep=notes.learn, clock=self._clock)
            counted_as, secret = whose or name, credentials.key
        else:
            transport = self.endpoint.pool.transport
            keeper = TokenKeeper(
                self.vault,
                connection,
                lambda grant: app_of(grant, current=self._app, transport=transport),
                clock=self._clock,
            )
            auth = OAuthAuth(keeper)
            access = GrantedAccess(name, keeper.scopes)
            # Klaviyo counts for each app by itself, and for all keys of a company together.
            counted_as, secret = f"{credentials.client_id} {whose or name}", credentials.client_secret
        endpoint, company_id = self.endpoint.at(connection.base_url), whose or self._company_id
        account = open_account(
            name,
            endpoint,
            auth=auth,
            access=access,
            company_id=company_id,
            counted_as=counted_as,
            secret=f"{secret.reveal()} {whose or name}",
            whose=whose,
            found_as=connection.name,
        )
        return _Open(connection, account, notes, keeper)


@dataclass(slots=True)
class _Open:
    """An account that is in use."""

    connection: Connection
    account: Account
    notes: "Notes"
    keeper: TokenKeeper | None
    stamp: object | None = None
    read_at: float = 0.0

    def serves(self, connection: Connection) -> bool:
        """Whether it can go on for this connection: the same company by the same kind of credentials, and key."""
        before = self.connection
        same = (before.company.account_id, before.base_url) == (connection.company.account_id, connection.base_url)
        if isinstance(before.credentials, ApiKey) or isinstance(connection.credentials, ApiKey):
            return same and before.credentials == connection.credentials
        return same


class Notes:
    """What is worth knowing of a connection and is no secret: when it was last used, and what refusals have taught.

    None of it is worth failing a call for.
    """

    def __init__(self, vault: Vault, connection: Connection, clock: Callable[[], float] = time) -> None:
        """What was noted of an earlier connection of the same name does not count."""
        self._vault = vault
        self._name = connection.name
        self._since = connection.connected_at
        self._clock = clock
        self._next = 0.0

    async def used(self) -> None:
        """Note that it is in use, every NOTE_EVERY seconds at most."""
        now = self._clock()
        if now >= self._next:
            self._next = now + NOTE_EVERY
            await self._change(last_used=now)

    async def last_used(self) -> float | None:
        """When it was last used, in seconds since 1970."""
        return (await self._facts()).get("last_used")

    async def learned(self) -> JSON:
        """What refusals have taught; see LearnedAccess."""
        return mapping((await self._facts()).get("learned"))

    async def learn(self, learned: JSON) -> None:
        """Keep what refusals have taught."""
        await self._change(learned=learned)

    async def _change(self, **facts: Any) -> None:
        with suppress(VaultProblem):
            await self._vault.note(self._name, {**await self._facts(), **facts, "since": self._since})

    async def _facts(self) -> JSON:
        with suppress(VaultProblem):
            facts = await self._vault.facts(self._name)
            if facts.get("since") == self._since:
                return facts
        return {}

"""Grants: what a person has allowed one client, for one Klaviyo account. Each has a pair of Klaviyo's tokens.

The pair lies in the vault under the grant's id. A grant that is gone takes its tokens with it, as each is only good
with its grant. Klaviyo is told only by a person's wish: to revoke there removes the app for the whole account.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from secrets import token_hex
from time import time
from typing import Literal

from klaviyo_mcp.accounts.errors import CorruptRecord
from klaviyo_mcp.accounts.records import Company, Connection, Grant
from klaviyo_mcp.accounts.vault import Vault
from klaviyo_mcp.authorization.levels import Level
from klaviyo_mcp.authorization.records import Records, store_trouble
from klaviyo_mcp.authorization.replies import ConnectedClient
from klaviyo_mcp.authorization.token_text import hashed
from klaviyo_mcp.loose_json import JSON, items

PENDING = 900.0
"""Seconds for which a grant waits for its client to fetch the first tokens."""
ORPHAN = 3600.0
"""Seconds after which a pair in the vault without a grant is what a death has left behind."""
MENDED = 30.0
"""Seconds in which a pair that was replaced is not replaced again: calls that failed together are told together."""


Standing = Literal["connected", "refused", "gone"]


@dataclass(frozen=True, slots=True)
class McpGrant:
    """`client_id` is empty for the grant of the connect page itself, which keeps the account reachable for it.

    `refresh` is the hash of the refresh token in force. `reconnect` says why Klaviyo does not accept the pair any more.
    `user` is who of the company it is, where the app is installed by user and Klaviyo tells. Times are seconds since
    1970.
    """

    grant_id: str
    account_id: str
    user: str | None
    company_name: str | None
    test_account: bool | None
    client_id: str
    client_name: str
    client_domain: str | None
    level: Level
    created: float
    life: float = PENDING
    refresh: str | None = None
    used: float | None = None
    reconnect: str | None = None
    mended: float | None = None

    @property
    def ends(self) -> float:
        """When it ends unless it is refreshed before."""
        return (self.used or self.created) + self.life


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a grant is for: a client, or the connect page."""

    client_id: str = ""
    name: str = ""
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose grants: those of an account, and in apps that are installed by user those of one of its users."""

    account_id: str
    user: str | None = None


class Grants:
    """All grants, and the index of those of an account."""

    def __init__(
        self,
        records: Records,
        vault: Vault,
        *,
        api_url: str,
        app_scope: Literal["company", "user"],
        clock: Callable[[], float] = time,
    ) -> None:
        """`api_url` is where the accounts are."""
        self._records = records
        self.vault = vault
        self._api_url = api_url
        self._by_user = app_scope == "user"
        self._clock = clock

    async def begin(
        self, credentials: Grant, company: Company, user: str | None, holder: Holder, level: Level, life: float
    ) -> McpGrant:
        """A new grant, whole in the store before this returns. The page has one per owner, which is renewed."""
        owner = Owner(str(company.account_id), user if self._by_user else None)
        others = await self.of(owner, with_page=True)
        before = next((grant for grant in others if not holder.client_id and not grant.client_id), None)
        grant = McpGrant(
            grant_id=before.grant_id if before else token_hex(16),
            account_id=owner.account_id,
            user=owner.user,
            company_name=company.name,
            test_account=company.test_account,
            client_id=holder.client_id,
            client_name=holder.name,
            client_domain=holder.domain,
            level=level,
            created=self._clock(),
            life=life,
        )
        connection = Connection(grant.grant_id, company, self._api_url, self._clock(), credentials)
        with store_trouble(self.vault.place):
            async with self.vault.lock(), self.vault.lock(grant.grant_id):
                await self.vault.write(connection)
        async with self._records.lock("grants", hashed(owner.account_id)):
            known = await self._ids(owner.account_id)
            alive = [found.grant_id for found in await self._read(known)]
            await self._index(owner.account_id, [*(one for one in alive if one != grant.grant_id), grant.grant_id])
            await self.keep(grant)
        for other in others:
            # What its client has thrown away by now, and connects anew with this.
            if other.reconnect is not None and (other.client_name, other.client_id != "") == (holder.name, True):
                await self.forget(other.grant_id)
        return grant

    async def get(self, grant_id: str) -> McpGrant | None:
        """The grant, None when it is gone."""
        found = await self._read([grant_id])
        return found[0] if found else None

    async def keep(self, grant: McpGrant) -> None:
        """Write a grant, which lives from its last refresh on. The caller holds its lock, unless the grant is new."""
        await self._records.put("grant", grant.grant_id, asdict(grant), grant.ends - self._clock())

    @asynccontextmanager
    async def lock(self, grant_id: str) -> AsyncGenerator[None]:
        """Held while a grant is changed."""
        async with self._records.lock("grant", grant_id):
            yield

    async def of(self, owner: Owner, *, with_page: bool = False) -> list[McpGrant]:
        """The grants of an owner, newest first."""
        found = await self._read(await self._ids(owner.account_id))
        own = [grant for grant in found if not self._by_user or grant.user == owner.user]
        return sorted((grant for grant in own if with_page or grant.client_id), key=lambda grant: -grant.created)

    async def standing(self, account_id: str) -> Standing:
        """How it stands with an account: whether any grant of it works, whosever, or there is one at all."""
        found = await self._read(await self._ids(account_id))
        if not found:
            return "gone"
        return "connected" if any(grant.reconnect is None for grant in found) else "refused"

    async def last_used(self, grant: McpGrant) -> float | None:
        """When it was last used, as far as was noted: calls are every ten minutes, refreshes always."""
        with store_trouble(self.vault.place):
            noted = (await self.vault.facts(grant.grant_id)).get("last_used")
        moments = [moment for moment in (noted, grant.used) if isinstance(moment, int | float)]
        return max(moments, default=None)

    async def forget(self, grant_id: str) -> None:
        """Delete a grant and its pair here; Klaviyo is not told. What is gone already is no error."""
        async with self.lock(grant_id):
            await self.forget_held(grant_id)

    async def forget_held(self, grant_id: str) -> None:
        """The same for a caller who holds the grant's lock."""
        grant = await self.get(grant_id)
        # From here on its tokens are good for nothing.
        await self._records.delete("grant", grant_id)
        if grant is not None:
            async with self._records.lock("grants", hashed(grant.account_id)):
                await self._index(
                    grant.account_id, [one for one in await self._ids(grant.account_id) if one != grant_id]
                )
        with store_trouble(self.vault.place):
            async with self.vault.lock(), self.vault.lock(grant_id):
                await self.vault.remove(grant_id)

    async def why_dead(self, grant: McpGrant) -> str | None:
        """Why Klaviyo does not accept the grant, as far as is known; None while nothing speaks against it.

        A pair that cannot be read is StoreAway: another instance may have the key that opens it.
        """
        with store_trouble(self.vault.place):
            return grant.reconnect or _why_dead(await self.vault.read(grant.grant_id))

    async def shown(self, grant: McpGrant) -> ConnectedClient:
        """A grant as people are shown it, who are told as well that its pair cannot be read."""
        return ConnectedClient(
            grant_id=grant.grant_id,
            client_name=grant.client_name,
            client_domain=grant.client_domain,
            level=grant.level,
            created=grant.created,
            last_used=await self.last_used(grant),
            reconnect=grant.reconnect or _why_dead(await self.connection(grant.grant_id)),
        )

    async def lost(self, grant_id: str, reason: str) -> bool:
        """Klaviyo has refused the pair: whether that of another grant of the owner could be put in its place."""
        async with self.lock(grant_id):
            grant = await self.get(grant_id)
            if grant is None or grant.reconnect is not None:
                return False
            if grant.mended is not None and self._clock() < grant.mended + MENDED:
                return True
            if await self._mend(grant):
                await self.keep(replace(grant, mended=self._clock()))
                return True
            await self.keep(replace(grant, reconnect=reason))
            with store_trouble(self.vault.place):
                async with self.vault.lock(grant_id):
                    connection = await self.vault.read(grant_id)
                    if connection is not None and connection.grant is not None and not connection.grant.reconnect:
                        await self.vault.write(connection.with_grant(reconnect=reason))
            return False

    async def connection(self, grant_id: str) -> Connection | None:
        """What the vault has of a grant, None as well where that is damaged."""
        with store_trouble(self.vault.place):
            try:
                return await self.vault.read(grant_id)
            except CorruptRecord:
                return None

    async def names(self) -> list[str]:
        """The ids of all pairs in the vault, and the names of what else lies there; see `is_id`."""
        with store_trouble(self.vault.place):
            return await self.vault.names()

    async def sweep(self) -> int:
        """Forget pairs without a grant, which have run out or were left behind by a death; how many.

        What lives long is sealed with the secret that seals now, so that an older one can be taken away.
        """
        swept = 0
        accounts: set[str] = set()
        for name in filter(is_id, await self.names()):
            grant, connection = await self.get(name), await self.connection(name)
            if connection is not None and connection.company.account_id:
                accounts.add(connection.company.account_id)
            if grant is None and connection is not None and self._clock() > connection.connected_at + ORPHAN:
                async with self.lock(name):
                    if await self.get(name) is None:
                        await self.forget_held(name)
                        swept += 1
            if grant is not None:
                await self._renew(grant)
        for account_id in accounts:
            async with self._records.lock("grants", hashed(account_id)):
                known = await self._ids(account_id)
                alive = [grant.grant_id for grant in await self._read(known)]
                if alive != known:
                    await self._index(account_id, alive)
                await self._records.renew("grants", hashed(account_id))
        return swept

    async def _renew(self, grant: McpGrant) -> None:
        async with self.lock(grant.grant_id):
            await self._records.renew("grant", grant.grant_id)
            if grant.refresh is not None:
                await self._records.renew("rt", grant.refresh)
            await self._records.renew("client", hashed(grant.client_id))

    async def _mend(self, grant: McpGrant) -> bool:
        """Put the pair of another grant of the same owner, app and scopes in place of one that was refused."""
        mine = await self.connection(grant.grant_id)
        if mine is None or mine.grant is None:
            return False
        for other in await self.of(Owner(grant.account_id, grant.user), with_page=True):
            theirs = await self.connection(other.grant_id) if other.reconnect is None else None
            pair = theirs.grant if theirs is not None and other.grant_id != grant.grant_id else None
            if (
                pair is not None
                and pair.reconnect is None
                and pair.refresh_token != mine.grant.refresh_token
                and pair.client_id == mine.grant.client_id
                and set(pair.scopes) >= set(mine.grant.scopes)
            ):
                with store_trouble(self.vault.place):
                    async with self.vault.lock(grant.grant_id):
                        await self.vault.write(replace(mine, credentials=pair))
                return True
        return False

    async def _read(self, ids: list[str]) -> list[McpGrant]:
        return [_grant(record) for record in await self._records.get_many("grant", ids) if record is not None]

    async def _ids(self, account_id: str) -> list[str]:
        record = await self._records.get("grants", hashed(account_id))
        return [str(one) for one in items((record or {}).get("ids"))]

    async def _index(self, account_id: str, ids: list[str]) -> None:
        if ids:
            await self._records.put("grants", hashed(account_id), {"ids": ids}, None)
        else:
            await self._records.delete("grants", hashed(account_id))


def _grant(record: JSON) -> McpGrant:
    return McpGrant(**record)


def _why_dead(connection: Connection | None) -> str | None:
    if connection is None or connection.grant is None:
        return "its tokens cannot be read any more"
    return connection.grant.reconnect


def is_id(name: str) -> bool:
    """Whether a record of the vault is a grant's, not that of an account connected at a terminal."""
    return len(name) == 32 and set(name) <= set("0123456789abcdef")

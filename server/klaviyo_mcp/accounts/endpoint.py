"""Where Klaviyo is and how it is reached: made once for a process, and shared by all accounts in it."""

from dataclasses import dataclass, field, replace
from typing import Self
from weakref import WeakValueDictionary

import httpx2

from klaviyo_mcp.accounts.facts import AccountFacts
from klaviyo_mcp.accounts.glimpses import AllGlimpses
from klaviyo_mcp.klaviyo.breaker import Breaker
from klaviyo_mcp.klaviyo.client import KlaviyoClient
from klaviyo_mcp.klaviyo.kept import KeptReplies
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.quota import Quota
from klaviyo_mcp.klaviyo.shared_ledger import QuotaServer

KLAVIYO = "https://a.klaviyo.com"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A base URL without a path, the pool of connections, and what each account has used of its quota.

    `pace` False leaves rate limits to Klaviyo's 429s. A quota is remembered while an account that counts by it is open.
    Processes with one `quota_server` share theirs. `kept` are the answers of scarce reads, `glimpses` those of rules.
    Use as an async context manager, or call `close`.
    """

    base_url: str = KLAVIYO
    pool: HttpPool = field(default_factory=HttpPool)
    pace: bool = True
    quota_server: QuotaServer | None = None
    kept: KeptReplies = field(default_factory=KeptReplies)
    glimpses: AllGlimpses = field(default_factory=AllGlimpses)
    quotas: WeakValueDictionary[tuple[str, str], Quota] = field(
        default_factory=WeakValueDictionary[tuple[str, str], Quota]
    )

    breakers: WeakValueDictionary[tuple[str, str], Breaker] = field(
        default_factory=WeakValueDictionary[tuple[str, str], Breaker]
    )

    known: WeakValueDictionary[tuple[str, str], AccountFacts] = field(
        default_factory=WeakValueDictionary[tuple[str, str], AccountFacts]
    )

    def at(self, base_url: str) -> "Endpoint":
        """The same pool and quotas for another base URL."""
        return replace(self, base_url=base_url)

    def client(self, auth: httpx2.Auth, *, company_id: str | None = None, counted_as: str = "") -> KlaviyoClient:
        """A client for one account. Those that are `counted_as` the same share a quota, as keys of one company do."""
        quota = None
        key = (self.base_url, counted_as)
        breaker = self.breakers.get(key)
        if breaker is None:
            breaker = self.breakers[key] = Breaker(httpx2.URL(self.base_url).host)
        if self.pace:
            quota = self.quotas.get(key)
            if quota is None:
                server = self.quota_server
                quota = self.quotas[key] = Quota(server.ledger(" ".join(key)) if server else None)
        return KlaviyoClient(
            auth, self.pool, base_url=self.base_url, company_id=company_id, quota=quota, breaker=breaker
        )

    def facts(self, counted_as: str) -> AccountFacts:
        """What is known of an account, remembered like its quota."""
        return self.known.setdefault((self.base_url, counted_as), AccountFacts())

    async def __aenter__(self) -> Self:
        """Nothing is opened before it is used."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        await self.close()

    def interrupt(self) -> None:
        """End all exchanges that are under way or begin later, each with an error that says what became of it."""
        self.pool.interruptions.interrupt()

    async def close(self) -> None:
        """Close the connections of all accounts."""
        await self.pool.close()
        if self.quota_server is not None:
            await self.quota_server.close()

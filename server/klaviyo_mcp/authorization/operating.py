"""What the operator does with the grants of all accounts: see them, and end some or all of them."""

from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass, field

from klaviyo_mcp.accounts.records import Grant
from klaviyo_mcp.authorization.grants import Grants, is_id
from klaviyo_mcp.authorization.replies import ConnectedClient
from klaviyo_mcp.authorization.tokens import Tokens
from klaviyo_mcp.authorization.upstream import Upstream


@dataclass(frozen=True, slots=True)
class GrantSeen(ConnectedClient):
    """A grant as the operator sees it: whose it is, too. `client_name` is empty for the connect page's own."""

    account_id: str
    company_name: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """What ending grants came to. `untold` are the accounts whose pairs Klaviyo has not taken back though it was to."""

    grants: int
    accounts: tuple[str, ...]
    untold: tuple[str, ...] = field(default=())


class Operating:
    """All grants, whosever."""

    def __init__(self, grants: Grants, tokens: Tokens, upstream: Upstream) -> None:
        """`upstream` is told what is given back."""
        self._grants = grants
        self._tokens = tokens
        self._upstream = upstream

    async def seen(self) -> AsyncGenerator[GrantSeen]:
        """Every grant, in no order that means anything."""
        for name in filter(is_id, await self._grants.names()):
            if (grant := await self._grants.get(name)) is not None:
                shown = await self._grants.shown(grant)
                yield GrantSeen(**asdict(shown), account_id=grant.account_id, company_name=grant.company_name)

    async def end(self, grants: list[GrantSeen], *, at_klaviyo: bool) -> Ended:
        """End grants here, all of them before Klaviyo is told: what matters is that nobody can use them any more.

        `at_klaviyo` revokes their pairs there, which removes the app from the account. It is not done for an account by
        itself, as others of its grants may be in use.
        """
        pairs: dict[str, list[Grant]] = {}
        for grant in grants:
            found = await self._grants.connection(grant.grant_id) if at_klaviyo else None
            if found is not None and found.grant is not None:
                pairs.setdefault(grant.account_id, []).append(found.grant)
            await self._tokens.end(grant.grant_id)
        untold = [account for account, given in pairs.items() if not await self._upstream.give_back(given)]
        accounts = sorted({grant.account_id for grant in grants})
        return Ended(len(grants), tuple(accounts), tuple(sorted(untold)))

"""What a person does on the manage page: see which clients are connected, disconnect one, remove the app at Klaviyo."""

from klaviyo_mcp.authorization.grants import Grants, McpGrant, Owner
from klaviyo_mcp.authorization.replies import ConnectedClient, Removal, Session
from klaviyo_mcp.authorization.tokens import Tokens
from klaviyo_mcp.authorization.upstream import Upstream


class Managing:
    """The grants of a session's account."""

    def __init__(self, grants: Grants, tokens: Tokens, upstream: Upstream) -> None:
        """`upstream` is told what is given back."""
        self._grants = grants
        self._tokens = tokens
        self._upstream = upstream

    async def connected_clients(self, session: Session) -> list[ConnectedClient]:
        """Those that have fetched their tokens, newest first."""
        return [await self._grants.shown(grant) for grant in await self._own(session)]

    async def disconnect(self, session: Session, grant_id: str) -> Removal | None:
        """Delete one grant. With the last one the app would stay at Klaviyo for nobody, so it is removed there too."""
        own = await self._own(session)
        if grant_id not in [grant.grant_id for grant in own]:
            return None
        if len(own) == 1:
            return await self.remove(session)
        await self._tokens.end(grant_id)
        return Removal(1, None)

    async def remove(self, session: Session) -> Removal:
        """Delete all grants and give them back to Klaviyo, which is told first: dead grants do no harm here."""
        every = await self._grants.of(_owner(session), with_page=True)
        connections = [await self._grants.connection(grant.grant_id) for grant in every]
        pairs = [found.grant for found in connections if found is not None and found.grant is not None]
        told = await self._upstream.give_back(pairs)
        for grant in every:
            await self._tokens.end(grant.grant_id)
        return Removal(sum(bool(grant.client_id) for grant in every), told)

    async def _own(self, session: Session) -> list[McpGrant]:
        return [grant for grant in await self._grants.of(_owner(session)) if grant.used is not None]


def _owner(session: Session) -> Owner:
    return Owner(session.account_id, session.user)

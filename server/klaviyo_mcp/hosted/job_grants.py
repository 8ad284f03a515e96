"""Whose tokens a job goes on with: those of the grant that began or resumed it, at its level, for as long as it lasts.

It is asked before every request of a job, as whoever disconnects a client means its jobs, too.
"""

from dataclasses import replace

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.accounts.errors import AccountProblem, ReconnectNeeded, UnknownAccount, VaultUnavailable
from klaviyo_mcp.accounts.permissions import GrantedAccess
from klaviyo_mcp.authorization.errors import StoreAway
from klaviyo_mcp.authorization.grants import is_id
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.hosted.tenants import LevelAccess
from klaviyo_mcp.hosted.words import AGAIN, OPERATOR
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.loose_json import JSON, text
from klaviyo_mcp.runtime.job_worker import CONNECTION


class GrantGone(AccountProblem):
    """The connection that a job goes on with has ended, and no other can stand in for it by itself."""

    code = "reconnect_needed"
    advice = (
        "What was sent before stays sent. Call resume_job from any connection of this Klaviyo account that may do what "
        "the job does; without one, tell the user to connect again."
    )


TROUBLE = "Resume the job in some minutes; if it pauses for this again, the service or Klaviyo has trouble."


class JobGrants:
    """The accounts of jobs."""

    def __init__(self, connected: ConnectedAccounts, authorization: AuthorizationServer) -> None:
        """`connected` are all that are open, whosever."""
        self._connected = connected
        self._authorization = authorization

    async def account(self, facts: JSON) -> Account:
        """The account of a job by its facts. Raises GrantGone, and VaultUnavailable while nothing can be looked up."""
        grant_id = _grant_of(facts)
        try:
            level = await self._authorization.level_of(grant_id)
        except StoreAway:
            raise VaultUnavailable("This service cannot look up the connection of the job just now.") from None
        if level is None:
            raise GrantGone("The connection that the job goes on with was disconnected, or Klaviyo has ended it.")
        try:
            account = await self._connected.find(grant_id)
        except UnknownAccount:  # it was disconnected in between
            raise GrantGone("The connection that the job goes on with was disconnected.") from None
        assert isinstance(account.access, GrantedAccess)  # noqa: S101 - all of them are connected by OAuth
        return replace(account, access=LevelAccess(account.access, self._authorization, level))

    async def mend(self, facts: JSON, error: KlaviyoError) -> None:
        """Return where a call that failed is worth another attempt. Raises what became of it, in words that hold here.

        Only what was not accepted at all is tried again: by then the grant has the tokens of another of the company.
        """
        if not isinstance(error, ReconnectNeeded):
            if error.code in AGAIN | OPERATOR:
                error.advice = TROUBLE
            raise error
        try:
            mended = await self._authorization.lost(_grant_of(facts), "Klaviyo does not accept it any more")
        except StoreAway:
            raise VaultUnavailable("This service cannot look up the connection of the job just now.") from None
        if not mended:
            raise GrantGone(
                "Klaviyo does not accept the connection that the job goes on with any more: the app was removed there, "
                "or access ended."
            )


def _grant_of(facts: JSON) -> str:
    """The id of a job's grant. Raises GrantGone for a job that none has begun."""
    if not is_id(found := text(facts.get(CONNECTION))):
        raise GrantGone("The job was not begun by a connection of this service.")
    return found

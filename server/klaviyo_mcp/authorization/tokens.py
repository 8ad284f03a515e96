"""Access and refresh tokens of MCP clients: issued, rotated, verified, revoked. Klaviyo's tokens have no part in it.

A refresh changes hands with one write, that of the grant: whatever dies before or after it, one pair is in force. The
old refresh token is answered with the same new pair for a minute, so that lost answers and parallel callers converge;
presented later it is a stolen one, and the grant ends (OAuth 2.1, section 4.3.1).
"""

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import time

from cryptography.fernet import InvalidToken

from klaviyo_mcp.authorization.client import Client
from klaviyo_mcp.authorization.errors import OAuthProblem, too_often
from klaviyo_mcp.authorization.grants import Grants, McpGrant
from klaviyo_mcp.authorization.levels import Level, asked, rank, up_to
from klaviyo_mcp.authorization.pacing import Pace
from klaviyo_mcp.authorization.records import Records
from klaviyo_mcp.authorization.replies import Access
from klaviyo_mcp.authorization.sealing import fernet
from klaviyo_mcp.authorization.token_text import hashed, new_token, well_formed
from klaviyo_mcp.loose_json import JSON, mapping

REPLAY = 60.0
"""Seconds in which the refresh token before is answered with the present pair."""
REPLACED = 7 * 86_400.0
"""Seconds for which a refresh token that was replaced is known, to end its grant. Later it is unknown, and as useless:
clients that refresh every hour would otherwise leave hundreds behind."""
REMEMBERED = 5.0
"""Seconds for which a process trusts what it has verified: a revocation takes effect within them everywhere."""
MOST_REMEMBERED = 10_000
UNKNOWN = "The refresh token is unknown, was used before, or has expired: authorize again."

log = logging.getLogger("klaviyo_mcp")


@dataclass(frozen=True, slots=True)
class Lives:
    """How many seconds an access token lives, and a refresh token that is not used."""

    access: float
    refresh: float


@dataclass(frozen=True, slots=True)
class _Verified:
    """What a token was found to stand for: trusted until `until`, and for as long as its records have these stamps."""

    access: Access
    until: float
    ends: float
    stamps: tuple[object, ...] | None


class Tokens:
    """The tokens of all grants."""

    def __init__(
        self,
        records: Records,
        grants: Grants,
        resource: str,
        lives: Lives,
        pace: Pace,
        clock: Callable[[], float] = time,
    ) -> None:
        """`resource` is what all tokens are for, `pace` how often each grant may refresh them."""
        self._records = records
        self._grants = grants
        self._resource = resource
        self._lives = lives
        self._pace = pace
        self._clock = clock
        self._remembered: OrderedDict[str, _Verified] = OrderedDict()

    async def first(self, grant_id: str, client: Client) -> JSON:
        """The answer with the first tokens of a grant. Raises OAuthProblem when it is gone."""
        async with self._grants.lock(grant_id):
            grant = await self._grants.get(grant_id)
            if grant is None:
                raise OAuthProblem("invalid_grant", "The grant was taken back meanwhile: authorize again.")
            return self._answer(await self._mint(grant, grant.level, refreshes=client.refreshes))

    async def refreshed(self, client: Client, form: Mapping[str, str]) -> JSON:
        """The answer to a refresh token. Raises OAuthProblem; nothing is changed before all was looked at."""
        token = form.get("refresh_token", "")
        if not token:
            raise OAuthProblem("invalid_request", "refresh_token is missing.")
        check_resource(form, self._resource)
        key = hashed(token)
        record = await self._records.get("rt", key) if well_formed("kmr", token) else None
        if record is None or record["client"] != client.client_id:
            raise OAuthProblem("invalid_grant", UNKNOWN)
        if wait := await self._pace.take("refreshes", record["grant"]):
            raise too_often("refreshes", wait)
        async with self._grants.lock(record["grant"]):
            grant = await self._grants.get(record["grant"])
            if grant is None:
                raise OAuthProblem("invalid_grant", "The grant was taken back or has expired: authorize again.")
            level = _level(form.get("scope"), grant.level)
            in_force = grant.refresh == key
            pair = None if in_force else await self._replayed(token)
            if pair is None and not in_force:
                log.warning("A refresh token came a second time; grant %s is taken back.", hashed(grant.grant_id)[:12])
                await self._grants.forget_held(grant.grant_id)
                self._forget(grant.grant_id)
                raise OAuthProblem("invalid_grant", "The refresh token was used before, so the grant was taken back.")
            if (why := await self._grants.why_dead(grant)) is not None:
                raise OAuthProblem("invalid_grant", f"Klaviyo does not accept the grant ({why}): authorize again.")
            return self._answer(pair or await self._mint(grant, level, refreshes=True, before=token))

    async def verify(self, bearer: str) -> Access | None:
        """What an access token stands for, None when it is not accepted. Junk costs no look-up."""
        if not well_formed("kma", bearer):
            return None
        key, now = hashed(bearer), self._clock()
        known = self._remembered.get(key)
        if known is not None and now < known.ends:
            if now < known.until:
                return known.access
            if known.stamps is not None and self._stamps(key, known.access.grant_id) == known.stamps:
                return known.access
        self._remembered.pop(key, None)
        record = await self._records.get("at", key)
        stamps = self._stamps(key, record["grant"]) if record is not None else None
        grant = await self._grants.get(record["grant"]) if record is not None else None
        if record is None or grant is None or grant.reconnect is not None or record["resource"] != self._resource:
            return None
        access = Access(
            grant_id=grant.grant_id,
            account_id=grant.account_id,
            client_id=grant.client_id,
            level=record["level"],
            scopes=up_to(record["level"]),
            resource=record["resource"],
            expires_at=record["expires"],
        )
        ends = min(access.expires_at, grant.ends)
        self._remembered[key] = _Verified(access, min(now + REMEMBERED, ends), ends, stamps)
        while len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return access

    async def revoke(self, client: Client, token: str) -> None:
        """A refresh token ends its grant, an access token itself, and another client's stays as it is (RFC 7009)."""
        kind = "rt" if well_formed("kmr", token) else "at" if well_formed("kma", token) else None
        record = await self._records.get(kind, hashed(token)) if kind else None
        if kind is None or record is None or record["client"] != client.client_id:
            return
        if kind == "at":
            await self._records.delete("at", hashed(token))
            self._remembered.pop(hashed(token), None)
        else:
            await self.end(record["grant"])

    async def end(self, grant_id: str) -> None:
        """Forget a grant, so that none of its tokens is accepted: at once here, within REMEMBERED elsewhere."""
        await self._grants.forget(grant_id)
        self._forget(grant_id)

    async def lost(self, grant_id: str, reason: str) -> bool:
        """See Grants.lost."""
        mended = await self._grants.lost(grant_id, reason)
        if not mended:
            self._forget(grant_id)
        return mended

    async def _mint(self, grant: McpGrant, level: Level, *, refreshes: bool, before: str | None = None) -> JSON:
        """A new pair, in force once the grant is written; what was written until then is good for nothing by itself."""
        now = self._clock()
        access, refresh = new_token("kma"), new_token("kmr") if refreshes else None
        pair: JSON = {"access": access, "refresh": refresh, "level": level, "expires": now + self._lives.access}
        shared = {"grant": grant.grant_id, "client": grant.client_id, "resource": self._resource}
        kept = {**shared, "level": level, "expires": pair["expires"]}
        await self._records.put("at", hashed(access), kept, self._lives.access)
        if refresh is not None:
            await self._records.put("rt", hashed(refresh), shared, self._lives.refresh)
        if before is not None:
            # Opened by the old token alone: neither the store nor this server's secret is enough.
            sealed = fernet(before.encode(), "replay").encrypt(json.dumps(pair).encode()).decode()
            await self._records.put("replay", hashed(before), {"pair": sealed}, REPLAY)
        life = self._lives.refresh if refresh is not None else self._lives.access
        await self._grants.keep(replace(grant, refresh=hashed(refresh) if refresh else None, used=now, life=life))
        if before is not None:
            await self._records.put("rt", hashed(before), shared, min(REPLACED, self._lives.refresh))
        return pair

    async def _replayed(self, token: str) -> JSON | None:
        """The pair that the token was exchanged for, within REPLAY seconds."""
        record = await self._records.get("replay", hashed(token))
        if record is None:
            return None
        try:
            return mapping(json.loads(fernet(token.encode(), "replay").decrypt(record["pair"])))
        except (InvalidToken, ValueError):
            return None

    def _answer(self, pair: JSON) -> JSON:
        return {
            "access_token": pair["access"],
            "token_type": "Bearer",
            "expires_in": max(0, int(pair["expires"] - self._clock())),
            "scope": " ".join(up_to(pair["level"])),
            **({"refresh_token": pair["refresh"]} if pair["refresh"] else {}),
        }

    def _stamps(self, key: str, grant_id: str) -> tuple[object, ...] | None:
        return self._records.stamps(("at", key), ("grant", grant_id))

    def _forget(self, grant_id: str) -> None:
        for key in [key for key, known in self._remembered.items() if known.access.grant_id == grant_id]:
            del self._remembered[key]


def check_resource(form: Mapping[str, str], resource: str) -> None:
    """Raises OAuthProblem for any resource but ours: a token for another server must not come from here (RFC 8707)."""
    given = form.get("resource")
    if given is not None and given.removesuffix("/") != resource:
        raise OAuthProblem("invalid_target", f"This server issues tokens for {resource} alone.")


def _level(scope: str | None, granted: Level) -> Level:
    """The level of a new access token: what is asked for, if it is no more than was granted. Raises OAuthProblem."""
    wanted = asked(scope or "") or granted
    if rank(wanted) > rank(granted):
        raise OAuthProblem("invalid_scope", f"The grant covers {granted}; for more, authorize again.")
    return wanted

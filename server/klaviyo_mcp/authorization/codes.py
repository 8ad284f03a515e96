"""Authorization codes: good for a minute, for one client, one address, one verifier, and one use.

Only a right request uses a code up, so that nobody spends another's by guessing. One that comes twice was overheard,
and its grant ends (RFC 6749, section 4.1.2).
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass

from klaviyo_mcp.authorization.client import Client
from klaviyo_mcp.authorization.errors import OAuthProblem
from klaviyo_mcp.authorization.records import Records
from klaviyo_mcp.authorization.token_text import challenge_of, hashed, new_token, same, well_formed
from klaviyo_mcp.authorization.tokens import Tokens, check_resource
from klaviyo_mcp.loose_json import JSON

LIFE = 60.0
TOMBSTONE = 600.0
"""Seconds for which a used code is remembered."""
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
UNKNOWN = "The code is unknown, was used before, or has expired: authorize again."

log = logging.getLogger("klaviyo_mcp")


@dataclass(frozen=True, slots=True)
class CodeBinding:
    """What a code is good for. `redirect_uri` is as it was sent, None when it was not."""

    grant_id: str
    client_id: str
    redirect_uri: str | None
    challenge: str


class Codes:
    """All codes."""

    def __init__(self, records: Records, tokens: Tokens, resource: str) -> None:
        """`tokens` are what codes are exchanged for."""
        self._records = records
        self._tokens = tokens
        self._resource = resource

    async def issue(self, binding: CodeBinding) -> str:
        """A new code, in the store before this returns."""
        code = new_token("kmc")
        record = {
            "grant": binding.grant_id,
            "client": binding.client_id,
            "redirect_uri": binding.redirect_uri,
            "challenge": binding.challenge,
            "used": False,
        }
        await self._records.put("code", hashed(code), record, LIFE)
        return code

    async def exchanged(self, client: Client, form: Mapping[str, str]) -> JSON:
        """The answer to a code: tokens. Raises OAuthProblem."""
        code = form.get("code", "")
        if not code or not form.get("code_verifier"):
            raise OAuthProblem("invalid_request", f"{'code_verifier' if code else 'code'} is missing.")
        check_resource(form, self._resource)
        if not well_formed("kmc", code):
            raise OAuthProblem("invalid_grant", UNKNOWN)
        key = hashed(code)
        async with self._records.lock("code", key):
            record = await self._records.get("code", key)
            if record is None or record["client"] != client.client_id:
                raise OAuthProblem("invalid_grant", UNKNOWN)
            if record["used"]:
                log.warning("A code came a second time; grant %s is taken back.", hashed(record["grant"])[:12])
                await self._tokens.end(record["grant"])
                raise OAuthProblem("invalid_grant", "The code was used before, so the grant was taken back.")
            _check(record, form)
            # Before any token is made: a death in between costs this attempt, and never makes two pairs.
            await self._records.put("code", key, {**record, "used": True}, TOMBSTONE)
        return await self._tokens.first(record["grant"], client)


def _check(record: JSON, form: Mapping[str, str]) -> None:
    verifier, redirect_uri = form["code_verifier"], form.get("redirect_uri")
    if redirect_uri is not None and record["redirect_uri"] is not None and redirect_uri != record["redirect_uri"]:
        raise OAuthProblem("invalid_grant", "redirect_uri is not the one that the code was asked for with.")
    if redirect_uri is None and record["redirect_uri"] is not None:
        raise OAuthProblem("invalid_grant", "redirect_uri is missing, and the code was asked for with one.")
    if not VERIFIER.fullmatch(verifier) or not same(challenge_of(verifier), record["challenge"]):
        raise OAuthProblem("invalid_grant", "code_verifier does not fit the code_challenge.")

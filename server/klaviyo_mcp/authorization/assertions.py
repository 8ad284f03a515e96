"""Clients that prove who they are with a signed assertion (RFC 7523, `private_key_jwt`)."""

from collections.abc import Callable, Collection
from time import time

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from klaviyo_mcp.authorization.client import Client
from klaviyo_mcp.authorization.client_documents import ClientDocuments
from klaviyo_mcp.authorization.errors import ClientRefused
from klaviyo_mcp.authorization.records import Records
from klaviyo_mcp.authorization.token_text import claims_of, hashed
from klaviyo_mcp.loose_json import JSON, is_number, items, mapping, text

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["RS256", "PS256", "ES256"]
"""Signatures by public keys only: neither none nor a shared secret."""
LONGEST_LIFE = 300.0
"""Seconds that an assertion may have left to live."""
SKEW = 60.0
"""Seconds by which a client's clock may differ."""
LONGEST = 8_192


class Assertions:
    """Verifies assertions, each once."""

    def __init__(
        self,
        documents: ClientDocuments,
        records: Records,
        audiences: Collection[str],
        clock: Callable[[], float] = time,
    ) -> None:
        """`audiences` are what an assertion may be made for: the issuer, or the token endpoint."""
        self._documents = documents
        self._records = records
        self._audiences = frozenset(audiences)
        self._clock = clock

    async def verify(self, client: Client, assertion: str) -> None:
        """Raises ClientRefused, or ClientAway where the client's keys cannot be fetched."""
        claims = await self._signed(client, assertion)
        now = self._clock()
        audience = claims.get("aud")
        audiences = {text(one) for one in (items(audience) or [audience])}
        expires, not_before, issued = (_number(claims.get(name)) for name in ("exp", "nbf", "iat"))
        if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
            raise ClientRefused("The assertion's iss and sub are not the client_id.")
        if not audiences & self._audiences:
            raise ClientRefused("The assertion's aud is neither the issuer nor the token endpoint.")
        if expires is None or not now - SKEW < expires <= now + LONGEST_LIFE + SKEW:
            raise ClientRefused("The assertion has expired, or its exp is missing or more than five minutes ahead.")
        if any(moment is not None and moment > now + SKEW for moment in (not_before, issued)):
            raise ClientRefused("The assertion is not valid yet.")
        jti = text(claims.get("jti"))
        if not jti:
            raise ClientRefused("The assertion has no jti.")
        await self._first_time(hashed(f"{client.client_id}\n{jti}"), expires - now + SKEW)

    async def _signed(self, client: Client, assertion: str) -> JSON:
        if len(assertion) > LONGEST:
            raise ClientRefused("The assertion is too long.")
        for anew in (False, True):
            keys = await self._documents.keys(client, anew=anew)
            try:
                token = jwt.decode(assertion, KeySet.import_key_set({"keys": items(keys)}), algorithms=ALGORITHMS)
            except (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                # The client may have changed its keys since they were fetched.
                continue
            return mapping(token.claims)
        raise ClientRefused("The assertion's signature does not verify.")

    async def _first_time(self, key: str, life: float) -> None:
        async with self._records.lock("jti", key):
            if await self._records.get("jti", key) is not None:
                raise ClientRefused("The assertion was used before.")
            await self._records.put("jti", key, {}, max(life, 1.0))


def claimed_client(assertion: str) -> str:
    """Whose assertion it says it is, unverified: which client to look for when the request names none."""
    return text(claims_of(assertion).get("sub"))


def _number(value: object) -> float | None:
    return float(value) if is_number(value) else None

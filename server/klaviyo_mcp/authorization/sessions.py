"""Sessions of the manage page: a person who has consented at Klaviyo within the last eight hours, for that account."""

from collections.abc import Callable, Mapping
from time import time

from klaviyo_mcp.authorization.cookies import Cookies
from klaviyo_mcp.authorization.grants import McpGrant
from klaviyo_mcp.authorization.records import Records
from klaviyo_mcp.authorization.replies import Cookie, Session
from klaviyo_mcp.authorization.sealing import Sealing
from klaviyo_mcp.authorization.token_text import hashed, same

LIFE = 8 * 3600


class Sessions:
    """All sessions."""

    def __init__(self, records: Records, cookies: Cookies, sealing: Sealing, clock: Callable[[], float] = time) -> None:
        """`sealing` signs what the page's forms carry."""
        self._records = records
        self._cookies = cookies
        self._sealing = sealing
        self._clock = clock

    async def begin(self, grant: McpGrant) -> Cookie:
        """A session for the account of the page's own grant."""
        cookie, key = self._cookies.made("kms", "", LIFE, self._clock())
        record = {
            "account_id": grant.account_id,
            "company_name": grant.company_name,
            "test_account": grant.test_account,
            "level": grant.level,
            "user": grant.user,
            "expires_at": self._clock() + LIFE,
        }
        await self._records.put("session", key, record, LIFE)
        return cookie

    async def find(self, cookies: Mapping[str, str]) -> Session | None:
        """The session that a browser has, None when it has none."""
        secret = self._cookies.secret("kms", "", cookies)
        record = await self._records.get("session", hashed(secret)) if secret else None
        if secret is None or record is None:
            return None
        return Session(**record, csrf=self._sealing.sign("manage", hashed(secret)))

    def csrf_holds(self, session: Session, given: str) -> bool:
        """Whether a form was made for this session."""
        signed = self._sealing.verified("manage", given)
        return signed is not None and same(signed, session.csrf.rpartition(".")[0])

    async def end(self, cookies: Mapping[str, str]) -> Cookie:
        """Forget it. Returns what takes the cookie away."""
        if secret := self._cookies.secret("kms", "", cookies):
            await self._records.delete("session", hashed(secret))
        return self._cookies.removed("kms", "")

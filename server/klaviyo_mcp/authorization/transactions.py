"""What lies between a client's request and its answer: the request, the pages shown for it, the state at Klaviyo."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from secrets import token_urlsafe

from klaviyo_mcp.accounts.oauth import Consent
from klaviyo_mcp.accounts.records import Secret
from klaviyo_mcp.authorization.cookies import Cookies
from klaviyo_mcp.authorization.levels import Level
from klaviyo_mcp.authorization.records import Records
from klaviyo_mcp.authorization.replies import Cookie
from klaviyo_mcp.authorization.token_text import hashed, same

LIFE = 600
"""Seconds from a request to its end."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """A client's request that was found good; `client_id` is empty for one of the connect page.

    `redirect_uri` is where the answer goes, `redirect_given` whether the request said so. `level` is what the client
    asks for, and then what the person has chosen. `upstream` is the hash of the state that is under way at Klaviyo.
    """

    key: str
    client_id: str
    redirect_uri: str
    redirect_given: bool
    state: str | None
    challenge: str
    level: Level
    upstream: str | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """A browser that came back from Klaviyo, proven to be the one that went there."""

    transaction: Transaction
    consent: Consent


class OtherBrowser(Exception):
    """The cookie that only the right browser has is missing."""


class Transactions:
    """All that are under way."""

    def __init__(self, records: Records, cookies: Cookies) -> None:
        """`cookies` bind them to browsers."""
        self._records = records
        self._cookies = cookies

    async def begin(self, transaction: Transaction) -> tuple[Transaction, str]:
        """Keep a request. Returns it as it is kept, and the word, of which its key is the hash, for addresses."""
        word = token_urlsafe(32)
        kept = replace(transaction, key=hashed(word))
        await self._keep(kept)
        return kept, word

    async def find(self, word: str) -> Transaction | None:
        """A request by its word, None when it is over."""
        return await self._find(hashed(word))

    async def end(self, transaction: Transaction) -> None:
        """It is answered."""
        await self._records.delete("txn", transaction.key)

    async def shown(self, transaction: Transaction, now: float) -> tuple[str, Cookie]:
        """A CSRF token and a cookie for one rendering of the page; those of earlier ones stay good."""
        csrf = token_urlsafe(32)
        cookie, kept = self._cookies.made("kmc", csrf, LIFE, now)
        await self._records.put("csrf", hashed(csrf), {"transaction": transaction.key, "cookie": kept}, LIFE)
        return csrf, cookie

    async def answered(self, word: str, csrf: str, cookies: Mapping[str, str]) -> Transaction | None:
        """The request that a form answers; None when it is over. Raises OtherBrowser."""
        record = await self._records.get("csrf", hashed(csrf)) if csrf else None
        if (
            record is None
            or not same(record["transaction"], hashed(word))
            or not self._cookies.holds("kmc", csrf, cookies, record["cookie"])
        ):
            raise OtherBrowser
        return await self.find(word)

    async def sent_on(self, transaction: Transaction, consent: Consent, now: float) -> Cookie:
        """The browser goes to Klaviyo. A state before is void. Returns the cookie that binds what comes back to it."""
        cookie, kept = self._cookies.made("kmb", consent.state, LIFE, now)
        await self._keep(replace(transaction, upstream=hashed(consent.state)))
        record = {
            "transaction": transaction.key,
            "cookie": kept,
            "verifier": consent.verifier.reveal(),
            "redirect_uri": consent.redirect_uri,
            "scopes": list(consent.scopes),
        }
        await self._records.put("state", hashed(consent.state), record, LIFE)
        return cookie

    async def returned(self, state: str, cookies: Mapping[str, str]) -> Returned | None:
        """What a state stands for, once; None when it is over or was never there. Raises OtherBrowser."""
        key = hashed(state)
        async with self._records.lock("state", key):
            record = await self._records.get("state", key)
            if record is None:
                return None
            if not self._cookies.holds("kmb", state, cookies, record["cookie"]):
                # It stays good for the browser that it belongs to.
                raise OtherBrowser
            await self._records.delete("state", key)
        transaction = await self._find(record["transaction"])
        if transaction is None or transaction.upstream != key:
            return None
        verifier = Secret(record["verifier"])
        return Returned(transaction, Consent("", state, verifier, record["redirect_uri"], tuple(record["scopes"])))

    def unbound(self, state: str) -> Cookie:
        """What takes the binding cookie away."""
        return self._cookies.removed("kmb", state)

    async def _keep(self, transaction: Transaction) -> None:
        await self._records.put("txn", transaction.key, asdict(transaction), LIFE)

    async def _find(self, key: str) -> Transaction | None:
        record = await self._records.get("txn", key)
        return None if record is None else Transaction(**record)

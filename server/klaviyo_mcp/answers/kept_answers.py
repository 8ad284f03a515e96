"""Whole answers of which a call has shown only a part, kept for a while so that they can be gone through.

An answer holds people's data, so it is kept sealed: with a key made of the account's own secret, and bound to its id.
Who has another account finds nothing, and whoever reads the store, or copies a record in it, has nothing readable.
It is a convenience: where it is gone, the cursors of the answer still go on, and the action can be called again.
"""

import base64
import hashlib
import json
import os
import secrets
import zlib
from asyncio import get_running_loop
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.long_work import done
from klaviyo_mcp.answers.user_content import without_their_words
from klaviyo_mcp.klaviyo.shared_ledger import QuotaServer
from klaviyo_mcp.klaviyo.user_text import packed, unpacked
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEPT_FOR = 900.0
"""Seconds for which an answer is kept, unless a setting says otherwise."""
MOST_BYTES, MOST_OF_ACCOUNT = 64_000_000, 16_000_000
"""Bytes of answers as they are kept, compressed and sealed: of a whole store, and of one account in it."""
NONCE_BYTES = 12
PREFIX = "klaviyo_mcp_answers:{answers}:"
"""How keys in Redis begin. In braces: a cluster keeps them on one node, as the script needs them."""


class UnknownAnswer(ActionError):
    """No answer of this account is kept under an id: it was never given out, is of another account, or has gone."""

    code = "unknown_answer"
    advice = "Call the action again, with the same arguments or with next_cursor of its answer; that gives a new id."


class NothingKept(ActionError):
    """The server keeps no answers."""

    code = "nothing_kept"
    advice = "Go on with next_cursor of the answer, or call the action again with part."

    def __init__(self) -> None:
        """Nothing more is to be said."""
        super().__init__("This server keeps no answers (KLAVIYO_MCP_KEEP_ANSWERS is 0).")


class AnswersAway(ActionError):
    """The store of answers cannot be asked."""

    code = "answers_away"
    advice = "Try again in a minute, or call the action again, with the same arguments or with next_cursor."


class Store(Protocol):
    """A place for sealed answers, each under its owner and id."""

    @property
    def place(self) -> str:
        """What people call it."""
        ...

    async def put(self, owner: str, number: str, sealed: bytes, seconds: float) -> bool:
        """Keep one for so long. False where that cannot be done."""
        ...

    async def get(self, owner: str, number: str) -> bytes | None:
        """The one that is kept, None when there is none. Raises AnswersAway."""
        ...


@dataclass(slots=True)
class InMemory:
    """Those of one process. The oldest go first where there is no room."""

    most_bytes: int = MOST_BYTES
    most_of_account: int = MOST_OF_ACCOUNT
    clock: Callable[[], float] = monotonic
    place: str = "the memory of this server"
    _kept: OrderedDict[tuple[str, str], tuple[bytes, float]] = field(
        default_factory=OrderedDict[tuple[str, str], tuple[bytes, float]]
    )

    @property
    def bytes_kept(self) -> int:
        """Of all accounts."""
        return sum(len(sealed) for sealed, _ in self._kept.values())

    async def put(self, owner: str, number: str, sealed: bytes, seconds: float) -> bool:
        """See Store."""
        if len(sealed) > min(self.most_bytes, self.most_of_account):
            return False
        self._forget_ended()
        self._kept[owner, number] = (sealed, self.clock() + seconds)
        self._make_room(self.most_of_account, [key for key in self._kept if key[0] == owner])
        self._make_room(self.most_bytes, list(self._kept))
        # Nobody's data stays because nobody asks for it any more.
        get_running_loop().call_later(seconds + 1, self._forget_ended)
        return True

    async def get(self, owner: str, number: str) -> bytes | None:
        """See Store."""
        self._forget_ended()
        sealed, _ = self._kept.get((owner, number), (None, 0.0))
        return sealed

    def _make_room(self, most: int, keys: list[tuple[str, str]]) -> None:
        total = sum(len(self._kept[key][0]) for key in keys)
        for key in keys:
            if total <= most:
                return
            total -= len(self._kept.pop(key)[0])

    def _forget_ended(self) -> None:
        now = self.clock()
        for key in [key for key, (_, ends) in self._kept.items() if ends <= now]:
            del self._kept[key]


@dataclass(frozen=True, slots=True)
class OnRedis:
    """Those of all processes that share a Redis, with the same bounds."""

    server: QuotaServer
    most_bytes: int = MOST_BYTES
    most_of_account: int = MOST_OF_ACCOUNT

    @property
    def place(self) -> str:
        """What people call it."""
        return self.server.place

    async def put(self, owner: str, number: str, sealed: bytes, seconds: float) -> bool:
        """See Store."""
        text = base64.b64encode(sealed).decode()
        if len(text) > min(self.most_bytes, self.most_of_account):
            return False
        keys = [f"{PREFIX}index", f"{PREFIX}{owner}:{number}"]
        bounds = [str(seconds), str(self.most_of_account), str(self.most_bytes)]
        return await self.server.run("keep.lua", keys, [PREFIX, owner, number, text, *bounds]) is not None

    async def get(self, owner: str, number: str) -> bytes | None:
        """See Store."""

        async def read(client: Any) -> Any:
            # In a tuple: None is what Redis says of a key that is not there.
            return (await client.get(f"{PREFIX}{owner}:{number}"),)

        answer = await self.server.ask(read)
        if answer is None:
            raise AnswersAway(f"{self.place}, where answers are kept, does not answer.")
        return base64.b64decode(answer[0]) if answer[0] else None


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A whole answer: of which action, and when it was made."""

    number: str
    action: str
    made_at: datetime
    data: JSON


@dataclass(frozen=True, slots=True)
class KeptAnswers:
    """The answers of all accounts in one store. `seconds` is how long each is kept.

    Without `user_content` what customers wrote is neither kept nor found, whoever kept it.
    """

    store: Store = field(default_factory=InMemory)
    seconds: float = KEPT_FOR
    user_content: bool = True

    async def keep(self, account: Account, action: str, data: JSON) -> tuple[str, datetime] | None:
        """The id under which an answer is kept, and until when; None where the store does not take it."""
        number = secrets.token_hex(6)
        made_at = datetime.now(UTC)

        def sealed_record() -> bytes:
            record = {"action": action, "made_at": made_at.isoformat(), "data": self._allowed(data)}
            return _sealed(account, number, record)

        sealed = await done(sealed_record, long=True)
        if not await self.store.put(_owner(account), number, sealed, self.seconds):
            return None
        return number, made_at + timedelta(seconds=self.seconds)

    async def find(self, account: Account, number: str) -> KeptAnswer:
        """The answer of this id. Raises UnknownAnswer, AnswersAway."""
        sealed = await self.store.get(_owner(account), number)
        found = await done(lambda: self._read(account, number, sealed), long=True) if sealed else None
        if found is None:
            raise UnknownAnswer(
                f"No answer {one_line(number, 40)!r} of the account {account.name!r} is kept: whole answers are kept "
                f"for {_minutes(self.seconds)}, the oldest go first where there is no room, and each account has its "
                "own."
            )
        return found

    def _read(self, account: Account, number: str, sealed: bytes) -> KeptAnswer | None:
        if (record := _opened(account, number, sealed)) is None:
            return None
        made_at = datetime.fromisoformat(record["made_at"])
        return KeptAnswer(number, record["action"], made_at, self._allowed(record["data"]))

    def _allowed(self, data: JSON) -> JSON:
        return data if self.user_content else without_their_words(data)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 120 else f"{seconds:g} seconds"


def _owner(account: Account) -> str:
    """Whose answers they are, told from others' and telling nothing."""
    return hashlib.sha256(b"klaviyo-mcp owner of answers\n" + account.cursor_key).hexdigest()[:24]


def _cipher(account: Account) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # only an answer that is kept needs it

    return AESGCM(hashlib.sha256(b"klaviyo-mcp kept answers\n" + account.cursor_key).digest())


def _sealed(account: Account, number: str, record: JSON) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    text = json.dumps(packed(record), separators=(",", ":"))
    return nonce + _cipher(account).encrypt(nonce, zlib.compress(text.encode(), 3), number.encode())


def _opened(account: Account, number: str, sealed: bytes) -> JSON | None:
    """The record, None for one that was sealed with another key or for another id, or altered."""
    from cryptography.exceptions import InvalidTag  # as above

    try:
        opened = _cipher(account).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], number.encode())
    except (InvalidTag, ValueError):
        return None
    return unpacked(json.loads(zlib.decompress(opened)))

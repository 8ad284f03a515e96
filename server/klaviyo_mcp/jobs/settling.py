"""What became of a chunk whose answer was lost: looked up, once Klaviyo is through with what it may have taken."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from klaviyo_mcp.actions.request import ABSENT, fill, read_hole
from klaviyo_mcp.jobs.kind import Kind, LookUp
from klaviyo_mcp.jobs.store import Chunk
from klaviyo_mcp.klaviyo.errors import NotFound
from klaviyo_mcp.loose_json import JSON

CLOCKS_DIFFER = timedelta(minutes=2)
WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 60.0)
"""Seconds between two looks; the last goes on."""
Looked = Callable[[str, JSON], Awaitable[list[JSON]]]
Pass = Callable[[float], Awaitable[None]]


def settling(kind: Kind, options: JSON, looked: Looked, passing: Pass) -> "Settling | None":
    """What finds out what became of chunks of a job, None where sending them again changes nothing."""
    look = kind.look_up
    if look is None or (look.when and look.when not in options):
        return None
    return Settling(look, options, looked, passing)


class Settling:
    """Finds out which items of a chunk were carried out."""

    def __init__(self, look: LookUp, options: JSON, looked: Looked, passing: Pass) -> None:
        """`looked` reads the account, `passing` lets seconds pass; whatever they raise ends the search."""
        self._look, self._options, self._looked, self._passing = look, options, looked, passing

    @property
    def knows_before(self) -> bool:
        """Whether it is looked, before a chunk is sent, what is so already."""
        return self._look.before

    async def before(self, chunk: Chunk, indexes: list[int]) -> set[int]:
        """Which items look as if they had been carried out before the chunk is sent."""
        return await self._look_done(chunk, indexes) if self._look.before else set()

    async def done(self, chunk: Chunk, indexes: list[int]) -> set[int]:
        """Which of these items were carried out since the chunk was sent; waits until that can be said."""
        look, waits = self._look, iter(WAITS)
        since = datetime.fromisoformat(chunk.notes["since"])
        while look.jobs and await self._still_running(since - CLOCKS_DIFFER):
            await self._passing(next(waits, WAITS[-1]))
        before = set(chunk.notes.get("before", ()))
        while True:
            done = await self._look_done(chunk, indexes) - before
            left = (since + timedelta(seconds=look.settles) - datetime.now(UTC)).total_seconds()
            if left <= 0 or len(done | before) >= len(indexes):
                return done
            await self._passing(min(left, next(waits, WAITS[-1])))

    async def _still_running(self, since: datetime) -> bool:
        for state in self._look.jobs_states:
            values = {"state": state, "options": self._options}
            jobs = await self._looked(self._look.jobs, fill(self._look.jobs_arguments, values))
            if any(_moment(job.get("created_at")) >= since for job in jobs):
                return True
        return False

    async def _look_done(self, chunk: Chunk, indexes: list[int]) -> set[int]:
        """Which items look as they do once they were carried out."""
        look = self._look
        names = {index: _compared(look, written(look.name, chunk.items[index][1])) for index in indexes}
        # One item of each name: how that one is found, its others are too.
        bodies = {name: chunk.items[index][1] for index, name in names.items()}
        sought = list(bodies)
        there: set[str] = set()
        for start in range(0, len(sought), look.at_most):
            asked = sought[start : start + look.at_most]
            values = {"identities": asked, "options": self._options, "item": bodies[asked[0]]}
            try:
                records = await self._looked(look.action, fill(look.arguments, values))
            except NotFound:
                continue
            if look.at_most == 1:
                there |= {asked[0]} if records else set()
            else:
                there |= {_compared(look, str(read_hole(look.field, record))) for record in records}
        return {index for index, name in names.items() if (name in there) == (look.done_when == "found")}


def written(form: str, body: JSON) -> str:
    """A form such as `{coupon_id}-{unique_code}` with what an item has at these places, nothing where it has none."""

    def value(found: re.Match[str]) -> str:
        read = read_hole(found[1], body)
        return "" if read is ABSENT else str(read)

    return re.sub(r"\{([\w.]+)\}", value, form)


def _compared(look: LookUp, name: str) -> str:
    """Ids are as they are; addresses are the same in capital letters."""
    return name if look.field == "id" else name.casefold()


def _moment(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)

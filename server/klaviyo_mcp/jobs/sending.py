"""One chunk on its way: sent, settled where its answer was lost, followed to the end of Klaviyo's job, row by row."""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

import anyio

from klaviyo_mcp.accounts.errors import RefreshFailing, VaultUnavailable
from klaviyo_mcp.actions.errors import ActionError, InvalidArguments, PreconditionFailed
from klaviyo_mcp.actions.request import ABSENT, fill, read_hole
from klaviyo_mcp.answers.pointers import argument_at
from klaviyo_mcp.jobs.items import Rejected
from klaviyo_mcp.jobs.keeping import stored
from klaviyo_mcp.jobs.kind import Follow, Kind, Resolve, put
from klaviyo_mcp.jobs.refusals import may_be_done, problems_at, told_of
from klaviyo_mcp.jobs.settling import settling
from klaviyo_mcp.jobs.store import Chunk, ChunkState, Job, JobStore
from klaviyo_mcp.klaviyo.errors import (
    CircuitOpen,
    Conflict,
    ConnectionFailed,
    DeadlinePassed,
    ForeignAnswer,
    InvalidRequest,
    KlaviyoError,
    NotFound,
    OutcomeUnknown,
    QuotaExhausted,
    SentInPart,
    Throttled,
    UnreadableAnswer,
)
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, mapping, objects, text
from klaviyo_mcp.registry.model import ActionSpec

PASSING = (
    *(OutcomeUnknown, SentInPart, ConnectionFailed, CircuitOpen, DeadlinePassed, QuotaExhausted, Throttled),
    *(UnreadableAnswer, RefreshFailing, VaultUnavailable),
)
"""What may be over in a while."""
OF_ROWS = (InvalidArguments, PreconditionFailed, InvalidRequest, NotFound, Conflict)
"""What may be about single rows."""
WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 60.0)
"""Seconds between attempts, where nothing says when the next can succeed; then the job pauses."""
LONGEST_WAIT = timedelta(minutes=30)
"""A limit that is free again only later pauses the job."""
GLANCES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds between two looks at a job of Klaviyo's; the last goes on."""
AHEAD = 2.0
"""Seconds before a quota of ours is free at which it is asked for again: the ledger knows when to the millisecond, and
what it tells is rounded up, which would cost a hundredth of a limit by the minute."""
MOST_REFUSALS = 40
"""Times that a chunk is sent again without the rows that were named as wrong, up to 20 of them each time."""
MOST_PARTS = 200
"""Requests that may be refused while the rows are sought which a refusal does not name."""
FIX = "Correct the row and import it again."


class Trouble(Exception):
    """What a job cannot go on with; nothing is lost, and it can be resumed. `reason` is for people."""

    def __init__(self, reason: str) -> None:
        """In sentences."""
        super().__init__(reason)
        self.reason = reason


class _Unnamed(Trouble):
    """A refusal that names none of several rows."""


class Sender(Protocol):
    """Calls for the account of a job, by the engine's usual way. Both raise ActionError and KlaviyoError."""

    async def look(self, action: str, arguments: JSON) -> list[JSON]:
        """The records of a read."""
        ...

    async def send(self, action: str, arguments: JSON) -> list[JSON]:
        """Carry out a call that was agreed to with the job, written down as every change is; its records."""
        ...


OpenSender = Callable[[Job], AbstractAsyncContextManager[Sender]]


@dataclass(slots=True)
class _Rest:
    """What of a chunk is still to be sent: the places of its items, and the rows that were rejected on the way."""

    indexes: list[int]
    rejected: list[Rejected]


class ChunkSender:
    """Sends and follows the chunks of one job."""

    def __init__(
        self,
        job: Job,
        kind: Kind,
        spec: ActionSpec,
        store: JobStore,
        sender: Sender,
        wish: Callable[[], Awaitable[str]],
    ) -> None:
        """`wish` says what was asked of the job meanwhile, which ends a wait."""
        self._job, self._kind, self._spec, self._store, self._sender = job, kind, spec, store, sender
        self._wish = wish
        self._options: JSON = job.facts.get("options", {})
        self._settling = settling(kind, self._options, self._looked, self._pass)

    async def send(self, number: int) -> None:
        """Send a chunk that was not sent. Raises Trouble."""
        chunk = await stored(self._store.chunk, self._job.id, number)
        if chunk.state in ("sent", "done"):
            return
        rest = _Rest([*range(len(chunk.items))], [])
        if chunk.state == "ready":
            chunk.notes.clear()  # what was so before an attempt that did nothing may be otherwise by now
        if chunk.state == "sending":
            chunk.notes["again"] = True
            # What was found wrong before it was sent stays so: nothing of it is to be seen in the account.
            rest.rejected = await stored(self._store.rejected_of, self._job.id, number)
            lines = {row.line for row in rest.rejected}
            left = [index for index in rest.indexes if chunk.items[index][0] not in lines]
            rest.indexes = await self._not_done(chunk, left)
        for resolve in self._kind.resolve:
            await self._resolve(chunk, rest, resolve)
        try:
            record = await self._until_sent(chunk, rest) if rest.indexes else {}
        except _Unnamed as refused:
            if self._kind.follow is not None:
                raise
            record = dict[str, Any]()
            await self._apart(chunk, rest, refused, iter(range(MOST_PARTS)))
        notes = {**chunk.notes, "left": len(rest.rejected), "job": text(record.get("id"))}
        notes["indexes"] = rest.indexes if len(rest.indexes) < len(chunk.items) else None
        followed = self._kind.follow is not None and notes["job"]
        await self._keep(number, "sent" if followed else "done", notes, rest.rejected)

    async def follow(self, number: int) -> None:
        """Follow a chunk that was sent to the end of Klaviyo's job. Raises Trouble."""
        chunk = await stored(self._store.chunk, self._job.id, number, opened=False)
        follow = self._kind.follow
        if chunk.state != "sent" or follow is None:
            return
        values = {"job": chunk.notes["job"], "options": self._options}
        try:
            record = await self._ended(follow, values)
            if record is None:
                return
            errors = await self._errors(follow, values, record)
        except NotFound:
            told = f"Klaviyo does not know its job {values['job']} any more (it forgets them after 7 days)."
            await self._told(number, {**chunk.notes, "told": [told]})
            return
        if record.get(follow.status) in follow.lost:
            # Where a repetition would be refused, what Klaviyo did before is found out as after a lost answer.
            again = self._kind.repeat == "look_up"
            fell = await stored(self._store.rejected_of, self._job.id, number) if again else []
            await self._keep(number, "sending" if again else "ready", chunk.notes if again else {}, fell)
            raise Trouble(f"Klaviyo has cancelled its job {values['job']}; resume to send its rows again.")
        if errors or record.get(follow.failed):
            chunk.items = (await stored(self._store.chunk, self._job.id, number)).items
        rejected, told = self._rows_of(chunk, errors, int(record.get(follow.failed) or 0))
        notes = {**chunk.notes, "failed": max(len(rejected), int(record.get(follow.failed) or 0))}
        if skipped := record.get(follow.skipped) if follow.skipped else 0:
            told.append(f"{skipped:,} were left by Klaviyo as they were (job {values['job']}).")
        await self._told(number, {**notes, **({"told": told} if told else {})}, rejected)

    async def _until_sent(self, chunk: Chunk, rest: _Rest) -> JSON:
        """Send until it is accepted, without the rows that are named as wrong. Gives the record of the answer."""
        waits = iter(WAITS)
        refusals = 0
        while rest.indexes:
            await self._intend(chunk, rest)
            bodies = [chunk.items[index][1] for index in rest.indexes]
            call = fill(self._kind.arguments, {"items": bodies, "options": self._options})
            try:
                return next(iter(await self._sender.send(self._kind.action, call)), dict[str, Any]())
            except OF_ROWS as error:
                refusals += 1
                if await self._found_done_after_all(chunk, rest, error) and refusals <= MOST_REFUSALS:
                    continue
                if not self._reject_named(chunk, rest, error):
                    await self._unsent(chunk, rest, error)
                    raise _Unnamed(told_of(error)) from None
                if refusals > MOST_REFUSALS:
                    raise Trouble(told_of(error)) from None
            except PASSING as error:
                await self._unsent(chunk, rest, error)
                await self._wait(error, waits)
                if isinstance(error, OutcomeUnknown | UnreadableAnswer):
                    chunk.notes["again"] = True
                    rest.indexes = await self._not_done(chunk, rest.indexes)
            except (ActionError, KlaviyoError) as error:
                await self._unsent(chunk, rest, error)
                raise Trouble(told_of(error)) from None
        return {}

    async def _unsent(self, chunk: Chunk, rest: _Rest, error: ActionError | KlaviyoError) -> None:
        """Keep that nothing of a chunk was carried out, where that is known: else its rows are told as unknown."""
        if not may_be_done(error) and not chunk.notes.get("again"):
            await self._keep(chunk.number, "ready", chunk.notes, rest.rejected)

    async def _apart(
        self, chunk: Chunk, rest: _Rest, refused: Trouble, parts: Iterator[int], *, of_rows: bool = False
    ) -> None:
        """Send halves of what was refused, so that a row which Klaviyo does not name holds up no other.

        Where both are refused for the same reason, and it is not known to be `of_rows`, it is about none of them.
        """
        if len(rest.indexes) < 2 and not of_rows:
            raise refused
        if len(rest.indexes) == 1:
            line, _, _, raw = chunk.items[rest.indexes[0]]
            rest.rejected.append(Rejected(line, raw, one_line(refused.reason, 500), FIX, ""))
            rest.rejected.sort(key=lambda one: one.line)
            rest.indexes = []
            return
        chunk.notes["again"] = True  # one half may be carried out, and the other not
        middle = len(rest.indexes) // 2
        halves = [_Rest(half, rest.rejected) for half in (rest.indexes[:middle], rest.indexes[middle:])]
        again: list[tuple[_Rest, Trouble]] = []
        for half in halves:
            if next(parts, None) is None:
                raise refused
            try:
                await self._until_sent(chunk, half)
            except _Unnamed as error:
                again.append((half, error))
        if not of_rows and len(again) == 2 and again[0][1].reason == again[1][1].reason:
            raise refused
        for half, error in again:
            await self._apart(chunk, half, error, parts, of_rows=True)
        rest.indexes = [index for half in halves for index in half.indexes]

    async def _intend(self, chunk: Chunk, rest: _Rest) -> None:
        """Kept before anything is sent: that it may have been, since when, and what was so before."""
        if "before" not in chunk.notes and self._settling is not None:
            chunk.notes["before"] = sorted(await self._settling.before(chunk, rest.indexes))
        chunk.notes["since"] = datetime.now(UTC).isoformat()
        await self._keep(chunk.number, "sending", chunk.notes, rest.rejected)

    async def _not_done(self, chunk: Chunk, indexes: list[int]) -> list[int]:
        """Which items of a chunk are still to be sent, where it may have been sent before."""
        if self._settling is None:
            return indexes
        done = await self._settling.done(chunk, indexes)
        chunk.notes["found"] = chunk.notes.get("found", 0) + len(done)
        return [index for index in indexes if index not in done]

    async def _found_done_after_all(self, chunk: Chunk, rest: _Rest, error: ActionError | KlaviyoError) -> bool:
        """Whether a request was refused as some of it was done before, by one whose answer was lost; they are left out.

        The client repeats by itself what is harmless twice, and the second time may be answered as this.
        """
        if self._settling is None or not isinstance(error, NotFound | Conflict | PreconditionFailed):
            return False
        if not (chunk.notes.get("again") or self._settling.knows_before or isinstance(error, Conflict)):
            return False
        left = await self._not_done(chunk, rest.indexes)
        changed, rest.indexes = len(left) < len(rest.indexes), left
        return changed

    async def _resolve(self, chunk: Chunk, rest: _Rest, resolve: Resolve) -> None:
        """Find what items name in the account, and reject those of which nothing is found."""
        if resolve.when and resolve.when not in self._options:
            return
        wanted = {index: read_hole(resolve.value, chunk.items[index][1]) for index in rest.indexes}
        wanted = {
            index: str(value).casefold()
            for index, value in wanted.items()
            if value is not ABSENT and (not resolve.to or read_hole(resolve.to, chunk.items[index][1]) is ABSENT)
        }
        found: dict[str, str] = {}
        values = list(dict.fromkeys(wanted.values()))
        for start in range(0, len(values), resolve.at_most):
            given = {"values": values[start : start + resolve.at_most], "options": self._options}
            for record in await self._looked(resolve.action, fill(resolve.arguments, given)):
                found[str(read_hole(resolve.field, record)).casefold()] = str(record.get("id"))
        for index, value in wanted.items():
            line, body, _, raw = chunk.items[index]
            if value not in found:
                rest.rejected.append(Rejected(line, raw, resolve.unknown, FIX, resolve.value))
            elif resolve.to:
                put(body, resolve.to, found[value])
                body.pop(resolve.value, None)
        left_out = {index for index, value in wanted.items() if value not in found}
        rest.indexes = [index for index in rest.indexes if index not in left_out]

    def _reject_named(self, chunk: Chunk, rest: _Rest, error: ActionError | KlaviyoError) -> bool:
        """Take out the rows that an error names, or the only one; whether there is any."""
        named: dict[int, tuple[str, str]] = {}
        for place, problem in problems_at(error, self._spec):
            if (found := self._row_at(place)) is not None and found[0] < len(rest.indexes):
                named.setdefault(found[0], (problem, found[1]))
        if not named and len(rest.indexes) == 1 and self._kind.chunk.items == 1:
            named[0] = (error.message, "")
        for position, (problem, where) in named.items():
            line, _, _, raw = chunk.items[rest.indexes[position]]
            rest.rejected.append(Rejected(line, raw, one_line(problem, 500), FIX, where))
        rest.indexes = [index for position, index in enumerate(rest.indexes) if position not in named]
        rest.rejected.sort(key=lambda one: one.line)
        return bool(named)

    def _row_at(self, place: str) -> tuple[int, str] | None:
        """The position of the item in a place such as `profiles[3].email`, and the place inside it."""
        found = re.match(rf"{re.escape(self._kind.items)}\[(\d+)\]\.?(.*)", place)
        return (int(found[1]), found[2]) if found else None

    async def _ended(self, follow: Follow, values: JSON) -> JSON | None:
        """The record of a job of Klaviyo's at its end; None where the job was asked to pause meanwhile."""
        glances = iter(GLANCES)
        while True:
            record = next(iter(await self._looked(follow.action, fill(follow.arguments, values))), dict[str, Any]())
            if record.get(follow.status) in follow.done:
                return record
            if await self._wish() == "pause":
                return None
            await anyio.sleep(next(glances, GLANCES[-1]))

    async def _errors(self, follow: Follow, values: JSON, record: JSON) -> list[JSON]:
        if follow.errors is None or not record.get(follow.failed):
            return []
        if follow.errors.field:
            return objects(record.get(follow.errors.field))
        return await self._looked(follow.errors.action, fill(follow.errors.arguments, values))

    def _rows_of(self, chunk: Chunk, errors: list[JSON], failed: int) -> tuple[list[Rejected], list[str]]:
        """The rows that errors of a job are about, and what is told of errors that name none."""
        indexes = chunk.notes.get("indexes") or [*range(len(chunk.items))]
        rows: dict[int, Rejected] = {}
        for error in errors:
            pointer = text(mapping(error.get("source")).get("pointer"))
            found = self._row_at(argument_at(pointer, self._spec))
            if found is None or found[0] >= len(indexes):
                continue
            line, _, _, raw = chunk.items[indexes[found[0]]]
            why = one_line(text(error.get("detail")) or text(error.get("title")), 500)
            rows.setdefault(indexes[found[0]], Rejected(line, raw, why, FIX, found[1]))
        rejected = sorted(rows.values(), key=lambda one: one.line)
        told: list[str] = []
        if failed > len(rejected):
            lines = [line for line, *_ in chunk.items]
            told.append(
                f"{failed - len(rejected):,} rows of lines {min(lines):,} to {max(lines):,} did not get in, and "
                f"Klaviyo does not say which (job {chunk.notes['job']})."
            )
        return rejected, told

    async def _looked(self, action: str, arguments: JSON) -> list[JSON]:
        """A read, again where its failure may pass. Raises NotFound, and Trouble for what will not."""
        waits = iter(WAITS)
        while True:
            try:
                return await self._sender.look(action, arguments)
            except PASSING as error:
                await self._wait(error, waits)
            except NotFound:
                raise
            except (ActionError, KlaviyoError) as error:
                raise Trouble(told_of(error)) from None

    async def _wait(self, error: KlaviyoError, waits: Iterator[float]) -> None:
        """Wait for what may pass. Raises Trouble once that takes too long."""
        seconds = next(waits, None)
        if error.retry_at is not None:
            left = error.retry_at - datetime.now(UTC)
            if left > LONGEST_WAIT:
                raise Trouble(f"{error.message} It can be resumed at {error.retry_at:%Y-%m-%d %H:%M} UTC.")
            seconds = max(0.0, left.total_seconds())
            if isinstance(error, QuotaExhausted) and seconds > AHEAD + 1:
                seconds -= AHEAD
        if seconds is None or isinstance(error, ForeignAnswer):
            raise Trouble(told_of(error))
        await self._pass(seconds)

    async def _pass(self, seconds: float) -> None:
        """Let time pass. Raises Trouble when the job is asked to pause meanwhile."""
        ends = anyio.current_time() + seconds
        while (left := ends - anyio.current_time()) > 0:
            await anyio.sleep(min(left, 1.0))
            if await self._wish():
                raise Trouble("It was asked to pause while it waited.")

    async def _keep(self, number: int, state: ChunkState, notes: JSON, rejected: list[Rejected]) -> None:
        await stored(self._store.set_chunk, self._job, number, state, notes, rejected)

    async def _told(self, number: int, notes: JSON, rejected: Iterable[Rejected] = ()) -> None:
        """Keep what a job of Klaviyo's said at its end, beside the rows that fell before."""
        told = partial(self._store.set_chunk, part="told")
        await stored(told, self._job, number, "done", notes, rejected)

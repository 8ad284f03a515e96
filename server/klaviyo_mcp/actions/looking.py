"""The reads that live rules need: made once for all rules of a call, side by side, and kept for some seconds."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import anyio

from klaviyo_mcp.accounts.glimpses import Glimpses
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.actions.plan import Lookup, Plan
from klaviyo_mcp.klaviyo import jsonapi
from klaviyo_mcp.klaviyo.errors import KlaviyoError, NotFound
from klaviyo_mcp.loose_json import JSON, mapping, objects

CarryOut = Callable[[Plan], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a read has found: None where there is no such thing. `whole` is False where there are more than came."""

    records: tuple[JSON, ...] | None
    whole: bool = True

    @property
    def first(self) -> JSON | None:
        """The only record, or the first: empty where a collection is, None where there is no such thing."""
        if self.records is None:
            return None
        return self.records[0] if self.records else {}


@dataclass(frozen=True, slots=True)
class Looks:
    """The readings of one call. `hurried` carries out what waits for no quota, as only a warning hangs on it."""

    glimpses: Glimpses
    carry_out: CarryOut
    hurried: CarryOut
    found: "dict[str, Once]" = field(default_factory=dict[str, "Once"])

    async def look(self, lookup: Lookup, *, anew: bool = False) -> Reading:
        """What a lookup finds; `anew` takes nothing read for an earlier call. Raises what carrying it out does."""
        key = _key(lookup)
        kept = None if anew or key in self.found else self.glimpses.find(key)
        if isinstance(kept, Reading):
            return kept
        return await self.found.setdefault(key, Once()).read(key, self, lookup)

    def known(self, lookup: Lookup) -> Reading | None:
        """What a lookup has found; None where it was not made, or could not tell."""
        return self.known_by(_key(lookup))

    def known_by(self, key: str) -> Reading | None:
        """What the read of a key has found."""
        once = self.found.get(key)
        kept = once.reading if once else self.glimpses.find(key)
        return kept if isinstance(kept, Reading) else None


def key_of(plan: Plan, asked: JSON) -> str:
    """What two reads have alike that are one: their request, or the action and what it is asked."""
    return f"{plan.request.method} {plan.request.target}" if plan.request else f"{plan.action.name} {asked}"


def _key(lookup: Lookup) -> str:
    return key_of(lookup.plan, lookup.asked)


class Once:
    """One read, shared by the rules and the calls of a step that run side by side."""

    def __init__(self) -> None:
        self._lock = anyio.Lock()
        self._error: ActionError | KlaviyoError | None = None
        self.reading: Reading | None = None
        self._outcome: Outcome | None = None
        self._writes = 0

    def outcome(self, glimpses: Glimpses) -> Outcome | None:
        """What carrying it out has brought, if nothing of ours has been written since."""
        return self._outcome if glimpses.writes == self._writes else None

    async def read(self, key: str, looks: Looks, lookup: Lookup) -> Reading:
        """What a lookup finds: by carrying it out, once."""
        async with self._lock:
            if self._error is not None:
                raise self._error
            if self.reading is None:
                writes = looks.glimpses.writes
                try:
                    outcome = await (looks.hurried if lookup.rule.warns else looks.carry_out)(lookup.plan)
                    self._outcome, self._writes = outcome, writes
                    self.reading = Reading(tuple(_records(outcome)), not outcome.goes_on)
                except NotFound:
                    self.reading = Reading(None)
                except (ActionError, KlaviyoError) as error:
                    self._error = error
                    raise
                looks.glimpses.keep(key, self.reading, writes)
            return self.reading


def _records(outcome: Outcome) -> Iterator[JSON]:
    """The records with all their attributes, and the ids of what they are related to."""
    for reply in outcome.replies:
        for resource in objects(mapping(reply.document).get("data")):
            yield jsonapi.fields_and_related(resource) | jsonapi.fields_and_ids(resource)

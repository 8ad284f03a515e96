"""What became of a call, before anything is made of it for agents: the action, its arguments, and Klaviyo's replies.

Composites and live rules work on these, whole; shaping, words and sizes come once, in `answers`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from klaviyo_mcp.actions.cursors import Position
from klaviyo_mcp.actions.understood import PLAIN, Understood
from klaviyo_mcp.klaviyo.jsonapi import fields, fields_and_ids, fields_and_related, next_cursor
from klaviyo_mcp.klaviyo.requests import Reply
from klaviyo_mcp.loose_json import JSON, mapping, objects
from klaviyo_mcp.registry.registry import Action


@dataclass(frozen=True, slots=True)
class Pages:
    """Where the replies of a read stand in what was asked: by which action and question, and Klaviyo's cursor of each.

    `skip` records of the first reply were shown before, `most` are wanted (None: all), and only `part` of the answer.
    `stopped` says why no further page was asked for. `seal` makes the cursor of a position.
    """

    action: str
    question: JSON
    cursors: tuple[str | None, ...]
    seal: Callable[[Position], str]
    skip: int = 0
    most: int | None = None
    part: str = ""
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action that was carried out has brought.

    `replies` are those of its one operation, the pages of a collection in order. An action made of steps has none:
    `composed` is the answer that its spec makes of them, and `wrote` whether any step changed something. `pages` is set
    for what was read, so that an answer can say where it goes on. `parts` are what became of its steps. `looked_up`
    holds what live rules read, by the name of the action they read it with.
    `waited` is how many seconds the call waited for quota, and `wait_reasons` what for.
    `said` is the line about it, where what was composed is no answer of Klaviyo's.
    `understood` tells how the arguments were taken where they did not say so plainly, `covers` the days, zone and
    currency of a report. `undo` is the call that takes a write back.
    """

    action: Action
    arguments: JSON
    replies: tuple[Reply, ...] = ()
    warnings: tuple[str, ...] = ()
    composed: JSON | None = None
    wrote: bool = False
    pages: Pages | None = None
    parts: tuple["Outcome", ...] = ()
    looked_up: JSON = field(default_factory=dict[str, JSON])
    waited: float = 0.0
    wait_reasons: tuple[str, ...] = ()
    understood: Understood = PLAIN
    covers: JSON = field(default_factory=dict[str, Any])
    undo: JSON = field(default_factory=dict[str, Any])
    said: str = ""

    @property
    def partial_failures(self) -> list[str]:
        """What Klaviyo says it dropped of what was sent, here or in any step, each once."""
        own = [reply.partial_failure for reply in self.replies if reply.partial_failure]
        return list(dict.fromkeys([*own, *(text for part in self.parts for text in part.partial_failures)]))

    @property
    def all_replies(self) -> list[Reply]:
        """Its own, and those of its steps."""
        return [*self.replies, *(reply for part in self.parts for reply in part.all_replies)]

    @property
    def goes_on(self) -> bool:
        """Whether there are more records than were read."""
        return bool(self.replies) and next_cursor(mapping(self.replies[-1].document)) is not None

    @property
    def related_records(self) -> list[JSON]:
        """The records, each with the ids of what it is related to under `related`."""
        data = [mapping(reply.document).get("data") for reply in self.replies]
        return [fields_and_related(resource) for part in data for resource in objects(part)]

    @property
    def seen_records(self) -> list[JSON]:
        """The records as consequences see them, each with the ids of single related ones: `image_id`."""
        data = [mapping(reply.document).get("data") for reply in self.replies]
        return [fields_and_ids(resource) for part in data for resource in objects(part)]

    @property
    def records(self) -> list[JSON]:
        """Every record of the replies, with all its attributes as Klaviyo sent them."""
        data = [mapping(reply.document).get("data") for reply in self.replies]
        return [fields(resource) for part in data for resource in objects(part)]

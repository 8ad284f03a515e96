"""What became of a call, before anything is made of it for agents: the action, its arguments, and Klaviyo's replies.

Composites and live rules work on these, whole; shaping, words and sizes come once, in `answers`.
"""

from dataclasses import dataclass, field
from typing import Any

from klaviyo_mcp.klaviyo.jsonapi import fields
from klaviyo_mcp.klaviyo.requests import Reply
from klaviyo_mcp.loose_json import JSON, mapping, objects
from klaviyo_mcp.registry.registry import Action


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action that was carried out has brought.

    `replies` are those of its one operation, the pages of a collection in order. An action made of steps has none:
    `composed` is the answer that its spec makes of them, and `wrote` whether any step changed something.
    `read_as` tells which arguments were read otherwise than they were written, `covers` the days, zone and
    currency of a report.
    """

    action: Action
    arguments: JSON
    replies: tuple[Reply, ...] = ()
    warnings: tuple[str, ...] = ()
    composed: JSON | None = None
    wrote: bool = False
    read_as: JSON = field(default_factory=dict[str, Any])
    covers: JSON = field(default_factory=dict[str, Any])

    @property
    def records(self) -> list[JSON]:
        """Every record of the replies, with all its attributes as Klaviyo sent them."""
        data = [mapping(reply.document).get("data") for reply in self.replies]
        return [fields(resource) for part in data for resource in objects(part)]

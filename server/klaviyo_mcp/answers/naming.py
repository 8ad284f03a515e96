"""An answer in which the names of tools are those that this server lists, where it lists them with a prefix.

Only what we say ourselves is looked at. Records, and words of Klaviyo's, which stand in quotes, are left as they are.
"""

from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.registry.registry import Registry

OURS = ("confirmation", "error", "how_to_read_on", "note", "notes", "read_more", "undo", "verify", "warnings")
NOT_OURS = frozenset({"arguments", "done_so_far", "read_as"})


def as_listed(answer: Answer, registry: Registry) -> Answer:
    """The answer as an agent can act on it: what it is told to call is in its list of tools."""
    names = registry.names
    if not names.prefix:
        return answer
    told = {key: names.told_inside(answer.data[key], NOT_OURS) for key in OURS if key in answer.data}
    return Answer({**answer.data, **told}, names.told(answer.summary))

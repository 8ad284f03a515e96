"""The rules of a spec that look into the account before anything is sent: what must exist, and in which state."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.plan import Lookup, outer_name
from klaviyo_mcp.actions.preconditions import failed
from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.registry.registry import Action


async def check_live(
    action: Action, arguments: JSON, lookups: Iterable[Lookup], read: Callable[[Lookup], Awaitable[JSON | None]]
) -> None:
    """Every rule that needs a look into the account; `read` gives the record that one asks for, None without one.

    Raises PreconditionFailed with all that do not hold.
    """
    problems: list[Problem] = []
    for lookup in lookups:
        record: Any = await read(lookup)
        hint = lookup.rule.hint or ""
        if record is None:
            name, value = next(iter(lookup.asked.items()))
            named = outer_name(lookup.asked, name, arguments)
            problems.append(Problem(named, f"nothing with the id {value!r} exists in this account", hint))
        elif state := lookup.rule.state:
            for part in state.path.split("."):
                record = mapping(record).get(part)
            if record not in state.allowed:
                allowed = " or ".join(repr(value) for value in state.allowed)
                problems.append(Problem("", f"{state.path} is {record!r} and must be {allowed}", hint))
    if problems:
        raise failed(action, problems, looked=True)

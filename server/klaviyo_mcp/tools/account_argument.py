"""Whose account a call is for, where several are connected: the `account` argument that every tool then has."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from klaviyo_mcp.loose_json import JSON

if TYPE_CHECKING:
    from klaviyo_mcp.accounts.account import Accounts  # a list of tools does without it

ARGUMENT = "account"


async def nameable(accounts: "Accounts") -> list[str]:
    """The names that a call can choose from; none on a server where no call says whose account it is for."""
    return await accounts.names() if accounts.can_be_named else []


async def choice(accounts: "Accounts") -> tuple[list[str], str | None]:
    """The names that a call can choose from, and which is meant by one that names none, where there are several."""
    names = await nameable(accounts)
    return names, await accounts.default() if len(names) > 1 else None


def with_account(schema: JSON, names: Sequence[str], default: str | None) -> JSON:
    """A tool's schema with the argument that says which account is meant. It is required unless there is a default."""
    words = "Which connected Klaviyo account this is for."
    chosen: JSON = {"type": "string", "enum": [*names], "description": words}
    if default is not None:
        chosen["description"] = f"{words} {default} when absent."
    shown = {**schema, "properties": {ARGUMENT: chosen, **schema["properties"]}}
    if default is None:
        shown["required"] = [ARGUMENT, *schema.get("required", [])]
    return shown


def split_account(arguments: JSON | None) -> tuple[str | None, JSON]:
    """The account that a call names, and the arguments that are the action's own."""
    rest = dict(arguments or {})
    name = rest.pop(ARGUMENT, None)
    return (name if isinstance(name, str) and name else None), rest

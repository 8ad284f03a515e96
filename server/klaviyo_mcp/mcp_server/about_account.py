"""The connected accounts as Markdown: whose they are, what is known of what they may do, and what the server forbids.

No secret is in it, nor anything that a secret could be told from.
"""

import anyio

from klaviyo_mcp.accounts.account import Account, Accounts
from klaviyo_mcp.accounts.errors import NoAccount
from klaviyo_mcp.accounts.permissions import GrantedAccess
from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.actions.policy import Rule
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.registry.registry import Action
from klaviyo_mcp.registry.tool_names import ToolNames
from klaviyo_mcp.runtime.exposure import Exposure

MOST_ACCOUNTS = 20
"""Accounts that are looked at; of more, the others are named."""
MOST_NAMED = 8
"""Actions of a rule that are named; of more, the number."""


async def about_accounts(engine: Engine, exposure: Exposure, accounts: Accounts) -> str:
    """All of it. Each account is read once for as long as what it says of itself is fresh."""
    tools = engine.registry.names
    try:
        names = await accounts.names()
        default = await accounts.default() if names else None
    except KlaviyoError as error:
        return _page(f"The connected accounts cannot be read: {error} {error.advice}", exposure, tools)
    if not names:
        return _page(f"No Klaviyo account is connected. {NoAccount.advice}", exposure, tools)
    parts: dict[str, str] = {}

    async def tell(name: str) -> None:
        try:
            account = await accounts.find(name)
            parts[name] = await _account(engine, exposure, account, is_default=len(names) > 1 and name == default)
        except KlaviyoError as error:
            parts[name] = f"## {name}\n\nCannot be used: {error} {error.advice}"

    async with anyio.create_task_group() as group:
        for name in names[:MOST_ACCOUNTS]:
            group.start_soon(tell, name)
    told = [parts[name] for name in names[:MOST_ACCOUNTS]]
    if others := names[MOST_ACCOUNTS:]:
        told.append(f"Also connected: {', '.join(others)}.")
    if len(names) > 1:
        told.insert(0, "Several accounts are connected: name one in every call with the argument account.")
    return _page("\n\n".join(told), exposure, tools)


async def _account(engine: Engine, exposure: Exposure, account: Account, *, is_default: bool) -> str:
    facts = await engine.facts(account)
    unknown = "not known: it could not be read from Klaviyo just now"
    lines = [
        f"## {account.name}{' (meant when none is named)' if is_default else ''}",
        "",
        f"- Organisation: {one_line(facts.organisation, 200) if facts.organisation else unknown}",
        f"- Time zone: {facts.timezone or unknown}",
        f"- Currency: {facts.currency or unknown}",
    ]
    access = account.access
    if isinstance(access, GrantedAccess):
        lines.append(f"- Scopes: {', '.join(sorted(access.granted())) or 'none'}")
    elif access.missing:
        lines.append(f"- Scopes that its API key lacks, as Klaviyo has said: {', '.join(access.missing)}")
    else:
        lines.append("- Scopes: those of its API key, which Klaviyo does not tell; none was found missing so far")
    shown = [action for action in engine.registry.actions if exposure.shows(action)]
    denied = [action for action in shown if access.denial(action.name, action.spec.scopes)]
    if denied:
        toolsets = ", ".join(sorted({action.spec.toolset for action in denied}))
        lines.append(f"- {len(denied)} of {len(shown)} actions need scopes that it does not have, in: {toolsets}")
    return "\n".join(lines)


def _page(accounts: str, exposure: Exposure, names: ToolNames[Action]) -> str:
    lines: list[str] = []
    if exposure.read_only:
        lines.append("This server only reads: nothing can be changed through it.")
    if exposure.toolsets is not None:
        lines.append(f"Only these toolsets: {', '.join(sorted(exposure.toolsets))}.")
    if exposure.actions is not None:
        lines.append(f"Only {len(exposure.actions)} actions: klaviyo://actions names them.")
    if exposure.confirm != "never" and not exposure.read_only:
        waits = "Every write" if exposure.confirm == "writes" else "What is destructive"
        lines.append(f"{waits} is held back until the user has agreed (confirm_action).")
    lines += [_rule(rule) for rule in exposure.policy.rules]
    allowed = "\n".join(f"- {names.told(line)}" for line in lines) or "- Nothing is forbidden on this server."
    return f"# Klaviyo accounts\n\n{accounts}\n\n# What this server allows\n\n{allowed}\n"


def _rule(rule: Rule) -> str:
    if rule.actions is None:
        which = "all actions"
    else:
        which = ", ".join(sorted(rule.actions)) if len(rule.actions) <= MOST_NAMED else f"{len(rule.actions)} actions"
    if rule.effects is not None:
        which += f" of the effect {' or '.join(sorted(rule.effects))}"
    said = [
        *([f"forbids {which}"] if rule.forbid else []),
        *([f"asks the user before {which}"] if rule.confirm else []),
        *(f"caps {which} at {cap.most} {cap.kind} a {cap.span}" for cap in rule.caps),
    ]
    return f"{rule.told} {', '.join(said)}.{f' {rule.why}' if rule.why else ''}"

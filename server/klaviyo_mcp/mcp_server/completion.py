"""Completion of what people type: names of actions, topics of guides, and the names that prompts ask for.

A client asks at every key that is pressed: what comes from Klaviyo is kept for a moment, read without ever waiting for
quota, and left out silently where it cannot be read.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic

import mcp.types as types

from klaviyo_mcp.accounts.account import Account, Accounts
from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.loose_json import items, text
from klaviyo_mcp.mcp_server.prompts import Prompts
from klaviyo_mcp.mcp_server.resources import ACTIONS
from klaviyo_mcp.registry.guides import guides
from klaviyo_mcp.runtime.exposure import Exposure
from klaviyo_mcp.tools.account_argument import ARGUMENT as ACCOUNT
from klaviyo_mcp.tools.account_argument import nameable

MOST_VALUES = 100
"""Values of one answer, which is the protocol's limit."""
MOST_READ = 100
"""Records of an account that are looked at for their names: ten pages of a listing."""
KEPT_FOR = 30.0
"""Seconds for which names are kept."""
MOST_KEPT = 500


@dataclass(frozen=True, slots=True)
class _Names:
    """The names of some records at a `moment`, and whether there may be more than were read."""

    moment: float
    names: tuple[str, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Completions:
    """What can be completed on a server."""

    engine: Engine
    exposure: Exposure
    prompts: Prompts
    _kept: OrderedDict[tuple[bytes, str], _Names] = field(default_factory=OrderedDict[tuple[bytes, str], _Names])

    async def complete(self, params: types.CompleteRequestParams, accounts: Accounts) -> types.Completion:
        """The values that begin with what was typed, then those that hold it; none for what is not known."""
        given = dict(params.context.arguments or {}) if params.context else {}
        name = params.argument.name
        if isinstance(params.ref, types.PromptReference):
            known, more = await self._of_prompt(params.ref.name, name, given, accounts)
        else:
            known, more = self._of_resource(params.ref.uri, name, given), False
        typed = params.argument.value.casefold().strip()
        found = sorted(
            (value for value in dict.fromkeys(known) if typed in value.casefold()),
            key=lambda value: not value.casefold().startswith(typed),
        )
        return types.Completion(
            values=found[:MOST_VALUES], total=None if more else len(found), has_more=more or len(found) > MOST_VALUES
        )

    def _of_resource(self, uri: str, argument: str, given: dict[str, str]) -> Iterable[str]:
        registry = self.engine.registry
        if argument == "topic" and uri.startswith("klaviyo://guides/"):
            return list(guides())
        if argument == "name" and uri.startswith(f"{ACTIONS}/"):
            shown = [action.name for action in registry.actions if self.exposure.shows(action)]
            return [registry.names.listed(name) for name in shown]
        if argument == "path" and uri.startswith(f"{ACTIONS}/") and (action := registry.get(given.get("name", ""))):
            return action.spec.properties if self.exposure.shows(action) else ()
        return ()

    async def _of_prompt(
        self, prompt: str, argument: str, given: dict[str, str], accounts: Accounts
    ) -> tuple[list[str], bool]:
        try:
            if argument == ACCOUNT:
                return await nameable(accounts), False
            file = self.prompts.files.get(prompt)
            reads = items(file.arguments[argument].get("complete")) if file and argument in file.arguments else []
            if not reads:
                return [], False
            account = await accounts.find(given.get(ACCOUNT) or None)
        except KlaviyoError:
            return [], False
        found = [await self._names(account, str(action)) for action in reads]
        return [name for one in found for name in one.names], any(one.more for one in found)

    async def _names(self, account: Account, action: str) -> _Names:
        """The names of the records that a read lists."""
        key = account.cursor_key, action
        kept = self._kept.get(key)
        if kept is not None and monotonic() - kept.moment < KEPT_FOR:
            return kept
        read = self.engine.registry.by_name.get(action)
        if read is None or not self.exposure.shows(read):
            return _Names(0.0, (), more=False)
        records = await self.engine.glance(account, action, {"max_records": MOST_READ})
        names = tuple(name for record in records if (name := text(record.get("name"))))
        self._kept[key] = _Names(monotonic(), names, more=len(records) >= MOST_READ)
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

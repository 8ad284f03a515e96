"""What a connection may do, as far as is known: the scopes of a grant, and what refusals of an API key have taught.

An OAuth grant says its scopes. A key does not: it can do everything until Klaviyo answers 403 and names the scope that
is missing. That is remembered, so that the same call is not refused over and over by Klaviyo.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import time

from klaviyo_mcp.klaviyo.errors import PermissionDenied
from klaviyo_mcp.loose_json import JSON, mapping

SCOPE = re.compile(r"\b[a-z]+(?:-[a-z]+)*:(?:read|write)\b")
SCOPE_LIFE = 7 * 86_400.0
"""Seconds for which a scope counts as missing once Klaviyo has named it: the scopes of a key cannot be changed."""


@dataclass(frozen=True, slots=True)
class Denial:
    """Why an action cannot succeed: the scopes that are missing, in words what is wrong, and how to mend it."""

    scopes: tuple[str, ...]
    reason: str
    advice: str


class GrantedAccess:
    """The scopes of an OAuth grant. They are asked for anew each time: the account may have been reconnected."""

    def __init__(self, name: str, scopes: Callable[[], Sequence[str]]) -> None:
        """`name` is the connection's."""
        self.name = name
        self.granted = scopes

    def denial(self, action: str, needed: Sequence[str]) -> Denial | None:
        """Why the action would be refused, None when its scopes are all there."""
        granted = self.granted()
        missing = tuple(scope for scope in needed if scope not in granted)
        if not missing:
            return None
        all_scopes = ",".join(sorted({*granted, *missing}))
        return Denial(
            missing,
            f"{action} needs {_scopes(missing)}, which the account {self.name!r} was not connected with.",
            "Tell the user: a person has to consent to more, with: "
            f"klaviyo-mcp connect --name {self.name} --scopes {all_scopes}",
        )

    async def learn(self, needed: Sequence[str], error: PermissionDenied) -> None:
        """A refusal in spite of all scopes is about something else: nothing to remember."""


class LearnedAccess:
    """What an API key may not do, learned from 403s. `keep` stores it; None keeps it in this process alone."""

    def __init__(
        self,
        name: str,
        known: JSON | None = None,
        keep: Callable[[JSON], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time,
    ) -> None:
        """`known` is what was kept before: {"scopes": {scope: time}}."""
        self._name = name
        self._keep = keep
        self._clock = clock
        self._scopes: dict[str, float] = {**mapping((known or {}).get("scopes"))}

    def denial(self, action: str, needed: Sequence[str]) -> Denial | None:
        """Why the action would be refused again, None when nothing speaks against it."""
        now = self._clock()
        missing = tuple(scope for scope in needed if now < self._scopes.get(scope, 0) + SCOPE_LIFE)
        mend = (
            f"connect a key that has it: klaviyo-mcp connect --api-key --name {self._name}"
            if self._keep is not None
            else "set KLAVIYO_API_KEY to a key that has it, and restart the server"
        )
        if missing:
            return Denial(
                missing,
                f"{action} needs {_scopes(missing)}, which the API key of {self._name!r} lacks, as Klaviyo has said.",
                f"Tell the user: the scopes of a key cannot be changed; a person has to {mend}.",
            )
        return None

    @property
    def missing(self) -> list[str]:
        """The scopes that Klaviyo has lately named as missing, sorted."""
        now = self._clock()
        return sorted(scope for scope, named in self._scopes.items() if now < named + SCOPE_LIFE)

    async def learn(self, needed: Sequence[str], error: PermissionDenied) -> None:
        """Remember the scopes that a 403 of Klaviyo's names.

        Nothing else of it holds for all such calls: a limit passes, a feature can be turned on, another record may not
        be refused.
        """
        text = " ".join(f"{problem.title} {problem.detail}" for problem in error.problems)
        named = [scope for scope in SCOPE.findall(text) if scope in needed]
        if not named:
            return
        for scope in named:
            self._scopes[scope] = self._clock()
        if self._keep is not None:
            await self._keep({"scopes": self._scopes})


Permissions = GrantedAccess | LearnedAccess
"""What is known of what an account may do: `denial` says why an action would be refused, `learn` notes a refusal."""


def _scopes(missing: Sequence[str]) -> str:
    return f"the scope {missing[0]}" if len(missing) == 1 else f"the scopes {', '.join(missing)}"

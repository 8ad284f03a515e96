"""Which actions a server shows and runs: the one place where that is decided."""

from collections.abc import Sequence
from dataclasses import dataclass

from klaviyo_mcp.accounts.permissions import Permissions
from klaviyo_mcp.loose_json import nearest
from klaviyo_mcp.registry.model import Confirm
from klaviyo_mcp.registry.registry import Action, Registry
from klaviyo_mcp.runtime.everyday import CORE, EVERYDAY

BRIEF, LESS_BRIEF = 330, 700
"""Characters of the arguments of one action, in the list for everyday and in that of the core."""
LISTED: dict[str, frozenset[str]] = {"search": EVERYDAY, "core": CORE}


class ExposureError(ValueError):
    """An `--expose` value that names no toolset."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is exposed: all toolsets (None) or some, and whether actions that change something are left out.

    `listed` are the actions that are tools of their own (None: all that are exposed); the others are found by search.

    `confirm` says which calls wait for a yes.
    `hide_unavailable` also leaves out what no connected account is known to have the scopes for.
    """

    toolsets: frozenset[str] | None = None
    read_only: bool = False
    hide_unavailable: bool = False
    confirm: Confirm = "never"

    listed: frozenset[str] | None = None

    @property
    def characters(self) -> int | None:
        """How many the arguments of a listed action may take, None for as many as they do."""
        return None if self.listed is None else BRIEF if self.listed == EVERYDAY else LESS_BRIEF

    @property
    def searches(self) -> bool:
        """Whether actions are found and run by the server's own tools, as not all of them are listed."""
        return self.listed is not None

    def lists(self, action: Action) -> bool:
        """Whether this action is a tool of its own in the list."""
        return self.shows(action) and (self.listed is None or action.name in self.listed)

    def shows(self, action: Action) -> bool:
        """Whether this action may be found and called."""
        if self.read_only and action.effect != "read":
            return False
        return self.reaches(action)

    def available(self, action: Action, accounts: Sequence[Permissions]) -> bool:
        """Whether any of the accounts can use the action, as far as is known. Only asked for `hide_unavailable`."""
        if not self.hide_unavailable or not accounts:
            return True
        return any(access.denial(action.name, action.spec.scopes) is None for access in accounts)

    def reaches(self, action: Action) -> bool:
        """Whether a call can name the action. A read-only server keeps the names it refuses, so that it can say why."""
        return self.toolsets is None or action.spec.toolset in self.toolsets


def parse_exposure(
    text: str,
    registry: Registry,
    *,
    read_only: bool = False,
    hide_unavailable: bool = False,
    confirm: Confirm = "never",
) -> Exposure:
    """`search`, `core`, `all`, or names of toolsets separated by commas.

    Raises ExposureError with the nearest right name.
    """
    if text.strip() in LISTED:
        return Exposure(None, read_only, hide_unavailable, confirm, LISTED[text.strip()])
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["all"]:
        return Exposure(None, read_only, hide_unavailable, confirm)
    known = registry.toolsets
    for name in names:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}, or 'all'."
            raise ExposureError(f"--expose: there is no toolset {name!r}; {hint}")
    if not names:
        raise ExposureError(f"--expose needs 'all' or names of toolsets: {', '.join(known)}.")
    return Exposure(frozenset(names), read_only, hide_unavailable, confirm)

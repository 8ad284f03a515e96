"""Which actions a server shows and runs: decided in this place alone. Of all that is stated the strictest wins."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from klaviyo_mcp.accounts.permissions import Permissions
from klaviyo_mcp.actions.policy import EVERYTHING, Policy, Rule
from klaviyo_mcp.registry.model import ChooseRequest, Confirm
from klaviyo_mcp.registry.registry import Action, Registry
from klaviyo_mcp.runtime.everyday import CORE, EVERYDAY
from klaviyo_mcp.runtime.named import NamesNothing, actions_named, toolsets_named

LISTED = {"search": (EVERYDAY, 330), "core": (CORE, 700)}
"""What is listed where the rest is found by search, and how many characters the arguments of each may take."""


class ExposureError(ValueError):
    """A flag that names what does not exist, or leaves nothing; or a policy that cannot be used."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is exposed: all toolsets (None) or some, and whether actions that change something are left out.

    `listed` are the actions that are tools of their own (None: all that are exposed); the others are found by search.
    The arguments of each are listed in so many `characters`, None for as many as they take.
    `confirm` says which calls wait for a yes.
    `hide_unavailable` also leaves out what no connected account is known to have the scopes for.
    `actions` are those that may be named, None for all. `policy` are the rules for these and for what they are made of.
    `keeps_answers` says whether there is a tool that goes through answers that did not fit.
    """

    toolsets: frozenset[str] | None = None
    read_only: bool = False
    hide_unavailable: bool = False
    confirm: Confirm = "never"
    actions: frozenset[str] | None = None
    policy: Policy = EVERYTHING
    listed: frozenset[str] | None = None
    characters: int | None = None
    keeps_answers: bool = True

    @property
    def confirms(self) -> bool:
        """Whether any call can wait for a yes."""
        return self.confirm != "never" or self.policy.confirms

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
        return self.reaches(action) and self.allowed(action)

    def allowed(self, action: Action) -> bool:
        """Whether the policy leaves any way to carry the action out. What is forbidden answers with its rule."""
        if self.policy.forbidding(action):
            return False
        if isinstance(action.spec.request, ChooseRequest):
            return any(self.allowed(part) for part in action.made_of)
        return all(self.allowed(part) for part in action.needed_parts)

    def available(self, action: Action, accounts: Sequence[Permissions]) -> bool:
        """Whether any of the accounts can use the action, as far as is known. Only asked for `hide_unavailable`."""
        if not self.hide_unavailable or not accounts:
            return True
        return any(access.denial(action.name, action.spec.scopes) is None for access in accounts)

    def reaches(self, action: Action) -> bool:
        """Whether a call can name the action. A read-only server keeps the names it refuses, so that it can say why."""
        if self.actions is not None and action.name not in self.actions:
            return False
        return self.toolsets is None or action.spec.toolset in self.toolsets


@dataclass(frozen=True, slots=True)
class Wanted:
    """What flags say of actions: names and globs separated by commas, empty for a flag that is not given.

    `expose` may also be `search`, `core` or `all`. Without it all that other flags name are listed; without any, it is
    `search`.
    """

    expose: str | None = None
    toolsets: str = ""
    actions: str = ""
    exclude: str = ""


def parse_exposure(
    wanted: Wanted | str,
    registry: Registry,
    *,
    read_only: bool = False,
    hide_unavailable: bool = False,
    confirm: Confirm = "never",
    policy: Path | None = None,
) -> Exposure:
    """What flags, or `--expose` alone, and a policy file come to. Raises ExposureError with the nearest right name."""
    flags = Wanted(wanted) if isinstance(wanted, str) else wanted
    exposure = Exposure(None, read_only, hide_unavailable, confirm)
    shown = flags.expose
    if shown is None:
        shown = "all" if flags.toolsets or flags.actions else "search"
    if shown.strip() in LISTED:
        listed, characters = LISTED[shown.strip()]
        exposure = replace(exposure, listed=listed, characters=characters)
        shown = "all"
    for flag, text in (("--expose", shown), ("--toolsets", flags.toolsets)):
        if (names := _names(flag, text)) is not None:
            with_all = exposure.toolsets is None
            found = _found(flag, names, registry, toolsets=True)
            exposure = replace(exposure, toolsets=found if with_all else found & (exposure.toolsets or found))
    if (names := _names("--actions", flags.actions)) is not None:
        exposure = replace(exposure, actions=_found("--actions", names, registry))
    rules: list[Rule] = []
    if (names := _names("--exclude", flags.exclude)) is not None:
        excluded = _found("--exclude", names, registry)
        every = frozenset(action.name for action in registry.actions)
        exposure = replace(exposure, actions=(every if exposure.actions is None else exposure.actions) - excluded)
        # As a rule it holds for what other actions are made of, too.
        rules.append(Rule("--exclude", "--exclude", excluded, forbid=True))
    if policy is not None:
        from klaviyo_mcp.runtime.policy import PolicyError, read_policy  # most servers have none, and need no YAML

        try:
            rules += read_policy(policy.expanduser(), registry).rules
        except PolicyError as error:
            raise ExposureError(str(error)) from None
    exposure = replace(exposure, policy=Policy(tuple(rules)))
    if not any(exposure.reaches(action) for action in registry.actions):
        raise ExposureError("--expose, --toolsets, --actions and --exclude together leave no action.")
    return exposure


def _names(flag: str, text: str) -> list[str] | None:
    """The names of a flag; None for one that is not given, or `all`."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["all"] and flag != "--exclude":
        return None
    if not names and (text or flag == "--expose"):
        raise ExposureError(f"{flag} needs names or globs separated by commas.")
    return names or None


def _found(flag: str, names: list[str], registry: Registry, *, toolsets: bool = False) -> frozenset[str]:
    try:
        return toolsets_named(names, registry) if toolsets else actions_named(names, registry)
    except NamesNothing as error:
        raise ExposureError(f"{flag}: {error}") from None

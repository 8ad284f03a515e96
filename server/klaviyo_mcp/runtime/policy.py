"""The policy file of KLAVIYO_MCP_POLICY: its form, and the rules that it makes for the actions that there are.

A policy has no words that allow something, so it cannot loosen what the server was started with; one that tries is
refused at the start, as is every key that is not known, and every name that stands for nothing.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from klaviyo_mcp.actions.policy import Cap, Kind, Policy, Rule, Span
from klaviyo_mcp.loose_json import nearest
from klaviyo_mcp.registry.errors import SpecError
from klaviyo_mcp.registry.model import Effect
from klaviyo_mcp.registry.registry import Action, Registry
from klaviyo_mcp.registry.yaml_text import parse
from klaviyo_mcp.runtime.named import NamesNothing, actions_named, toolsets_named

SETTING = "KLAVIYO_MCP_POLICY"
LARGEST = 1_000_000
"""Bytes of a file that is read."""
CAPS: dict[str, tuple[Kind, Span]] = {
    "items_per_call": ("items", "call"),
    "items_per_day": ("items", "day"),
    "recipients_per_call": ("recipients", "call"),
    "recipients_per_day": ("recipients", "day"),
}
NARROWS = "a policy can only narrow what the server was started with"

Glob = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Amount = Annotated[int, Field(ge=0, strict=True)]


class PolicyError(ValueError):
    """A policy file that cannot be used; the message lists all that is wrong."""


class Part(BaseModel):
    """Base of every part of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RuleInFile(Part):
    """One rule: which actions it is about, which all that is stated must fit, and what it says of them."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,59}$")]
    actions: Annotated[list[Glob], Field(min_length=1)] | None = None
    toolsets: Annotated[list[Glob], Field(min_length=1)] | None = None
    effects: Annotated[list[Effect], Field(min_length=1)] | None = None
    forbid: Literal[True] | None = None
    confirm: Literal[True] | None = None
    items_per_call: Amount | None = None
    items_per_day: Amount | None = None
    recipients_per_call: Amount | None = None
    recipients_per_day: Amount | None = None
    why: Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\n]*$")] = ""

    @model_validator(mode="after")
    def says_something(self) -> "RuleInFile":
        """A rule that is about nothing, or says nothing, is a slip."""
        if self.actions is None and self.toolsets is None and self.effects is None:
            raise ValueError("states what it is about: actions, toolsets or effects; actions: ['*'] are all")
        if not (self.forbid or self.confirm or any(getattr(self, cap) is not None for cap in CAPS)):
            raise ValueError(f"says something of them: forbid, confirm, or a cap ({', '.join(CAPS)})")
        return self


class PolicyFile(Part):
    """The whole file."""

    version: Literal[1]
    rules: list[RuleInFile]

    @model_validator(mode="after")
    def names_are_their_own(self) -> "PolicyFile":
        """An error names one rule."""
        names = [rule.name for rule in self.rules]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"there are two rules named {twice[0]!r}")
        return self


def read_policy(path: Path, registry: Registry) -> Policy:
    """The rules of a file. Raises PolicyError with all that is wrong with it."""
    try:
        if path.stat().st_size > LARGEST:
            raise PolicyError(f"{SETTING}: {path} is larger than a policy can be ({LARGEST:,} bytes).")
        text = path.read_bytes()
        file = PolicyFile.model_validate(parse(text, str(path)))
    except OSError as error:
        raise PolicyError(f"{SETTING}: {path} cannot be read ({error.strerror}).") from None
    except SpecError as error:
        raise PolicyError(f"{SETTING}: {str(error).replace('spec files', 'policies')}") from None
    except ValidationError as error:
        raise PolicyError("\n".join(_told(detail, path) for detail in error.errors(include_url=False))) from None
    problems: list[str] = []
    rules: list[Rule] = []
    for rule in file.rules:
        try:
            rules.append(_rule(rule, registry))
        except NamesNothing as error:
            problems.append(f"{SETTING}: rule {rule.name!r}: {error}")
    if problems:
        raise PolicyError("\n".join(problems))
    return Policy(tuple(rules))


def _rule(rule: RuleInFile, registry: Registry) -> Rule:
    about: frozenset[str] | None = actions_named(rule.actions, registry) if rule.actions else None
    if rule.toolsets:
        toolsets = toolsets_named(rule.toolsets, registry)
        within = {action.name for action in registry.actions if action.spec.toolset in toolsets}
        about = frozenset(within if about is None else about & within)
    effects = frozenset(rule.effects) if rule.effects else None
    if not any(_can_be_about(action, about, effects) for action in registry.actions):
        raise NamesNothing("no action fits all that it states: actions, toolsets, effects")
    return Rule(
        rule.name,
        f"rule {rule.name!r} of the policy",
        about,
        effects,
        forbid=bool(rule.forbid),
        confirm=bool(rule.confirm),
        caps=tuple(Cap(*CAPS[cap], most) for cap in CAPS if (most := getattr(rule, cap)) is not None),
        why=rule.why,
    )


def _can_be_about(action: Action, about: frozenset[str] | None, effects: frozenset[Effect] | None) -> bool:
    return (about is None or action.name in about) and (
        effects is None or action.effect in effects or action.strongest_effect in effects
    )


def _told(detail: Any, path: Path) -> str:
    place = ".".join(str(part) for part in detail["loc"])
    text = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        known = RuleInFile.model_fields if "rules" in detail["loc"] else PolicyFile.model_fields
        near = nearest(detail["loc"][-1], known)
        text = f"there is no such key; {f'did you mean {near[0]!r}?' if near else f'{NARROWS}.'}"
    elif detail["type"] == "literal_error" and detail["loc"][-1] in ("forbid", "confirm"):
        text = f"can only be true: {NARROWS}"
    return f"{SETTING}: {path}: {f'{place}: ' if place else ''}{text}"

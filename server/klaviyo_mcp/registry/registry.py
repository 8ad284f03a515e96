"""All actions by name and alias, each with what is computed from its spec once."""

from collections.abc import Iterable
from functools import cached_property

from klaviyo_mcp.loose_json import everything, is_object, items, mapping
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.model import ActionSpec, ChooseRequest, Effect, HttpRequest, ServiceRequest
from klaviyo_mcp.registry.search import Finder
from klaviyo_mcp.registry.steps import StepsRequest
from klaviyo_mcp.registry.tool_names import SERVER_TOOLS, ToolNames

STRENGTH: dict[Effect, int] = {"read": 0, "write": 1, "destructive": 2}
"""Effects in order: a stronger one may do all that a weaker one does."""


class Action:
    """One action, ready to be called."""

    def __init__(self, spec: ActionSpec, registry: "Registry | None" = None) -> None:
        """Cheap: what costs time is computed at first use. `registry` holds what the action may be made of."""
        self.spec = spec
        self._registry = registry

    @property
    def name(self) -> str:
        """The action's own name."""
        return self.spec.name

    @cached_property
    def effect(self) -> Effect:
        """The strongest effect that the action can have: its own, or that of anything it is made of."""
        parts = self._registry.closure(self) if self._registry else [self]
        effects: list[Effect] = [part.spec.effect for part in parts]
        return max(effects, key=lambda effect: STRENGTH[effect])

    @cached_property
    def strongest_effect(self) -> Effect:
        """The effect of the strongest call there can be: what makes a call stronger by its arguments counts."""
        parts = self._registry.closure(self) if self._registry else [self]
        effects: list[Effect] = [self.effect, *(one.effect for part in parts for one in part.spec.effect_when)]
        return max(effects, key=lambda effect: STRENGTH[effect])

    @cached_property
    def weakest_effect(self) -> Effect:
        """The effect of the weakest call there can be: an action that picks another is no stronger than that."""
        if not isinstance(self.spec.request, ChooseRequest):
            return self.effect
        effects: list[Effect] = [part.weakest_effect for part in self.made_of] or [self.effect]
        return min(effects, key=lambda effect: STRENGTH[effect])

    @cached_property
    def filter_arguments(self) -> dict[str, str]:
        """The filterable fields that have an argument of their own, such as a campaign's channel."""
        form = mapping(self.http.query.get("filter")) if self.http else {}
        parts = [mapping(part) for part in items(form.get("$filter"))]
        return {part["field"]: str(hole(part.get("value"))) for part in parts if part}

    @cached_property
    def has_read_only(self) -> bool:
        """Whether the schema has fields that may be given as they were read, and are never sent."""
        return any(is_object(part) and part.get("readOnly") is True for part in everything(self.spec.input_schema))

    @cached_property
    def operation(self) -> str:
        """The operation whose quota the action uses."""
        return self.spec.operation or self.spec.name

    @cached_property
    def http(self) -> HttpRequest | None:
        """The request template, for an action that is one operation."""
        return self.spec.request if isinstance(self.spec.request, HttpRequest) else None

    @cached_property
    def service(self) -> ServiceRequest | None:
        """What carries the action out, where it is this server itself."""
        return self.spec.request if isinstance(self.spec.request, ServiceRequest) else None

    @cached_property
    def parts(self) -> list[str]:
        """The names of the actions that this one is made of, none for one operation."""
        match self.spec.request:
            case ChooseRequest(among=among):
                return [choice.action for choice in among.values()]
            case StepsRequest(steps=steps):
                return [step.action for step in steps if step.action is not None]
            case _:
                return []

    @cached_property
    def needed_parts(self) -> "list[Action]":
        """What it is made of and cannot do without, as far as it exists."""
        steps = self.spec.request.steps if isinstance(self.spec.request, StepsRequest) else []
        spared = {step.action for step in steps if step.optional}
        return [part for part in self.made_of if part.name not in spared]

    @cached_property
    def made_of(self) -> "list[Action]":
        """Those actions, as far as they exist."""
        known = self._registry.by_name if self._registry else {}
        return [known[name] for name in self.parts if name in known]


class Registry:
    """The actions that exist, found by name or alias."""

    def __init__(self, specs: Iterable[ActionSpec], prefix: str = "") -> None:
        """Actions keep the order of `specs`; a name wins over an alias of another action.

        `prefix` stands before every name in a list of tools. Raises PrefixError for one that cannot.
        """
        self.actions = [Action(spec, self) for spec in specs]
        self.by_name = {alias: action for action in self.actions for alias in action.spec.aliases}
        self.by_name.update({action.name: action for action in self.actions})
        self.names = ToolNames(self.by_name, [*(action.name for action in self.actions), *SERVER_TOOLS], prefix)

    def get(self, name: str) -> Action | None:
        """The action with this name or alias, as it was called by a client; None when there is none."""
        return self.names.find(name)

    def __getitem__(self, name: str) -> Action:
        """The action with a name that a spec states. Raises KeyError."""
        return self.by_name[name]

    def closure(self, action: Action) -> list[Action]:
        """An action and everything it is made of, at any depth; what does not exist is left out."""
        found = {action.name: action}
        waiting = [action]
        while waiting:
            new = [part for name in waiting.pop().parts if (part := self.by_name.get(name)) and part.name not in found]
            found.update({part.name: part for part in new})
            waiting += new
        return list(found.values())

    @cached_property
    def finder(self) -> Finder:
        """Finds actions by words. Made at first use: a server whose tools are called by their names never needs it."""
        return Finder(action.spec for action in self.actions)

    @property
    def toolsets(self) -> list[str]:
        """The names of all toolsets, sorted."""
        return sorted({action.spec.toolset for action in self.actions})

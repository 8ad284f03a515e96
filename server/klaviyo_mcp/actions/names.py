"""The name that an agent gave for an action, and what to say when there is no such action."""

from collections.abc import Callable

from klaviyo_mcp.actions.errors import UnknownAction
from klaviyo_mcp.actions.suggestions import candidates
from klaviyo_mcp.registry.registry import Action, Registry

Exposes = Callable[[Action], bool]
"""Whether a server lets an action be named."""


def everything(_: Action) -> bool:
    """What a server without restrictions exposes."""
    return True


def find_action(registry: Registry, name: str, exposes: Exposes = everything) -> Action:
    """The action with this name or alias. Raises UnknownAction, with exposed ones that do something like it."""
    action = registry.get(name)
    if action is None or not exposes(action):
        raise UnknownAction(name, candidates(registry, name.removeprefix(registry.names.prefix), exposes))
    return action

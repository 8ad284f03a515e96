"""The name that an agent gave for an action, and what to say when there is no such action."""

from collections.abc import Callable

from klaviyo_mcp.actions.errors import UnknownAction
from klaviyo_mcp.loose_json import nearest
from klaviyo_mcp.registry.registry import Action, Registry

Exposes = Callable[[Action], bool]
"""Whether a server lets an action be named."""


def everything(_: Action) -> bool:
    """What a server without restrictions exposes."""
    return True


def find_action(registry: Registry, name: str, exposes: Exposes = everything) -> Action:
    """The action with this name or alias. Raises UnknownAction, with the names of exposed ones that come close."""
    action = registry.get(name)
    if action is None or not exposes(action):
        raise UnknownAction(name, _near(registry, name, exposes))
    return action


def _near(registry: Registry, name: str, exposes: Exposes) -> list[str]:
    """Up to three action names that look like `name`, aliases resolved to the actions' own names."""
    asked = name.lower().replace("-", "_").replace(" ", "_").removeprefix("klaviyo_")
    known = {alias: action for alias, action in registry.by_name.items() if exposes(action)}
    found = [asked] if asked in known else []
    found += nearest(asked, known, most=3)
    return list(dict.fromkeys(known[match].name for match in found))[:3]

"""How the actions of a flow hang together: what comes after what, and whether a new definition makes sense."""

from collections.abc import Mapping
from typing import Any

from klaviyo_sandbox.errors import ApiError, Problem, invalid_field
from klaviyo_sandbox.loose_json import Json, is_object, items, mapping

_NAMES = ("next", "next_if_true", "next_if_false")
_YES_NO = ("action-output-split", "conditional-split", "trigger-split")
_YES_NO_LINKS = _NAMES[1:]
_MANY = "multi-branch-split"
Way = tuple[str, str]
"""One way on from an action: the branch of a split with many, else nothing, and the name of the link."""
_DEFINITION = "/data/attributes/definition"


def followers(action: Json) -> list[str]:
    """The ids of the actions that may come next."""
    return [links[name] for links in _links(action) for name in _NAMES if links.get(name) is not None]


def relinked(action: Json, ids: Mapping[str, str | None]) -> Json:
    """The same action with `ids` put in place of those it links to."""
    changed: Json = dict(action)
    if isinstance(changed.get("links"), dict):
        changed["links"] = _replaced(changed["links"], ids)
    if action["type"] == _MANY and action.get("data"):
        branches: list[Json] = action["data"]["branches"]
        linked = [
            {**branch, "links": _replaced(branch["links"], ids)} if branch.get("links") else branch
            for branch in branches
        ]
        changed["data"] = {**action["data"], "branches": linked}
    return changed


def ways(action: Json) -> dict[Way, str | None]:
    """What follows an action, by each way on that it has; also where nothing does."""
    if action["type"] == _MANY:
        branches: list[Json] = items(mapping(action.get("data")).get("branches"))
        return {(branch["branch_id"], "next"): mapping(branch.get("links")).get("next") for branch in branches}
    links: Json = action.get("links") or {}
    return {("", name): links.get(name) for name in (_YES_NO_LINKS if action["type"] in _YES_NO else _NAMES[:1])}


def led_to(action: Json, way: Way, following: str | None) -> Json:
    """The same action with something else on one way on."""
    branch, name = way
    if not branch:
        return {**action, "links": {**(action.get("links") or {}), name: following}}
    branches = [
        {**each, "links": {name: following}} if each["branch_id"] == branch else each
        for each in action["data"]["branches"]
    ]
    return {**action, "data": {**action["data"], "branches": branches}}


def checked_order(definition: Json) -> None:
    """Check that every new action has a temporary id, and that links lead from the entry to actions, never in a circle.

    Raises ApiError (400) with every problem.
    """
    problems: list[Problem] = []
    actions: dict[str, Json] = {}
    new: list[Json] = definition["actions"]
    for number, action in enumerate(new):
        pointer = f"{_DEFINITION}/actions/{number}"
        name = action.get("temporary_id")
        if action.get("id") is not None:
            problems.append(invalid_field(f"{pointer}/id", "'id' is not allowed on create; use 'temporary_id'."))
        if not name:
            problems.append(invalid_field(f"{pointer}/temporary_id", "'temporary_id' is required on create."))
        elif name in actions:
            problems.append(invalid_field(f"{pointer}/temporary_id", f"Another action has the temporary id '{name}'."))
        else:
            actions[name] = action
    for number, action in enumerate(new):
        problems += [
            invalid_field(f"{_DEFINITION}/actions/{number}/links", f"No action has the temporary id '{following}'.")
            for following in followers(action)
            if following not in actions
        ]
    entry = definition["entry_action_id"]
    if entry is None and actions:
        problems.append(invalid_field(f"{_DEFINITION}/entry_action_id", "A flow with actions needs an entry action."))
    elif entry is not None and entry not in actions:
        detail = f"No action has the temporary id '{entry}'."
        problems.append(invalid_field(f"{_DEFINITION}/entry_action_id", detail))
    if not problems and entry is not None:
        reached = _reached(actions, entry, problems)
        problems += [
            invalid_field(f"{_DEFINITION}/actions", f"Nothing leads to the action '{name}'.")
            for name in actions
            if name not in reached
        ]
    if problems:
        raise ApiError(400, problems)


def _reached(actions: Mapping[str, Json], entry: str, problems: list[Problem]) -> set[str]:
    """What can be reached from the entry. Notes a circle as a problem."""
    finished: set[str] = set()
    trail: list[tuple[str, list[str]]] = [(entry, followers(actions[entry]))]
    while trail:
        name, rest = trail[-1]
        if not rest:
            finished.add(name)
            trail.pop()
            continue
        following = rest.pop(0)
        if any(following == earlier for earlier, _ in trail):
            problems.append(invalid_field(f"{_DEFINITION}/actions", f"The action '{following}' leads back to itself."))
        elif following not in finished:
            trail.append((following, followers(actions[following])))
    return finished


def _links(action: Json) -> list[Json]:
    found: list[Any] = [action.get("links")]
    if action["type"] == _MANY:
        data: Json = action.get("data") or {"branches": []}
        found += [branch.get("links") for branch in items(data["branches"])]
    return [links for links in found if is_object(links)]


def _replaced(links: Json, ids: Mapping[str, str | None]) -> Json:
    return {name: ids.get(value, value) if name in _NAMES else value for name, value in links.items()}

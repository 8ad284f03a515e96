"""A whole `next` link of Klaviyo's, given as cursor: it brings its own question, which is read back into arguments."""

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from klaviyo_mcp.actions.cursors import InvalidCursor
from klaviyo_mcp.klaviyo.filters import FilterSyntaxError, parse, render
from klaviyo_mcp.klaviyo.jsonapi import CURSOR_PARAMETERS, cursor_in
from klaviyo_mcp.loose_json import JSON, is_object
from klaviyo_mcp.registry.holes import PATH_SEGMENT, hole, path_holes
from klaviyo_mcp.registry.registry import Action


def is_link(cursor: str) -> bool:
    """Whether a cursor is a link, or the query of one, rather than the cursor itself."""
    return any(f"{name}=" in unquote(cursor) for name in CURSOR_PARAMETERS)


def arguments_of_link(action: Action, link: str) -> JSON:
    """The arguments that a link asks with, its cursor among them. Raises InvalidCursor for another action's link."""
    parts = urlsplit(link if "?" in link else f"?{link}")
    template = action.http
    if template is None:
        # An action that picks its operation takes the cursor alone: the link is of the operation it picked.
        return {"cursor": cursor_in(link)}
    found: JSON = {}
    if parts.path:
        # Every second part of the split is the name of a hole.
        pattern = "([^/]+)".join(re.escape(part) for part in PATH_SEGMENT.split(template.path)[::2])
        match = re.fullmatch(pattern, parts.path.rstrip("/"))
        if match is None:
            raise InvalidCursor(f"is a link to {parts.path[:100]}, and {action.name} reads {template.path}")
        values = [unquote(value) for value in match.groups()]
        found.update(zip(path_holes(template.path), values, strict=True))
    for key, value in parse_qsl(parts.query):
        part = template.query.get(key)
        if (name := hole(part)) is not None:
            types = action.spec.properties.get(name, {}).get("type", [])
            found[name] = value.split(",") if "array" in types and name != "filter" else value
        elif is_object(part) and "$filter" in part:
            found.update(_filter(action, value))
    return found


def _filter(action: Action, text: str) -> JSON:
    """A filter taken apart: what an argument of its own stands for, and the rest as filter text."""
    try:
        conditions = parse(text)
    except FilterSyntaxError:
        return {"filter": text}
    own = action.filter_arguments
    found: JSON = {own[one.field]: one.value for one in conditions if one.field in own and own[one.field] != "None"}
    if rest := [one for one in conditions if one.field not in own]:
        found["filter"] = render(rest)
    return found

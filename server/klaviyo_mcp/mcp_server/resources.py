"""The forms of actions and of their parts as MCP resources, for those whose listed schema is cut short."""

import re
from urllib.parse import unquote

import mcp.types as types
from mcp.shared.exceptions import MCPError
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.actions.errors import UnknownAction
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.registry.schema_form import form_at, form_text

SCHEMA_URI = re.compile(r"^klaviyo://actions/([^/]+)/schema(?:/([^/]+))?$")
SCHEMA_TEMPLATES = [
    types.ResourceTemplate(
        name="action-schema",
        title="Full schema of an action",
        uri_template="klaviyo://actions/{name}/schema",
        description="The whole input schema of an action whose listed schema is cut short.",
        mime_type="application/schema+json",
    ),
    types.ResourceTemplate(
        name="action-schema-part",
        title="Full schema of a part of an action",
        uri_template="klaviyo://actions/{name}/schema/{path}",
        description="One argument or deeper part, such as definition.actions of create_flow.",
        mime_type="application/schema+json",
    ),
]


RESOURCE_NOT_FOUND = -32002
"""The code of a resource that is not there, until 2025-11-25; from 2026-07-28 on it is that of invalid parameters."""


def read_schema(uri: str, engine: Engine, version: str) -> str:
    """The text of a schema resource. Raises MCPError, for the `version` of the protocol, that says what there is."""
    match = SCHEMA_URI.match(uri)
    if match is None:
        raise not_found(uri, version, "There is no resource of this URI; there is klaviyo://actions/NAME/schema.")
    name, path = unquote(match[1]), unquote(match[2] or "")
    try:
        spec = engine.find(name).spec
        return form_text(engine.registry.names.told_schema(form_at(spec, path)))
    except UnknownAction as error:
        raise not_found(uri, version, engine.registry.names.told(error.told)) from None
    except KeyError:
        known = ", ".join(engine.find(name).spec.properties)
        raise not_found(uri, version, f"{name} has no argument {one_line(path, 100)!r}. Arguments: {known}.") from None


def not_found(uri: str, version: str, message: str) -> MCPError:
    """What a resource that is not there is answered with, in a version of the protocol."""
    code = types.INVALID_PARAMS if version in MODERN_PROTOCOL_VERSIONS else RESOURCE_NOT_FOUND
    return MCPError(code=code, message=message, data={"uri": uri})

"""The forms of actions and of their parts as MCP resources, for those whose listed schema is cut short."""

import re
from urllib.parse import unquote

import mcp.types as types
from mcp.shared.exceptions import MCPError

from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.actions.errors import UnknownAction
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


def read_schema(uri: str, engine: Engine) -> str:
    """The text of a schema resource. Raises MCPError (resource not found) that says what there is."""
    match = SCHEMA_URI.match(uri)
    if match is None:
        raise MCPError(
            code=types.INVALID_PARAMS, message=f"There is no resource {uri}; there is klaviyo://actions/NAME/schema."
        )
    name, path = unquote(match[1]), unquote(match[2] or "")
    try:
        spec = engine.find(name).spec
        return form_text(engine.registry.names.told_schema(form_at(spec, path)))
    except UnknownAction as error:
        raise MCPError(code=types.INVALID_PARAMS, message=engine.registry.names.told(error.told)) from None
    except KeyError:
        known = ", ".join(engine.find(name).spec.properties)
        raise MCPError(
            code=types.INVALID_PARAMS, message=f"{name} has no argument {path!r}. Arguments: {known}."
        ) from None

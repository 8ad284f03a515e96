"""MCP resources: which actions there are and what each takes, the connected accounts, and the guides.

klaviyo://actions                        every action that is exposed, by toolset
klaviyo://actions/{name}                 one of them, as describe_action tells it
klaviyo://actions/{name}/schema[/{path}] the form of its arguments, or of a part, whose listed schema is cut short
klaviyo://account                        whose Klaviyo this is, and what may be done in it
klaviyo://guides/{topic}                 what no single action tells
ui://klaviyo/report                      the page that clients with MCP Apps show for the result of a report
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar
from urllib.parse import unquote

import mcp.types as types
from mcp.shared.exceptions import MCPError
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from klaviyo_mcp.accounts.account import Accounts
from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.actions.errors import UnknownAction
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.mcp_server.about_account import about_accounts
from klaviyo_mcp.mcp_server.about_actions import about_action, actions_by_toolset
from klaviyo_mcp.registry import app_page
from klaviyo_mcp.registry.guides import guides, told
from klaviyo_mcp.registry.registry import Action
from klaviyo_mcp.registry.schema_form import form_at, form_text
from klaviyo_mcp.runtime.exposure import Exposure

ACTIONS, ACCOUNT = "klaviyo://actions", "klaviyo://account"
MARKDOWN, SCHEMA = "text/markdown", "application/schema+json"
THERE_IS = (
    f"There is no resource of this URI. There are {ACTIONS}, {ACTIONS}/NAME, {ACTIONS}/NAME/schema, {ACCOUNT} and "
    "klaviyo://guides/TOPIC."
)
RESOURCE_NOT_FOUND = -32002
"""The code of a resource that is not there, until 2025-11-25; from 2026-07-28 on it is that of invalid parameters."""


def _for_agents(priority: float) -> types.Annotations:
    return types.Annotations(audience=["assistant"], priority=priority)


TEMPLATES = [
    types.ResourceTemplate(
        name="action",
        title="One action",
        uri_template=f"{ACTIONS}/{{name}}",
        description="What an action does and takes: arguments, rules, filters, scopes, examples.",
        mime_type=MARKDOWN,
        annotations=_for_agents(0.6),
    ),
    types.ResourceTemplate(
        name="action-schema",
        title="Full schema of an action",
        uri_template=f"{ACTIONS}/{{name}}/schema",
        description="The whole input schema of an action whose listed schema is cut short.",
        mime_type=SCHEMA,
        annotations=_for_agents(0.5),
    ),
    types.ResourceTemplate(
        name="action-schema-part",
        title="Full schema of a part of an action",
        uri_template=f"{ACTIONS}/{{name}}/schema/{{path}}",
        description="One argument or deeper part, such as definition.actions of create_flow.",
        mime_type=SCHEMA,
        annotations=_for_agents(0.5),
    ),
    types.ResourceTemplate(
        name="guide",
        title="A guide",
        uri_template="klaviyo://guides/{topic}",
        description="What no single action tells, in short: how to filter, who may be written to, worked definitions.",
        mime_type=MARKDOWN,
        annotations=_for_agents(0.7),
    ),
]
APP_META: JSON = {"ui": {"csp": {}, "prefersBorder": True}}
"""An app's page loads nothing from anywhere: a policy without any domain."""
REPORT_PAGE = types.Resource(
    name="report",
    title="The page of a report",
    uri=app_page.URI,
    description="Shows the result of a report beside the chat, where a client has room for such pages (MCP Apps).",
    mime_type=app_page.APP_MIME_TYPE,
    annotations=types.Annotations(audience=["user"], priority=0.1),
)


class NotThere(LookupError):
    """Nothing is at a URI; the message says what there is."""


@dataclass(frozen=True)
class Resources:
    """The resources of a server."""

    engine: Engine
    exposure: Exposure

    @cached_property
    def actions(self) -> str:
        """Every exposed action in a line."""
        return actions_by_toolset(self.engine.registry, self.exposure)

    @cached_property
    def listed(self) -> list[types.Resource]:
        """Those that have no hole in their URI."""
        return [
            types.Resource(
                name="account",
                title="Connected accounts",
                uri=ACCOUNT,
                description="Whose Klaviyo this is: name, time zone, currency, scopes, and what is not allowed.",
                mime_type=MARKDOWN,
                annotations=_for_agents(0.9),
            ),
            types.Resource(
                name="actions",
                title="All actions",
                uri=ACTIONS,
                description="Every action of this server by toolset: name, effect, what it does.",
                mime_type=MARKDOWN,
                size=len(self.actions.encode()),
                annotations=_for_agents(0.4),
            ),
            *(
                types.Resource(
                    name=f"guide-{guide.topic}",
                    title=guide.title,
                    uri=guide.uri,
                    description=guide.description,
                    mime_type=MARKDOWN,
                    size=len(told(guide.text, self.engine.registry.names).encode()),
                    annotations=_for_agents(0.7),
                )
                for guide in guides().values()
            ),
            *([REPORT_PAGE] if self._lists_reports else []),
        ]

    @property
    def _lists_reports(self) -> bool:
        actions = self.engine.registry.actions
        return any(action.spec.result.report and self.exposure.lists(action) for action in actions)

    async def read(self, uri: str, accounts: Accounts, version: str) -> types.ReadResourceResult:
        """What is at a URI. Raises MCPError, for the `version` of the protocol, that says what there is."""
        for form, mime_type, reader in self._READERS:
            if match := form.fullmatch(uri):
                try:
                    text = await reader(self, accounts, *(unquote(part or "") for part in match.groups()))
                except NotThere as error:
                    raise not_found(uri, version, str(error)) from None
                meta = APP_META if uri == app_page.URI else None
                content = types.TextResourceContents(uri=uri, mime_type=mime_type, text=text, _meta=meta)
                return types.ReadResourceResult(contents=[content])
        raise not_found(uri, version, THERE_IS)

    async def _actions(self, _accounts: Accounts) -> str:
        return self.actions

    async def _action(self, _accounts: Accounts, name: str) -> str:
        return about_action(self._found(name), self.engine.registry)

    async def _schema(self, _accounts: Accounts, name: str, path: str) -> str:
        spec = self._found(name).spec
        try:
            form = form_at(spec, path)
        except KeyError:
            known = ", ".join(spec.properties)
            raise NotThere(f"{name} has no argument {one_line(path, 100)!r}. Arguments: {known}.") from None
        return form_text(self.engine.registry.names.told_schema(form))

    async def _account(self, accounts: Accounts) -> str:
        return await about_accounts(self.engine, self.exposure, accounts)

    async def _guide(self, _accounts: Accounts, topic: str) -> str:
        if (guide := guides().get(topic)) is None:
            raise NotThere(f"There is no guide {one_line(topic, 100)!r}. There are: {', '.join(guides())}.")
        return told(guide.text, self.engine.registry.names)

    async def _report_page(self, _accounts: Accounts) -> str:
        from klaviyo_mcp.reports.page import app  # only clients with apps ask for it

        return app()

    def _found(self, name: str) -> Action:
        try:
            return self.engine.find(name)
        except UnknownAction as error:
            raise NotThere(self.engine.registry.names.told(error.told)) from None

    _READERS: ClassVar[tuple[tuple[re.Pattern[str], str, Callable[..., Awaitable[str]]], ...]] = (
        (re.compile(r"klaviyo://actions/?"), MARKDOWN, _actions),
        (re.compile(r"klaviyo://actions/([^/]+)/?"), MARKDOWN, _action),
        (re.compile(r"klaviyo://actions/([^/]+)/schema(?:/([^/]+))?"), SCHEMA, _schema),
        (re.compile(r"klaviyo://account/?"), MARKDOWN, _account),
        (re.compile(r"klaviyo://guides/([^/]*)/?"), MARKDOWN, _guide),
        (re.compile(re.escape(app_page.URI)), app_page.APP_MIME_TYPE, _report_page),
    )
    """What reads a URI, with the parts in parentheses, and the media type of what is there."""


def not_found(uri: str, version: str, message: str) -> MCPError:
    """What a resource that is not there is answered with, in a version of the protocol."""
    code = types.INVALID_PARAMS if version in MODERN_PROTOCOL_VERSIONS else RESOURCE_NOT_FOUND
    return MCPError(code=code, message=message, data={"uri": uri})

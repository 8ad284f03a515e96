"""Reports as clients show them: charts as pictures, and a page of their own where a client has room for one (MCP Apps).

The page at `ui://klaviyo/report` is fixed, loads nothing, and shows what comes in the `_meta` of a report's result.
`mcp.server.apps` of the SDK has the same, for its own high-level server alone.
"""

from base64 import b64encode
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from klaviyo_mcp.answers.shape import CHARTS_ASKED
from klaviyo_mcp.loose_json import JSON, items, mapping
from klaviyo_mcp.registry.app_page import APP_MIME_TYPE, EXTENSION
from klaviyo_mcp.runtime.answering import Response

if TYPE_CHECKING:
    import mcp.types as types
    from mcp.server import ServerRequestContext

PAGE = "klaviyo-mcp/report_html"
"""The key, in `_meta` of a result, of a report's page; it reaches the app and no model."""


@dataclass(frozen=True, slots=True)
class Views:
    """What a result has beside its text and data."""

    content: "list[types.ContentBlock]" = field(default_factory=list[Any])
    meta: JSON = field(default_factory=dict[str, Any])


async def with_views(
    context: "ServerRequestContext[Any]", tool: str, response: Response, *, is_report: bool
) -> tuple[Response, Views]:
    """The response, and what is drawn of it: the charts that were asked for, and the page where the client shows it."""
    asked = response.answer.data.get("charts") == CHARTS_ASKED
    paged = tool == response.action and shows_apps(context)
    if not is_report or response.is_error or not (asked or paged):
        return response, Views()
    import anyio  # with what draws, only once there is something to draw

    from klaviyo_mcp.reports.charts import ChartsMissing
    from klaviyo_mcp.reports.page import html, pictures

    data = response.answer.data
    meta = {PAGE: await anyio.to_thread.run_sync(html, response.action, data)} if paged else {}
    if not asked:
        return response, Views(meta=meta)
    try:
        drawn = await anyio.to_thread.run_sync(pictures, response.action, data)
        said = f"{len(drawn)} follow as pictures." if drawn else "There is too little to draw."
    except ChartsMissing as missing:
        drawn, said = [], f"Not drawn: {missing} The numbers are whole."
    answer = replace(response.answer, data={**data, "charts": said})
    response = replace(response, answer=answer, text=response.text.replace(CHARTS_ASKED, said))
    return response, Views(_blocks(drawn), meta)


def _blocks(drawn: list[tuple[str, bytes]]) -> "list[types.ContentBlock]":
    import mcp.types as types  # a server over stdio lists its tools before that is there

    blocks: list[types.ContentBlock] = []
    for words, picture in drawn:
        blocks.append(types.TextContent(text=words))
        blocks.append(types.ImageContent(data=b64encode(picture).decode(), mime_type="image/png"))
    return blocks


def shows_apps(context: "ServerRequestContext[Any]") -> bool:
    """Whether the client shows pages of this kind, as it says itself."""
    capabilities = context.session.client_capabilities
    told = mapping(mapping(capabilities.extensions if capabilities else None).get(EXTENSION))
    return APP_MIME_TYPE in items(told.get("mimeTypes"))

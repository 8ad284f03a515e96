"""Reports through real clients: numbers always, pictures where asked for, a page where the client shows one."""

from base64 import b64decode
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.extension import ClientExtension
from mcp.client.stdio import StdioServerParameters
from mcp.server import apps
from tests.end_to_end.conftest import SERVE

from klaviyo_mcp.mcp_server.report_views import PAGE
from klaviyo_mcp.registry.app_page import APP_MIME_TYPE, EXTENSION, URI
from klaviyo_mcp.reports.charts import can_draw


class ShowsApps(ClientExtension):
    """A client that has room for pages."""

    identifier = EXTENSION

    def settings(self) -> dict[str, Any]:
        return {"mimeTypes": [APP_MIME_TYPE]}


def connected(environment: dict[str, str], *flags: str, **how: Any) -> Client:
    words = [*SERVE[1 : SERVE.index("--expose")], *flags]
    return Client(StdioServerParameters(command=SERVE[0], args=words, env=environment), **how)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_with_apps_is_shown_the_report_itself(environment, mode) -> None:
    async with connected(environment, "--expose", "reporting", mode=mode, extensions=[ShowsApps()]) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools["segments_report"].meta == {"ui": {"resourceUri": URI}}
        assert URI in [str(one.uri) for one in (await client.list_resources()).resources]
        (page,) = (await client.read_resource(URI)).contents
        result = await client.call_tool("segments_report", {})
        other = await client.call_tool(
            "query_segment_values", {"statistics": ["total_members"], "timeframe": {"key": "last_7_days"}}
        )
    assert (page.mime_type, page.meta["ui"]["csp"]) == (APP_MIME_TYPE, {})
    assert "<script src" not in page.text
    assert "http" not in page.text, "the page of an app loads nothing"
    assert result.meta[PAGE].startswith("<!DOCTYPE html>")
    assert "Each segment" in result.meta[PAGE]
    assert result.structured_content["segments"]
    assert PAGE not in other.meta


async def test_pictures_come_with_numbers_where_they_are_asked_for(environment) -> None:
    async with connected(environment) as client:
        call = {"action": "segments_report", "arguments": {"charts": True}}
        result = await client.call_tool("run_read_action", call)
        plain = await client.call_tool("run_read_action", {"action": "segments_report", "arguments": {}})
        several = await client.call_tool("run_read_action", {"calls": [call]})
    kinds = [block.type for block in result.content]
    if can_draw():
        assert kinds == ["text", "text", "image"]
        assert b64decode(result.content[2].data).startswith(b"\x89PNG")
        assert result.structured_content["charts"] == "1 follow as pictures."
    else:
        assert kinds == ["text"]
        assert "klaviyo-mcp[reports]" in result.structured_content["charts"]
    assert result.structured_content["charts"] in result.content[0].text
    assert result.content[0].text.startswith("Report on segments, 2")
    assert [block.type for block in plain.content] == ["text"]
    assert PAGE not in plain.meta
    assert "called by itself" in several.content[0].text


def test_the_names_are_those_of_the_sdk() -> None:
    assert (EXTENSION, APP_MIME_TYPE) == (apps.EXTENSION_ID, apps.APP_MIME_TYPE)

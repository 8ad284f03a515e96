"""The page of MCP Apps in a frame of a host: it asks to begin, and shows the report that it is given."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright
from tests.reports.conftest import Made

from klaviyo_mcp.mcp_server.report_views import PAGE
from klaviyo_mcp.reports.page import app, html

HOST = """<!DOCTYPE html><title>Host</title><iframe sandbox="allow-scripts" width="700" height="500"></iframe><script>
window.seen = [];
const frame = document.querySelector("iframe");
window.addEventListener("message", ({ data }) => {
  window.seen.push(data.method);
  if (data.method === "ui/initialize") frame.contentWindow.postMessage({ jsonrpc: "2.0", id: data.id, result: {
    protocolVersion: data.params.protocolVersion, hostInfo: { name: "host", version: "1" }, hostCapabilities: {},
    hostContext: { theme: "dark" } } }, "*");
});
window.give = (params) => frame.contentWindow.postMessage(
  { jsonrpc: "2.0", method: "ui/notifications/tool-result", params }, "*");
</script>"""
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"


@pytest.fixture
def host(chromium: str, tmp_path: Path) -> Iterator[Page]:
    """A host with the app in a frame, under the policy that hosts give to apps without domains of their own."""
    page = tmp_path / "host.html"
    page.write_text(HOST, "utf-8")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page()
        tab.goto(page.as_uri())
        source = app().replace("<head>", f"<head>{policy}")
        tab.evaluate("(source) => { document.querySelector('iframe').srcdoc = source; }", source)
        tab.wait_for_function("window.seen.includes('ui/notifications/initialized')")
        yield tab
        browser.close()


def test_an_app_shows_the_report_that_its_host_hands_over(host: Page, made: Made) -> None:
    frame = host.frame_locator("iframe")
    assert "appears here" in frame.get_by_role("status").inner_text()
    data = made["segments_report"][0]
    data = {**data, "segments": [{**one, "name": "<img src=x onerror=alert(1)>"} for one in data["segments"]]}
    page = html("segments_report", data, "Juniper & Pine")
    host.evaluate("(params) => window.give(params)", {"content": [], "_meta": {PAGE: page}})
    assert frame.get_by_role("heading", level=1).inner_text() == "Segments"
    assert frame.locator("main img, main script").count() == 0
    assert frame.locator("html").get_attribute("data-theme") == "dark"
    host.wait_for_function("window.seen.includes('ui/notifications/size-changed')")
    refused = {"isError": True, "content": [{"type": "text", "text": "<b>Not</b> allowed"}]}
    host.evaluate("(params) => window.give(params)", refused)
    assert frame.locator("main").inner_text() == "<b>Not</b> allowed"

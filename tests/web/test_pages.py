"""The pages that people see in a browser: escaped, guarded, and paid for by those who see one."""

import json
import subprocess
import sys

import httpx2
import pytest

from klaviyo_mcp.web.callback import ConnectOutcome, ConsentAnswer, callback_app


async def visit(query: str, base: str = "http://127.0.0.1:1234") -> httpx2.Response:
    """The callback page after a visit to it; the code is exchanged without a hitch."""

    async def finish(code: str) -> ConnectOutcome:
        return ConnectOutcome(True, f"Connected: <b>Ann & Sons</b> with {code}", "It may read lists.")

    app = callback_app(ConsentAnswer("the-state", finish))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=base) as client:
        return await client.get(f"/callback?{query}")


async def test_the_page_tells_how_it_ended_and_escapes_what_it_was_told() -> None:
    worked = await visit("state=the-state&code=<i>")
    assert worked.status_code == 200
    assert "<h1>Connected: &lt;b&gt;Ann &amp; Sons&lt;/b&gt; with &lt;i&gt;</h1>" in worked.text
    wrong = await visit("state=the-state&error=server_error&error_description=<script>1</script>")
    assert wrong.status_code == 400
    assert "<p>Klaviyo answered: &lt;script&gt;1&lt;/script&gt;</p>" in wrong.text
    assert "then connect again" in wrong.text


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:1234", "127.0.0.1.evil.example"])
async def test_another_host_is_not_answered_even_with_the_right_state(host: str) -> None:
    page = await visit("state=the-state&code=1", f"http://{host}")
    assert page.status_code == 421
    assert "Connected" not in page.text


@pytest.mark.parametrize("host", ["127.0.0.1:1234", "localhost", "[::1]:1234"])
async def test_every_name_of_this_machine_is_answered(host: str) -> None:
    assert (await visit("state=the-state&code=1", f"http://{host}")).status_code == 200


@pytest.mark.parametrize("query", ["state=the-state&code=1", "state=another&code=1"])
async def test_a_page_loads_and_runs_nothing_and_is_not_kept(query: str) -> None:
    page = await visit(query)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'none'" in policy
    assert "unsafe" not in policy
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert page.text.count("<style") == page.text.count(f'<style nonce="{nonce}"') == 1
    assert nonce not in (await visit(query)).headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_a_server_does_not_load_what_fills_pages() -> None:
    modules = "klaviyo_mcp.cli.main, klaviyo_mcp.mcp_server.server, klaviyo_mcp.web.callback, klaviyo_sandbox"
    loaded = f"import json, sys, {modules}\nprint(json.dumps([name for name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, timeout=60, check=True)
    assert "jinja2" not in json.loads(done.stdout)

"""Settings that contradict a hosted service, a secret that is replaced, and a service that is told to stop."""

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.hosted.driving import Browser, client, connected_for_seconds, latest, logged, new_app
from tests.hosted.processes import OWN_SECRET, Instance, environment, free_port, one_instance, register_app
from tests.warm import PROGRAM

SERVE = [*PROGRAM, "serve", "--transport", "http", "--port", "0"]
NEW_SECRET = "sEcReT-that-is-newer-0123456789abcdefgh"
GOOD = {
    "KLAVIYO_MCP_PUBLIC_URL": "https://mcp.example.org",
    "KLAVIYO_CLIENT_ID": "app",
    "KLAVIYO_CLIENT_SECRET": "the-apps-secret",
    "KLAVIYO_MCP_SECRET": OWN_SECRET,
}
KEY = "A" * 43 + "="


def refused(flags: list[str], **settings: str) -> list[str]:
    """What a start with these settings says before it ends, without anything that listens."""
    given = {name: value for name, value in {**GOOD, **settings}.items() if value}
    done = subprocess.run(
        [*SERVE, *flags], env={**os.environ, **given}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "listening" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not any(value in done.stderr for value in (OWN_SECRET, "the-apps-secret", "pk_live", "a-token"))
    return done.stderr.splitlines()


CONTRADICTIONS: dict[str, tuple[list[str], dict[str, str], list[str]]] = {
    "everything at once": (
        ["--account", "shop"],
        {
            "KLAVIYO_MCP_PUBLIC_URL": "http://mcp.example.org",
            "KLAVIYO_CLIENT_SECRET": "",
            "KLAVIYO_MCP_SECRET": "",
            "KLAVIYO_MCP_VAULT_URL": "redis://127.0.0.1:1/0",
            "KLAVIYO_API_KEY": "pk_live",
            "KLAVIYO_COMPANY_ID": "ABC123",
            "KLAVIYO_MCP_HTTP_TOKEN": "a-token-that-is-long-enough-to-be-taken",
            "KLAVIYO_MCP_FILES": "/tmp",
        },
        ["https", "KLAVIYO_CLIENT_SECRET", "KLAVIYO_MCP_SECRET", "KLAVIYO_MCP_VAULT_KEY", "KLAVIYO_API_KEY",
         "KLAVIYO_COMPANY_ID", "KLAVIYO_MCP_HTTP_TOKEN", "KLAVIYO_MCP_FILES", "--account"],
    ),
    "jobs without a key": ([], {"KLAVIYO_MCP_JOBS_URL": "postgresql://db/jobs"}, ["VAULT_KEY", "KLAVIYO_MCP_JOBS_URL"]),
    "a sandbox": (["--sandbox"], {}, ["--sandbox", "--hosted-demo"]),
    "a short secret": ([], {"KLAVIYO_MCP_SECRET": f"{OWN_SECRET},short"}, ["KLAVIYO_MCP_SECRET", "32"]),
    "a path": ([], {"KLAVIYO_MCP_PUBLIC_URL": "https://mcp.example.org/mcp"}, ["KLAVIYO_MCP_PUBLIC_URL", "path"]),
    "capitals": ([], {"KLAVIYO_MCP_PUBLIC_URL": "https://MCP.example.org"}, ["KLAVIYO_MCP_PUBLIC_URL", "lower-case"]),
    "a life": ([], {"KLAVIYO_MCP_ACCESS_LIFE": "5"}, ["KLAVIYO_MCP_ACCESS_LIFE"]),
    "an unknown one": ([], {"KLAVIYO_MCP_PUBLIC_URI": "x"}, ["KLAVIYO_MCP_PUBLIC_URI", "KLAVIYO_MCP_PUBLIC_URL"]),
    "a scope": ([], {"KLAVIYO_MCP_SCOPES_LEFT_OUT": "webhook:read"}, ["SCOPES_LEFT_OUT", "'webhooks:read'"]),
    "a client": ([], {"KLAVIYO_MCP_CLIENTS": '[{"client_id": "a", "client_secret": "the-apps-secret"}]'},
                 ["KLAVIYO_MCP_CLIENTS", "redirect_uris"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_what_contradicts_a_service_is_told_in_one_message(name: str) -> None:
    flags, given, told = CONTRADICTIONS[name]
    lines = refused(flags, **given)
    text = "\n".join(lines)
    assert not [word for word in told if word not in text], text
    if name == "everything at once":
        assert len(lines) == 1 + len(told), "one line for each"


def test_a_secret_is_replaced_and_nobody_is_logged_out(klaviyo: Any, tmp_path: Path) -> None:
    """NEW,OLD first; once everything was renewed or has run out, NEW alone."""
    klaviyo.begin()
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    register_app(klaviyo, issuer)

    def started(secret: str) -> Instance:
        return Instance(environment(klaviyo, issuer, tmp_path / "home", KLAVIYO_MCP_SECRET=secret), port).start()

    instance = started(OWN_SECRET)
    try:
        app, browser = new_app(issuer).connected(), Browser(issuer)
        browser.connect()
        waiting = browser.authorize(app.query())
        instance.stop()
        instance = started(f"{NEW_SECRET},{OWN_SECRET}")
        assert app.company() == "DEMO01"
        assert browser.http.get("/manage").status_code == 200, "a session goes on"
        assert browser.consent(waiting).status_code == 303, "and so does a page that was open"
        app.tokens = app.refresh().json()
        other = new_app(issuer).connected()
        instance.stop()
        instance = started(NEW_SECRET)
        assert other.company() == "DEMO01", "what was made since needs the new one alone"
        assert other.refresh().status_code == 200
        old = app.mcp("tools/list")
        assert old.status_code in (200, 503), "what only the old one opens is trouble, and no lost connection"
    finally:
        instance.stop()


def test_told_to_stop_it_says_so_goes_on_for_a_while_and_answers_what_is_under_way(
    klaviyo: Any, tmp_path: Path
) -> None:
    klaviyo.begin()
    with one_instance(klaviyo, tmp_path / "home", KLAVIYO_MCP_DRAIN="3") as (url, instance):
        app = connected_for_seconds(new_app(url), klaviyo)
        with client(base_url=url) as http:
            assert http.get("/readyz").json() == {"status": "ready"}
            klaviyo.fail({"operation": "create_list", "fault": "latency", "seconds": 5, "count": 1})
            before = latest(klaviyo)
            write = {"name": "run_write_action", "arguments": {"action": "create_list", "arguments": {"name": "last"}}}
            with ThreadPoolExecutor(1) as pool:
                call = pool.submit(app.mcp, "tools/call", write)
                while klaviyo.seen("*") < 2:
                    time.sleep(0.02)
                instance.signal(signal.SIGTERM)
                told = time.monotonic()
                time.sleep(0.3)
                stopping = http.get("/readyz")
                assert (stopping.status_code, stopping.json()) == (503, {"status": "stopping"})
                assert http.get("/healthz").status_code == 200
                assert app.company() == "DEMO01", "still serving"
                answer = call.result(30)
            assert answer.status_code == 200
            assert answer.json()["result"]["structuredContent"]["record"]["name"] == "last"
        instance.wait()
        assert time.monotonic() - told > 3
        with pytest.raises(httpx2.TransportError):
            app.mcp("tools/list")
        assert [one["status"] for one in logged(klaviyo, before) if one["operation"] == "create_list"] == [201]
        lines = [line for line in instance.said if line.startswith("{")]
        assert all(json.loads(line) for line in lines)

"""What Prometheus is shown of the hosted service, at a port of its own, and what it is never shown."""

import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from tests.oauth_requests import authorization
from tests.warm import PROGRAM

REDIRECT = "http://127.0.0.1:7777/callback"


class Serving:
    """A hosted service in a process of its own. `page` is what Prometheus reads."""

    def __init__(self, url: str, metrics: str) -> None:
        self.url = url
        self._metrics = metrics
        self.http = httpx2.Client(base_url=url, headers={"User-Agent": "Claude-User/1.0"}, timeout=60)

    def page(self) -> str:
        answer = httpx2.get(self._metrics)
        assert answer.headers["Content-Type"].startswith("text/plain")
        return answer.text

    def value(self, name: str, **labels: str) -> float:
        """The sum of what has these labels; a histogram's count is its name with _count."""
        lines = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", self.page(), re.MULTILINE)
        return sum(
            float(value)
            for given, value in lines
            if all(f'{label}="{text}"' in given for label, text in labels.items())
        )

    def connected(self, klaviyo: Any) -> tuple[str, str]:
        """The client id and the access token of a client after a whole authorization."""
        klaviyo.control("oauth", auto_approve=True, company_id="DEMO01")
        client_id = self.http.post("/register", json={"redirect_uris": [REDIRECT]}).json()["client_id"]
        verifier = secrets.token_urlsafe(48)
        asked = authorization(verifier, client_id=client_id, redirect_uri=REDIRECT)
        shown = self.http.get(self.http.get("/authorize", params=asked).headers["Location"])
        hidden = dict(re.findall(r'name="(t|csrf)" value="([^"]+)"', shown.text))
        given = self.http.post("/consent", data={**hidden, "level": "klaviyo:read", "decision": "allow"})
        back = self.http.get(klaviyo.consented(given.headers["Location"])).headers["Location"]
        form = {"grant_type": "authorization_code", "client_id": client_id, "redirect_uri": REDIRECT}
        form |= {"code": parse_qs(urlsplit(back).query)["code"][0], "code_verifier": verifier}
        return client_id, self.http.post("/token", data=form).json()["access_token"]

    def call(self, token: str) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
        params = {"name": "get_lists", "arguments": {}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        return self.http.post("/mcp", headers=headers, json=body).json()["result"]


@pytest.fixture
def serving(klaviyo: Any, tmp_path: Path) -> Iterator[Serving]:
    klaviyo.begin()
    port, metrics = free_port(), free_port()
    url = f"http://localhost:{port}"
    addresses = [klaviyo.redirect_uri, f"{url}/oauth/klaviyo/callback"]
    klaviyo.control(
        "oauth/apps", client_id=klaviyo.client_id, client_secret=klaviyo.client_secret, redirect_uris=addresses
    )
    with started(klaviyo, tmp_path, port, KLAVIYO_MCP_METRICS_PORT=str(metrics)) as process:
        wait_until_ready(url)
        serving = Serving(url, f"http://127.0.0.1:{metrics}/metrics")
        with serving.http:
            yield serving
        process.terminate()


def test_prometheus_is_shown_steps_calls_refusals_and_grants_and_never_whose(serving: Serving, klaviyo: Any) -> None:
    klaviyo.control("oauth", access_token_seconds=1)
    client_id, token = serving.connected(klaviyo)
    time.sleep(1.1)
    klaviyo.control("oauth", access_token_seconds=3600)
    assert not serving.call(token).get("isError")
    for _ in range(80):
        last = serving.http.post("/register", content=b"nothing")
    assert last.status_code == 429
    assert serving.http.get("/nowhere-at-all").status_code == 404
    value = serving.value
    assert value("klaviyo_mcp_oauth_events_total", step="token", outcome="done", client_family="claude") == 1
    assert value("klaviyo_mcp_oauth_events_total", step="register", outcome="too_often") >= 1
    assert value("klaviyo_mcp_rate_limited_total", route="register") >= 1
    assert value("klaviyo_mcp_grants") == 1
    assert value("klaviyo_mcp_upstream_refresh_total", outcome="ok") == 1
    assert value("klaviyo_mcp_calls_total", gen_ai_tool_name="get_lists", klaviyo_mcp_outcome="ok") == 1
    took = "http_server_request_duration_seconds_count"
    assert value(took, http_route="/mcp", http_response_status_code="200") == 1
    assert value(took, http_route="/register", http_response_status_code="429") >= 1
    page = serving.page()
    for word in ("nowhere", client_id, token, "DEMO01", "the state", "127.0.0.1:7777", "sEcReT"):
        assert word not in page
    assert serving.http.get("/metrics").status_code == 404


def test_a_port_that_is_taken_is_told_by_its_setting(klaviyo: Any, tmp_path: Path) -> None:
    klaviyo.begin()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with started(klaviyo, tmp_path, free_port(), KLAVIYO_MCP_METRICS_PORT=port) as process:
            _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert f"KLAVIYO_MCP_METRICS_PORT: 127.0.0.1 port {port} cannot be had" in said.replace("\n", " ")
    assert "Traceback" not in said


def test_nothing_is_loaded_for_measurements_that_nobody_asks_for() -> None:
    program = (
        "import sys, klaviyo_mcp.hosted.serving, klaviyo_mcp.hosted.measuring as measuring\n"
        "measuring.oauth_event('token', 'done', 'claude'); measuring.limited('mcp'); measuring.watch_grants(int)\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'prometheus_client'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def started(klaviyo: Any, home: Path, port: int, **more: str) -> subprocess.Popen[str]:
    environment = klaviyo.environment(home) | {
        "KLAVIYO_MCP_PUBLIC_URL": f"http://localhost:{port}",
        "KLAVIYO_MCP_SECRET": "sEcReT-of-the-service-0123456789abcdef",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "KLAVIYO_MCP_DRAIN": "0",
        **more,
    }
    command = [*PROGRAM, "serve", "--transport", "http", "--port", str(port)]
    return subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True)


def wait_until_ready(url: str) -> None:
    for _ in range(600):
        try:
            if httpx2.get(f"{url}/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the service did not start")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]

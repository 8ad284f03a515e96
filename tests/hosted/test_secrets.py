"""What gets out of a service, and what happens when Klaviyo ends an installation. Klaviyo's every token holds MARK."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from tests.conftest import MARK
from tests.hosted.driving import App, Browser, client, connected_for_seconds, logged, new_app
from tests.hosted.processes import OWN_SECRET, Instance, one_instance
from tests.telemetry import Collector

from klaviyo_mcp.accounts.vault import open_vault


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    taking = Collector()
    with taking.running():
        yield taking


@pytest.fixture(scope="module")
def service(klaviyo: Any, home: Path, collector: Collector) -> Iterator[tuple[str, Instance]]:
    klaviyo.begin()
    with one_instance(klaviyo, home, **collector.environment) as started:
        yield started


class Watched:
    """Everything that a client and a browser were answered by the service, and the secrets that were in it for them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[str] = []
        self.secrets: set[str] = set()

    def watch(self, http: httpx2.Client) -> None:
        http.event_hooks = {"response": [self._keep]}

    def _keep(self, answer: httpx2.Response) -> None:
        answer.read()
        if str(answer.request.url).startswith(self.url):
            self.answers.append(f"{answer.status_code} {dict(answer.headers)} {answer.text}")
            self.secrets |= set(re.findall(r"km[arc]_[\w-]{20,}", self.answers[-1]))
            self.secrets |= {
                cookie.partition("=")[2].partition(";")[0] for cookie in answer.headers.get_list("set-cookie")
            }
            self.secrets |= set(re.findall(r'name="(?:t|csrf)" value="([^"]+)"', answer.text))
            self.secrets |= set(re.findall(r"[?&]state=([\w-]{20,})", answer.headers.get("location", "")))


def test_a35_no_token_gets_out_in_whatever_way(
    app: App, browser: Browser, klaviyo: Any, service: tuple[str, Instance], collector: Collector
) -> None:
    watched = Watched(app.url)
    watched.watch(app.http)
    watched.watch(browser.http)
    connected_for_seconds(app, klaviyo, browser=browser)
    assert app.company() == "DEMO01", "with a token of Klaviyo's that was renewed for it"
    app.ask("get_list", id="nothing")
    app.call("run_write_action", action="create_list", arguments={"name": "A35"})
    assert app.exchange("kmc_" + "A" * 49).status_code == 400
    browser.connect()
    assert browser.http.get("/manage").status_code == 200
    klaviyo.fail({"operation": "oauth_token", "fault": "html", "status": 502, "count": 3})
    to_klaviyo = browser.consent(browser.authorize(app.query()))
    assert browser.http.get(browser.at_klaviyo(to_klaviyo.headers["Location"])).status_code == 303
    klaviyo.fail({"operation": "get_lists", "fault": "html", "status": 403, "count": 1})
    app.ask("get_lists")
    klaviyo.fail()
    app.tokens = app.refresh().json()
    app.mcp("tools/list", Authorization=f"Bearer {app.tokens['access_token']}x")
    assert app.post("/revoke", {"token": app.tokens["refresh_token"]}).status_code == 200

    assert len(watched.answers) > 15
    assert not [answer for answer in watched.answers if MARK in answer], "Klaviyo's, or the service's own secret"
    said = "".join(service[1].said)
    assert said.count('"oauth"') + said.count("oauth") > 5, "steps of OAuth are logged"
    exported = b"".join(body for _, body in collector.bodies).decode("latin-1")
    assert exported
    secrets = {secret for secret in watched.secrets if len(secret) > 15} | {app.verifier, "the state"}
    assert len(secrets) > 10
    for place in (said, exported, str(logged(klaviyo))):
        assert MARK not in place
        assert not [secret for secret in secrets if secret in place]


async def _revoke(klaviyo: Any, home: Path, grant_ids: list[str] | None = None) -> list[str]:
    """Uninstall the app at Klaviyo, as far as these connections are concerned. Returns their ids."""
    vault = open_vault(home)
    try:
        names = grant_ids if grant_ids is not None else await vault.names()
        for name in names:
            connection = await vault.read(name)
            assert connection is not None
            assert connection.grant is not None
            form = {"token": connection.grant.refresh_token.reveal(), "token_type_hint": "refresh_token"}
            async with httpx2.AsyncClient(auth=(klaviyo.client_id, klaviyo.client_secret)) as http:
                assert (await http.post(f"{klaviyo.url}/oauth/revoke", data=form)).status_code == 200
        return names
    finally:
        await vault.close()


def uninstall(klaviyo: Any, home: Path, grant_ids: list[str] | None = None) -> list[str]:
    return anyio.run(_revoke, klaviyo, home, grant_ids)


def names(home: Path) -> set[str]:
    async def read() -> set[str]:
        vault = open_vault(home)
        try:
            return set(await vault.names())
        finally:
            await vault.close()

    return anyio.run(read)


class TestUninstalled:
    """A37, decision 10."""

    def test_a37_the_call_says_reconnect_and_everything_after_it_is_refused(
        self, url: str, klaviyo: Any, home: Path
    ) -> None:
        app = connected_for_seconds(new_app(url), klaviyo, company="OTHER1")
        uninstall(klaviyo, home)
        told = app.ask("get_lists")["error"]
        assert told["code"] == "reconnect_needed"
        assert f"{url}/manage" in told["next_step"]
        assert "klaviyo-mcp" not in f"{told['message']} {told['next_step']}", "nobody there has a command line"
        answer = app.mcp("tools/list")
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        assert app.refresh().json()["error"] == "invalid_grant"
        assert app.connected("OTHER1").company() == "OTHER1", "and connecting again mends it"

    def test_a37_another_connection_of_the_company_steps_in(self, url: str, klaviyo: Any, home: Path) -> None:
        before = names(home)
        app = connected_for_seconds(new_app(url), klaviyo)
        mine = names(home) - before
        assert len(mine) == 1
        sibling = new_app(url).connected()
        uninstall(klaviyo, home, list(mine))
        first = app.ask("get_lists")
        if "error" in first:
            assert first["error"]["next_step"] == "Call again.", first
        assert app.company() == "DEMO01"
        assert app.refresh().status_code == 200
        assert sibling.company() == "DEMO01"

    def test_a37_the_page_says_which_client_has_to_connect_again(self, url: str, klaviyo: Any, home: Path) -> None:
        before = names(home)
        app = connected_for_seconds(new_app(url, client_name="Ended"), klaviyo, company="OTHER1", level="klaviyo:full")
        mine = names(home) - before
        browser = Browser(url)
        browser.connect("OTHER1", level="klaviyo:read")  # too little to stand in for it
        others = [name for name in names(home) - mine if name not in before]
        assert others
        uninstall(klaviyo, home, list(mine))
        assert "error" in app.ask("get_lists") or app.company() == "OTHER1"
        page = browser.http.get("/manage")
        assert page.status_code == 200
        assert "Ended" in page.text


def test_the_services_own_secret_is_nowhere(service: tuple[str, Instance], home: Path) -> None:
    said = "".join(service[1].said)
    assert OWN_SECRET not in said
    for file in home.rglob("*"):
        assert not file.is_file() or OWN_SECRET.encode() not in file.read_bytes()
    with client() as http:
        assert OWN_SECRET not in http.get(f"{service[0]}/healthz").text

"""The whole flow as a person sees it: a terminal, and Chromium on the consent page and on ours."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright
from tests.warm import PROGRAM

CONNECTED = re.compile("^Connected:")


@pytest.fixture(scope="module")
def browser(chromium) -> Iterator[Any]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def page(browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


class Terminal:
    """`klaviyo-mcp connect` under way: `url` is what it printed; `end` waits for it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.shown: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            self.shown.append(line)
            if line.startswith("Waiting"):
                break
        self.url = next(line.strip() for line in self.shown if line.startswith("http"))

    def end(self) -> tuple[int, str]:
        out, err = self.process.communicate(timeout=30)
        text = "".join(self.shown) + out + err
        assert "sEcReT" not in text
        return self.process.returncode, text


@pytest.fixture
def connecting(klaviyo, tmp_path):
    klaviyo.begin()

    @contextmanager
    def start(*flags: str) -> Iterator[Terminal]:
        words = [*PROGRAM, "connect", "--port", str(klaviyo.port), *flags]
        environment = {**os.environ, **klaviyo.environment(tmp_path / "home")}
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
            environment.pop(name, None)
        pipe = subprocess.PIPE
        with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
            try:
                yield Terminal(process)
            finally:
                process.kill()

    return start


def test_consent_connects_the_company_that_was_chosen(connecting, page, command, klaviyo, tmp_path) -> None:
    with connecting("--scopes", "lists") as terminal:
        page.goto(terminal.url)
        assert page.get_by_text("lists:write").is_visible()
        page.get_by_label("Lumen Coffee").check()
        page.get_by_role("button", name="Allow").click()
        page.wait_for_url(f"{klaviyo.redirect_uri}**")
        assert page.get_by_role("heading").inner_text() == "Connected: Lumen Coffee (OTHER1)"
        assert "read and change lists" in page.content()
        assert "sEcReT" not in page.content()
        code, text = terminal.end()
    assert code == 0, text
    assert "is connected as 'lumen-coffee'" in text
    assert command("call", "get_lists", **klaviyo.environment(tmp_path / "home")).returncode == 0


def test_denial_is_told_in_the_browser_and_in_the_terminal(connecting, page) -> None:
    with connecting() as terminal:
        page.goto(terminal.url)
        page.get_by_role("button", name="Deny").click()
        assert page.get_by_role("heading").inner_text() == "Access was not given"
        code, text = terminal.end()
    assert code == 1
    assert "You chose not to give klaviyo-mcp access. Nothing was connected." in text


def test_another_state_is_turned_away_and_the_right_answer_still_counts(connecting, page, klaviyo) -> None:
    with connecting() as terminal:
        consent = terminal.url  # once it is printed, the answer is listened for
        page.goto(f"{klaviyo.redirect_uri}?code=abc&state=someone-elses")
        assert "does not belong to the sign-in" in page.get_by_role("heading").inner_text()
        page.goto(f"{klaviyo.redirect_uri}?code=abc")
        assert "does not belong to the sign-in" in page.get_by_role("heading").inner_text()
        page.goto(consent)
        page.get_by_role("button", name="Allow").click()
        page.get_by_role("heading", name=CONNECTED).wait_for()
        assert terminal.end()[0] == 0


def test_a_code_that_expired_on_the_way_is_told(connecting, page, klaviyo) -> None:
    with connecting() as terminal:
        klaviyo.control("oauth", auto_approve=True)
        answer = klaviyo.consented(terminal.url)
        klaviyo.control("clock", advance=120)
        page.goto(answer)
        assert page.get_by_role("heading").inner_text() == "The sign-in took too long"
        code, text = terminal.end()
    assert code == 1
    assert "Run klaviyo-mcp connect again." in text


def test_a_callback_that_is_replayed_changes_nothing(connecting, browser, page, klaviyo) -> None:
    klaviyo.fail({"operation": "oauth_token", "fault": "latency", "seconds": 1.5})
    with connecting() as terminal:
        page.goto(terminal.url)
        other = browser.new_context().new_page()
        again: list[str] = []

        def replay(request: Any) -> None:
            if request.url.startswith(klaviyo.redirect_uri):
                again.append(request.url)

        page.on("request", replay)
        page.get_by_role("button", name="Allow").click(no_wait_after=True)
        while not again:
            page.wait_for_timeout(20)
        page.wait_for_timeout(200)
        other.goto(again[0])
        assert other.get_by_role("heading").inner_text() == "This answer was used before"
        page.wait_for_load_state()
        page.get_by_role("heading", name=CONNECTED).wait_for()
        assert terminal.end()[0] == 0
    assert klaviyo.seen("oauth_token") == 1, "the code was exchanged once"


def test_two_tabs_of_one_sign_in_connect_once(connecting, browser, page, klaviyo, command, tmp_path) -> None:
    with connecting() as terminal:
        other = browser.new_context().new_page()
        for tab in (page, other):
            tab.goto(terminal.url)
        page.get_by_role("button", name="Allow").click()
        page.get_by_role("heading", name=CONNECTED).wait_for()
        assert terminal.end()[0] == 0
        other.get_by_role("button", name="Allow").click(no_wait_after=True)
        other.wait_for_timeout(500)
    assert klaviyo.seen("oauth_token") == 1
    listed = command("accounts", "--json", **klaviyo.environment(tmp_path / "home")).stdout
    assert [row["name"] for row in json.loads(listed)] == ["juniper-pine"]


def test_a_tab_of_an_earlier_sign_in_is_turned_away(connecting, browser, page) -> None:
    with connecting() as earlier:
        old = browser.new_context().new_page()
        old.goto(earlier.url)
    with connecting() as terminal:
        old.get_by_role("button", name="Allow").click()
        assert "does not belong to the sign-in" in old.get_by_role("heading").inner_text()
        page.goto(terminal.url)
        page.get_by_role("button", name="Allow").click()
        page.get_by_role("heading", name=CONNECTED).wait_for()
        assert terminal.end()[0] == 0


def test_a_port_that_is_taken_is_told(connecting, command, klaviyo, tmp_path) -> None:
    with connecting():
        second = command("connect", "--port", str(klaviyo.port), **klaviyo.environment(tmp_path / "second"))
    assert second.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{klaviyo.port}" in second.stderr

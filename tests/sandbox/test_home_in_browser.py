"""The page at `/`, as a person sees it in Chromium.

A file of its own: as long as Playwright runs, its event loop does too, and no other can be run beside it.
"""

import os
from pathlib import Path

import httpx2
import pytest

from klaviyo_sandbox import API_KEY, create_app
from klaviyo_sandbox.testing import serve

CHROMIUM = Path("/usr/bin/chromium")
SWITCHES = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
HEADERS = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-07-15"}


@pytest.fixture(scope="module")
def browser():
    """Chromium. Where there is none the tests are skipped, but not in CI."""
    if os.environ.get("CI"):
        assert CHROMIUM.exists(), f"CI must have {CHROMIUM} (Debian's package chromium)"
    elif not CHROMIUM.exists():
        pytest.skip(f"needs {CHROMIUM} (Debian's package chromium)")
    else:
        pytest.importorskip("playwright", reason="needs the Python package playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=SWITCHES)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def served():
    with serve(create_app(profiles=120)) as url:
        yield url


@pytest.fixture
def tab(browser):
    """A tab of a browser of its own, in which nothing may go wrong."""
    context = browser.new_context(viewport={"width": 1100, "height": 1250})
    tab = context.new_page()
    complaints = []
    tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield tab
    context.close()
    assert complaints == []


def test_requests_appear_as_they_come_in_and_as_text(served, tab):
    tab.goto(served)
    tab.get_by_text("live", exact=True).wait_for()
    httpx2.get(f"{served}/api/lists", headers=HEADERS)
    httpx2.get(f"{served}/api/<img src=x onerror=alert(1)>", headers=HEADERS)
    tab.get_by_role("cell", name="/api/lists").wait_for()
    tab.get_by_role("cell", name="<img src=x").wait_for()
    assert tab.locator("tbody img").count() == 0
    if folder := os.environ.get("SCREENSHOTS"):
        tab.screenshot(path=str(Path(folder) / "home.png"), full_page=True)


def test_the_numbers_follow_the_shop(served, tab):
    tab.goto(served)
    place = tab.locator('[data-count="DEMO01:profiles"]')
    assert place.inner_text() == "120"
    body = {"data": {"type": "profile", "attributes": {"email": "new@example.org"}}}
    httpx2.post(f"{served}/api/profiles", json=body, headers=HEADERS)
    tab.locator('[data-count="DEMO01:profiles"]:text-is("121")').wait_for()


def test_a_line_can_be_copied(served, tab):
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto(served)
    tab.get_by_role("button", name="Copy").first.click()
    tab.get_by_role("button", name="Copied").wait_for()
    assert tab.evaluate("navigator.clipboard.readText()").startswith(f"export KLAVIYO_BASE_URL={served} ")


@pytest.mark.parametrize("width", [360, 1100])
def test_nothing_is_wider_than_the_window(served, tab, width):
    tab.set_viewport_size({"width": width, "height": 800})
    tab.goto(served)
    tab.get_by_text("live", exact=True).wait_for()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_consent_is_given_with_a_button(served, tab):
    """The policy of the consent page must let its form lead back to the app."""
    visits = []
    tab.route("http://127.0.0.1:8971/**", lambda route: (visits.append(route.request.url), route.fulfill(body="back")))
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    tab.goto(
        f"{served}/oauth/authorize?response_type=code&client_id=sandbox-client&state=s&scope=lists:read"
        f"&redirect_uri=http://127.0.0.1:8971/callback&code_challenge={challenge}&code_challenge_method=S256"
    )
    if folder := os.environ.get("SCREENSHOTS"):
        tab.screenshot(path=str(Path(folder) / "consent.png"))
    tab.get_by_label("Lumen Coffee").check()
    tab.get_by_role("button", name="Allow").click()
    tab.wait_for_url("http://127.0.0.1:8971/**")
    assert "code=" in visits[0]
    assert "state=s" in visits[0]

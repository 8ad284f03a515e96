"""The pages of the hosted service in Chromium, with the demo behind them: what people see, click and are kept from."""

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from tests.catalogue import REGISTRY
from tests.hosted.browsing import Client, Demo, Program, answer_of, calls, demo, listening

from klaviyo_mcp.authorization.levels import Levels
from klaviyo_mcp.authorization.replies import Choice, ConnectedClient, ConsentPage, ErrorPage, Session
from klaviyo_mcp.hosted.company_files import NotTaken
from klaviyo_mcp.hosted.export_routes import DONE as REMOVED
from klaviyo_mcp.hosted.levels import described
from klaviyo_mcp.hosted.pages import page as rendered
from klaviyo_mcp.hosted.site_routes import DONE
from klaviyo_mcp.hosted.snippets import snippets
from klaviyo_mcp.hosted.upload_routes import DONE as KEPT
from klaviyo_mcp.jobs.outputs import Output
from klaviyo_mcp.jobs.store import Job
from klaviyo_mcp.jobs.uploads import Upload

SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--host-resolver-rules=MAP client.example.org ~NOTFOUND",
]
WIDTHS = (320, 1280)
OPEN = "(open) => document.querySelectorAll('details').forEach((each) => { each.name = ''; each.open = open; })"
HOSTILE = {
    "html": '"><script>document.title="taken"</script><img src=x onerror=alert(1)>',
    "turned": "\u202egnp.exe\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "lines": "Claude\r\n\r\nverified by\nKlaviyo",
    "long": "W" * 10_000,
    "template": "{{ consent.csrf }} {% include 'layout.html' %}",
}


@pytest.fixture(scope="module")
def service() -> Iterator[Demo]:
    with demo() as started:
        yield started


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        yield started
        started.close()


@pytest.fixture
def new_tab(browser: Browser, service: Demo) -> Iterator[Callable[..., Page]]:
    """Tabs of browsers of their own, in which nothing may go wrong, and which load nothing from elsewhere."""
    contexts, complaints = [], []
    ours = (service.url, service.klaviyo, "data:")

    def new(**options: Any) -> Page:
        context = browser.new_context(reduced_motion="reduce", **options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("dialog", lambda dialog: complaints.append(dialog.message))

        def loaded(request: Any) -> None:
            if not request.is_navigation_request() and not request.url.startswith(ours):
                complaints.append(f"{request.url} was loaded")

        tab.on("request", loaded)
        return tab

    yield new
    for context in contexts:
        context.close()
    assert complaints == []


def is_complaint(message: Any) -> bool:
    """Whether something went wrong; a page that comes with a status above 400 has done what it should."""
    return message.type == "error" and "status of 403" not in message.text


@pytest.fixture
def tab(new_tab) -> Page:
    return new_tab()


@pytest.fixture
def waiting() -> Iterator[Program]:
    with listening() as program:
        yield program


def at_klaviyo(tab: Page, company: str = "Juniper & Pine", answer: str = "Allow") -> None:
    """Consent at the sandbox, where the tab is."""
    tab.wait_for_url("**/oauth/authorize?**")
    tab.get_by_label(company).check()
    tab.get_by_role("button", name=answer).click()


def sign_in(tab: Page, service: Demo, company: str = "Juniper & Pine", level: str = "Marketing") -> None:
    tab.goto(service.url)
    tab.get_by_role("radio", name=level).check()
    tab.get_by_role("button", name="Connect Klaviyo").click()
    at_klaviyo(tab, company)
    tab.wait_for_url(f"{service.url}/manage")


def consent(tab: Page, client: Client, company: str = "Juniper & Pine", level: str = "Look only") -> dict[str, Any]:
    """A client connects: its tokens."""
    tab.goto(client.authorize)
    tab.get_by_role("radio", name=level).check()
    tab.get_by_role("button", name="Allow").click()
    at_klaviyo(tab, company)
    tab.wait_for_url(f"{client.redirect_uri}?**")
    return client.tokens(tab.url)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_shop_is_connected_used_disconnected_and_removed(new_tab, service, waiting, scripts) -> None:
    tab = new_tab(java_script_enabled=scripts)
    sign_in(tab, service, "Lumen Coffee")
    assert tab.get_by_role("heading", level=1).inner_text() == "Lumen Coffee"
    assert "OTHER1" in tab.get_by_role("main").inner_text()
    assert tab.get_by_text("None yet.").is_visible()
    tokens = {
        name: consent(
            new_tab(java_script_enabled=scripts), service.client(waiting.address, name), "Lumen Coffee", level
        )
        for name, level in (("First", "Look only"), ("Second", "Everything"))
    }
    assert tokens["First"]["scope"] == "klaviyo:read"
    first, second = (each["access_token"] for each in tokens.values())
    assert calls(service, first).status_code == calls(service, second).status_code == 200
    tab.reload()
    row = tab.get_by_role("listitem").filter(has=tab.get_by_role("heading", name="First"))
    assert "Look only" in row.inner_text()
    assert "Last used" in row.inner_text()
    row.get_by_role("button", name="Disconnect").click()
    assert tab.get_by_role("status").first.inner_text() == DONE["disconnected"].text
    assert tab.get_by_role("heading", name="First").count() == 0
    tab.get_by_role("link", name="Remove from Klaviyo").click()
    assert "disconnect 1 assistant;" in tab.get_by_role("main").inner_text()
    tab.get_by_role("link", name="Keep it").click()
    assert tab.get_by_text("it also removes the app from Klaviyo").is_visible()
    tab.get_by_role("link", name="Remove from Klaviyo").click()
    tab.get_by_role("button", name="Remove from Klaviyo").click()
    assert tab.get_by_role("status").first.inner_text() == DONE["removed"].text
    tab.goto(f"{service.url}/manage")
    assert tab.get_by_role("status").first.inner_text() == DONE["no_session"].text
    tab.wait_for_timeout(5_100)  # how long a token may be remembered as good
    assert calls(service, first).status_code == calls(service, second).status_code == 401


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_file_is_uploaded_for_the_assistant_and_removed(new_tab, service, tmp_path, scripts) -> None:
    file = tmp_path / "fair.csv"
    file.write_text("email,first_name\nanna@example.com,Anna\n")
    tab = new_tab(java_script_enabled=scripts)
    sign_in(tab, service, "Lumen Coffee")
    tab.get_by_role("link", name="Upload a file").click()
    tab.get_by_label("File of rows").set_input_files(file)
    tab.get_by_role("button", name="Upload").click()
    assert tab.get_by_role("status").first.inner_text() == KEPT["uploaded"].text
    row = tab.get_by_role("listitem").filter(has=tab.get_by_role("heading", name="fair.csv"))
    words = row.locator("pre").inner_text()
    assert re.fullmatch(r"Import the file upload-[0-9a-f]{12} as profiles", words)
    if scripts:
        tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
        row.get_by_role("button", name="Copy the words for file 1").click()
        tab.get_by_role("status").get_by_text("Copied").wait_for()
        assert tab.evaluate("navigator.clipboard.readText()") == words
    row.get_by_role("button", name="Remove").click()
    assert tab.get_by_role("status").first.inner_text() == KEPT["removed"].text
    assert tab.get_by_text("None. What you upload appears here").is_visible()


def test_signing_out_keeps_the_clients(tab, new_tab, service, waiting) -> None:
    sign_in(tab, service)
    token = consent(new_tab(), service.client(waiting.address))["access_token"]
    tab.get_by_role("button", name="Sign out").click()
    assert tab.get_by_role("status").first.inner_text() == DONE["signed_out"].text
    tab.go_back()
    tab.reload()
    assert tab.url == f"{service.url}/?done=no_session"
    assert calls(service, token).status_code == 200


def test_a_page_that_was_left_open_disconnects_nothing(tab, service) -> None:
    sign_in(tab, service)
    tab.goto(f"{service.url}/manage/remove")
    tab.context.clear_cookies()
    tab.get_by_role("button", name="Remove from Klaviyo").click()
    assert tab.get_by_role("heading", level=1).inner_text() == "You are not signed in here"
    tab.get_by_role("link", name="To the start").click()
    tab.get_by_role("button", name="Connect Klaviyo").wait_for()


# Where answers go


@pytest.mark.parametrize("here", [True, False], ids=["on our page", "at Klaviyo"])
def test_a_denial_goes_back_to_the_client(tab, service, waiting, here) -> None:
    client = service.client(waiting.address)
    tab.goto(client.authorize)
    if here:
        tab.get_by_role("button", name="Cancel").click()
    else:
        tab.get_by_role("button", name="Allow").click()
        at_klaviyo(tab, answer="Deny")
    tab.wait_for_url(f"{client.redirect_uri}?**")
    given = answer_of(tab.url)
    assert (given["error"], given["state"], given["iss"]) == ("access_denied", "the state", service.url)
    assert "code" not in given


def test_allowing_leads_to_a_program_on_this_machine(tab, service, waiting) -> None:
    assert calls(service, consent(tab, service.client(waiting.address))["access_token"]).status_code == 200
    assert len(waiting.visits) == 1


@pytest.mark.parametrize(
    "address", ["https://client.example.org/callback", "cursor://anysphere.cursor-mcp/oauth/callback"]
)
@pytest.mark.parametrize("answer", ["Allow", "Cancel"])
def test_an_answer_may_lead_to_other_places_than_this_machine(tab, service, address, answer) -> None:
    """Chromium holds a form-action against all of the redirects: the last one would never be followed."""
    client = service.client(address)
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(client.authorize)
    tab.get_by_role("button", name=answer).click(no_wait_after=True)
    if answer == "Allow":
        tab.wait_for_url("**/oauth/authorize?**")
        tab.get_by_role("button", name="Allow").click(no_wait_after=True)
    for _ in range(200):
        tab.wait_for_timeout(50)
        if asked[-1].startswith(f"{address}?"):
            break
    assert asked[-1].startswith(f"{address}?"), asked
    if answer == "Allow":
        client.tokens(asked[-1])
    else:
        assert answer_of(asked[-1])["error"] == "access_denied"


def test_a25_no_page_is_shown_in_a_frame(browser, service, waiting) -> None:
    """A25."""
    tab = browser.new_context().new_page()
    pages = (service.client(waiting.address).authorize, service.url, f"{service.url}/nowhere", waiting.address)
    waiting.pages["/outer"] = "".join(f'<iframe src="{escape(address)}"></iframe>' for address in pages)
    tab.goto(waiting.address.replace("/callback", "/outer"), wait_until="networkidle")
    shown = [frame.url.partition(":")[0] for frame in tab.frames[1:]]
    assert shown == ["chrome-error", "chrome-error", "chrome-error", "http"], "but for what may be framed"
    tab.context.close()


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_a_client_calls_itself_stays_text(tab, new_tab, service, waiting, kind) -> None:
    """A27."""
    client = service.client(waiting.address, HOSTILE[kind])
    tab.set_viewport_size({"width": 320, "height": 700})
    tab.goto(client.authorize)
    name = tab.locator("dd bdi").first
    assert 0 < len(name.inner_text()) <= 110
    assert not re.search("[\u202a-\u202e\u2066-\u2069\n\r]", name.inner_text())
    assert name.locator("*").count() == 0
    assert tab.locator("img").count() == tab.locator("script").count() == 0
    assert tab.title() == "Allow access to Klaviyo?"
    assert wider_than(tab) <= 0
    assert tab.get_by_text("Anyone can give an application this name").is_visible()
    assert tab.get_by_text("any program here could say").is_visible()
    shown = name.inner_text()
    consent(new_tab(), client, "Lumen Coffee")
    sign_in(tab, service, "Lumen Coffee")
    assert tab.get_by_role("heading", level=3, name=shown, exact=True).count() == 1
    assert wider_than(tab) <= 0
    tab.goto(f"{service.url}/manage/remove")
    assert shown in tab.get_by_role("main").inner_text()
    assert wider_than(tab) <= 0
    tab.get_by_role("button", name="Remove from Klaviyo").click()


def wider_than(tab: Page) -> int:
    """By how many pixels a page is wider than its window."""
    return tab.evaluate("document.documentElement.scrollWidth - window.innerWidth")


# Keyboard, copying


def test_consent_is_given_by_keyboard_alone(tab, service, waiting) -> None:
    client = service.client(waiting.address)
    tab.goto(client.authorize)
    tab.keyboard.press("Tab")
    assert focused(tab) == "Skip to the content"
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    assert focused(tab) == "klaviyo:read", "what the client asked for"
    tab.keyboard.press("ArrowDown")
    assert focused(tab) == "klaviyo:marketing"
    seen = []
    while "allow" not in seen and len(seen) < 5:
        tab.keyboard.press("Tab")
        seen.append(focused(tab))
        assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", seen
    assert seen == ["What Klaviyo will ask you to allow", "allow"]
    tab.keyboard.press("Enter")
    at_klaviyo(tab)
    tab.wait_for_url(f"{client.redirect_uri}?**")
    assert client.tokens(tab.url)["scope"].endswith("klaviyo:marketing")


def focused(tab: Page) -> str:
    return tab.evaluate("document.activeElement.value || document.activeElement.textContent.trim()")


def test_the_address_and_every_command_can_be_copied(tab, service) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto(service.url)
    tab.get_by_role("button", name="Copy the address").click()
    tab.get_by_role("status").get_by_text("Copied: address").wait_for()
    assert tab.evaluate("navigator.clipboard.readText()") == f"{service.url}/mcp"
    tab.get_by_text("Claude Code", exact=True).click()
    tab.get_by_role("button", name="Copy the command for Claude Code").click()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert copied == f"claude mcp add --transport http klaviyo {service.url}/mcp"


def test_without_scripts_there_is_no_button_that_does_nothing(new_tab, service) -> None:
    tab = new_tab(java_script_enabled=False)
    tab.goto(service.url)
    assert tab.get_by_role("button").all_inner_texts() == ["Connect Klaviyo"]
    assert tab.get_by_text(f"{service.url}/mcp", exact=True).is_visible()


def test_the_page_where_access_is_given_runs_no_script(service, waiting) -> None:
    import httpx2

    answer = httpx2.get(service.client(waiting.address).authorize, follow_redirects=True)
    policy = answer.headers["Content-Security-Policy"]
    assert "<script" not in answer.text
    assert "script-src" not in policy
    assert "form-action" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"


# Every page


MCP_URL = "https://mcp.example.org/mcp"
LONG = "Wind-und-Wetterfeste Regenbekleidung Nordfriesland " * 2
COUNTS = Levels(REGISTRY)
CHOICES = (
    Choice("klaviyo:read", COUNTS.actions("klaviyo:read"), ("accounts:read", "lists:read"), True),
    Choice(
        "klaviyo:marketing", COUNTS.actions("klaviyo:marketing"), ("accounts:read", "lists:read", "lists:write"), False
    ),
    Choice(
        "klaviyo:full", COUNTS.actions("klaviyo:full"), ("accounts:read", "data-privacy:write", "lists:write"), False
    ),
)
SESSION = Session("DEMO01", "Juniper & Pine", True, "klaviyo:marketing", 0.0, "csrf")
CLIENTS = [
    ConnectedClient("a", "Claude", "claude.ai", "klaviyo:marketing", 1795600000.0, 1795680000.0, None),
    ConnectedClient("b", "Cursor", None, "klaviyo:read", 1795500000.0, None, None),
    ConnectedClient("c", LONG[:100], None, "klaviyo:full", 1795000000.0, 1795600000.0, "the app was removed there"),
]


def consent_page(name: str = "Claude", domain: str | None = "claude.ai", host: str = "claude.ai", here: bool = False):
    asked = ConsentPage("t", "csrf", name, domain, host, here, CHOICES, ())
    return rendered("consent", consent=asked, choices=described(CHOICES))


def connect_page(done: str = "", session: Session | None = None):
    return rendered(
        "connect", script=True, session=session, choices=described(CHOICES), mcp_url=MCP_URL,
        snippets=snippets(MCP_URL), done=DONE.get(done),
    )  # fmt: skip


NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
UPLOADS = [
    Upload("upload-3f9a2c71b4d0", "fair.csv", "CSV in UTF-8, separated by semicolons, with 9 columns", 18_400, NOW),
    Upload("upload-a07d5e19c2f8", f"{LONG[:80]}.gz", "JSONL in UTF-8, packed with gzip, with 31 columns", 9_000, NOW),
]


def uploads_page(files: list[Upload], done: str = "", problem: NotTaken | None = None, session: Session = SESSION):
    rows = [(each, "18 KB", "26 November 09:30 UTC", "27 November 09:30 UTC") for each in files]
    return rendered(
        "uploads", script=True, session=session, files=rows, most=(50, 20, 250), done=KEPT.get(done), problem=problem
    )


EXPORTS = [
    Output("6b084f63-831af6", "segment-members", "csv", False, 18_432, 6_200_000, NOW),
    Output("6b084e11-04d7aa", "events", "jsonl", False, 1, 400, NOW),
]
UNFINISHED = [
    Job("6b085a02-9fe310", "us", "running", {"kind": "events"}, progress={"rows": 214_000}),
    Job("6b0859c4-1b77d0", "us", "paused", {"kind": "profiles"}),
]


def exports_page(exports: list[Output], unfinished: list[Job], done: str = ""):
    rows = [(each, "6.2 MB", "26 November 09:30 UTC", "29 November 09:30 UTC") for each in exports]
    return rendered(
        "exports", script=True, session=SESSION, exports=rows, unfinished=unfinished, done=REMOVED.get(done)
    )


def manage_page(clients: list[ConnectedClient], done: str = "", session: Session = SESSION):
    rows = [(each, "Marketing", "24 November 2026", "25 November 2026" if each.last_used else "") for each in clients]
    return rendered(
        "manage", script=True, session=session, level="Marketing", clients=rows, mcp_url=MCP_URL,
        snippets=snippets(MCP_URL), done=DONE.get(done), takes_files=True,
        makes_exports=True,
    )  # fmt: skip


PAGES = {
    "connect": connect_page,
    "connect-after-removal": lambda: connect_page("removed_here", SESSION),
    "consent": consent_page,
    "consent-unverified": lambda: consent_page(LONG[:100], None, f"{'a' * 60}.{'b' * 60}.example.org:33418", True),
    "manage": lambda: manage_page(CLIENTS[:2]),
    "manage-empty": lambda: manage_page([]),
    "manage-troubled": lambda: manage_page(CLIENTS[2:], "gone", Session("X" * 6, LONG, None, "klaviyo:read", 0, "c")),
    "uploads": lambda: uploads_page(UPLOADS[:1], "uploaded"),
    "uploads-empty": lambda: uploads_page([], "removed"),
    "uploads-troubled": lambda: uploads_page(UPLOADS, "", NotTaken(f"{LONG}.xlsx is an Excel workbook.", "Save it.")),
    "exports": lambda: exports_page(EXPORTS, UNFINISHED),
    "exports-empty": lambda: exports_page([], [], "removed"),
    "remove": lambda: rendered("remove", session=SESSION, clients=CLIENTS),
    "remove-empty": lambda: rendered("remove", session=SESSION, clients=[]),
    "error": lambda: rendered("error", error=ErrorPage(400, "This request is over", "It is old.", "Again.", "over")),
}
"""Every page in every state that looks different."""
IN_DOCS = ("connect", "consent", "manage", "uploads", "exports")


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_accessible_and_fits(tab, service, name) -> None:
    answer = PAGES[name]()
    headers = {key: value for key, value in answer.headers.items() if key != "content-length"}
    address = f"{service.url}/shown/{name}"
    tab.route(address, lambda route: route.fulfill(body=answer.body, headers=headers))
    tab.goto(address)
    for opened in (False, True):
        # What is behind a summary has to hold as well.
        tab.evaluate(OPEN, opened)
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme)
            for width in WIDTHS if opened else WIDTHS[-1:]:
                tab.set_viewport_size({"width": width, "height": 800})
                found = Axe().run(tab)
                assert found.violations_count == 0, found.generate_report()
                assert wider_than(tab) <= 0, f"{name} at {width}"
    assert tab.locator("h1").count() == 1
    assert tab.locator("html").get_attribute("lang") == "en"


@pytest.mark.skipif("SCREENSHOTS" not in os.environ, reason="'make screenshots' writes them to docs/images")
@pytest.mark.parametrize("name", IN_DOCS)
@pytest.mark.parametrize(("scheme", "width"), [("light", 980), ("dark", 390)], ids=["light", "phone"])
def test_the_pages_are_pictured_for_the_docs(new_tab, service, name, scheme, width) -> None:
    tab = new_tab(viewport={"width": width, "height": 680}, color_scheme=scheme)
    answer = PAGES[name]()
    headers = {key: value for key, value in answer.headers.items() if key != "content-length"}
    tab.route(f"{service.url}/shown/{name}", lambda route: route.fulfill(body=answer.body, headers=headers))
    tab.goto(f"{service.url}/shown/{name}")
    tab.wait_for_timeout(200)
    path = Path(os.environ["SCREENSHOTS"]) / f"hosted-{name}{'-phone' if width < 500 else ''}.png"
    tab.screenshot(path=str(path), full_page=name in ("consent", "uploads", "exports"), scale="css")
    assert path.stat().st_size < 120_000

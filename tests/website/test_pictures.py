"""The demo is pictured for the docs, as a terminal shows it."""

import os
from io import StringIO
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

PAGE = (
    "<style>body{{margin:0;background:{background};color:{foreground}}}"
    "pre{{font:14px/1.45 DejaVu Sans Mono,monospace;margin:0;padding:20px 24px;width:max-content}}"
    "{stylesheet}</style><pre>{code}</pre>"
)


@pytest.mark.skipif("SCREENSHOTS" not in os.environ, reason="'make screenshots' writes it to docs/images")
def test_the_demo_is_pictured_for_the_docs(command, chromium) -> None:
    told = command("demo", FORCE_COLOR="1", COLUMNS="100").stdout
    console = Console(record=True, width=100, file=StringIO())
    story = told[told.index("4. The user:") - len("\x1b[1;36m") :]
    console.print(Text.from_ansi(story), end="")
    page = console.export_html(theme=MONOKAI, code_format=PAGE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": 900, "height": 400})
        tab.set_content(page)
        path = Path(os.environ["SCREENSHOTS"]) / "demo.png"
        tab.locator("pre").screenshot(path=str(path), scale="css")
        browser.close()
    assert path.stat().st_size < 160_000

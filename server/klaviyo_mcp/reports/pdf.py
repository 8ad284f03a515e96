"""A report's page as PDF, printed by the browser that is there: Chrome, Chromium, Edge or Brave, without a window.

A browser prints the page as it is seen, with its tags for screen readers; libraries that make pages of HTML need
system libraries of their own, or know neither grids nor SVG's variables. The browser is started without a profile of
anybody's, and the page loads nothing.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"),
    *("microsoft-edge-stable", "msedge", "brave-browser"),
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
LONGEST = 90.0
"""Seconds that printing may take."""
NONE = (
    "A PDF is printed by a browser, and none was found: install Chrome, Chromium or Edge, or name one in CHROME_PATH. "
    "Or write the report with --html and print that."
)


class NotPrinted(RuntimeError):
    """There is no PDF, and why."""


def browser() -> str:
    """The program that prints. Raises NotPrinted."""
    if named := os.environ.get("CHROME_PATH"):
        if found := shutil.which(named):
            return found
        raise NotPrinted(f"CHROME_PATH names {named!r}, which is no program that can be run.")
    found = next((path for name in (*NAMES, *PLACES) if (path := shutil.which(name))), None)
    if found is None:
        raise NotPrinted(NONE)
    return found


def printed(page: str, target: Path) -> None:
    """Print a page into a file, which is replaced whole or not at all. Raises NotPrinted, and OSError for the file."""
    program = browser()
    with tempfile.TemporaryDirectory(prefix="klaviyo-report-", ignore_cleanup_errors=True) as folder:
        source, made = Path(folder, "report.html"), Path(folder, "report.pdf")
        source.write_text(page, "utf-8")
        command = [
            *(program, "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-sync"),
            *("--no-default-browser-check", f"--user-data-dir={folder}/profile", "--no-pdf-header-footer"),
            *(f"--print-to-pdf={made}", source.as_uri()),
        ]
        if sys.platform != "win32" and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # as root Chromium starts in no other way; the page has no scripts
        try:
            ended = subprocess.run(command, capture_output=True, timeout=LONGEST, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotPrinted(f"{program} did not print the report ({type(error).__name__}).") from None
        pdf = made.read_bytes() if made.is_file() else b""
        if not pdf.startswith(b"%PDF-"):
            raise NotPrinted(f"{program} did not print the report; it ended with {ended.returncode}.")
        beside = target.with_name(f".{target.name}.part")
        beside.write_bytes(pdf)
        beside.replace(target)

"""What reports answer, and how they look: as a page in Chromium, on a phone, in the dark, for axe-core, and printed."""

import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright
from tests.reports.conftest import ASKED, Made

from klaviyo_mcp.reports.charts import can_draw
from klaviyo_mcp.reports.layout import layouts
from klaviyo_mcp.reports.page import html, pictures
from klaviyo_mcp.reports.pdf import NotPrinted, browser, printed

SCARCE = {"query_campaign_values", "query_flow_values", "query_segment_values"}
DOCS = (Path(__file__).parents[2] / "docs" / "reports.md").read_text("utf-8")
HOSTILE = '"><script>document.title="taken"</script><img src=x onerror=alert(1)>{{ view }}'
drawn = pytest.mark.skipif(not can_draw(), reason="vl-convert-python is not installed")
VIEWS = {
    "desktop": {"viewport": {"width": 1100, "height": 900}},
    "dark": {"viewport": {"width": 1100, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 375, "height": 800}},
}
SEEN = [
    ("weekly_report", "desktop"),
    ("weekly_report", "phone"),
    ("campaigns_report", "phone"),
    ("flows_report", "dark"),
    ("segments_report", "phone"),
    ("cohorts_report", "dark"),
    ("list_health_report", "dark"),
]
"""Each report once, since axe-core takes its time; what differs by size and scheme is one style for all."""
PICTURED = (("weekly_report", "desktop"), ("weekly_report", "phone"), ("list_health_report", "dark"))


@pytest.fixture(scope="module")
def chrome(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.mark.parametrize("report", ASKED)
def test_a_report_asks_no_more_of_klaviyo_than_is_written_down(made: Made, report: str) -> None:
    _, asked = made[report]
    row = re.search(rf"^\| `{report}` \| (\d+) \| (\d+) \|", DOCS, re.MULTILINE)
    assert row is not None, f"docs/reports.md has no row for {report}"
    scarce = sum(count for name, count in asked.items() if name in SCARCE)
    assert scarce <= int(row[1]), asked
    assert asked.total() <= int(row[2]), asked


def test_every_rule_and_limit_is_in_the_docs() -> None:
    from klaviyo_mcp.registry.report_rules import report_rules

    assert [rule.name for rule in report_rules().rules if f"`{rule.name}`" not in DOCS] == []


def test_numbers_are_those_of_klaviyo(made: Made) -> None:
    weekly, health, cohorts = (made[name][0] for name in ("weekly_report", "list_health_report", "cohorts_report"))
    figures = {one["name"]: one for one in weekly["figures"]}
    assert sum(day["orders"] for day in weekly["days"]) == figures["store_orders"]["value"] > 0
    assert figures["subscribed"]["value"] == sum(one["people"] for one in health["growth_by_source"]) > 0
    assert figures["net_subscribers"]["value"] == figures["subscribed"]["value"] - figures["unsubscribed"]["value"]
    assert weekly["covers"]["days"] == 30
    assert {"timezone", "currency", "compared_with"} <= set(weekly["covers"])
    channels = {row["channel"]: row for row in health["consent_by_channel"]}
    email = channels["email"]
    assert email["people"] == email["subscribed"] + email["unsubscribed"] + email["never_subscribed"]
    assert health["looked_at"] == {"people": 400, "complete": True}
    assert health["mail_without_consent"]["looked_at"] == email["can_receive"]
    assert sum(row["people"] for row in cohorts["cohorts"]) == cohorts["figures"][0]["value"]


@pytest.mark.parametrize("report", ASKED)
def test_a_report_says_what_is_worth_a_look(made: Made, report: str) -> None:
    looks = made[report][0]["worth_a_look"]
    assert 1 <= len(looks) <= 3
    assert all("{" not in look["says"] and look["next"] for look in looks)


@pytest.mark.parametrize(("report", "view"), SEEN)
def test_a_page_can_be_read_by_everybody(chrome: Browser, made: Made, tmp_path: Path, report: str, view: str) -> None:
    data, page = made[report][0], tmp_path / "report.html"
    page.write_text(html(report, data, "Juniper & Pine"), "utf-8")
    context = chrome.new_context(**VIEWS[view])
    tab, complaints = context.new_page(), []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("request", lambda request: complaints.append(request.url) if not request.is_navigation_request() else None)
    tab.goto(page.as_uri())
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = Axe().run(tab, options={"runOnly": tags}).response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= VIEWS[view]["viewport"]["width"]
    assert complaints == [], "nothing is loaded, and nothing runs"
    tables = [one.name for one in layouts()[report].sections if data.get(one.name)]
    assert [tab.locator(f"section[aria-labelledby={name}] table").count() for name in tables] == [1] * len(tables)
    if (folder := os.environ.get("SCREENSHOTS")) and (report, view) in PICTURED:
        words = {"desktop": "", "phone": "-phone", "dark": "-dark"}[view]
        path = Path(folder) / f"{report.replace('_', '-')}{words}.png"
        tab.screenshot(path=str(path), scale="css", clip={"x": 0, "y": 0, **_shown(view)})
        assert path.stat().st_size < 160_000
    context.close()


def _shown(view: str) -> dict[str, int]:
    return {"width": VIEWS[view]["viewport"]["width"], "height": 1000}


def test_what_people_have_named_cannot_write_into_a_page(chrome: Browser, made: Made, tmp_path: Path) -> None:
    data: dict[str, Any] = dict(made["flows_report"][0])
    data["flows"] = [{**flow, "name": HOSTILE} for flow in data["flows"]]
    data["worth_a_look"] = [{"rule": "x", "says": HOSTILE, "next": HOSTILE}]
    page = tmp_path / "report.html"
    page.write_text(html("flows_report", data, HOSTILE), "utf-8")
    tab = chrome.new_page()
    tab.goto(page.as_uri())
    assert tab.title() != "taken"
    assert tab.locator("script, img").count() == 0
    assert tab.get_by_role("heading", level=1).inner_text() == "Flows"


@drawn
def test_charts_have_words_beside_them_and_are_pngs_for_clients(made: Made) -> None:
    shown = pictures("weekly_report", made["weekly_report"][0])
    assert [words.partition(".")[0] for words, _ in shown] == ["Store revenue by day", "Campaigns", "Flows"]
    for words, picture in shown:
        assert "The table below has all numbers." in words
        width, height = struct.unpack(">II", picture[16:24])
        assert picture.startswith(b"\x89PNG")
        assert (width > 1_000, 100 < height < 2_000) == (True, True)
    page = html("cohorts_report", made["cohorts_report"][0])
    assert page.count("<svg") == 1
    assert 'role="img" aria-label="Heat map' in page


@drawn
def test_rows_of_one_name_are_drawn_apart(made: Made) -> None:
    data = dict(made["campaigns_report"][0])
    data["campaigns"] = [{**one, "name": "Newsletter"} for one in data["campaigns"][:2]]
    data["covers"] = {**data["covers"], "currency": "JPY"}
    page = html("campaigns_report", data)
    assert ">Newsletter<" in page
    assert ">Newsletter (2)<" in page
    assert page.count("\N{YEN SIGN}") > 2


@drawn
def test_a_bar_that_stands_on_a_few_is_pale_and_a_long_name_is_cut(made: Made) -> None:
    data = dict(made["campaigns_report"][0])
    few = {**data["campaigns"][0], "name": "Few " * 100, "delivered": 3, "too_few": True}
    data["campaigns"] = [few, *data["campaigns"][1:]]
    page = html("campaigns_report", data)
    assert "Pale bars stand on fewer than 100 people." in page
    assert page.count('opacity="0.45"') == 1
    assert max(map(len, re.findall(r"<th scope=\"row\">(Few [^<]*)", page))) <= 120


@drawn
def test_a_page_is_the_same_whatever_the_clock_of_the_machine(made: Made, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(json.dumps(made["weekly_report"][0]), "utf-8")
    program = (
        "import json, sys; from klaviyo_mcp.reports.page import html;"
        "sys.stdout.reconfigure(encoding='utf-8', newline='\\n');"
        "sys.stdout.write(html('weekly_report', json.load(open(sys.argv[1], encoding='utf-8'))))"
    )
    pages = [
        # In processes of their own, as a clock is set once.
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "data.json")],
            env={**os.environ, "TZ": zone},
            capture_output=True,
            check=True,
        ).stdout
        for zone in ("UTC", "America/Los_Angeles")
    ]
    assert b"<svg" in pages[0]
    assert pages[0] == pages[1]


def test_a_page_is_printed_by_the_browser_that_is_there(
    chromium: str, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHROME_PATH", chromium)
    target = tmp_path / "report.pdf"
    printed(html("weekly_report", made["weekly_report"][0], paper="a4"), target)
    assert target.read_bytes().startswith(b"%PDF-")
    assert [path.name for path in tmp_path.iterdir()] == ["report.pdf"]
    assert re.search(rb"/MediaBox \[0 0 59[45][.0-9]* 84[12]", target.read_bytes()), "A4"
    monkeypatch.setenv("CHROME_PATH", "/nowhere")
    with pytest.raises(NotPrinted, match="CHROME_PATH"):
        browser()

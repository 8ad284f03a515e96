"""`klaviyo-mcp report` as its user runs it."""

import json
from pathlib import Path

import pytest
from tests.reports.conftest import ASKED

from klaviyo_mcp.cli.report import ACTIONS, Name
from klaviyo_sandbox import API_KEY


def test_every_report_has_a_name_on_the_command_line() -> None:
    names = Name.__args__  # what Literal holds
    assert {ACTIONS.get(name, f"{name.replace('-', '_')}_report") for name in names} == set(ASKED)


def test_a_report_is_shown_as_tables_and_written_as_json_and_as_a_page(command, sandbox: str, tmp_path: Path) -> None:
    environment = {"KLAVIYO_BASE_URL": sandbox, "KLAVIYO_API_KEY": API_KEY}
    shown = command("report", "segments", **environment)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("Segments · Juniper & Pine\n")
    assert "Repeat customers" in shown.stdout
    page = tmp_path / "segments.html"
    both = command("report", "segments", "--compare", "none", "--json", "--html", str(page), **environment)
    assert "compared_with" not in json.loads(both.stdout)["covers"]
    assert f"Wrote {page}" in both.stderr
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert command("report", "segments", "--html", "-", **environment).stdout.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["monthly"], 2, "weekly"),
        (["segments", "--period", "2026-10-31..2026-10-01"], 2, "2026-10-01..2026-10-31"),
        (["cohorts", "--compare", "year"], 2, "takes no --compare"),
        (["segments", "--metric", "name:Placed Order"], 2, "takes no --metric"),
        (["segments", "--period", "2099-01"], 2, "must be in the past"),
        (["segments", "--html", "a.html", "--pdf", "a.html"], 2, "are both a.html"),
        (["segments", "--html", "-", "--json"], 2, "would both be written to stdout"),
        (["segments", "--html", "no/such/folder/a.html"], 1, "there is no folder"),
    ],
)
def test_a_wrong_word_is_told_before_anything_is_sent(command, words: list[str], code: int, said: str) -> None:
    done = command("report", *words, "--sandbox")
    assert done.returncode == code
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_pdf_that_cannot_be_printed_is_told_before_anything_is_sent(command, tmp_path: Path) -> None:
    done = command("report", "weekly", "--sandbox", "--pdf", str(tmp_path / "a.pdf"), CHROME_PATH="/nowhere")
    assert done.returncode == 1
    assert "Nothing was sent to Klaviyo" in done.stderr

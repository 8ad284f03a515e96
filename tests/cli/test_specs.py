"""`specs draft` and `specs diff` as a maintainer runs them, with an invented document of the same dialect."""

import json
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parent.parent / "authoring" / "data" / "library_openapi.json"


def test_drafts_are_written_once_and_a_refresh_changes_nothing(command, tmp_path) -> None:
    first = command("specs", "draft", "--openapi", str(DOCUMENT), "--folder", str(tmp_path))
    assert first.returncode == 0, first.stderr
    assert first.stdout.count("written: ") == len(list(tmp_path.glob("*/*.yaml"))) > 0
    before = {path: path.read_bytes() for path in tmp_path.glob("*/*.yaml")}
    again = command("specs", "draft", "--openapi", str(DOCUMENT), "--folder", str(tmp_path))
    assert ", 0 changed" in again.stdout
    assert {path: path.read_bytes() for path in tmp_path.glob("*/*.yaml")} == before
    # What a person has to add is what the check asks for.
    check = command("specs", "check", str(tmp_path))
    assert check.returncode == 1
    assert "missing key 'title'" in check.stderr


def test_one_operation_can_be_drafted_by_name_and_a_wrong_name_is_said(command, tmp_path) -> None:
    name = next(iter(sorted(draft_all(command, tmp_path / "all")))).stem
    done = command("specs", "draft", name, "--openapi", str(DOCUMENT), "--folder", str(tmp_path / "one"))
    assert done.returncode == 0
    assert [path.stem for path in (tmp_path / "one").glob("*/*.yaml")] == [name]
    wrong = command("specs", "draft", "no_such_thing", "--openapi", str(DOCUMENT), "--folder", str(tmp_path))
    assert wrong.returncode == 2
    assert "no_such_thing" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_a_difference_is_told_and_exits_with_one(command) -> None:
    done = command("specs", "diff", "--openapi", str(DOCUMENT))
    assert done.returncode == 1
    assert "create_list" in done.stdout


def test_a_document_that_cannot_be_read_is_said(command, tmp_path) -> None:
    (tmp_path / "broken.json").write_text("{")
    for path in ("broken.json", "missing.json"):
        done = command("specs", "diff", "--openapi", str(tmp_path / path))
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_facts_are_printed_or_written_with_one_line_for_each_operation(command, tmp_path) -> None:
    printed = command("specs", "facts", "--openapi", str(DOCUMENT))
    assert printed.returncode == 0, printed.stderr
    assert json.loads(printed.stdout)["revision"] == "2030-01-15"
    done = command("specs", "facts", "--openapi", str(DOCUMENT), "--out", str(tmp_path / "facts.json"))
    assert done.stdout == f"15 operations of revision 2030-01-15 in {tmp_path / 'facts.json'}.\n"
    assert (tmp_path / "facts.json").read_text() == printed.stdout
    assert sum(line.startswith('"get_books":') for line in printed.stdout.splitlines()) == 1


def test_facts_of_one_operation_are_added_to_what_a_file_holds(command, tmp_path) -> None:
    whole, file = tmp_path / "whole.json", tmp_path / "facts.json"
    command("specs", "facts", "--openapi", str(DOCUMENT), "--out", str(whole))
    held = json.loads(whole.read_text())
    name = sorted(held["operations"])[3]
    less = {**held, "operations": {key: value for key, value in held["operations"].items() if key != name}}
    file.write_text(json.dumps(less))
    done = command("specs", "facts", "--openapi", str(DOCUMENT), "--out", str(file), name)
    assert done.returncode == 0, done.stderr
    assert file.read_text() == whole.read_text()
    refused = command("specs", "facts", "--openapi", str(DOCUMENT), "--out", str(file), "no_such_operation")
    assert (refused.returncode, refused.stderr) == (
        2,
        "klaviyo-mcp: the document has no operation 'no_such_operation'\n",
    )


def test_facts_of_what_is_no_openapi_document_are_refused_in_one_line(command, tmp_path) -> None:
    file = tmp_path / "other.json"
    for text, words in (
        ("[]", "is not an OpenAPI document"),
        ('{"paths": []}', "is not an OpenAPI document"),
        ('{"paths": {}}', "no revision"),
        ("hello", "is not JSON"),
    ):
        file.write_text(text)
        done = command("specs", "facts", "--openapi", str(file), "--out", str(tmp_path / "facts.json"))
        assert done.returncode == 2
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "facts.json").exists()


def draft_all(command, folder: Path) -> list[Path]:
    command("specs", "draft", "--openapi", str(DOCUMENT), "--folder", str(folder))
    return list(folder.glob("*/*.yaml"))


@pytest.fixture
def checkout(command, tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`checkout("docs")`: the command line of a copy of the project, without its docs and tests."""
    root = Path(__file__).parent.parent.parent
    shutil.copytree(root / "server", tmp_path / "server")
    shutil.copytree(root / "tool_specs", tmp_path / "tool_specs")
    return partial(command, PYTHONPATH=str(tmp_path / "server"))


def test_what_is_generated_is_fresh_and_staleness_is_noticed(command, checkout, tmp_path) -> None:
    assert command("docs", "--check").returncode == 0
    done = checkout("docs", "--check")
    assert done.returncode == 1
    assert "docs/actions.md is stale; run 'make docs'." in done.stderr
    assert "tests/mcp_server/snapshots/get_lists.json is stale" in done.stderr
    assert checkout("docs").returncode == 0
    assert checkout("docs", "--check").returncode == 0
    (tmp_path / "tests/mcp_server/snapshots/get_everything.json").write_text("{}")
    assert "get_everything.json is stale" in checkout("docs", "--check").stderr
    assert checkout("docs").stdout == "removed tests/mcp_server/snapshots/get_everything.json\n"


def test_a_new_toolset_is_told_where_it_must_be_named(checkout, tmp_path) -> None:
    (tmp_path / "tool_specs/web_feeds").rename(tmp_path / "tool_specs/web_streams")
    done = checkout("specs", "check")
    assert done.returncode == 1
    assert "registry/toolsets.py: the toolset 'web_streams' is new: name it in MARKETING or in BEYOND" in done.stderr
    assert "registry/toolsets.py: names the toolset 'web_feeds', which has no specs" in done.stderr

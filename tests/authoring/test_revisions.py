"""Drafting and comparing where a catalogue holds specs of several revisions."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from klaviyo_mcp.authoring.diff import diff, render
from klaviyo_mcp.authoring.draft import Drafted, draft_files
from klaviyo_mcp.authoring.openapi import load_document
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.yaml_text import parse

LIBRARY = Path(__file__).parent / "data" / "library_openapi.json"
WORDS = {"title": "A title", "summary": "A summary of the action.", "description": "A description of the action."}

Document = dict[str, Any]


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Specs of all operations of the library; get_books is of an earlier revision than the document."""
    folder = tmp_path / "specs"
    draft_files(LIBRARY, folder)
    books = folder / "reading_rooms" / "get_books.yaml"
    books.write_text(
        books.read_text().replace("operation: get_books\n", "operation: get_books\nrevision: 2029-07-15\n")
    )
    return folder


def draft_changed(folder: Path, change: Callable[[Document], Any], *names: str) -> list[Drafted]:
    """Draft from the document with a change."""
    document = load_document(LIBRARY)
    change(document)
    source = folder.parent / "openapi.json"
    source.write_text(json.dumps(document))
    return draft_files(source, folder, list(names) or None)


def renamed(document: Document) -> None:
    """As Klaviyo does it when an operation takes another form: the path stays."""
    document["paths"]["/api/books"]["get"] |= {"operationId": "list_books", "summary": "Another"}


def as_it_is(document: Document) -> None:
    """No change."""


@pytest.mark.parametrize(("change", "name"), [(as_it_is, "get_books"), (renamed, "list_books")])
def test_a_spec_of_another_revision_is_left_as_it_is(
    catalogue: Path, change: Callable[[Document], Any], name: str
) -> None:
    pinned = catalogue / "reading_rooms" / "get_books.yaml"
    before = pinned.read_bytes()
    for drafted in (draft_changed(catalogue, change), draft_changed(catalogue, change, name)):
        assert [each.path for each in drafted if each.outcome == "pinned"] == [pinned]
        assert {each.outcome for each in drafted} <= {"pinned", "unchanged"}
    assert pinned.read_bytes() == before
    assert not list(catalogue.rglob("list_books.yaml"))


@pytest.mark.parametrize("change", [as_it_is, renamed])
def test_a_comparison_names_the_specs_of_other_revisions_and_leaves_them_out(
    catalogue: Path, change: Callable[[Document], Any]
) -> None:
    document = load_document(LIBRARY)
    change(document)
    specs = [
        ActionSpec.model_validate({**parse(path.read_bytes(), str(path)), **WORDS, "toolset": "library"})
        for path in sorted(catalogue.rglob("*.yaml"))
    ]
    found = diff(specs, document)
    assert (found.new, found.gone, found.changed) == ([], [], [])
    assert not found
    assert render(found).splitlines() == [
        "Kept at another revision, not compared (1):",
        "  get_books at 2029-07-15",
        "",
        "The catalogue agrees with the document.",
    ]
    at_the_documents_own = [spec.model_copy(update={"revision": "2030-01-15"}) for spec in specs]
    assert not diff(at_the_documents_own, load_document(LIBRARY)).pinned


@pytest.mark.parametrize("version", ["2025-01-15", "2030-01-15.pre"])
def test_specs_that_follow_the_catalogue_are_left_alone_by_older_documents_and_betas(
    catalogue: Path, version: str
) -> None:
    """What is new there says which revision it is of."""

    def add(document: Document) -> None:
        document["info"]["version"] = version
        document["paths"]["/api/loan-reminders"]["post"]["x-klaviyo-scopes"] = ["loans:read"]
        operation = document["paths"]["/api/loan-reminders"]["post"]
        document["paths"]["/api/loan-plans"] = {"post": {**operation, "operationId": "plan_reminder"}}

    drafted = draft_changed(catalogue, add)
    written = [each.path for each in drafted if each.outcome != "pinned"]
    assert [path.stem for path in written] == ["plan_reminder"]
    assert parse(written[0].read_bytes())["revision"] == version


@pytest.mark.parametrize(
    ("tag", "sub_tag", "folder"),
    [
        ("Loans", "", "lending"),  # where its kin were moved to
        ("Loans", "Reminders", "loans"),  # no kin
        ("Reading Rooms", "", "reading_rooms"),
    ],
)
def test_a_new_operation_goes_to_the_folder_of_its_kin(catalogue: Path, tag: str, sub_tag: str, folder: str) -> None:
    (catalogue / "loans").rename(catalogue / "lending")

    def add(document: Document) -> None:
        operation = document["paths"]["/api/loan-reminders"]["post"]
        added = {**operation, "operationId": "plan_reminder", "tags": [tag], "x-klaviyo-subtag": sub_tag or None}
        document["paths"]["/api/loan-plans"] = {"post": added}

    drafted = draft_changed(catalogue, add, "plan_reminder")
    assert [(each.path, each.outcome) for each in drafted] == [(catalogue / folder / "plan_reminder.yaml", "written")]


def test_where_facts_come_from_is_kept_as_long_as_the_document_says_so(catalogue: Path) -> None:
    def put_together(document: Document) -> None:
        document["paths"]["/api/loan-reminders"]["post"]["x-provenance"] = "beta-2029-10-15.pre+sdk"

    def stated(document: Document) -> None:
        document["paths"]["/api/loan-reminders"]["post"]["x-provenance"] = "stable-2030-01-15"

    def provenance() -> Any:
        return parse((catalogue / "loans" / "remind_reader.yaml").read_bytes()).get("provenance")

    draft_changed(catalogue, put_together)
    assert provenance() == "beta-2029-10-15.pre+sdk"
    assert {each.outcome for each in draft_changed(catalogue, put_together)} == {"pinned", "unchanged"}
    draft_changed(catalogue, stated)
    assert provenance() is None

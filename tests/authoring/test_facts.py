"""The facts of an OpenAPI document as a file: what is in it, and that it is made to be compared with the next one."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from klaviyo_mcp.authoring.facts import render, revision_facts
from klaviyo_mcp.authoring.openapi import load_document

LIBRARY = Path(__file__).parent / "data" / "library_openapi.json"
BOOKS = "/api/books"


@pytest.fixture
def document() -> dict[str, Any]:
    return copy.deepcopy(load_document(LIBRARY))


def books(document: dict[str, Any]) -> dict[str, Any]:
    return revision_facts(document)["operations"]["get_books"]


def without(document: dict[str, Any], parameter: str) -> dict[str, Any]:
    raw = document["paths"][BOOKS]["get"]
    raw["parameters"] = [each for each in raw["parameters"] if each["name"] != parameter]
    return document


def test_a_collection_has_all_its_facts(document: dict[str, Any]) -> None:
    facts = revision_facts(document)
    assert facts["revision"] == "2030-01-15"
    assert facts["operations"]["get_books"] == {
        "method": "GET",
        "path": "/api/books",
        "scopes": ["books:read"],
        "limits": [10, 150],
        # The words say `label`; the parameter takes `labels`.
        "extra_limits": {"include=labels": [1, 15], "additional-fields[book]=lending_forecast": [3, 60]},
        "filters": {
            "title": {"single": ["contains", "equals"]},
            "genre": {"single": ["equals"], "list": ["any"], "enum": ["crime", "poetry"]},
            "label.id": {"list": ["any"]},
            "printed_at": {"single": ["greater-than", "less-than"], "type": "date-time"},
            "born_on": {"single": ["equals"], "type": "date"},
            "in_print": {"single": ["equals"], "type": "boolean"},
            "cover": {"none": ["has"]},
        },
        "filter_required": True,
        "sorts": ["title"],
        "page": {"default": 20, "most": 50},
        "include": ["labels", "covers"],
        "additional": {"book": ["lending_forecast"]},
        "fields": {"book": "book", "book-label": "book-label"},
    }


def test_an_operation_without_filters_pages_or_fields_says_nothing_of_them(document: dict[str, Any]) -> None:
    assert revision_facts(document)["operations"]["delete_book"] == {
        "method": "DELETE",
        "path": "/api/books/{id}",
        "scopes": ["books:write"],
        "limits": [10, 150],
    }


def test_a_list_of_fields_is_written_once_and_another_of_the_type_gets_a_number(document: dict[str, Any]) -> None:
    facts = revision_facts(document)
    named = [each["fields"]["book"] for each in facts["operations"].values() if "book" in each.get("fields", {})]
    assert set(named) <= set(facts["fields"])
    assert facts["fields"]["book"] == ["author", "title"]
    (parameter,) = [each for each in document["paths"][BOOKS]["get"]["parameters"] if each["name"] == "fields[book]"]
    parameter["schema"]["items"]["enum"] = ["title"]
    changed = revision_facts(document)
    assert changed["fields"][changed["operations"]["get_books"]["fields"]["book"]] == ["title"]
    assert {name for name in changed["fields"] if name.startswith("book") and "-" not in name} == {"book", "book 2"}


def test_a_page_that_nobody_can_size_has_the_size_that_the_words_state(document: dict[str, Any]) -> None:
    without(document, "page[size]")
    assert books(document)["page"] == {"sizable": False}
    document["paths"][BOOKS]["get"]["description"] += "<br>Returns a maximum of 40 results per page."
    assert books(document)["page"] == {"default": 40, "most": 40, "sizable": False}


def test_a_change_of_one_operation_changes_one_line(document: dict[str, Any]) -> None:
    before = render(revision_facts(document)).splitlines()
    document["paths"][BOOKS]["get"]["x-klaviyo-ratelimit"] = {"burst": "1/s", "steady": "15/m", "daily": "30/d"}
    after = render(revision_facts(document)).splitlines()
    (changed,) = [new for old, new in zip(before, after, strict=True) if old != new]
    assert '"limits":[1,15,30]' in changed


def test_the_text_is_the_facts_and_none_of_the_documents_words(document: dict[str, Any]) -> None:
    facts = revision_facts(document)
    text = render(facts)
    assert json.loads(text) == facts
    assert "Words of the vendor" in LIBRARY.read_text()
    assert "Words" not in text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"paths": {}, "info": {"version": "2030-01-15"}}, "no operations"),
        ({"paths": {}}, "no revision"),
        ({"info": {"version": "2030-01-15"}, "paths": {"/x": {"get": {}}}}, "GET /x has no operationId"),
    ],
)
def test_what_is_no_document_of_an_api_is_said(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        revision_facts(wrong)


def test_a_limit_of_another_form_is_said_with_its_operation(document: dict[str, Any]) -> None:
    document["paths"][BOOKS]["get"]["x-klaviyo-ratelimit"]["burst"] = "10/h"
    with pytest.raises(ValueError, match=r"get_books: '10/h' is not a burst limit such as 10/s"):
        revision_facts(document)

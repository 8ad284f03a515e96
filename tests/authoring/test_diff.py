"""What `specs diff` says when Klaviyo's document and the catalogue no longer agree."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from klaviyo_mcp.authoring.coverage import unreached
from klaviyo_mcp.authoring.diff import diff, render
from klaviyo_mcp.authoring.draft import draft
from klaviyo_mcp.authoring.openapi import load_document, operations
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.yaml_text import parse

LIBRARY = Path(__file__).parent / "data" / "library_openapi.json"
WORDS = {"title": "A title", "summary": "A summary of the action.", "description": "A description of the action."}

Document = dict[str, Any]


@pytest.fixture
def document() -> Document:
    return load_document(LIBRARY)


@pytest.fixture
def specs() -> list[ActionSpec]:
    """The catalogue as it was drafted from the document, with words."""
    document = load_document(LIBRARY)
    return [spec_of(draft(document, name)) for name in operations(document)]


def spec_of(text: str, **changes: Any) -> ActionSpec:
    return ActionSpec.model_validate({**parse(text), **WORDS, "toolset": "library", **changes})


def create(document: Document) -> Document:
    """The attributes of a new book."""
    return document["components"]["schemas"]["BookCreateQuery"]["properties"]["data"]["properties"]["attributes"]


def parameter(document: Document, operation: str, name: str) -> Document:
    return next(each for each in operations(document)[operation].raw["parameters"] if each["name"] == name)


def raw(document: Document, operation: str) -> Document:
    return operations(document)[operation].raw


def test_a_catalogue_fresh_from_the_document_agrees_with_it(specs: list[ActionSpec], document: Document):
    found = diff(specs, document)
    assert not found
    assert not found.breaks
    assert render(found) == "The catalogue agrees with the document.\n"


def test_operations_that_came_and_went_are_named(specs: list[ActionSpec], document: Document):
    document["paths"]["/api/printed-books"] = {
        "get": {**raw(document, "get_books"), "operationId": "get_printed_books"}
    }
    del document["paths"]["/api/books/{id}"]["delete"]

    found = diff(specs, document)

    assert found.new == ["GET /api/printed-books get_printed_books"]
    assert found.gone == ["delete_book"]
    assert found.breaks


def delete_argument(document: Document) -> None:
    del create(document)["properties"]["subtitle"]


def add_argument(document: Document) -> None:
    create(document)["properties"]["isbn"] = {"type": "string"}


def add_required_argument(document: Document) -> None:
    add_argument(document)
    create(document)["required"].append("isbn")


def require_argument(document: Document) -> None:
    create(document)["required"].append("_key")


def narrow_type(document: Document) -> None:
    create(document)["properties"]["subtitle"]["nullable"] = False


def widen_type(document: Document) -> None:
    create(document)["properties"]["title"]["nullable"] = True


def change_enum(document: Document) -> None:
    create(document)["properties"]["binding"]["enum"] = ["hardback", "spiral"]


def lower_maximum(document: Document) -> None:
    create(document)["properties"]["title"]["maxLength"] = 100


def raise_maximum(document: Document) -> None:
    parameter(document, "get_books", "page[size]")["schema"]["maximum"] = 100


def raise_minimum(document: Document) -> None:
    parameter(document, "get_books", "page[size]")["schema"]["minimum"] = 5


def change_default(document: Document) -> None:
    create(document)["properties"]["binding"]["default"] = "hardback"


def change_forms(document: Document) -> None:
    create(document)["properties"]["availability"]["oneOf"].pop()


def nested_argument_gone(document: Document) -> None:
    del document["components"]["schemas"]["Address"]["properties"]["zip"]


def definition_changed(document: Document) -> None:
    document["components"]["schemas"]["Table"]["required"].append("seats")


def sort_gone(document: Document) -> None:
    parameter(document, "get_books", "sort")["schema"]["enum"] = ["title"]


def move(document: Document) -> None:
    document["paths"]["/api/volumes"] = {"get": document["paths"]["/api/books"].pop("get")}


def envelope(document: Document) -> None:
    document["components"]["schemas"]["BookEnum"]["enum"] = ["volume"]


def scopes(document: Document) -> None:
    raw(document, "get_books")["x-klaviyo-scopes"] = ["labels:read"]


def limits(document: Document) -> None:
    raw(document, "get_books")["x-klaviyo-ratelimit"] = {"burst": "1/s", "steady": "150/m", "daily": "9/d"}


def extra_limits(document: Document) -> None:
    operation = raw(document, "get_books")
    operation["description"] = operation["description"].replace("Burst: `3/s`", "Burst: `2/s`")


def filters(document: Document) -> None:
    fields = raw(document, "get_books")["x-klaviyo-filters"]
    del fields["cover"]
    fields["title"]["operators"]["single"] = ["equals", "starts-with"]
    fields["genre"]["value"]["enum"] = ["crime", "drama"]
    fields["in_print"]["value"]["type"] = "string"
    fields["pages"] = {"operators": {"single": ["equals"]}, "value": {"type": "integer"}}


def result(document: Document) -> None:
    responses = raw(document, "remind_reader")["responses"]
    responses["204"] = responses.pop("202")


def alias(document: Document) -> None:
    raw(document, "get_books")["x-klaviyo-operation-aliases"] = ["read_books"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (delete_argument, ["! create_book: argument subtitle is gone"]),
        (add_argument, ["  create_book: new argument isbn"]),
        (add_required_argument, ["! create_book: new required argument isbn"]),
        (require_argument, ["! create_book: argument key is now required"]),
        (narrow_type, ["! create_book: subtitle is of type string, was string, null"]),
        (widen_type, ["  create_book: title is of type string, null, was string"]),
        (
            change_enum,
            ["! create_book: binding: value paperback is gone", "  create_book: binding: value spiral is new"],
        ),
        (lower_maximum, ["! create_book: title has maxLength 100, was 200"]),
        (raise_maximum, ["  get_books: page_size has maximum 100, was 50"]),
        (raise_minimum, ["! get_books: page_size has minimum 5, was 1"]),
        (change_default, ["  create_book: binding is hardback by default, was paperback"]),
        (change_forms, ["! create_book: availability accepts other forms"]),
        (nested_argument_gone, ["! create_book: argument donor.address.zip is gone"]),
        (definition_changed, ["! create_layout: argument Table.seats is now required"]),
        (sort_gone, ["! get_books: sort: value -title is gone"]),
        (move, ["! get_books: GET /api/volumes, was GET /api/books"]),
        (scopes, ["  get_books: scope books:read is gone", "! get_books: scope labels:read is new"]),
        (limits, ["  get_books: burst limit is 1/s, was 10/s", "  get_books: daily limit is 9/d, was none"]),
        (
            extra_limits,
            ["  get_books: limit of additional-fields[book]=lending_forecast is 2/s and 60/m, was 3/s and 60/m"],
        ),
        (
            filters,
            [
                "! get_books: filter field cover is gone",
                "  get_books: filter field pages is new",
                "! get_books: filter title: operator contains is gone",
                "  get_books: filter title: operator starts-with is new",
                "! get_books: filter genre: value poetry is gone",
                "  get_books: filter genre: value drama is new",
                "! get_books: filter in_print is a string, was a boolean",
            ],
        ),
        (result, ["! remind_reader: result kind is done, was accepted"]),
        (alias, ["  get_books: alias read_books is new"]),
    ],
)
def test_each_change_is_one_line_marked_when_it_breaks_callers(
    change: Callable[[Document], None], expected: list[str], specs: list[ActionSpec], document: Document
):
    change(document)
    lines = render(diff(specs, document)).splitlines()
    assert [line[2:] for line in lines[1:] if line.startswith("  ")] == expected
    breaking = sum(line.startswith("!") for line in expected)
    assert lines[-1].startswith(f"{breaking} of these" if breaking else "None of these")


def test_a_change_of_the_body_that_no_argument_shows_is_named(specs: list[ActionSpec], document: Document):
    envelope(document)
    changes = {(change.action, change.what) for change in diff(specs, document).changed}
    assert ("create_book", "the body of the request has another form") in changes


def test_a_person_s_own_names_rules_and_overrides_are_no_difference(document: Document):
    text = draft(document, "update_book").replace("$id", "$book_id").replace("id: {type", "book_id: {type")
    text = text.replace("[id]", "[book_id]").replace("maxLength: 200}", "maxLength: 150, minLength: 1}")
    assert not diff([spec_of(text, overrides=["input_schema.properties.title.maxLength"])], document).changed
    [change] = diff([spec_of(text)], document).changed
    assert change.what == "title has maxLength 200, was 150"


def test_composite_actions_are_not_compared(document: Document):
    text = "name: any_book\neffect: read\nidempotent: true\ninput_schema: {type: object}\nresult: {kind: composite}\n"
    composite = spec_of(text, request={"steps": [{"name": "books", "action": "get_books"}], "answer": {}})
    assert diff([composite], {**document, "paths": {}}) == diff([], {**document, "paths": {}})
    assert unreached(document, composite) == []


def test_unreached_names_what_a_spec_leaves_out(document: Document):
    spec = parse(draft(document, "create_book"))
    del spec["request"]["query"]
    sent = spec["request"]["body"]["data"]
    del sent["attributes"]["title"], sent["attributes"]["edition"], sent["relationships"]["labels"]
    del sent["attributes"]["chapters"]["data"]["$do"]["attributes"]["heading"]
    del spec["input_schema"]["properties"]["donor"]["properties"]["address"]["properties"]["street"]
    del spec["input_schema"]["properties"]["price"]

    assert unreached(document, ActionSpec.model_validate({**spec, **WORDS, "toolset": "library"})) == [
        "query fields[book]",
        "body.data.attributes.title",
        "body.data.attributes.price: there is no argument price",
        "body.data.attributes.donor.data.attributes.address.street",
        "body.data.attributes.chapters.data[].attributes.heading",
        "body.data.relationships.labels",
    ]

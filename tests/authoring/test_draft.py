"""Drafting spec files from an OpenAPI document, and refreshing them around what people wrote."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from klaviyo_mcp.authoring.coverage import unreached
from klaviyo_mcp.authoring.draft import draft, draft_files
from klaviyo_mcp.authoring.openapi import load_document, operations
from klaviyo_mcp.authoring.yaml_edit import rewrite
from klaviyo_mcp.authoring.yaml_layout import file_text
from klaviyo_mcp.registry.holes import holes
from klaviyo_mcp.registry.loading import load_file

LIBRARY = Path(__file__).parent / "data" / "library_openapi.json"
"""An invented library's API in the dialect of Klaviyo's document."""

WORDS = "title: A title\nsummary: A summary of the action.\ndescription: A description of the action.\n"


@pytest.fixture
def document() -> dict[str, Any]:
    return load_document(LIBRARY)


def read(text: str) -> dict[str, Any]:
    return yaml.safe_load(text)


def properties(text: str) -> dict[str, Any]:
    return read(text)["input_schema"]["properties"]


def attributes(document: dict[str, Any], query: str) -> dict[str, Any]:
    return document["components"]["schemas"][query]["properties"]["data"]["properties"]["attributes"]["properties"]


def parameter(document: dict[str, Any], operation: str, name: str) -> dict[str, Any]:
    return next(each for each in operations(document)[operation].raw["parameters"] if each["name"] == name)


# A new file


@pytest.mark.parametrize("operation", list(operations(load_document(LIBRARY))))
def test_a_draft_with_words_added_loads_and_leaves_nothing_out(
    operation: str, tmp_path: Path, document: dict[str, Any]
):
    file = tmp_path / "library" / f"{operation}.yaml"
    file.parent.mkdir()
    file.write_text(draft(document, operation) + WORDS)

    spec = load_file(file)

    Draft202012Validator.check_schema(spec.input_schema)
    assert unreached(document, spec) == []


@pytest.mark.parametrize("operation", list(operations(load_document(LIBRARY))))
def test_a_draft_has_none_of_the_vendors_words_and_no_long_lines(operation: str, document: dict[str, Any]):
    text = draft(document, operation)
    assert "Words of the vendor" not in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_new_file_has_every_fact_and_no_words(document: dict[str, Any]):
    assert draft(document, "get_books") == (
        "# yaml-language-server: $schema=../../docs/action.schema.json\n"
        "name: get_books\n"
        "aliases: [list_books]\n"
        "operation: get_books\n"
        "effect: read\n"
        "idempotent: true\n"
        "scopes: [books:read]\n"
        "rate_limit:\n"
        "  burst: 10/s\n"
        "  steady: 150/m\n"
        "  extra:\n"
        "    - {bucket: include=label, argument: include, contains: labels, burst: 1/s, steady: 15/m}\n"
        "    - bucket: additional-fields[book]=lending_forecast\n"
        "      argument: additional_book_fields\n"
        "      contains: lending_forecast\n"
        "      burst: 3/s\n"
        "      steady: 60/m\n"
        "filters:\n"
        "  title: {type: string, one: [contains, equals]}\n"
        "  genre: {type: string, enum: [crime, poetry], one: [equals], many: [any]}\n"
        "  label.id: {type: string, many: [any]}\n"
        "  printed_at: {type: datetime, one: [greater-than, less-than]}\n"
        "  born_on: {type: date, one: [equals]}\n"
        "  in_print: {type: boolean, one: [equals]}\n"
        "  cover: {alone: [has]}\n"
        "input_schema:\n"
        "  type: object\n"
        "  properties:\n"
        "    filter:\n"
        "      type: [string, array]\n"
        "      items:\n"
        "        type: object\n"
        "        properties: {field: {type: string}, operator: {type: string}, value: {}}\n"
        "        required: [field, operator]\n"
        "        additionalProperties: false\n"
        "    sort: {type: string, enum: [title, -title]}\n"
        "    include: {type: array, items: {type: string, enum: [labels, covers]}}\n"
        "    page_size: {type: integer, minimum: 1, maximum: 50}\n"
        "    cursor: {type: string}\n"
        "    max_records: {type: integer, minimum: 1, maximum: 10000}\n"
        "    additional_book_fields: {type: array, items: {type: string, enum: [lending_forecast]}}\n"
        "    book_fields: {type: array, items: {type: string, enum: [author, title]}}\n"
        "    book_label_fields: {type: array, items: {type: string, enum: [code]}}\n"
        "  required: [filter]\n"
        "  additionalProperties: false\n"
        "request:\n"
        "  method: GET\n"
        "  path: /api/books\n"
        "  query:\n"
        "    filter: {$filter: [$filter]}\n"
        "    sort: $sort\n"
        "    include: $include\n"
        "    page[size]: $page_size\n"
        "    page[cursor]: $cursor\n"
        "    additional-fields[book]: $additional_book_fields\n"
        "    fields[book]: $book_fields\n"
        "    fields[book-label]: $book_label_fields\n"
        "result: {kind: collection, type: book, paged: true}\n"
    )


def test_an_envelope_becomes_flat_arguments_and_constants_are_filled_in(document: dict[str, Any]):
    spec = read(draft(document, "create_book"))

    assert spec["input_schema"]["required"] == ["title", "price", "donor", "cover_id"]
    assert list(spec["input_schema"]["properties"]["donor"]["properties"]) == [
        "id",
        "email",
        "address",
        "append",
        "unset",
    ]
    data = spec["request"]["body"]["data"]
    assert data["attributes"]["edition"] == "first"
    assert data["attributes"]["donor"]["data"] == {
        "type": "reader",
        "id": "$donor.id",
        "attributes": {
            "email": "$donor.email",
            "address": "$donor.address",
            "meta": {"append": "$donor.append", "unset": "$donor.unset"},
        },
    }
    assert data["attributes"]["chapters"]["data"] == {
        "$each": "$chapters",
        "$do": {
            "type": "chapter",
            "attributes": {
                "heading": "$item.heading",
                "illustrator": {"data": {"type": "illustrator", "attributes": {"name": "$item.illustrator.name"}}},
            },
            "relationships": {
                "plates": {"data": {"$each": "$item.plate_ids", "$do": {"type": "plate", "id": "$item"}}}
            },
        },
    }
    assert data["relationships"] == {
        "labels": {"data": {"$each": "$label_ids", "$do": {"type": "book-label", "id": "$item"}}},
        "cover": {"data": {"type": "cover", "id": "$cover_id"}},
    }


@pytest.mark.parametrize(
    ("argument", "schema"),
    [
        ("title", {"type": "string", "maxLength": 200}),
        ("subtitle", {"type": ["string", "null"]}),
        ("binding", {"type": ["string", "null"], "enum": ["hardback", "paperback", None], "default": "paperback"}),
        ("price", {"type": "number"}),
        ("height", {"type": ["string", "number", "null"]}),
        ("rating", {"type": "number", "exclusiveMinimum": 0, "maximum": 5}),
        ("keywords", {"type": ["array", "null"], "items": {"type": "string"}, "maxItems": 10}),
        ("metadata", {"type": ["object", "null"]}),
        ("key", {"type": "string"}),
        ("label_ids", {"type": "array", "items": {"type": "string"}, "minItems": 1}),
    ],
)
def test_openapi_3_0_becomes_json_schema_2020_12(argument: str, schema: dict[str, Any], document: dict[str, Any]):
    assert properties(draft(document, "create_book"))[argument] == schema


def test_forms_of_a_value_stay_apart_and_read_only_fields_are_left_out(document: dict[str, Any]):
    drafted = properties(draft(document, "create_book"))
    now, later, none = drafted["availability"]["anyOf"]
    assert (now["required"], later["required"], none) == (["kind"], ["kind", "on"], {"type": "null"})
    assert "shelved_at" not in drafted


def test_a_recursive_document_goes_into_definitions(document: dict[str, Any]):
    schema = read(draft(document, "create_layout"))["input_schema"]
    assert schema["properties"]["definition"] == {"anyOf": [{"$ref": "#/$defs/Room"}, {"type": "null"}]}
    room = schema["$defs"]["Room"]
    assert room["properties"]["rooms"] == {"type": "array", "items": {"$ref": "#/$defs/Room"}}
    assert room["required"] == ["name"]  # and not the read-only id

    valid = Draft202012Validator(schema).is_valid
    assert valid({"name": "x", "definition": {"name": "a", "rooms": [{"name": "b", "furniture": [{"kind": "lamp"}]}]}})
    assert not valid({"name": "x", "definition": {"name": "a", "rooms": [{"nome": "b"}]}})


def test_two_deep_values_of_one_name_go_into_definitions_of_their_own(document: dict[str, Any]):
    room = {"$ref": "#/components/schemas/Room"}
    other = {"type": "object", "properties": {"plan": {"type": "object", "properties": {"house": room}}}}
    resource = {"type": "object", "properties": {"id": {"type": "string"}, "attributes": other}}
    layout = attributes(document, "LayoutCreateQuery")
    layout["plan"] = {"type": "object", "properties": {"cellar": room}}
    layout["beside"] = {"type": "object", "properties": {"data": resource}}
    defs = read(draft(document, "create_layout"))["input_schema"]["$defs"]
    assert [list(defs[name]["properties"]) for name in ("Plan", "Plan2")] == [["cellar"], ["house"]]


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("update_book", ["id", "title", "description", "append", "unset"]),
        ("add_readers_to_book", ["reader_ids"]),
        ("set_cover_of_book", ["cover_id"]),
        ("remind_reader", ["id", "tone"]),
    ],
)
def test_the_id_of_a_body_is_the_paths_or_the_related_ones_or_an_argument(
    operation: str, body: list[str], document: dict[str, Any]
):
    assert list(holes(read(draft(document, operation))["request"]["body"])) == body


def test_replacing_a_relationship_may_empty_it_and_adding_to_it_may_not_be_empty(document: dict[str, Any]):
    assert properties(draft(document, "add_readers_to_book"))["reader_ids"]["minItems"] == 1
    assert "minItems" not in properties(draft(document, "replace_readers_of_book"))["reader_ids"]


def test_a_file_is_sent_as_a_form(document: dict[str, Any]):
    spec = read(draft(document, "upload_cover"))
    assert spec["request"]["multipart"] == {"file": "$file", "name": "$name", "hidden": "$hidden"}
    assert spec["input_schema"]["required"] == ["file"]


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ("get_book", {"kind": "resource", "type": "book"}),
        ("get_reader_ids_for_book", {"kind": "identifiers", "type": "reader", "paged": True}),
        ("bulk_create_loans", {"kind": "job", "type": "loan-bulk-create-job"}),
        ("remind_reader", {"kind": "accepted"}),
        ("delete_book", {"kind": "done"}),
        ("get_opening_hours", {"kind": "raw"}),
    ],
)
def test_the_responses_say_what_comes_back(operation: str, result: dict[str, Any], document: dict[str, Any]):
    assert read(draft(document, operation))["result"] == result


def test_a_limit_for_a_parameter_the_operation_does_not_have_is_left_out(document: dict[str, Any]):
    assert read(draft(document, "get_book"))["rate_limit"] == {"burst": "10/s", "steady": "150/m"}


@pytest.mark.parametrize(
    ("operation", "effect", "idempotent"),
    [("get_book", "read", True), ("delete_book", "destructive", True), ("create_book", "write", False)],
)
def test_only_a_new_file_gets_a_suggested_effect(
    operation: str, effect: str, idempotent: bool, document: dict[str, Any]
):
    text = draft(document, operation)
    assert (read(text)["effect"], read(text)["idempotent"]) == (effect, idempotent)
    bare = text.replace(f"effect: {effect}\n", "")
    assert "effect" not in read(draft(document, operation, bare))


# An existing file

WRITTEN = """\
# yaml-language-server: $schema=../../docs/action.schema.json
# Librarians call this one often.
name: update_book
title: Correct a book
summary: Change what the catalogue says about a book.
description: |
  Changes the title or the description.
  Leave out what should stay.

aliases: [correct_book]   # what the old desk called it
operation: update_book
effect: write
idempotent: true
scopes: ["books:write"]
rate_limit: { burst: 10/s, steady: 150/m }   # shared by all desks
input_schema:
  type: object
  properties:
    book_id: {type: string, pattern: '^B', description: The book's number.}
    title:
      type: [string, "null"]
      maxLength: 200   # the spine is only so wide
      minLength: 1
      description: >-
        The title,
        as on the spine.
    description: {type: [string, 'null'], description: "What it is about."}
    append: {type: object, description: Notes to add.}
    forget: {anyOf: [{type: string, description: One note.}, {type: array, items: {type: string}}, {type: 'null'}]}
  required: [book_id]
  additionalProperties: false
request:
  method: PATCH
  path: /api/books/$book_id
  body: {data: {type: book, id: $book_id, attributes: {title: $title, description: $description},
    meta: {append: $append, unset: $forget}}}
result: {kind: resource, type: book, note: The spine is reprinted at night.}
# The end.
"""


def test_refreshing_what_has_not_changed_changes_no_byte(document: dict[str, Any]):
    assert draft(document, "update_book", WRITTEN) == WRITTEN
    for operation in operations(document):
        text = draft(document, operation)
        assert draft(document, operation, text) == text


def test_a_refresh_changes_the_lines_of_changed_facts_and_no_other(document: dict[str, Any]):
    attributes(document, "BookUpdateQuery")["title"]["maxLength"] = 300
    attributes(document, "BookUpdateQuery")["isbn"] = {"type": "string"}
    operations(document)["update_book"].raw["x-klaviyo-ratelimit"]["burst"] = "75/s"

    refreshed = draft(document, "update_book", WRITTEN)

    assert refreshed == WRITTEN.replace("maxLength: 200   #", "maxLength: 300   #").replace(
        "{ burst: 10/s, steady: 150/m }   #", "{burst: 75/s, steady: 150/m}   #"
    ).replace('"What it is about."}\n', '"What it is about."}\n    isbn: {type: string}\n').replace(
        """\
  body: {data: {type: book, id: $book_id, attributes: {title: $title, description: $description},
    meta: {append: $append, unset: $forget}}}
""",
        """\
  body:
    data:
      type: book
      id: $book_id
      attributes: {title: $title, description: $description, isbn: $isbn}
      meta: {append: $append, unset: $forget}
""",
    )


def test_what_the_document_no_longer_has_goes(document: dict[str, Any]):
    del attributes(document, "BookUpdateQuery")["description"]
    del document["components"]["schemas"]["Patch"]["properties"]["unset"]

    refreshed = draft(document, "update_book", WRITTEN)

    assert list(properties(refreshed)) == ["book_id", "title", "append"]
    assert read(refreshed)["request"]["body"]["data"]["attributes"] == {"title": "$title"}
    assert "# The end." in refreshed


def test_an_object_no_longer_requires_what_is_gone(document: dict[str, Any]):
    text = draft(document, "create_layout")
    room = document["components"]["schemas"]["Room"]
    del room["properties"]["name"], room["required"]
    assert "required" not in read(draft(document, "create_layout", text))["input_schema"]["$defs"]["Room"]


def test_words_inside_changed_parts_stay(document: dict[str, Any]):
    document["components"]["schemas"]["Patch"]["properties"]["unset"]["oneOf"].append({"type": "boolean"})
    forget = properties(draft(document, "update_book", WRITTEN))["forget"]
    assert forget["anyOf"][0] == {"type": "string", "description": "One note."}
    assert {"type": "boolean"} in forget["anyOf"]


def test_fields_that_a_person_moved_out_of_their_object_stay_where_they_are(document: dict[str, Any]):
    text = draft(document, "create_book").replace("$item.illustrator.name", "$item.drawn_by")
    text = text.replace("$donor.email", "$donor_email").replace("$donor.address", "$donor_address")
    text = text.replace("chapters:\n      type", "parts:\n      type").replace("$each: $chapters", "$each: $parts")
    text = text.replace("cover_id", "jacket")

    refreshed = draft(document, "create_book", text)

    drafted = properties(refreshed)
    assert drafted["donor_email"] == {"type": ["string", "null"]}
    assert "email" not in drafted["donor"]["properties"]
    assert drafted["parts"]["items"]["properties"]["drawn_by"] == {"type": "string"}
    assert drafted["parts"]["items"]["required"] == ["heading"]  # a chapter needs no illustrator
    assert "chapters" not in drafted
    assert drafted["jacket"] == {"type": "string"}
    assert draft(document, "create_book", refreshed) == refreshed


def test_an_object_that_a_person_took_apart_or_sent_whole_stays_so(document: dict[str, Any]):
    spec = read(draft(document, "create_book"))
    sent = spec["request"]["body"]["data"]["attributes"]
    sent["donor"]["data"]["attributes"]["address"] = {"street": "$donor_street", "zip": "$donor_zip"}
    sent["chapters"]["data"] = "$raw_chapters"
    del spec["input_schema"]["properties"]["chapters"]

    drafted = properties(draft(document, "create_book", file_text(spec)))

    assert drafted["donor_street"] == {"type": ["string", "null"]}
    assert "address" not in drafted["donor"]["properties"]
    assert drafted["raw_chapters"]["type"] == "array"
    assert "chapters" not in drafted


def test_a_form_that_a_person_took_apart_inside_a_list_stays_so(document: dict[str, Any]):
    chapter = document["components"]["schemas"]["BookCreateQuery"]["properties"]["data"]["properties"]["attributes"]
    heading = chapter["properties"]["chapters"]["properties"]["data"]["items"]["properties"]["attributes"]["properties"]
    heading["heading"] = {"oneOf": [{"type": "object", "properties": {"text": {"type": "string"}}}, {"type": "string"}]}
    spec = read(draft(document, "create_book"))
    each = spec["request"]["body"]["data"]["attributes"]["chapters"]["data"]
    each["$do"]["attributes"]["heading"] = {"text": "$item.heading_text"}
    item = spec["input_schema"]["properties"]["chapters"]["items"]
    item["properties"]["heading_text"] = {"type": "string", "maxLength": 40}
    item["required"] = ["heading_text"]
    del item["properties"]["heading"]

    assert read(draft(document, "create_book", file_text(spec))) == spec


def test_a_condition_that_a_person_joined_to_the_filter_stays_and_makes_the_filter_optional(document: dict[str, Any]):
    spec = read(draft(document, "get_books"))
    joined = {"$filter": [{"field": "genre", "operator": "equals", "value": "$genre"}, "$filter"]}
    spec["request"]["query"]["filter"] = joined
    spec["input_schema"]["properties"]["genre"] = {"enum": ["crime", "poetry"]}
    spec["input_schema"]["required"] = ["genre"]

    refreshed = read(draft(document, "get_books", file_text(spec)))

    assert refreshed == spec


def test_a_value_that_a_person_fixed_stays_fixed(document: dict[str, Any]):
    spec = read(draft(document, "create_book"))
    spec["request"]["body"]["data"]["attributes"]["binding"] = "hardback"
    del spec["input_schema"]["properties"]["binding"]

    assert read(draft(document, "create_book", file_text(spec))) == spec


def test_a_rule_that_a_person_added_to_an_object_stays(document: dict[str, Any]):
    spec = read(draft(document, "create_book"))
    spec["input_schema"]["properties"]["donor"]["anyOf"] = [{"required": ["email"]}, {"required": ["id"]}]
    assert read(draft(document, "create_book", file_text(spec))) == spec


def test_a_value_of_another_form_keeps_only_its_words(document: dict[str, Any]):
    spec = read(draft(document, "create_book"))
    spec["input_schema"]["properties"]["availability"]["description"] = "When it can be lent."
    attributes(document, "BookCreateQuery")["availability"] = {"type": "string", "enum": ["now", "later"]}
    assert properties(draft(document, "create_book", file_text(spec)))["availability"] == {
        "description": "When it can be lent.",
        "type": "string",
        "enum": ["now", "later"],
    }


def test_overrides_win_over_the_document(document: dict[str, Any]):
    overridden = WRITTEN.replace("maxLength: 200 ", "maxLength: 150 ").replace("{kind: resource,", "{kind: raw,")
    overridden += "overrides: [input_schema.properties.title.maxLength, result.kind]\n"
    assert draft(document, "update_book", overridden) == overridden
    assert draft(document, "update_book", overridden.replace(", result.kind]", "]")) != overridden


def test_aliases_grow_and_those_of_people_stay(document: dict[str, Any]):
    operations(document)["update_book"].raw["x-klaviyo-operation-aliases"] = ["patch_book"]
    assert read(draft(document, "update_book", WRITTEN))["aliases"] == ["correct_book", "patch_book"]


def test_a_file_that_cannot_be_refreshed_says_why(document: dict[str, Any]):
    with pytest.raises(KeyError, match="no operation 'burn_book'"):
        draft(document, "burn_book")
    with pytest.raises(ValueError, match="no facts to refresh"):
        draft(document, "update_book", "name: x\nrequest: {choose: $kind, among: {}}\n")
    with pytest.raises(ValueError, match="not valid YAML"):
        draft(document, "update_book", "name: [x\n")
    with pytest.raises(ValueError, match="merge keys"):
        draft(document, "update_book", WRITTEN.replace("scopes: [", "<<: {scopes: [").replace('write"]', 'read"]}'))


# A folder


def test_files_are_written_once_and_then_only_when_facts_change(tmp_path: Path, document: dict[str, Any]):
    source, folder = tmp_path / "openapi.json", tmp_path / "specs"
    source.write_text(json.dumps(document))

    first = draft_files(source, folder)
    assert {each.outcome for each in first} == {"written"}
    assert folder / "reading_rooms" / "get_books.yaml" in {each.path for each in first}
    assert {each.outcome for each in draft_files(source, folder)} == {"unchanged"}

    changed = copy.deepcopy(document)
    parameter(changed, "get_books", "page[size]")["schema"]["maximum"] = 99
    source.write_text(json.dumps(changed))
    outcomes = {each.path.stem: each.outcome for each in draft_files(source, folder)}
    assert [name for name, outcome in outcomes.items() if outcome != "unchanged"] == ["get_books"]


def test_an_operation_is_refreshed_in_every_file_that_uses_it_under_any_name(tmp_path: Path, document: dict[str, Any]):
    text = draft(document, "remind_reader")
    for name in ("remind_kindly", "remind_sternly"):
        file = tmp_path / "reminders" / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.replace("name: remind_reader", f"name: {name}").replace("10/s", "3/s"))

    refreshed = draft_files(LIBRARY, tmp_path, ["remind_reader"])

    assert [(each.path.stem, each.outcome) for each in refreshed] == [
        ("remind_kindly", "refreshed"),
        ("remind_sternly", "refreshed"),
    ]


def test_nothing_is_written_when_one_file_cannot_be_read(tmp_path: Path):
    broken = tmp_path / "reading_rooms" / "get_book.yaml"
    broken.parent.mkdir()
    broken.write_text("name: [get_book\n")
    with pytest.raises(ValueError, match=r"get_book\.yaml"):
        draft_files(LIBRARY, tmp_path)
    assert list(tmp_path.glob("*/*.yaml")) == [broken]


# Any file

NAMES = st.text("abc_$[]- on", min_size=1, max_size=8).filter(lambda name: name.strip() == name)
PLAIN = st.none() | st.booleans() | st.integers() | NAMES | st.sampled_from(["yes", "1", "2030-01-01", "a: b", "#", ""])
LONG = st.lists(st.sampled_from(["a rather long value", "another, which is no shorter: [x]"]), min_size=4, max_size=9)
VALUES = st.recursive(
    PLAIN | LONG, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4)
)
FEW = st.sampled_from("abcd")
TREES = st.recursive(PLAIN | LONG, lambda inner: st.dictionaries(FEW, inner, max_size=4), max_leaves=12)
FILES = st.dictionaries(NAMES, VALUES, min_size=1, max_size=5) | st.dictionaries(FEW, TREES, min_size=1)


@given(FILES, FILES)
@example({"c": None, "b": {"a": ["x"]}}, {"b": {"a": None, "b": None}, "a": None})
def test_any_file_can_be_laid_out_and_rewritten_as_any_other(old: dict[str, Any], new: dict[str, Any]):
    text = file_text(old)
    assert read(text) == old
    assert max(map(len, text.splitlines())) <= 120
    new = {**new, **{key: old[key] for key in list(old)[:1]}}
    assert read(rewrite(text, old, new)) == new

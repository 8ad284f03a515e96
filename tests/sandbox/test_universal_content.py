"""Universal content: blocks and sections that are made and changed whole, and their screenshots."""

import pytest

from klaviyo_sandbox.facts import REVISION

HTML = {"content_type": "block", "type": "html", "data": {"content": "<b>Hi</b>", "display_options": {}}}
HOME = "/api/template-universal-content"


def create(sandbox, name="Bar", definition=HTML):
    attributes = {"name": name, "definition": definition}
    body = {"data": {"type": "template-universal-content", "attributes": attributes}}
    return sandbox.post(HOME, body)


def change(sandbox, identifier, **attributes):
    body = {"data": {"type": "template-universal-content", "id": identifier, "attributes": attributes}}
    return sandbox.patch(f"{HOME}/{identifier}", body)


def test_a_block_is_made_and_photographed_a_moment_later(sandbox):
    answer = create(sandbox)
    assert answer.status_code == 201, answer.text
    block = answer.json()["data"]
    assert block["attributes"]["definition"] == {**HTML, "id": block["attributes"]["definition"]["id"]}
    assert (block["attributes"]["screenshot_status"], block["attributes"]["screenshot_url"]) == ("generating", "")
    sandbox.clock.advance(2)
    attributes = sandbox.data(f"{HOME}/{block['id']}")["attributes"]
    assert attributes["screenshot_status"] == "completed"
    assert attributes["screenshot_url"].endswith(f"{block['id']}.png")


def test_a_block_is_changed_but_keeps_its_type(sandbox):
    block = create(sandbox).json()["data"]["id"]
    sandbox.clock.advance(60)
    other = {**HTML, "id": "own", "data": {"content": "Other", "display_options": {"show_on": "mobile"}}}
    attributes = change(sandbox, block, name="Strip", definition=other).json()["data"]["attributes"]
    assert (attributes["name"], attributes["definition"]) == ("Strip", other)
    assert attributes["updated"] > attributes["created"]
    assert attributes["screenshot_status"] == "generating"
    line = {"content_type": "block", "type": "horizontal_rule", "data": {"display_options": {}, "styles": {}}}
    error = sandbox.problem(change(sandbox, block, definition=line), 400)
    assert error["source"]["pointer"] == "/data/attributes/definition/type"
    sandbox.problem(change(sandbox, "01HZZZZZZZZZZZZZZZZZZZZZZZ", name="x"), 404)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (
            "button",
            {"content": "Shop", "properties": {"href": "https://x.example"}, "display_options": {}, "styles": {}},
        ),
        ("header", {"display_options": {}, "styles": {"logo_align": "left"}}),
        ("image", {"properties": {"dynamic": False}, "display_options": {"show_on": "desktop"}, "styles": {}}),
        ("product", {"properties": {"dynamic": True}, "display_options": {}, "styles": {}}),
        ("text", {"content": "Hi", "display_options": {}, "styles": {"font_size": 14, "text_align": "center"}}),
    ],
)
def test_blocks_of_every_type_are_made_with_the_settings_of_their_type(sandbox, kind, data):
    definition = {"content_type": "block", "type": kind, "data": data}
    assert create(sandbox, definition=definition).json()["data"]["attributes"]["definition"]["data"] == data
    required = next(iter(data))
    lacking = {name: value for name, value in data.items() if name != required}
    error = sandbox.problem(create(sandbox, definition={**definition, "data": lacking}), 400)
    assert error["source"]["pointer"] == f"/data/attributes/definition/data/{required}"


def test_a_section_holds_rows_of_blocks_and_all_parts_get_ids(sandbox):
    shell = {"properties": {}, "display_options": {}, "styles": {}}
    rows = [{"data": {"styles": {"column_layout": "1-column-full-width"}}, "columns": [{"blocks": [HTML]}]}]
    section = {"content_type": "section", "type": "section", "data": shell, "rows": rows}
    made = create(sandbox, definition=section).json()["data"]
    (row,) = made["attributes"]["definition"]["rows"]
    assert row["id"] != row["columns"][0]["blocks"][0]["id"]
    (found,) = sandbox.data(f'{HOME}?filter=equals(definition.content_type,"section")')
    assert found["id"] == made["id"]
    assert change(sandbox, made["id"], definition=made["attributes"]["definition"]).status_code == 200


def test_blocks_of_the_old_form_are_refused_by_revision(sandbox):
    problem = sandbox.problem(sandbox.get(HOME, revision="2026-07-15"), 404)
    assert REVISION in problem["detail"]


@pytest.mark.parametrize(
    "data",
    [
        {"content": "Hi", "display_options": {"show_on": "watch"}},
        {"content": "Hi", "display_options": {"visible_check": "old"}},
        {"content": "Hi", "display_options": {}, "colour": "red"},
    ],
)
def test_the_settings_of_html_are_checked(sandbox, data):
    sandbox.problem(create(sandbox, definition={**HTML, "data": data}), 400)


def test_a_block_is_deleted(sandbox):
    block = create(sandbox).json()["data"]["id"]
    assert sandbox.delete(f"{HOME}/{block}").status_code == 204
    sandbox.problem(sandbox.get(f"{HOME}/{block}"), 404)
    sandbox.clock.advance(5)
    sandbox.problem(sandbox.get(f"{HOME}/{block}"), 404)


def test_blocks_are_found_sorted_and_paged(shop):
    names = [block["attributes"]["name"] for block in shop.walk(f"{HOME}?sort=-name&page[size]=2")]
    assert names == sorted(names, reverse=True)
    assert len(names) == 4
    (line,) = shop.data(f'{HOME}?filter=equals(definition.type,"horizontal_rule")')
    assert shop.data(f'{HOME}?filter=equals(name,"Thin line")') == [line]
    assert len(shop.data(f'{HOME}?filter=equals(definition.content_type,"block")')) == 4
    assert shop.data(f'{HOME}?filter=any(id,["{line["id"]}"])') == [line]
    updated = line["attributes"]["updated"]
    assert line in shop.data(f"{HOME}?filter=greater-or-equal(updated,{updated.replace('+', '%2B')})")
    (footer,) = shop.data(
        f'{HOME}?filter=equals(definition.type,"text")&fields[template-universal-content]=definition.data.content'
    )
    assert set(footer["attributes"]["definition"]["data"]) == {"content"}
    shop.problem(shop.get(f'{HOME}?filter=contains(name,"line")'), 400)


def test_a_block_is_copied(sandbox):
    source = create(sandbox).json()["data"]
    attributes = {"id": source["id"]}
    body = {"data": {"type": "template-universal-content", "id": source["id"], "attributes": attributes}}
    answer = sandbox.post("/api/template-universal-content-clone", body, revision="2026-10-15")
    assert answer.status_code == 201, answer.text
    copy = answer.json()["data"]
    assert copy["id"] != source["id"]
    assert copy["attributes"]["definition"] == source["attributes"]["definition"]
    assert (copy["attributes"]["name"], copy["attributes"]["screenshot_status"]) == ("Bar", "generating")
    attributes["name"] = "Second"
    again = sandbox.post("/api/template-universal-content-clone", body, revision="2026-10-15")
    assert again.json()["data"]["attributes"]["name"] == "Second"
    attributes["id"] = copy["id"]
    sandbox.problem(sandbox.post("/api/template-universal-content-clone", body, revision="2026-10-15"), 400)

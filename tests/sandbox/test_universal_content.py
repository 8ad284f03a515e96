"""Universal content: blocks that can be made and changed, others that can only be read, and their screenshots."""

import pytest

HTML = {"content_type": "block", "type": "html", "data": {"content": "<b>Hi</b>", "display_options": {}}}
HOME = "/api/template-universal-content"


def create(sandbox, name="Bar", definition=HTML):
    attributes = {"name": name, "definition": definition}
    return sandbox.post(HOME, {"data": {"type": "template-universal-content", "attributes": attributes}})


def change(sandbox, identifier, **attributes):
    body = {"data": {"type": "template-universal-content", "id": identifier, "attributes": attributes}}
    return sandbox.patch(f"{HOME}/{identifier}", body)


def test_a_block_is_made_and_photographed_a_moment_later(sandbox):
    answer = create(sandbox)
    assert answer.status_code == 201, answer.text
    block = answer.json()["data"]
    assert block["attributes"]["definition"] == HTML
    assert (block["attributes"]["screenshot_status"], block["attributes"]["screenshot_url"]) == ("generating", "")
    sandbox.clock.advance(2)
    attributes = sandbox.data(f"{HOME}/{block['id']}")["attributes"]
    assert attributes["screenshot_status"] == "completed"
    assert attributes["screenshot_url"].endswith(f"{block['id']}.png")


def test_a_block_is_changed_but_keeps_its_type(sandbox):
    block = create(sandbox).json()["data"]["id"]
    sandbox.clock.advance(60)
    other = {**HTML, "data": {"content": "Other", "display_options": {"show_on": "mobile"}}}
    attributes = change(sandbox, block, name="Strip", definition=other).json()["data"]["attributes"]
    assert (attributes["name"], attributes["definition"]) == ("Strip", other)
    assert attributes["updated"] > attributes["created"]
    assert attributes["screenshot_status"] == "generating"
    line = {"content_type": "block", "type": "horizontal_rule", "data": None}
    error = sandbox.problem(change(sandbox, block, definition=line), 400)
    assert error["source"]["pointer"] == "/data/attributes/definition/type"
    sandbox.problem(change(sandbox, "01HZZZZZZZZZZZZZZZZZZZZZZZ", name="x"), 404)


def test_only_seven_types_can_be_written(sandbox):
    for kind in ("button", "drop_shadow", "horizontal_rule", "image", "spacer"):
        assert create(sandbox, definition={"content_type": "block", "type": kind, "data": {}}).status_code == 201
    styled = {"content": "Hi", "display_options": {}, "styles": {"font_size": 14, "text_align": "center"}}
    assert create(sandbox, definition={"content_type": "block", "type": "text", "data": styled}).status_code == 201
    sandbox.problem(create(sandbox, definition={"content_type": "block", "type": "product", "data": {}}), 400)
    (social,) = sandbox.data(f'{HOME}?filter=equals(definition.type,"social")')
    sandbox.problem(change(sandbox, social["id"], definition=HTML), 400)
    assert change(sandbox, social["id"], name="Follow us").status_code == 200


@pytest.mark.parametrize(
    "data",
    [
        {"content": "Hi"},
        {"display_options": {}},
        {"content": "Hi", "display_options": {"show_on": "watch"}},
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

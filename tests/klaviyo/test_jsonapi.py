"""JSON:API documents as compact records."""

from klaviyo_mcp.klaviyo.jsonapi import cursor_in, next_cursor, record


def test_a_resource_becomes_a_flat_record_without_what_is_empty() -> None:
    resource = {
        "type": "profile",
        "id": "P1",
        "attributes": {
            "email": "a@example.org",
            "title": None,
            "location": {"city": None},
            "score": 0,
            "vip": False,
            "tags": [],
        },
        "relationships": {"lists": {"data": [{"type": "list", "id": "L1"}], "links": {}}, "segments": {"links": {}}},
        "links": {"self": "https://a.klaviyo.com/api/profiles/P1/"},
    }
    assert record(resource) == {
        "id": "P1",
        "email": "a@example.org",
        "score": 0,
        "vip": False,
        "related": {"lists": ["L1"]},
    }


def test_a_definition_keeps_the_empty_objects_that_it_must_have_when_it_is_sent_back() -> None:
    data = {"content": "Hi", "display_options": {}, "styles": {"color": None}, "subblocks": []}
    made = record({"id": "U1", "attributes": {"definition": {"type": "text", "data": data}, "layout": {}}})
    kept = {"content": "Hi", "display_options": {}, "styles": {}}
    assert made == {"id": "U1", "definition": {"type": "text", "data": kept}}


def test_the_cursor_is_taken_out_of_the_next_link() -> None:
    link = "https://a.klaviyo.com/api/profiles?page%5Bsize%5D=2&page%5Bcursor%5D=bmV4dDo6aWQ6OjE%3D"
    assert next_cursor({"links": {"next": link}}) == "bmV4dDo6aWQ6OjE="
    assert next_cursor({"links": {"next": None}}) is None
    assert cursor_in(link) == cursor_in("bmV4dDo6aWQ6OjE=") == "bmV4dDo6aWQ6OjE="


def test_answers_are_read_loosely() -> None:
    assert record({"type": "x", "id": "1", "attributes": None, "relationships": "?"}) == {"id": "1"}
    assert next_cursor({"links": []}) is None

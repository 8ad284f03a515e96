"""What became of fields that were cleared, or given as null: said in text and structure, and true of the record."""

from typing import Any

from klaviyo_mcp.answers.text import answer_text

ITEM = "$custom:::$default:::JP-BLANK-1"
KEPT = ("price", "image_full_url", "custom_metadata", "published")


async def test_null_for_everything_that_is_not_set_empties_nothing(sandbox: Any) -> None:
    before = (await sandbox("get_catalog_item", id=ITEM)).data["record"]
    unset = dict.fromkeys(("description", "url", "image_thumbnail_url", "images", *KEPT))
    answer = await sandbox("update_catalog_item", id=ITEM, title="Wool Camp Blanket", **unset)
    after = (await sandbox("get_catalog_item", id=ITEM)).data["record"]
    assert [after.get(name) for name in KEPT] == [before.get(name) for name in KEPT]
    assert any(before.get(name) is not None for name in KEPT)
    (note,) = [note for note in answer.data["notes"] if note.startswith("Null counts as not given")]
    assert 'clear: ["image_thumbnail_url", "images", "price"' in note
    assert 'clear: [\\"image_thumbnail_url\\"' in answer_text(answer)


async def test_what_is_cleared_is_empty_and_told(sandbox: Any) -> None:
    made = (await sandbox("create_profile", email="clear@demo-shop.org", title="VIP", location={"city": "Oslo"})).data
    identifier = made["record"]["id"]
    answer = await sandbox("update_profile", id=identifier, last_name="Byron", clear=["title", "location.city"])
    record = (await sandbox("get_profile", id=identifier)).data["record"]
    assert answer.data["cleared"] == ["title", "location.city"]
    assert record["last_name"] == "Byron"
    assert not record.get("title")
    assert not record.get("location", {}).get("city")


async def test_an_item_of_a_bulk_update_is_emptied_and_its_neighbour_is_not(sandbox: Any) -> None:
    people = [{"email": f"{name}@demo-shop.org", "title": "VIP"} for name in ("ada", "bo")]
    for person in people:
        await sandbox("create_profile", **person)
    rows = [{"email": people[0]["email"], "clear": ["title"]}, {"email": people[1]["email"], "title": None}]
    answer = await sandbox("bulk_import_profiles", profiles=rows)
    assert answer.data["cleared"] == ["profiles[].title"]
    assert "emptied nothing: profiles[].title." in str(answer.data["notes"])
    rows[1] = {**rows[0], "email": people[1]["email"], "title": None}
    assert "notes" not in (await sandbox("bulk_import_profiles", profiles=rows)).data


async def test_what_a_client_adds_is_told_beside_the_records(sandbox: Any) -> None:
    answer = await sandbox("get_lists", toolCallId="call_1")
    assert answer.data["records"]
    assert any("toolCallId" in note for note in answer.data["notes"])

"""Brands: logos, buttons, colours, social links, the voice, and the email defaults that are made of them."""

import pytest

from klaviyo_sandbox import COMPANY_ID

NOW = "2026-10-15"
TEXT = {
    "color": "#FFFFFF",
    "font_size": 16,
    "font_style": "normal",
    "font_family": "Arial",
    "font_weight": 700,
    "letter_spacing": "0.5px",
    "text_decoration": "none",
}
BUTTON = {
    "name": "Loud",
    "style": {"background_color": "#000000", "border_radius": 0, "box_shadow": "none"},
    "border": {"border_color": "#000000", "border_style": "solid", "border_width": 1},
    "spacing": {"padding_top": 8, "padding_right": 8, "padding_bottom": 8, "padding_left": 8},
    "text": TEXT,
}
COLOR = {"name": "Winter", "colors": [{"hex": "#DDE6EE", "name": "Ice"}]}
SOCIAL = {"name": "Networks", "social_links": [{"platform": "x_twitter", "link_url": "https://x.example/jp"}]}


def body(kind, attributes, identifier=None, **pointed_at):
    data = {"type": kind, "attributes": attributes, **({"id": identifier} if identifier else {})}
    if pointed_at:
        kinds = {name.replace("_", "-"): there for name, there in pointed_at.items()}
        data["relationships"] = {name: {"data": {"type": name, "id": there}} for name, there in kinds.items()}
    return {"data": data}


def create(sandbox, kind, attributes, **pointed_at):
    return sandbox.post(f"/api/{kind}s", body(kind, attributes, **pointed_at), revision=NOW)


def created(sandbox, kind, attributes, **pointed_at):
    answer = create(sandbox, kind, attributes, **pointed_at)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def update(sandbox, kind, identifier, attributes, **pointed_at):
    path = f"/api/{kind}{'' if kind == 'brand-voice' else 's'}/{identifier}"
    return sandbox.patch(path, body(kind, attributes, identifier, **pointed_at), revision=NOW)


def read(sandbox, path):
    return sandbox.data(f"/api/{path}", revision=NOW)


def image(sandbox, name):
    return sandbox.data(f'/api/images?filter=equals(name,"{name}")')[0]["id"]


@pytest.mark.parametrize(
    ("kind", "attributes"), [("brand-button", BUTTON), ("brand-color", COLOR), ("brand-social-group", SOCIAL)]
)
def test_a_part_is_made_renamed_emptied_and_deleted(sandbox, kind, attributes):
    part = created(sandbox, kind, attributes)
    path = f"{kind}s/{part['id']}"
    assert read(sandbox, path)["attributes"] == part["attributes"]
    assert part["attributes"].items() >= {"name": attributes["name"]}.items()
    assert update(sandbox, kind, part["id"], {"name": "Another"}).json()["data"]["attributes"] == {
        **part["attributes"],
        "name": "Another",
    }
    assert update(sandbox, kind, part["id"], {"name": None}).json()["data"]["attributes"]["name"] is None
    assert sandbox.delete(f"/api/{path}", revision=NOW).status_code == 204
    sandbox.problem(sandbox.get(f"/api/{path}", revision=NOW), 404)
    sandbox.problem(update(sandbox, kind, part["id"], {"name": "Another"}), 404)
    assert part["id"] not in [each["id"] for each in read(sandbox, f"{kind}s")]


def test_a_logo_shows_an_image_and_keeps_one(sandbox):
    badge, hero = image(sandbox, "free-shipping-badge"), image(sandbox, "autumn-hero")
    logo = created(sandbox, "brand-logo", {"name": "Winter logo", "width": 200}, image=badge)
    assert update(sandbox, "brand-logo", logo["id"], {"alt_text": "Snow"}, image=hero).status_code == 200
    nothing = body("brand-logo", {}, logo["id"]) | {}
    nothing["data"]["relationships"] = {"image": {"data": None}}
    path = f"/api/brand-logos/{logo['id']}"
    assert sandbox.patch(path, nothing, revision=NOW).status_code == 200
    document = sandbox.get(f"{path}?include=image", revision=NOW).json()
    assert document["data"]["relationships"]["image"]["data"]["id"] == hero
    assert document["included"][0]["attributes"]["name"] == "autumn-hero"
    assert document["data"]["attributes"]["width"] == 200
    error = sandbox.problem(create(sandbox, "brand-logo", {"name": "None"}), 400)
    assert error["source"]["pointer"] == "/data/relationships"
    sandbox.problem(create(sandbox, "brand-logo", {"name": "None"}, image="1"), 404)


def test_one_button_is_primary(sandbox):
    (first,) = [button for button in read(sandbox, "brand-buttons") if button["attributes"]["is_primary"]]
    loud = created(sandbox, "brand-button", {**BUTTON, "is_primary": True})
    assert loud["attributes"]["style"]["is_shadow_active"] is False
    assert read(sandbox, f"brand-buttons/{first['id']}")["attributes"]["is_primary"] is False
    update(sandbox, "brand-button", first["id"], {"is_primary": True})
    assert [b["id"] for b in read(sandbox, "brand-buttons") if b["attributes"]["is_primary"]] == [first["id"]]


def test_lists_of_the_voice_are_replaced_as_a_whole(sandbox):
    before = read(sandbox, f"brand-voice/{COMPANY_ID}")["attributes"]
    dry = {"name": "Dry", "description": "Leaves the joke to the reader."}
    changes = {"tone_descriptors": [dry], "language_patterns": None}
    after = update(sandbox, "brand-voice", COMPANY_ID, changes).json()["data"]["attributes"]
    assert after == {**before, "tone_descriptors": [{**dry, "user_modified": False}]}
    sandbox.problem(update(sandbox, "brand-voice", "OTHER1", changes), 404)


def test_single_fields_of_the_email_defaults_change(sandbox):
    (before,) = read(sandbox, "brand-email-defaults")
    assert before["id"] == COMPANY_ID
    header = {"background_color": None, "logo_max_width": None}
    changes = {"body": {"background_color": "#FAFAFA"}, "header": header, "footer": None}
    after = update(sandbox, "brand-email-default", COMPANY_ID, changes).json()["data"]["attributes"]
    was = before["attributes"]
    assert after["body"] == {**was["body"], "background_color": "#FAFAFA"}
    assert after["header"] == {**was["header"], "logo_max_width": None}
    assert after["footer"] == was["footer"]


def test_email_defaults_lose_a_logo_that_is_deleted(sandbox):
    path = f"brand-email-defaults/{COMPANY_ID}?include=brand-logo"
    logo = created(sandbox, "brand-logo", {"name": "Winter logo"}, image=image(sandbox, "free-shipping-badge"))
    assert update(sandbox, "brand-email-default", COMPANY_ID, {}, brand_logo=logo["id"]).status_code == 200
    assert read(sandbox, path)["relationships"]["brand-logo"]["data"]["id"] == logo["id"]
    sandbox.delete(f"/api/brand-logos/{logo['id']}", revision=NOW)
    assert read(sandbox, path)["relationships"]["brand-logo"]["data"] is None
    sandbox.problem(update(sandbox, "brand-email-default", COMPANY_ID, {}, brand_logo=logo["id"]), 404)


@pytest.mark.parametrize(
    ("kind", "wrong", "pointer"),
    [
        ("brand-button", {"name": "Bare"}, None),
        ("brand-button", {**BUTTON, "text": {**TEXT, "font_weight": 650}}, "text/font_weight"),
        ("brand-button", {**BUTTON, "preview_page_hex": "white"}, "preview_page_hex"),
        ("brand-color", {"colors": [{"hex": "1F3A2E", "name": "Pine"}]}, "colors/0/hex"),
        ("brand-color", {"colors": [{"hex": "#1F3A2E"}]}, "colors/0/name"),
        ("brand-social-group", {"name": "None"}, "social_links"),
        ("brand-social-group", {"social_links": [{"platform": "x_twitter"}]}, "social_links/0/link_url"),
        ("brand-social-group", {"social_links": [{"link_url": "https://x.example"}]}, "social_links/0/platform"),
    ],
)
def test_parts_are_checked(sandbox, kind, wrong, pointer):
    answer = create(sandbox, kind, wrong)
    assert answer.status_code == 400
    if pointer:
        assert [e["source"]["pointer"] for e in answer.json()["errors"]] == [f"/data/attributes/{pointer}"]


def test_brands_are_of_the_revision_that_has_them(sandbox):
    error = sandbox.problem(sandbox.get("/api/brand-colors", revision="2026-07-15"), 404)
    assert NOW in error["detail"]

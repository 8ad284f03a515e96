"""Messages of campaigns: changing them, their template and image, cloning campaigns, and the relationships."""

import pytest

AT_REVISION = "2026-07-15"
EMAIL = {"channel": "email", "label": "Hello", "content": {"subject": "Hi", "from_email": "a@b.example"}}
SMS = {"channel": "sms", "content": {"body": "Hi"}}
PUSH = {"channel": "mobile_push", "content": {"title": "Hi", "body": "There"}}
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACw="


def message_of(sandbox, definition):
    body = {
        "name": "Draft",
        "audiences": {"included": [sandbox.list_id("Newsletter")]},
        "campaign-messages": {"data": [{"type": "campaign-message", "attributes": {"definition": definition}}]},
    }
    answer = sandbox.post("/api/campaigns", {"data": {"type": "campaign", "attributes": body}})
    assert answer.status_code == 201, answer.text
    campaign = answer.json()["data"]["id"]
    return campaign, sandbox.data(f"/api/campaigns/{campaign}/campaign-messages")[0]["id"]


def change(sandbox, message, definition, **more):
    data = {"type": "campaign-message", "id": message, "attributes": {"definition": definition}, **more}
    return sandbox.patch(f"/api/campaign-messages/{message}", {"data": data})


def assign(sandbox, message, template, query=""):
    related = {"template": {"data": {"type": "template", "id": template}}}
    body = {"data": {"type": "campaign-message", "id": message, "relationships": related}}
    return sandbox.post(f"/api/campaign-message-assign-template{query}", body)


def upload(sandbox):
    body = {"data": {"type": "image", "attributes": {"import_from_url": PIXEL}}}
    return sandbox.post("/api/images", body).json()["data"]["id"]


def test_content_is_changed_key_by_key(sandbox):
    _, message = message_of(sandbox, EMAIL)
    sandbox.clock.advance(60)
    answer = change(sandbox, message, {"channel": "email", "content": {"subject": "Better", "preview_text": "Look"}})
    assert answer.status_code == 200, answer.text
    attributes = answer.json()["data"]["attributes"]
    assert attributes["definition"]["label"] == "Hello"
    assert attributes["definition"]["content"]["subject"] == "Better"
    assert attributes["definition"]["content"]["from_email"] == "a@b.example"
    assert attributes["updated_at"] > attributes["created_at"]
    assert sandbox.data(f"/api/campaign-messages/{message}") == answer.json()["data"]


def test_rendering_of_a_text_message_is_changed_key_by_key(sandbox):
    _, message = message_of(sandbox, SMS)
    answer = change(sandbox, message, {"channel": "sms", "render_options": {"shorten_links": False}})
    definition = answer.json()["data"]["attributes"]["definition"]
    assert definition["render_options"]["shorten_links"] is False
    assert definition["render_options"]["add_info_link"] is True
    assert definition["content"]["body"] == "Hi"


def test_a_push_message_is_changed_without_naming_everything(sandbox):
    _, message = message_of(sandbox, PUSH)
    answer = change(sandbox, message, {"channel": "mobile_push", "content": {"title": "New"}})
    content = answer.json()["data"]["attributes"]["definition"]["content"]
    assert (content["title"], content["body"]) == ("New", "There")


def test_the_channel_of_a_message_stays(sandbox):
    _, message = message_of(sandbox, EMAIL)
    error = sandbox.problem(change(sandbox, message, SMS), 400)
    assert error["source"]["pointer"] == "/data/attributes/definition/channel"


def test_a_template_is_copied_for_the_message_and_answered_flat(sandbox):
    _, message = message_of(sandbox, EMAIL)
    template = sandbox.data("/api/templates")[0]
    answer = assign(sandbox, message, template["id"])
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    (included,) = answer.json()["included"]
    assert set(data["attributes"]) == {
        "label", "channel", "content", "render_options", "send_times", "created_at", "updated_at",
    }  # fmt: skip
    assert (data["type"], data["id"]) == ("campaign-message", message)
    assert (data["attributes"]["channel"], data["attributes"]["label"]) == ("email", "Hello")
    own = sandbox.data(f"/api/campaign-messages/{message}/template")
    assert own["id"] == included["id"] != template["id"]
    assert own["attributes"] == sandbox.kept(included["attributes"])
    assert own["attributes"]["name"] == f"Clone of {template['id']}"
    assert own["attributes"]["html"] == template["attributes"]["html"]
    assert data["relationships"]["template"]["data"] == {"type": "template", "id": own["id"]}


def test_the_flat_message_has_sparse_fields_of_its_own(sandbox):
    _, message = message_of(sandbox, EMAIL)
    template = sandbox.data("/api/templates")[0]["id"]
    data = assign(sandbox, message, template, "?fields[campaign-message]=content.subject,channel").json()["data"]
    assert data["attributes"] == {"channel": "email", "content": {"subject": "Hi"}}
    sandbox.problem(assign(sandbox, message, template, "?fields[campaign-message]=definition"), 400)


def test_a_copy_is_not_in_the_library_and_goes_with_its_message(sandbox):
    campaign, message = message_of(sandbox, EMAIL)
    library = [template["id"] for template in sandbox.walk("/api/templates")]
    assign(sandbox, message, library[0])
    first = sandbox.data(f"/api/campaign-messages/{message}/template")["id"]
    assign(sandbox, message, library[1])
    second = sandbox.data(f"/api/campaign-messages/{message}/template")["id"]
    assert [template["id"] for template in sandbox.walk("/api/templates")] == library
    sandbox.problem(sandbox.get(f"/api/templates/{first}"), 404)
    body = {"data": {"type": "template", "id": second, "attributes": {"name": "Mine"}}}
    sandbox.problem(sandbox.patch(f"/api/templates/{second}", body), 404)
    used = sandbox.problem(sandbox.delete(f"/api/templates/{second}"), 409)
    assert used["detail"].startswith(f"Cannot delete template {second} while it is attached to")
    assert used["source"] == {"pointer": "/data"}
    sandbox.delete(f"/api/campaigns/{campaign}")
    sandbox.problem(sandbox.get(f"/api/templates/{second}"), 404)


def test_only_an_email_has_a_template(sandbox):
    _, message = message_of(sandbox, SMS)
    sandbox.problem(assign(sandbox, message, sandbox.data("/api/templates")[0]["id"]), 400)
    _, message = message_of(sandbox, EMAIL)
    sandbox.problem(assign(sandbox, message, "NOPE01"), 404)
    without = {"data": {"type": "campaign-message", "id": message}}
    sandbox.problem(sandbox.post("/api/campaign-message-assign-template", without), 400)


def test_a_message_gets_an_image_from_either_side(sandbox):
    _, message = message_of(sandbox, SMS)
    first, second = upload(sandbox), upload(sandbox)
    link = f"/api/campaign-messages/{message}/relationships/image"
    assert sandbox.data(link) is None
    answer = sandbox.patch(link, {"data": {"type": "image", "id": first}})
    assert (answer.status_code, answer.content) == (204, b"")
    assert sandbox.data(link) == {"type": "image", "id": first}
    related = {"image": {"data": {"type": "image", "id": second}}}
    change(sandbox, message, {"channel": "sms"}, relationships=related)
    assert sandbox.data(link) == {"type": "image", "id": second}
    assert sandbox.data(f"/api/campaign-messages/{message}/image")["id"] == second
    document = sandbox.get(f"/api/campaign-messages/{message}?include=image").json()
    assert [item["id"] for item in document["included"]] == [second]


def test_a_field_of_another_channel_is_refused_by_the_name_of_the_definition(sandbox):
    _, email = message_of(sandbox, EMAIL)
    definition = {"channel": "email", "render_options": {"shorten_links": True}}
    body = {"data": {"type": "campaign-message", "id": email, "attributes": {"definition": definition}}}
    error = sandbox.problem(sandbox.patch(f"/api/campaign-messages/{email}", body), 400)
    assert error["detail"] == "'render_options' is not a valid field for the resource 'EmailMessageDefinition'."


def test_an_image_must_exist_and_suit_the_channel(sandbox):
    _, text = message_of(sandbox, SMS)
    _, email = message_of(sandbox, EMAIL)
    image = upload(sandbox)
    path = "/api/campaign-messages/{}/relationships/image"
    sandbox.problem(sandbox.patch(path.format(text), {"data": {"type": "image", "id": "1"}}), 404)
    unsuited = sandbox.problem(sandbox.patch(path.format(email), {"data": {"type": "image", "id": image}}), 400)
    assert unsuited["detail"] == "Image relationships are only supported for push and SMS messages"
    assert unsuited["source"] == {"pointer": "/data/relationships/images/"}
    sandbox.problem(sandbox.patch(path.format(text), {"data": {"type": "images", "id": image}}), 400)


def test_relationships_give_bare_identifiers(sandbox):
    campaign, message = message_of(sandbox, EMAIL)
    assign(sandbox, message, sandbox.data("/api/templates")[0]["id"])
    template = sandbox.data(f"/api/campaign-messages/{message}/template")["id"]
    links = f"/api/campaign-messages/{message}/relationships"
    assert sandbox.data(f"{links}/campaign") == {"type": "campaign", "id": campaign}
    assert sandbox.data(f"{links}/template") == {"type": "template", "id": template}
    path = f"/api/campaigns/{campaign}/relationships/campaign-messages"
    assert sandbox.data(path) == [{"type": "campaign-message", "id": message}]
    assert sandbox.data(f"/api/campaigns/{campaign}/relationships/tags") == []
    sandbox.problem(sandbox.get("/api/campaign-messages/01HZZZZZZZZZZZZZZZZZZZZZZZ/relationships/campaign"), 404)


def test_a_campaign_shows_its_tags(shop):
    (campaign,) = shop.data("/api/campaigns?filter=equals(messages.channel,'email'),contains(name,'Autumn newsletter')")
    (tag,) = shop.data(f"/api/campaigns/{campaign['id']}/tags")
    assert tag["attributes"]["name"] == "Newsletter"
    assert shop.data(f"/api/campaigns/{campaign['id']}/relationships/tags") == [{"type": "tag", "id": tag["id"]}]
    assert shop.data(f"/api/campaigns/{campaign['id']}/tags?fields[tag]=name")[0]["attributes"] == tag["attributes"]


def test_a_clone_is_a_draft_with_everything_but_the_past(sandbox):
    (sent,) = sandbox.data("/api/campaigns?filter=equals(messages.channel,'email'),contains(name,'Autumn newsletter')")
    data = {"type": "campaign", "id": sent["id"], "attributes": {"new_name": "Again"}}
    answer = sandbox.post("/api/campaign-clone", {"data": data})
    assert answer.status_code == 201, answer.text
    clone = answer.json()["data"]
    attributes = clone["attributes"]
    assert clone["id"] != sent["id"]
    assert (attributes["name"], attributes["status"], attributes["send_time"]) == ("Again", "Draft", None)
    assert attributes["audiences"] == sent["attributes"]["audiences"]
    (old,) = sandbox.data(f"/api/campaigns/{sent['id']}/campaign-messages?include=template")
    (new,) = sandbox.data(f"/api/campaigns/{clone['id']}/campaign-messages?include=template")
    assert new["attributes"]["definition"] == old["attributes"]["definition"]
    assert new["attributes"]["send_times"] is None
    assert new["relationships"]["template"]["data"]["id"] != old["relationships"]["template"]["data"]["id"]


@pytest.mark.parametrize("attributes", [{}, {"new_name": None}])
def test_a_clone_without_a_name_is_named_after_the_original(sandbox, attributes):
    campaign, _ = message_of(sandbox, EMAIL)
    data = {"type": "campaign", "id": campaign, "attributes": attributes}
    answer = sandbox.post("/api/campaign-clone", {"data": data})
    assert answer.json()["data"]["attributes"]["name"] == "Clone of Draft"
    missing = {"type": "campaign", "id": "01HZZZZZZZZZZZZZZZZZZZZZZZ", "attributes": attributes}
    sandbox.problem(sandbox.post("/api/campaign-clone", {"data": missing}), 404)

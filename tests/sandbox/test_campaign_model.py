"""Campaigns since 2026-10-15: audiences, messages and variations, and how the earlier form shows the same."""

import pytest

JULY = {"revision": "2026-07-15"}
EMAIL = {"channel": "email", "subject": "Wool weather", "from_email": "hello@juniperandpine.example"}
SMS = {"channel": "sms", "body": "Wool weather"}


def variation(details=EMAIL, name="A"):
    return {"definition": {"name": name, "details": details}}


def created(answer, status=201):
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


def campaign(sandbox, *messages, status=201, audiences=None, **more):
    """A campaign of messages to the newsletter, each given as what it says beside its audience."""
    groups = [{"temporary_id": "a1", "name": "Readers", "included": [sandbox.list_id("Newsletter")]}]
    attributes = {
        "definition": {"name": "October sale"},
        "audiences": groups if audiences is None else audiences,
        "messages": [{"audience_temporary_id": "a1", **message} for message in messages],
    }
    return created_or_problem(
        sandbox,
        sandbox.post("/api/campaigns", {"data": {"type": "campaign", "attributes": attributes, **more}}),
        status,
    )


def created_or_problem(sandbox, answer, status):
    return created(answer) if status == 201 else sandbox.problem(answer, status)


def to(**parents):
    """Relationships, by the kind with underscores."""
    kinds = {kind.replace("_", "-"): identifier for kind, identifier in parents.items()}
    return {kind: {"data": {"type": kind, "id": identifier}} for kind, identifier in kinds.items()}


def add(sandbox, kind, parents, status=201, **attributes):
    body = {"data": {"type": kind, "attributes": attributes, "relationships": to(**parents)}}
    return created_or_problem(sandbox, sandbox.post(f"/api/{kind}s", body), status)


def change(sandbox, kind, identifier, definition):
    body = {"data": {"type": kind, "id": identifier, "attributes": {"definition": definition}}}
    return sandbox.patch(f"/api/{kind}s/{identifier}", body)


def ids(data):
    return [item["id"] for item in data]


def test_a_campaign_is_made_with_everything_in_one_request(sandbox):
    tag = sandbox.data("/api/tags")[0]["id"]
    made = campaign(
        sandbox,
        {
            "name": "Mail",
            "is_add_utm": True,
            "throttling_type": "NONE",
            "variations": [variation(), variation(name="B")],
        },
        {"name": "Text", "variations": [variation(SMS)]},
        relationships={"tags": {"data": [{"type": "tag", "id": tag}]}},
    )
    assert made["attributes"]["definition"]["builder"] == "wizard"
    home = f"/api/campaigns/{made['id']}"
    document = sandbox.get(f"{home}?include=campaign-audiences,campaign-messages,tags").json()
    kinds = [item["type"] for item in document["included"]]
    assert kinds == ["campaign-audience", "campaign-message", "campaign-message", "tag"]
    (audience,) = sandbox.data(f"{home}/campaign-audiences")
    mail, text = sandbox.data(f"{home}/campaign-messages")
    assert ids(sandbox.data(f"/api/campaign-audiences/{audience['id']}/campaign-messages")) == ids([mail, text])
    assert mail["attributes"]["definition"]["status"] == "draft"
    assert mail["attributes"]["definition"]["tracking_options"]["is_add_utm"] is True
    assert mail["attributes"]["definition"]["send_options"]["throttling_type"] == "none"
    first, second = sandbox.data(f"/api/campaign-messages/{mail['id']}/campaign-variations")
    assert [each["attributes"]["definition"]["name"] for each in (first, second)] == ["A", "B"]
    assert first["attributes"]["definition"]["details"]["preview_text"] == ""
    assert sandbox.data(f"/api/campaign-variations/{first['id']}/campaign-message") == mail
    assert sandbox.data(f"/api/campaign-messages/{mail['id']}/campaign-audience") == audience
    assert ids(sandbox.data(f"/api/campaign-messages/{mail['id']}/tags")) == [tag]
    found = sandbox.data(f'/api/campaign-messages?filter=equals(campaign_id,"{made["id"]}"),equals(status,"draft")')
    assert sorted(ids(found)) == ids([mail, text])


def test_a_campaign_is_made_step_by_step(sandbox):
    home = campaign(sandbox, audiences=[])["id"]
    group = sandbox.list_id("VIP customers")
    audience = add(sandbox, "campaign-audience", {"campaign": home}, definition={"name": "VIP", "included": [group]})
    parents = {"campaign": home, "campaign_audience": audience["id"]}
    message = add(sandbox, "campaign-message", parents, definition={"name": "Mail"})["id"]
    made = add(sandbox, "campaign-variation", {"campaign_message": message}, definition={"name": "A", "details": EMAIL})
    better = change(sandbox, "campaign-variation", made["id"], {"details": {"channel": "email", "subject": "Better"}})
    details = created(better, 200)["attributes"]["definition"]["details"]
    assert (details["subject"], details["from_email"]) == ("Better", EMAIL["from_email"])
    changed = change(sandbox, "campaign-audience", audience["id"], {"excluded": [sandbox.list_id("Newsletter")]})
    assert created(changed, 200)["attributes"]["definition"]["included"] == [group]
    # The earlier form shows the same.
    earlier = sandbox.data(f"/api/campaigns/{home}", **JULY)["attributes"]
    assert (earlier["name"], earlier["status"]) == ("October sale", "Draft")
    assert earlier["audiences"] == {"included": [group], "excluded": [sandbox.list_id("Newsletter")]}
    shown = sandbox.data(f"/api/campaign-messages/{message}", **JULY)["attributes"]["definition"]
    assert (shown["channel"], shown["content"]["subject"]) == ("email", "Better")


def test_a_campaign_made_the_old_way_has_one_of_each(sandbox):
    message = {"channel": "sms", "content": {"body": "Hello"}, "render_options": {"shorten_links": False}}
    attributes = {
        "name": "Old",
        "audiences": {"included": [sandbox.list_id("SMS subscribers")]},
        "send_options": {"use_smart_sending": False},
        "campaign-messages": {"data": [{"type": "campaign-message", "attributes": {"definition": message}}]},
    }
    body = {"data": {"type": "campaign", "attributes": attributes}}
    home = f"/api/campaigns/{created(sandbox.post('/api/campaigns', body, **JULY))['id']}"
    assert sandbox.data(home)["attributes"]["definition"]["name"] == "Old"
    (audience,) = sandbox.data(f"{home}/campaign-audiences")
    assert audience["attributes"]["definition"]["included"] == [sandbox.list_id("SMS subscribers")]
    (message,) = sandbox.data(f"{home}/campaign-messages")
    assert message["attributes"]["definition"]["send_options"]["throttling_type"] == "none"
    (made,) = sandbox.data(f"/api/campaign-messages/{message['id']}/campaign-variations")
    details = made["attributes"]["definition"]["details"]
    assert (details["channel"], details["body"], details["shorten_links"]) == ("sms", "Hello", False)
    change(sandbox, "campaign-variation", made["id"], {"details": {"channel": "sms", "body": "Bye"}})
    shown = sandbox.data(f"/api/campaign-messages/{message['id']}", **JULY)["attributes"]["definition"]
    assert shown["content"]["body"] == "Bye"


def test_a_push_survives_the_way_through_the_newer_form(sandbox):
    definition = {
        "channel": "mobile_push",
        "notification_type": "standard",
        "content": {
            "title": "Hi",
            "body": "There",
            "dynamic_image": None,
            "action_buttons": [
                {"label": "Go", "action_type": "open_url", "position": 0, "url": "https://shop.example"}
            ],
        },
        "kv_pairs": {"a": "b"},
        "options": {
            "on_open": {"type": "deep_link", "ios_deep_link": "app://x", "android_deep_link": None},
            "badge": {"display": True, "badge_options": {"badge_config": "set_count", "value": "3"}},
            "play_sound": True,
        },
    }
    message = {"type": "campaign-message", "attributes": {"definition": definition}}
    attributes = {"name": "Push", "audiences": {"included": []}, "campaign-messages": {"data": [message]}}
    made = created(sandbox.post("/api/campaigns", {"data": {"type": "campaign", "attributes": attributes}}, **JULY))
    (shown,) = sandbox.data(f"/api/campaigns/{made['id']}/campaign-messages", **JULY)
    assert shown["attributes"]["definition"] == definition


def test_a_template_and_an_image_of_a_message_are_those_of_its_variation(sandbox):
    template = sandbox.data("/api/templates")[0]["id"]
    pixel = {"import_from_url": "data:image/gif;base64,R0lGODlhAQABAAAAACw="}
    image = created(sandbox.post("/api/images", {"data": {"type": "image", "attributes": pixel}}))["id"]
    made = campaign(sandbox, {"variations": [variation()]}, {"variations": [variation(SMS)]})
    mail, text = ids(sandbox.data(f"/api/campaigns/{made['id']}/campaign-messages"))
    body = {"data": {"type": "campaign-message", "id": mail, "relationships": to(template=template)}}
    created(sandbox.post("/api/campaign-message-assign-template", body), 200)
    own = sandbox.data(f"/api/campaign-messages/{mail}/template")["id"]
    (first,) = sandbox.data(f"/api/campaign-messages/{mail}/campaign-variations")
    assert first["attributes"]["definition"]["details"]["template_id"] == own != template
    link = f"/api/campaign-messages/{text}/relationships/image"
    assert sandbox.patch(link, {"data": {"type": "image", "id": image}}).status_code == 204
    (second,) = sandbox.data(f"/api/campaign-messages/{text}/campaign-variations")
    assert second["attributes"]["definition"]["details"]["mms_static_image_asset_id"] == int(image)
    assert sandbox.data(f"/api/campaign-variations/{second['id']}/image")["id"] == image
    assert sandbox.data(f"/api/campaign-variations/{first['id']}/relationships/image") is None


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"audience_temporary_id": "a2"}, "messages/0/audience_temporary_id"),
        ({"variations": [variation(), variation(SMS)]}, "messages/0/variations/1/definition/details/channel"),
        (
            {"variations": [variation({**EMAIL, "template_id": "NOPE01"})]},
            "messages/0/variations/0/definition/details/template_id",
        ),
        ({"variations": [variation({"subject": "Hi"})]}, "messages/0/variations/0/definition/details/channel"),
    ],
)
def test_a_wrong_campaign_is_refused_with_where_it_is_wrong(sandbox, wrong, pointer):
    before = len(sandbox.data("/api/campaigns"))
    assert campaign(sandbox, wrong, status=400)["source"]["pointer"] == f"/data/attributes/{pointer}"
    assert len(sandbox.data("/api/campaigns")) == before


def test_unknown_parents_are_not_found_and_those_of_others_refused(sandbox):
    first, second = (campaign(sandbox, {"variations": [variation()]}) for _ in range(2))
    audience = first["relationships"]["campaign-audiences"]["data"][0]["id"]
    nothing = "01HZZZZZZZZZZZZZZZZZZZZZZZ"
    add(sandbox, "campaign-audience", {"campaign": nothing}, 404, definition={})
    add(sandbox, "campaign-variation", {"campaign_message": nothing}, 404, definition={})
    add(sandbox, "campaign-message", {"campaign": nothing, "campaign_audience": audience}, 404, definition={})
    error = add(
        sandbox, "campaign-message", {"campaign": second["id"], "campaign_audience": audience}, 400, definition={}
    )
    assert error["source"]["pointer"] == "/data/relationships/campaign-audience/data/id"
    sandbox.problem(sandbox.get(f"/api/campaign-audiences/{nothing}"), 404)


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "sent"},
        {"send_options": {"send_strategy": "throttled"}},
        {"send_options": {"recipient_percentage": 0}},
        {"ab_test": {"winner_percentage": 100}},
        {"ab_test": {"winner_metric": "luck"}},
    ],
)
def test_what_a_message_cannot_be_given_is_refused(sandbox, wrong):
    message = campaign(sandbox, {})["relationships"]["campaign-messages"]["data"][0]["id"]
    error = sandbox.problem(change(sandbox, "campaign-message", message, wrong), 400)
    assert error["source"]["pointer"].startswith("/data/attributes/definition/")


def test_copies_are_drafts_with_content_of_their_own(sandbox):
    made = campaign(sandbox, {"name": "Mail", "variations": [variation()]})
    (audience,) = ids(sandbox.data(f"/api/campaigns/{made['id']}/campaign-audiences"))
    (message,) = ids(sandbox.data(f"/api/campaigns/{made['id']}/campaign-messages"))
    whole = {"data": {"type": "campaign", "id": made["id"], "attributes": {"name": "Again"}}}
    clone = created(sandbox.post("/api/campaign-clone", whole))
    assert clone["attributes"]["definition"]["name"] == "Again"
    (other,) = ids(sandbox.data(f"/api/campaigns/{clone['id']}/campaign-messages"))
    assert sandbox.data(f"/api/campaign-messages/{other}/campaign-variations")
    part = {"id": audience, "name": "More readers"}
    body = {"data": {"type": "campaign-audience-clone", "id": audience, "attributes": part}}
    body["data"]["relationships"] = to(campaign=clone["id"])
    group = created(sandbox.post("/api/campaign-audience-clone", body))
    assert group["attributes"]["definition"]["included"] == [sandbox.list_id("Newsletter")]
    assert sandbox.data(f"/api/campaign-audiences/{group['id']}/campaign")["id"] == clone["id"]
    body = {"data": {"type": "campaign-message", "id": message, "attributes": {"id": message}}}
    body["data"]["relationships"] = to(campaign_audience=group["id"])
    copy = created(sandbox.post("/api/campaign-message-clone", body))
    assert copy["attributes"]["definition"]["name"] == "Clone of Mail"
    assert sandbox.data(f"/api/campaign-messages/{copy['id']}/campaign")["id"] == clone["id"]
    assert len(sandbox.data(f"/api/campaign-messages/{copy['id']}/campaign-variations")) == 1


def test_an_audience_takes_its_messages_along_and_a_message_its_variations(sandbox):
    made = campaign(sandbox, {"variations": [variation()]}, {"variations": [variation(SMS)]})
    home = f"/api/campaigns/{made['id']}"
    first, second = ids(sandbox.data(f"{home}/campaign-messages"))
    (inside,) = ids(sandbox.data(f"/api/campaign-messages/{first}/campaign-variations"))
    assert sandbox.delete(f"/api/campaign-messages/{first}").status_code == 204
    sandbox.problem(sandbox.get(f"/api/campaign-variations/{inside}"), 404)
    (audience,) = ids(sandbox.data(f"{home}/campaign-audiences"))
    assert sandbox.delete(f"/api/campaign-audiences/{audience}").status_code == 204
    sandbox.problem(sandbox.get(f"/api/campaign-messages/{second}"), 404)
    assert sandbox.data(f"{home}/campaign-messages") == []
    assert sandbox.delete(home).status_code == 204


def test_an_earlier_revision_does_not_know_them(sandbox):
    error = sandbox.problem(sandbox.get("/api/campaign-messages", **JULY), 404)
    assert "2026-10-15" in error["detail"]


def test_a_mixed_campaign_is_found_under_each_channel_of_the_earlier_form(sandbox):
    made = campaign(sandbox, {"variations": [variation()]}, {"variations": [variation(SMS)]})["id"]
    for channel in ("email", "sms"):
        assert made in ids(sandbox.data(f"/api/campaigns?filter=equals(messages.channel,'{channel}')", **JULY))

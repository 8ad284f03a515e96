"""Translations: one for each thing that is translated, and its texts in every language."""

import pytest

HOME = "/api/translations"
LOCALES = {"source_locale": "en", "target_locales": ["de", "fr"], "fallback_locale": "en", "channel": "email"}


def create(sandbox, kind, related, **attributes):
    relationships = {kind: {"data": {"type": kind, "id": related}}}
    data = {"type": "translation", "attributes": {**LOCALES, **attributes}, "relationships": relationships}
    return sandbox.post(HOME, {"data": data})


def change(sandbox, identifier, **attributes):
    data = {"type": "translation", "id": identifier, "attributes": attributes}
    return sandbox.patch(f"{HOME}/{identifier}", {"data": data})


def texts(sandbox, identifier):
    found = sandbox.data(f"{HOME}/{identifier}?additional-fields[translation]=values")["attributes"]["values"]
    return {value["id"]: (value["source_value"], value["translations"]) for value in found}


def template(sandbox, html="<p>Hello</p>"):
    attributes = {"name": "Plain", "editor_type": "CODE", "html": html}
    return sandbox.post("/api/templates", {"data": {"type": "template", "attributes": attributes}}).json()["data"]["id"]


def of_kind(sandbox, kind):
    (found,) = sandbox.data(f"{HOME}?filter=equals(resource_type,'{kind}')&include={kind}")
    return found["id"], found["relationships"][kind]["data"]["id"]


def test_a_template_is_translated_text_by_text(sandbox):
    related = template(sandbox)
    made = create(sandbox, "template", related)
    assert made.status_code == 201
    identifier = made.json()["data"]["id"]
    assert identifier == f"template::email::{related}"
    assert "values" not in made.json()["data"]["attributes"]
    body = f"template::{related}::body"
    sandbox.clock.advance(60)
    hallo = [{"id": body, "translations": {"de": "<p>Hallo</p>"}}]
    changed = change(sandbox, identifier, values=hallo, source_locale=None, target_locales=None, fallback_locale=None)
    assert changed.json()["data"]["attributes"]["updated"] > changed.json()["data"]["attributes"]["created"]
    change(sandbox, identifier, values=[{"id": body, "translations": {"fr": "<p>Bonjour</p>"}}])
    source, said = texts(sandbox, identifier)[body]
    assert source == "<html><head></head><body><p>Hello</p></body></html>"
    assert said == {"de": "<p>Hallo</p>", "fr": "<p>Bonjour</p>"}
    change(sandbox, identifier, target_locales=["fr", "nl"])
    assert texts(sandbox, identifier)[body][1] == {"fr": "<p>Bonjour</p>"}
    sandbox.problem(create(sandbox, "template", related), 409)
    assert sandbox.delete(f"{HOME}/{identifier}").status_code == 204
    sandbox.problem(sandbox.get(f"{HOME}/{identifier}"), 404)
    assert sandbox.data(f"/api/templates/{related}")["id"] == related


def test_a_translation_goes_with_what_it_translates(sandbox):
    related = template(sandbox)
    identifier = create(sandbox, "template", related).json()["data"]["id"]
    assert sandbox.delete(f"/api/templates/{related}").status_code == 200
    sandbox.problem(sandbox.get(f"{HOME}/{identifier}"), 404)


def test_the_demo_shop_speaks_german_and_french(shop):
    identifier, _ = of_kind(shop, "template")
    assert list(texts(shop, identifier).values()) == [
        (
            "<h1>News from the woods</h1>",
            {"de": "<h1>Neues aus dem Wald</h1>", "fr": "<h1>Nouvelles de la forêt</h1>"},
        )
    ]
    identifier, message = of_kind(shop, "flow-message")
    assert texts(shop, identifier)[f"flow_message::{message}::subject"][1] == {"de": "Willkommen, Teil 1"}
    identifier, variation = of_kind(shop, "campaign-variation")
    assert texts(shop, identifier)[f"campaign_variation::{variation}::subject"][1]["fr"] == "La bougie est de retour"
    identifier, _ = of_kind(shop, "template-universal-content")
    assert [said for _, said in texts(shop, identifier).values()] == [{}]


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("template", "name"),
        ("template-universal-content", "name"),
        ("flow-message", "content.subject"),
        ("campaign-variation", "definition.details.subject"),
    ],
)
def test_what_is_translated_can_be_read(shop, kind, field):
    identifier, related = of_kind(shop, kind)
    found = shop.data(f"{HOME}/{identifier}/{kind}?fields[{kind}]={field}")
    assert (found["id"], list(found["attributes"])) == (related, [field.partition(".")[0]])
    assert shop.data(f"{HOME}/{identifier}/relationships/{kind}") == {"type": kind, "id": related}
    (included,) = shop.get(f"{HOME}/{identifier}?include={kind}&fields[{kind}]={field}").json()["included"]
    assert included["attributes"] == found["attributes"]
    other = "template" if kind != "template" else "flow-message"
    assert shop.data(f"{HOME}/{identifier}/{other}") is None


def test_a_variation_knows_its_translation(sandbox):
    identifier, variation = of_kind(sandbox, "campaign-variation")
    path = f"/api/campaign-variations/{variation}"
    assert sandbox.data(f"{path}/translation")["id"] == identifier
    assert sandbox.data(f"{path}/relationships/translation")["id"] == identifier
    (included,) = sandbox.get(f"{path}?include=translation").json()["included"]
    assert included["id"] == identifier
    assert sandbox.delete(f"{HOME}/{identifier}").status_code == 204
    assert sandbox.data(f"{path}/translation") is None
    again = create(sandbox, "campaign-variation", variation).json()["data"]["id"]
    assert sandbox.delete(path).status_code == 204
    sandbox.problem(sandbox.get(f"{HOME}/{again}"), 404)


def test_translations_are_found_by_what_they_translate(shop):
    identifier, related = of_kind(shop, "template")
    for condition in (f"equals(id,'{identifier}')", f"equals(related_resource_id,'{related}')"):
        assert [each["id"] for each in shop.data(f"{HOME}?filter={condition}")] == [identifier]
    ids = [each["id"] for each in shop.data(f"{HOME}?sort=-id")]
    assert ids == sorted(ids, reverse=True)
    assert shop.data(f"{HOME}?filter=equals(channel,'sms')") == []
    shop.problem(shop.get(f"{HOME}?additional-fields[translation]=values"), 400)


@pytest.mark.parametrize(
    "wrong",
    [
        {"target_locales": ["German"]},
        {"source_locale": "en_US"},
        {"fallback_locale": "nl"},
        {"channel": "fax"},
        {"values": []},
    ],
)
def test_what_is_asked_for_is_checked(sandbox, wrong):
    sandbox.problem(create(sandbox, "template", template(sandbox), **wrong), 400)


def test_a_translation_is_of_one_thing_that_is_there(sandbox):
    sandbox.problem(create(sandbox, "template", "Nope12"), 404)
    sandbox.problem(create(sandbox, "consent-page", "01HX2Z8RG7Y4PWFQK3V0M5N1B7"), 400)
    _, message = of_kind(sandbox, "flow-message")
    assert (
        "'email', not 'sms'" in sandbox.problem(create(sandbox, "flow-message", message, channel="sms"), 400)["detail"]
    )
    data = {"type": "translation", "attributes": LOCALES}
    sandbox.problem(sandbox.post(HOME, {"data": data}), 400)


@pytest.mark.parametrize(
    "value",
    [
        {"id": "template::nope::body", "translations": {"de": "x"}},
        {"translations": {"de": "x"}},
        {"id": "", "translations": {"nl": "x"}},
        {"id": "", "translations": {"de": 5}},
    ],
)
def test_texts_are_of_known_values_and_languages(sandbox, value):
    related = template(sandbox)
    identifier = create(sandbox, "template", related).json()["data"]["id"]
    if value.get("id") == "":
        value = {**value, "id": f"template::{related}::body"}
    sandbox.problem(change(sandbox, identifier, values=[value]), 400)

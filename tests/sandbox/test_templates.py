"""Templates: making, changing, copying, deleting and rendering them, and reading the library."""

import pytest

DEFINITION = {
    "body": {
        "properties": {"css_class": "mail"},
        "styles": {"background_color": "#fff", "width": 600},
        "sections": [
            {
                "content_type": "section",
                "type": "section",
                "data": {"properties": {}, "display_options": {}, "styles": {}},
                "rows": [
                    {
                        "data": {"styles": {}},
                        "columns": [
                            {
                                "blocks": [
                                    {"content_type": "block", "type": "text", "data": {"content": "<p>One</p>"}},
                                    {"content_type": "block", "type": "html", "data": {"content": "<b>Two</b>"}},
                                ]
                            }
                        ],
                    }
                ],
            }
        ],
    },
    "styles": [{"style_type": "text-styles", "styles": {"color": "#000"}}],
}


def create(sandbox, expect=201, query="", **attributes):
    body = {"name": "Test", "editor_type": "CODE", "html": "<p>Hi</p>", **attributes}
    given = {name: value for name, value in body.items() if value is not ...}
    answer = sandbox.post(f"/api/templates{query}", {"data": {"type": "template", "attributes": given}})
    assert answer.status_code == expect, answer.text
    return answer.json()["data"] if expect == 201 else answer


def change(sandbox, template, **attributes):
    body = {"data": {"type": "template", "id": template, "attributes": attributes}}
    return sandbox.patch(f"/api/templates/{template}", body)


def render(sandbox, html, context, **attributes):
    template = create(sandbox, html=html, **attributes)["id"]
    body = {"data": {"type": "template", "id": template, "attributes": {"context": context}}}
    return sandbox.post("/api/template-render", body)


def rendered(sandbox, html, **context):
    answer = render(sandbox, f"<html><head></head><body>{html}</body></html>", context)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["attributes"]["html"].removeprefix("<html><head></head><body>")[
        : -len("</body></html>")
    ]


def test_a_template_has_a_picture_for_a_day_once_it_has_content(sandbox):
    made = create(sandbox)
    address = made["attributes"]["screenshot_url"]
    assert f"/templates/{made['id']}.png?Expires=1794916800&Signature=" in address
    sandbox.clock.advance(60)
    later = sandbox.data(f"/api/templates/{made['id']}?fields[template]=screenshot_url")["attributes"]["screenshot_url"]
    assert later.partition("?")[0] == address.partition("?")[0]
    assert later != address
    assert create(sandbox, html=" ")["attributes"]["screenshot_url"] is None


def test_a_template_of_html(sandbox):
    template = create(sandbox, text="Hi", amp="<html amp4email></html>")
    attributes = template["attributes"]
    assert set(attributes) == {"name", "editor_type", "html", "text", "amp", "created", "updated", "screenshot_url"}
    assert (attributes["name"], attributes["editor_type"], attributes["text"]) == ("Test", "CODE", "Hi")
    assert sandbox.data(f"/api/templates/{template['id']}") == sandbox.kept(template)
    found = sandbox.data('/api/templates?filter=equals(name,"Test")')
    assert [item["id"] for item in found] == [template["id"]]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<p>Hi</p>", "<html><head></head><body><p>Hi</p></body></html>"),
        ("<body>Hi</body>", "<html><head></head><body>Hi</body></html>"),
        ("<html lang='en'><body>Hi</body></html>", "<html lang='en'><head></head><body>Hi</body></html>"),
        ("<html><head><title>T</title></head></html>", "<html><head><title>T</title></head></html>"),
        ("<head><title>T</title></head><p>Hi</p>", "<html><head><title>T</title></head><p>Hi</p></html>"),
        ("", ""),
    ],
)
def test_html_becomes_a_whole_document(sandbox, given, kept):
    template = create(sandbox, html=given)
    assert template["attributes"]["html"] == kept
    assert change(sandbox, template["id"], html=kept).json()["data"]["attributes"]["html"] == kept


def test_a_draggable_template_is_a_definition(sandbox):
    query = "?additional-fields[template]=definition"
    template = create(sandbox, query=query, editor_type="SYSTEM_DRAGGABLE", html=..., definition=DEFINITION)
    attributes = template["attributes"]
    assert attributes["html"] == "<html><head></head><body><div><p>One</p></div><div><b>Two</b></div></body></html>"
    definition = attributes["definition"]
    assert definition["template_id"] == template["id"]
    (section,) = definition["body"]["sections"]
    (text, markup) = section["rows"][0]["columns"][0]["blocks"]
    assert len({definition["id"], definition["body"]["id"], section["id"], text["id"], markup["id"]}) == 5
    assert definition["styles"][0]["style_type"] == "text-styles"
    assert "definition" not in sandbox.data(f"/api/templates/{template['id']}")["attributes"]
    shown = sandbox.data(f"/api/templates/{template['id']}?fields[template]=definition.body.styles")
    assert shown["attributes"] == {"definition": {"body": {"styles": DEFINITION["body"]["styles"]}}}
    changed = {**DEFINITION, "body": {**DEFINITION["body"], "sections": []}}
    assert change(sandbox, template["id"], definition=changed).json()["data"]["attributes"]["html"] == ""


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"html": ...}, "/data/attributes/html"),
        ({"html": None}, "/data/attributes/html"),
        ({"definition": DEFINITION}, "/data/attributes/definition"),
        ({"editor_type": "SYSTEM_DRAGGABLE"}, "/data/attributes/definition"),
        ({"editor_type": "SYSTEM_DRAGGABLE", "definition": DEFINITION}, "/data/attributes/html"),
        ({"editor_type": "SIMPLE"}, "/data/attributes/editor_type"),
        ({"name": ...}, "/data/attributes/name"),
        ({"definition": {"body": {}, "styles": []}}, "/data/attributes/definition/body/properties"),
    ],
)
def test_html_and_definition_must_suit_the_editor(sandbox, wrong, pointer):
    errors = create(sandbox, expect=400, **wrong).json()["errors"]
    assert errors[0]["source"]["pointer"] == pointer


def test_a_block_must_be_of_a_known_type(sandbox):
    block = {"content_type": "block", "type": "carousel", "data": {}}
    section = {**DEFINITION["body"]["sections"][0], "rows": [{"data": {}, "columns": [{"blocks": [block]}]}]}
    wrong = {**DEFINITION, "body": {**DEFINITION["body"], "sections": [section]}}
    answer = create(sandbox, expect=400, editor_type="SYSTEM_DRAGGABLE", html=..., definition=wrong)
    pointer = "/data/attributes/definition/body/sections/0/rows/0/columns/0/blocks/0/type"
    assert sandbox.problem(answer, 400)["source"]["pointer"] == pointer


def test_a_template_is_changed_where_it_is_said_to(sandbox):
    template = create(sandbox, text="Hi")
    sandbox.clock.advance(60)
    answer = change(sandbox, template["id"], name="Newer", html=None)
    assert answer.status_code == 200
    attributes = answer.json()["data"]["attributes"]
    assert (attributes["name"], attributes["text"]) == ("Newer", "Hi")
    assert attributes["html"] == template["attributes"]["html"]
    assert attributes["updated"] > attributes["created"]
    sandbox.problem(change(sandbox, template["id"], definition=DEFINITION), 400)
    sandbox.problem(change(sandbox, template["id"], editor_type="CODE"), 400)
    sandbox.problem(change(sandbox, "NOPE01", name="x"), 404)


def test_a_template_is_deleted(sandbox):
    template = create(sandbox)["id"]
    answer = sandbox.delete(f"/api/templates/{template}")
    assert (answer.status_code, answer.content) == (200, b"")
    sandbox.problem(sandbox.get(f"/api/templates/{template}"), 404)
    sandbox.problem(sandbox.delete(f"/api/templates/{template}"), 404)


def test_a_clone_is_a_template_of_its_own(sandbox):
    template = create(sandbox)
    named = {"data": {"type": "template", "id": template["id"], "attributes": {"name": "Second"}}}
    answer = sandbox.post("/api/template-clone", named)
    assert answer.status_code == 200, answer.text
    clone = answer.json()["data"]
    assert clone["id"] != template["id"]
    assert clone["attributes"]["name"] == "Second"
    assert clone["attributes"]["html"] == template["attributes"]["html"]
    change(sandbox, clone["id"], html="<p>Other</p>")
    assert sandbox.data(f"/api/templates/{template['id']}") == sandbox.kept(template)
    unnamed = {"data": {"type": "template", "id": template["id"], "attributes": {}}}
    assert sandbox.post("/api/template-clone", unnamed).json()["data"]["attributes"]["name"] == "Clone of Test"
    missing = {"data": {"type": "template", "id": "NOPE01", "attributes": {}}}
    sandbox.problem(sandbox.post("/api/template-clone", missing), 404)


def test_an_account_holds_a_thousand_templates(sandbox):
    template = create(sandbox)["id"]
    for _ in range(1000 - len(sandbox.walk("/api/templates"))):
        create(sandbox)
    full = create(sandbox, expect=400)
    assert "1000" in sandbox.problem(full, 400)["detail"]
    clone = {"data": {"type": "template", "id": template, "attributes": {}}}
    sandbox.problem(sandbox.post("/api/template-clone", clone), 400)
    sandbox.delete(f"/api/templates/{template}")
    create(sandbox)


@pytest.mark.parametrize(
    ("html", "context", "result"),
    [
        ("Hello {{ name }}", {"name": "Ana"}, "Hello Ana"),
        ("Hello {{ name|default:'you' }}", {}, "Hello you"),
        ("Hello {{ name|default:'you' }}", {"name": "Ana"}, "Hello Ana"),
        ('Hello {{ person.name|default:"you"|upper }}', {"person": {"name": "Ana"}}, "Hello ANA"),
        ("{{ name|title }}, {{ name|capfirst }}, {{ name|lower }}", {"name": "ana B"}, "Ana B, Ana B, ana b"),
        ("{{ items.1 }} {{ items.7 }}", {"items": ["a", "b"]}, "b "),
        ("[{{ missing.deeper }}]", {}, "[]"),
        ("{{ text }}", {"text": "<b> & co"}, "&lt;b&gt; &amp; co"),
        ("{{ text|safe }}", {"text": "<b>"}, "<b>"),
        ("{{ text|striptags }}", {"text": "<b>bold</b>"}, "bold"),
        ("{% if vip %}gold{% else %}plain{% endif %}", {"vip": True}, "gold"),
        ("{% if vip %}gold{% else %}plain{% endif %}", {}, "plain"),
        ("{% if a == 'x' %}1{% elif b and not c %}2{% endif %}", {"a": "y", "b": 1}, "2"),
        ("{% if a != 3 or b %}yes{% endif %}", {"a": 3}, ""),
        ("{% for item in items %}<i>{{ item.name }}</i>{% endfor %}", {"items": [{"name": "a"}]}, "<i>a</i>"),
        ("{% for item in items %}x{% empty %}none{% endfor %}", {"items": []}, "none"),
        ("{# a remark #}{% current_year %}", {}, "2026"),
        ("{% unsubscribe %}", {}, '<a href="#unsubscribe">Unsubscribe</a>'),
        ("{% unsubscribe 'Stop' %}{% unsubscribe_link %}", {}, '<a href="#unsubscribe">Stop</a>#unsubscribe_link'),
    ],
)
def test_rendering(sandbox, html, context, result):
    assert rendered(sandbox, html, **context) == result


def test_all_versions_are_rendered_and_nothing_is_stored(sandbox):
    answer = render(sandbox, "<p>{{ a }}</p>", {"a": "<&>"}, text="{{ a }} {% unsubscribe %}", amp="{{ a }}")
    attributes = answer.json()["data"]["attributes"]
    assert attributes["html"] == "<html><head></head><body><p>&lt;&amp;&gt;</p></body></html>"
    assert (attributes["text"], attributes["amp"]) == ("<&> #unsubscribe", "&lt;&amp;&gt;")
    assert "{{ a }}" in sandbox.data(f"/api/templates/{answer.json()['data']['id']}")["attributes"]["html"]


@pytest.mark.parametrize(
    "html",
    ["{% if a %}", "{% endif %}", "{% launch %}", "{{ a|shout }}", "{{ }}", "{{ a b }}", "{% for a %}{% endfor %}"],
)
def test_a_template_with_mistakes_cannot_be_rendered(sandbox, html):
    sandbox.problem(render(sandbox, html, {}), 400)


def test_rendering_needs_a_context_and_a_template(sandbox):
    template = create(sandbox)["id"]
    without = {"data": {"type": "template", "id": template, "attributes": {}}}
    sandbox.problem(sandbox.post("/api/template-render", without), 400)
    missing = {"data": {"type": "template", "id": "NOPE01", "attributes": {"context": {}}}}
    sandbox.problem(sandbox.post("/api/template-render", missing), 404)


def preview(sandbox, template, recipients, profile=None, **more):
    relationships = {"template": {"data": {"type": "template", "id": template}}}
    if profile is not None:
        relationships["profile"] = {"data": {"type": "profile", "id": profile}}
    attributes = {"recipients": recipients, **more}
    body = {"type": "template-preview-send-job", "attributes": attributes, "relationships": relationships}
    return sandbox.post("/api/template-preview-send-jobs", {"data": body}, revision="2026-10-15")


def test_a_test_email_arrives_in_the_outbox(sandbox):
    template = create(sandbox, html="<p>Hi {{ first_name }}, {{ person.first_name }}: {{ code }}</p>")["id"]
    ana = sandbox.create_profile(email="ana@example.org", first_name="Ana")
    team = ["mia@juniperandpine.example", "jo@juniperandpine.example"]
    answer = preview(sandbox, template, team, ana, context={"code": "WINTER"})
    assert answer.status_code == 202, answer.text
    assert answer.json()["data"]["attributes"]["status"] == "queued"
    assert sandbox.get("/_sandbox/outbox").json() == []
    sandbox.clock.advance(2)
    first, second = sandbox.get("/_sandbox/outbox").json()
    assert [first["to"], second["to"]] == team
    assert (first["template"], first["profile"], first["at"]) == (template, ana, "2026-11-16T12:00:01+00:00")
    assert "Hi Ana, Ana: WINTER" in first["html"]
    preview(sandbox, template, team[:1])
    sandbox.clock.advance(2)
    assert "Hi Sample, Sample: <" in sandbox.get("/_sandbox/outbox").json()[2]["html"]


@pytest.mark.parametrize("recipients", [[], ["nobody"], [f"a{number}@example.org" for number in range(6)]])
def test_a_test_email_goes_to_one_to_five_addresses(sandbox, recipients):
    sandbox.problem(preview(sandbox, create(sandbox)["id"], recipients), 400)


def test_a_test_email_needs_a_template_that_can_be_filled_in(sandbox):
    team = ["mia@juniperandpine.example"]
    sandbox.problem(preview(sandbox, "NOPE01", team), 404)
    sandbox.problem(preview(sandbox, create(sandbox)["id"], team, "01JCW4R8P3M7V1X5Z9C2F6H0KQ"), 404)
    sandbox.problem(preview(sandbox, create(sandbox, html="{% if %}")["id"], team), 400)

"""Flows: making them of a definition, their actions and messages, changing and removing them, and reading all of it."""

from urllib.parse import quote

import pytest

EMAIL = {"from_email": "hello@juniperandpine.example", "from_label": "Juniper", "subject_line": "Hi", "name": "First"}


def action(name, kind="send-email", following=None, data=..., **more):
    """A new action; what it is about unless `data` says otherwise."""
    usual = {"send-email": {"message": dict(EMAIL)}, "time-delay": {"unit": "days", "value": 2}}
    made = {"temporary_id": name, "type": kind, "links": {"next": following}, **more}
    data = usual.get(kind) if data is ... else data
    return made if data is None else {**made, "data": data}


def split(name, yes, no):
    links = {"next_if_true": yes, "next_if_false": no}
    return {
        "temporary_id": name,
        "type": "conditional-split",
        "links": links,
        "data": {"profile_filter": {"condition_groups": []}},
    }


def definition(*actions, entry=..., triggers=()):
    first = actions[0].get("temporary_id") if actions else None
    return {
        "triggers": list(triggers),
        "profile_filter": None,
        "actions": list(actions),
        "entry_action_id": first if entry is ... else entry,
    }


def create(sandbox, *actions, name="Welcome", query="?additional-fields[flow]=definition", **more):
    attributes = {"name": name, "definition": definition(*actions, **more)}
    return sandbox.post(f"/api/flows{query}", {"data": {"type": "flow", "attributes": attributes}})


def created(sandbox, *actions, **more):
    answer = create(sandbox, *actions, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def read(sandbox, flow):
    return sandbox.data(f"/api/flows/{flow}?additional-fields[flow]=definition")["attributes"]


def change_action(sandbox, identifier, changed):
    body = {"data": {"type": "flow-action", "id": identifier, "attributes": {"definition": changed}}}
    return sandbox.patch(f"/api/flow-actions/{identifier}", body)


def test_temporary_ids_become_real_ones(sandbox):
    flow = created(sandbox, action("a", following="b"), action("b", "time-delay", "c"), action("c"))
    attributes = flow["attributes"]
    assert (attributes["name"], attributes["status"], attributes["archived"]) == ("Welcome", "draft", False)
    assert attributes["trigger_type"] == "Unconfigured"
    made = attributes["definition"]
    first, second, third = made["actions"]
    assert made["entry_action_id"] == first["id"]
    assert (first["links"], second["links"], third["links"]) == (
        {"next": second["id"]},
        {"next": third["id"]},
        {"next": None},
    )
    assert all("temporary_id" not in made for made in (first, second, third))
    assert first["data"]["status"] == "draft"
    message = first["data"]["message"]
    assert message["smart_sending_enabled"] is True
    assert message["cc_email"] is message["bcc_email"] is message["additional_filters"] is None
    assert read(sandbox, flow["id"]) == sandbox.kept(attributes)
    assert create(sandbox, action("a"), query="").json()["data"]["attributes"]["definition"]["entry_action_id"]
    assert "definition" not in sandbox.data(f"/api/flows/{flow['id']}")["attributes"]


def test_a_flow_knows_what_sets_it_off(sandbox):
    newsletter, metric = sandbox.list_id("Newsletter"), sandbox.metric_id("Placed Order")
    segment = sandbox.data("/api/segments")[0]["id"]
    date = {"type": "date", "date_field_type": "profile-property", "date_profile_property": "Birthday"}
    when = {"timedelta_value_before_date": 1, "trigger_time": "09:00:00"}
    drop = {"type": "price-drop", "trigger_filter": None, "price_drop_amount_value": 5, "audience": ["viewed"]}
    low = {
        "type": "low-inventory",
        "product_level": "variant",
        "trigger_filter": None,
        "inventory_count": 3,
        "audience": ["added-to-cart"],
    }
    for trigger, kind in (
        ({"type": "list", "id": newsletter}, "Added to List"),
        ({"type": "segment", "id": segment}, "Added to List"),
        ({"type": "metric", "id": metric}, "Metric"),
        ({**date, **when}, "Date Based"),
        (drop, "Price Drop"),
        (low, "Low Inventory"),
    ):
        flow = created(sandbox, action("a"), triggers=[trigger])
        assert flow["attributes"]["trigger_type"] == kind
        assert flow["attributes"]["definition"]["triggers"] == [trigger]
    included = sandbox.get(f"/api/lists/{newsletter}?include=flow-triggers").json()["included"]
    assert "Welcome" in [flow["attributes"]["name"] for flow in included]


@pytest.mark.parametrize(
    "trigger",
    [
        {"type": "list", "id": "NOPE01"},
        {"type": "metric", "id": "NOPE01"},
        {"type": "weather"},
        {"type": "date", "date_field_type": "profile-property"},
        {"type": "list", "id": None, "colour": "blue"},
    ],
)
def test_a_trigger_must_make_sense(sandbox, trigger):
    assert create(sandbox, action("a"), triggers=[trigger]).status_code == 400


@pytest.mark.parametrize(
    "actions",
    [
        [action("a", following="nowhere")],
        [action("a", following="a")],
        [action("a", following="b"), action("b", following="a")],
        [action("a"), action("a")],
        [action("a"), action("unreached")],
        [{**action("a"), "id": "AbCdEf"}],
        [action(None)],
        [action("a", "send-pigeon")],
        [action("a", "time-delay", data=None)],
        [action("a", "time-delay", data={"unit": "hours"})],
        [action("a", "send-sms", data={"message": {}})],
        [{**split("a", None, None), "links": {"next": None}}],
        [action("a", data={"message": {"template_id": 5}})],
    ],
)
def test_actions_must_make_sense(sandbox, actions):
    assert create(sandbox, *actions).status_code == 400


def test_the_entry_must_be_one_of_the_actions(sandbox):
    sandbox.problem(create(sandbox, action("a"), entry="b"), 400)
    sandbox.problem(create(sandbox, action("a"), entry=None), 400)
    assert created(sandbox)["attributes"]["definition"]["actions"] == []


def test_every_kind_of_action_is_kept(sandbox):
    branches = [
        {"branch_id": "one", "links": {"next": "push"}, "branch_filter": None},
        {"branch_id": "else", "is_else": True, "links": {"next": None}},
    ]
    updates = [
        {"operator": "create", "property_type": "numeric", "property_key": "Visits", "property_value": 1},
        {"operator": "delete", "property_key": "Old"},
    ]
    alert = {"from_email": "a@b.example", "from_label": "A", "to_emails": ["c@d.example"], "subject_line": "Look"}
    trial = {
        "main_action": {"type": "send-email", "temporary_id": "x", "data": {"message": dict(EMAIL)}},
        "current_experiment": {
            "variations": [{"type": "send-email", "temporary_id": "y", "data": {"message": dict(EMAIL)}}]
        },
    }
    made = created(
        sandbox,
        split("if", "sms", "many"),
        action("sms", "send-sms", "hook", {"message": {"body": "Hi"}}),
        action("hook", "send-webhook", "alert", {"message": {"url": "https://x.example"}}),
        action("alert", "send-internal-alert", "wa", {"message": alert}),
        action("wa", "send-whatsapp", "up", {"message": {"automation_id": "A1", "expiry_hours": 48}}),
        action("up", "update-profile", "list", {"profile_operations": updates}),
        action("list", "list-update", "trial", {"name": "Join", "on_execution": True, "list_id": None}),
        action("trial", "ab-test", "wait", trial),
        action("wait", "target-date", "count", {"target_time": "09:00:00"}),
        action("count", "countdown-delay", "stock", {"unit": "days", "value": 1}),
        action("stock", "back-in-stock-delay", None, None),
        {"temporary_id": "many", "type": "multi-branch-split", "data": {"branches": branches, "name": "Where"}},
        action("push", "send-mobile-push", None, {"message": {"body": "Hi"}}),
    )
    by_type = {made["type"]: made for made in made["attributes"]["definition"]["actions"]}
    assert len(by_type) == 13
    assert by_type["conditional-split"]["links"]["next_if_false"] == by_type["multi-branch-split"]["id"]
    first, last = by_type["multi-branch-split"]["data"]["branches"]
    assert first["links"] == {"next": by_type["send-mobile-push"]["id"]}
    assert last["links"] == {"next": None}
    channels = {
        kind: [
            message["attributes"]["channel"]
            for message in sandbox.data(f"/api/flow-actions/{made['id']}/flow-messages")
        ]
        for kind, made in by_type.items()
    }
    assert {kind: found for kind, found in channels.items() if found} == {
        "send-sms": ["sms"],
        "send-webhook": ["webhook"],
        "send-internal-alert": ["internal_alert"],
        "send-whatsapp": ["whatsapp"],
        "ab-test": ["email", "email"],
        "send-mobile-push": ["mobile_push"],
    }
    assert by_type["send-whatsapp"]["data"]["message"]["expiry_hours"] == 48
    main = by_type["ab-test"]["data"]["main_action"]
    assert main["id"]
    assert "temporary_id" not in main


def test_a_message_has_its_own_copy_of_the_template(sandbox):
    template = sandbox.data("/api/templates")[0]
    flow = created(sandbox, action("a", data={"message": {**EMAIL, "template_id": template["id"]}}))
    (made,) = flow["attributes"]["definition"]["actions"]
    own = made["data"]["message"]["template_id"]
    assert own != template["id"]
    (message,) = sandbox.data(f"/api/flow-actions/{made['id']}/flow-messages")
    path = f"/api/flow-messages/{message['id']}"
    assert message["id"] == made["data"]["message"]["id"]
    assert message["attributes"]["definition"] == made["data"]["message"]
    assert sandbox.data(f"{path}/template")["attributes"]["html"] == template["attributes"]["html"]
    assert sandbox.data(f"{path}/relationships/template") == {"type": "template", "id": own}
    assert sandbox.data(f"{path}/relationships/flow-action") == {"type": "flow-action", "id": made["id"]}
    assert sandbox.data(f"{path}/flow-action")["attributes"]["definition"] == made
    document = sandbox.get(f"{path}?include=template,flow-action").json()
    assert {item["type"] for item in document["included"]} == {"template", "flow-action"}
    assert sandbox.get(f"/api/templates/{own}").status_code == 200
    sandbox.problem(sandbox.delete(f"/api/templates/{own}"), 409)
    assert sandbox.delete(f"/api/flows/{flow['id']}").status_code == 204
    sandbox.problem(sandbox.get(f"/api/templates/{own}"), 404)
    sandbox.problem(create(sandbox, action("a", data={"message": {"template_id": "NOPE01"}})), 404)


@pytest.mark.parametrize("status", ["live", "manual", "draft"])
def test_a_status_is_given_to_the_flow_and_all_its_actions(sandbox, status):
    flow = created(sandbox, action("a", following="b"), action("b", "time-delay"))["id"]
    body = {"data": {"type": "flow", "id": flow, "attributes": {"status": status}}}
    answer = sandbox.patch(f"/api/flows/{flow}", body)
    assert answer.status_code == 200
    assert answer.json()["data"]["attributes"]["status"] == status
    send, wait = read(sandbox, flow)["definition"]["actions"]
    assert send["data"]["status"] == status
    assert "status" not in wait["data"]
    found = sandbox.data(f'/api/flows/{flow}/flow-actions?filter=equals(status,"{status}")')
    assert [item["id"] for item in found] == [send["id"]]


def test_only_the_status_of_a_flow_can_be_changed(sandbox):
    flow = created(sandbox, action("a"))["id"]
    for attributes in ({"status": "paused"}, {"name": "Other"}, {}):
        body = {"data": {"type": "flow", "id": flow, "attributes": attributes}}
        assert sandbox.patch(f"/api/flows/{flow}", body).status_code == 400
    body = {"data": {"type": "flow", "id": "NOPE01", "attributes": {"status": "live"}}}
    sandbox.problem(sandbox.patch("/api/flows/NOPE01", body), 404)


def test_a_flow_is_removed_with_all_it_has(sandbox):
    newsletter = sandbox.list_id("Newsletter")
    flow = created(sandbox, action("a"), triggers=[{"type": "list", "id": newsletter}])
    (made,) = flow["attributes"]["definition"]["actions"]
    assert sandbox.delete(f"/api/flows/{flow['id']}").status_code == 204
    sandbox.problem(sandbox.get(f"/api/flows/{flow['id']}"), 404)
    sandbox.problem(sandbox.get(f"/api/flow-actions/{made['id']}"), 404)
    sandbox.problem(sandbox.get(f"/api/flow-messages/{made['data']['message']['id']}"), 404)
    included = sandbox.get(f"/api/lists/{newsletter}?include=flow-triggers").json()["included"]
    assert flow["id"] not in [item["id"] for item in included]


def test_the_settings_of_an_action_are_merged(sandbox):
    template = sandbox.data("/api/templates")[0]["id"]
    flow = created(sandbox, action("a", following="b"), action("b", "time-delay"))
    send, wait = flow["attributes"]["definition"]["actions"]
    sandbox.clock.advance(60)
    changed = {"type": "send-email", "data": {"message": {"subject_line": "Better", "template_id": template}}}
    answer = change_action(sandbox, send["id"], changed)
    assert answer.status_code == 200, answer.text
    made = answer.json()["data"]["attributes"]["definition"]
    assert made["links"] == {"next": wait["id"]}
    assert made["data"]["message"]["id"] == send["data"]["message"]["id"]
    assert (made["data"]["message"]["subject_line"], made["data"]["message"]["name"]) == ("Better", "First")
    own = made["data"]["message"]["template_id"]
    assert own != template
    assert read(sandbox, flow["id"])["definition"]["actions"] == [made, wait]
    # The same template again is the same copy; another one replaces it.
    again = {"type": "send-email", "data": {"message": {"template_id": own}}}
    assert change_action(sandbox, send["id"], again).json()["data"]["attributes"]["definition"] == made
    change_action(sandbox, send["id"], changed)
    sandbox.problem(sandbox.get(f"/api/templates/{own}"), 404)


def test_an_action_is_led_elsewhere_within_its_flow(sandbox):
    flow = created(sandbox, action("a", following="b"), action("b", "time-delay", "c"), action("c"))
    first, second, third = flow["attributes"]["definition"]["actions"]
    answer = change_action(sandbox, first["id"], {"type": "send-email", "links": {"next": third["id"]}})
    assert answer.json()["data"]["attributes"]["definition"]["links"] == {"next": third["id"]}
    stranger = created(sandbox, action("a"))["attributes"]["definition"]["actions"][0]
    for wrong in (
        {"type": "send-email", "links": {"next": stranger["id"]}},
        {"type": "send-email", "links": {"next": first["id"]}},
        {"type": "time-delay", "data": {"value": 1}},
        {"type": "send-email", "temporary_id": "x"},
        {"type": "send-email", "id": second["id"]},
    ):
        sandbox.problem(change_action(sandbox, first["id"], wrong), 400)
    sandbox.problem(change_action(sandbox, "116466131", {"type": "send-email"}), 404)


def test_a_removed_action_is_bridged(sandbox):
    flow = created(sandbox, action("a", following="b"), action("b", "time-delay", "c"), action("c"))
    first, second, third = flow["attributes"]["definition"]["actions"]
    assert sandbox.delete(f"/api/flow-actions/{second['id']}").status_code == 204
    made = read(sandbox, flow["id"])["definition"]
    assert [item["id"] for item in made["actions"]] == [first["id"], third["id"]]
    assert made["actions"][0]["links"] == {"next": third["id"]}
    assert sandbox.delete(f"/api/flow-actions/{first['id']}").status_code == 204
    assert read(sandbox, flow["id"])["definition"]["entry_action_id"] == third["id"]
    assert sandbox.delete(f"/api/flow-actions/{third['id']}").status_code == 204
    assert read(sandbox, flow["id"])["definition"]["entry_action_id"] is None


def test_a_split_with_two_ways_on_stays(sandbox):
    flow = created(sandbox, split("s", "a", "b"), action("a"), action("b"))
    fork, left, right = flow["attributes"]["definition"]["actions"]
    sandbox.problem(sandbox.delete(f"/api/flow-actions/{fork['id']}"), 409)
    assert sandbox.delete(f"/api/flow-actions/{left['id']}").status_code == 204
    assert read(sandbox, flow["id"])["definition"]["actions"][0]["links"]["next_if_true"] is None
    assert sandbox.delete(f"/api/flow-actions/{fork['id']}").status_code == 204
    assert read(sandbox, flow["id"])["definition"]["entry_action_id"] == right["id"]


def test_malformed_ids_of_actions_are_told_from_unknown_ones(sandbox):
    sandbox.problem(sandbox.get("/api/flow-actions/NOPE01"), 400)
    sandbox.problem(sandbox.get("/api/flow-actions/116466131"), 404)


def test_ids_of_actions_rise_as_they_are_made_and_the_newest_are_included_first(sandbox):
    flows = [created(sandbox, action("a", following="b"), action("b"))["id"] for _ in range(2)]
    found = [sandbox.get(f"/api/flows/{flow}?include=flow-actions").json() for flow in flows]
    ids = [[item["id"] for item in document["included"]] for document in found]
    assert [one for shown in ids for one in shown[::-1]] == sorted(one for shown in ids for one in shown)
    assert [item["id"] for item in found[0]["data"]["relationships"]["flow-actions"]["data"]] == ids[0]
    assert all(one.isdigit() for one in [*ids[0], *ids[1]])
    sandbox.problem(sandbox.get("/api/flow-messages/NOPE01"), 404)


def test_the_actions_of_a_flow_are_found_sorted_and_paged(shop):
    (welcome,) = shop.data('/api/flows?filter=equals(name,"Welcome series")')
    path = f"/api/flows/{welcome['id']}/flow-actions"
    actions = shop.walk(f"{path}?page[size]=2")
    assert len(actions) == 5
    assert [item["id"] for item in shop.walk(f"{path}?sort=-id")] == [item["id"] for item in actions][::-1]
    assert len(shop.data(f'{path}?filter=equals(action_type,"SEND_EMAIL")')) == 3
    assert len(shop.data(f'{path}?filter=any(action_type,["TIME_DELAY","SEND_SMS"])')) == 2
    assert len(shop.data(f'{path}?filter=equals(status,"live")')) == 3
    assert shop.data(f'{path}?filter=any(id,["{actions[0]["id"]}"])') == actions[:1]
    types = [item["attributes"]["definition"]["type"] for item in shop.data(f"{path}?sort=action_type")]
    assert types == ["send-email"] * 3 + ["time-delay"] * 2
    links = shop.walk(f"/api/flows/{welcome['id']}/relationships/flow-actions?page[size]=3")
    assert links == [{"type": "flow-action", "id": item["id"]} for item in actions]
    (item,) = shop.data(f'{path}?filter=any(id,["{actions[0]["id"]}"])&fields[flow-action]=definition.type')
    assert item["attributes"] == {"definition": {"type": actions[0]["attributes"]["definition"]["type"]}}
    shop.problem(shop.get(f'{path}?filter=contains(action_type,"SEND")'), 400)


def test_an_action_of_the_demo_shop_leads_to_its_flow_and_messages(shop):
    (welcome,) = shop.data('/api/flows?filter=equals(name,"Welcome series")')
    send = shop.data(f'/api/flows/{welcome["id"]}/flow-actions?filter=equals(action_type,"SEND_EMAIL")')[0]
    path = f"/api/flow-actions/{send['id']}"
    assert shop.data(f"{path}/flow")["id"] == welcome["id"]
    assert shop.data(f"{path}/relationships/flow") == {"type": "flow", "id": welcome["id"]}
    (message,) = shop.data(f"{path}/flow-messages")
    assert shop.data(f"{path}/relationships/flow-messages") == [{"type": "flow-message", "id": message["id"]}]
    assert message["attributes"]["channel"] == "email"
    assert shop.data(f"/api/flow-messages/{message['id']}/template")["type"] == "template"
    document = shop.get(f"{path}?include=flow,flow-messages").json()
    assert [item["id"] for item in document["included"]] == [welcome["id"], message["id"]]
    name = quote(message["attributes"]["definition"]["name"])
    assert shop.data(f'{path}/flow-messages?filter=equals(name,"{name}")&sort=-created') == [message]
    assert shop.data(f'{path}/flow-messages?filter=contains(name,"nothing like it")') == []
    (sparse,) = shop.data(f"{path}/flow-messages?fields[flow-message]=definition.subject_line")
    assert set(sparse["attributes"]["definition"]) == {"subject_line"}


def test_a_flow_shows_its_tags(shop):
    (welcome,) = shop.data('/api/flows?filter=equals(name,"Welcome series")')
    (tag,) = shop.data(f"/api/flows/{welcome['id']}/tags")
    assert tag["attributes"] == {"name": "Automation"}
    assert shop.data(f"/api/flows/{welcome['id']}/relationships/tags") == [{"type": "tag", "id": tag["id"]}]


def insert(sandbox, definition, *, after=None, flow=None, live=None):
    """`after`: the id of an action, its type and its links, or what else says where it leads on."""
    attributes = {"definition": definition}
    if after is not None:
        identifier, kind, leading = after
        data = {"type": "flow-action", "id": identifier, "attributes": {"definition": {"type": kind, **leading}}}
        attributes["anchor-action"] = {"data": data}
    if live is not None:
        attributes["allow_live_action"] = live
    body = {"type": "flow-action", "attributes": attributes}
    if flow is not None:
        body["relationships"] = {"flow": {"data": {"type": "flow", "id": flow}}}
    return sandbox.post("/api/flow-actions", {"data": body}, revision="2026-10-15")


def new(kind="time-delay", name="new", **more):
    """An action as it is inserted: without links, unless they say where."""
    made = {key: value for key, value in action(name, kind).items() if key != "links"}
    return {**made, **more}


def chain(sandbox, flow):
    """The ids of a flow's actions in the order they are linked."""
    made = read(sandbox, flow)["definition"]
    actions = {each["id"]: each for each in made["actions"]}
    found, following = [], made["entry_action_id"]
    while following is not None:
        found.append(following)
        following = actions[following]["links"]["next"]
    assert len(found) == len(actions)
    return found


def test_an_action_is_put_after_before_and_first(sandbox):
    flow = created(sandbox)["id"]
    answer = insert(sandbox, new("send-email"), flow=flow)
    assert answer.status_code == 201, answer.text
    first = answer.json()["data"]
    assert first["attributes"]["definition"]["data"]["status"] == "draft"
    assert first["relationships"]["flow"]["data"]["id"] == flow
    assert len(sandbox.data(f"/api/flow-actions/{first['id']}/flow-messages")) == 1
    sandbox.problem(insert(sandbox, new(), flow=flow), 400)
    leading = (first["id"], "send-email", {"links": {"next": "new"}})
    last = insert(sandbox, new(), after=leading).json()["data"]["id"]
    between = insert(sandbox, new(), after=leading).json()["data"]["id"]
    entry = insert(sandbox, new(links={"next": first["id"]})).json()["data"]["id"]
    assert chain(sandbox, flow) == [entry, first["id"], between, last]


def test_an_action_is_put_on_one_branch_of_a_split(sandbox):
    flow = created(sandbox, split("a", "b", None), action("b"))
    kept, mail = flow["attributes"]["definition"]["actions"]
    leading = {"links": {"next_if_true": None, "next_if_false": "new"}}
    many = {"name": "By country", "branches": [{"branch_id": "x"}, {"branch_id": "rest", "is_else": True}]}
    made = insert(sandbox, new("multi-branch-split", data=many), after=(kept["id"], kept["type"], leading))
    assert made.status_code == 201, made.text
    again = sandbox.data(f"/api/flow-actions/{kept['id']}")["attributes"]["definition"]
    assert again["links"] == {"next_if_true": mail["id"], "next_if_false": made.json()["data"]["id"]}
    branch = made.json()["data"]["attributes"]["definition"]["data"]["branches"][1]["branch_id"]
    on_branch = {"data": {"branches": [{"branch_id": branch, "links": {"next": "new"}}]}}
    inside = insert(sandbox, new(), after=(made.json()["data"]["id"], "multi-branch-split", on_branch))
    assert inside.status_code == 201, inside.text
    branches = sandbox.data(f"/api/flow-actions/{made.json()['data']['id']}")["attributes"]["definition"]["data"]
    assert [each["links"]["next"] for each in branches["branches"]] == [None, inside.json()["data"]["id"]]


def test_a_wait_in_a_live_flow_must_be_allowed(sandbox):
    flow = created(sandbox, action("a"))
    mail = flow["attributes"]["definition"]["actions"][0]["id"]
    body = {"data": {"type": "flow", "id": flow["id"], "attributes": {"status": "live"}}}
    sandbox.patch(f"/api/flows/{flow['id']}", body)
    refused = sandbox.problem(insert(sandbox, new(links={"next": mail})), 400)
    assert refused["source"]["pointer"] == "/data/attributes/allow_live_action"
    assert insert(sandbox, new("send-email", links={"next": mail})).status_code == 201
    assert insert(sandbox, new(links={"next": mail}), live=True).status_code == 201
    assert len(chain(sandbox, flow["id"])) == 3


def test_an_insertion_must_make_sense(sandbox):
    flow = created(sandbox, action("a", following="b"), action("b"))
    mail = flow["attributes"]["definition"]["actions"][0]["id"]
    onward = {"links": {"next": "new"}}
    for definition, more, status in [
        (new(), {}, 400),
        (new(links={"next": mail}), {"flow": flow["id"]}, 400),
        (new(links={"next": mail}), {"after": (mail, "send-email", onward)}, 400),
        (new(), {"after": (mail, "time-delay", onward)}, 400),
        (new(name="other"), {"after": (mail, "send-email", onward)}, 400),
        (new(), {"after": ("1", "send-email", onward)}, 404),
        (new(links={"next": "1"}), {}, 404),
        (new(id="5"), {"after": (mail, "send-email", onward)}, 400),
        ({**split("new", None, None), "links": None}, {"after": (mail, "send-email", onward)}, 400),
    ]:
        assert insert(sandbox, definition, **more).status_code == status, definition
    assert len(chain(sandbox, flow["id"])) == 2

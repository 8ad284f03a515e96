"""Lists: making them, and who is on them."""

import re

import pytest

NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def test_a_created_list_can_be_read_changed_and_deleted(sandbox):
    answer = sandbox.post("/api/lists", {"data": {"type": "list", "attributes": {"name": "New"}}})
    assert answer.status_code == 201
    made = answer.json()["data"]
    assert re.fullmatch(r"[0-9A-Za-z]{6}", made["id"])
    assert made["attributes"]["opt_in_process"] == "double_opt_in"
    assert sandbox.data(f"/api/lists/{made['id']}") == sandbox.kept(made)
    sandbox.clock.advance(5)
    change = {"data": {"type": "list", "id": made["id"], "attributes": {"name": "Newer"}}}
    changed = sandbox.patch(f"/api/lists/{made['id']}", change).json()["data"]["attributes"]
    assert changed == {
        "name": "Newer",
        "created": "2026-11-16T12:00:00+00:00",
        "updated": "2026-11-16T12:00:05.000000+00:00",
        "opt_in_process": "double_opt_in",
    }
    gone = sandbox.delete(f"/api/lists/{made['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("GET", "DELETE"):
        assert sandbox.request(method, f"/api/lists/{made['id']}").status_code == 404
    assert sandbox.patch(f"/api/lists/{made['id']}", change).status_code == 404


def test_an_unknown_opt_in_process_is_refused(sandbox):
    wrong = {"data": {"type": "list", "attributes": {"name": "New", "opt_in_process": "triple_opt_in"}}}
    assert sandbox.problem(sandbox.post("/api/lists", wrong), 400)


def test_profiles_are_added_and_removed(sandbox):
    group = sandbox.create_list("New")
    ana, ben = sandbox.create_profile(email="ana@example.org"), sandbox.create_profile(email="ben@example.org")
    answer = sandbox.add_to_list(group, ana, ben, ana)
    assert (answer.status_code, answer.content) == (204, b"")
    assert {item["id"] for item in sandbox.data(f"/api/lists/{group}/profiles")} == {ana, ben}
    members = sandbox.get(f"/api/lists/{group}/relationships/profiles").json()
    assert sorted(members["data"], key=lambda item: item["id"]) == sorted(
        [{"type": "profile", "id": ana}, {"type": "profile", "id": ben}], key=lambda item: item["id"]
    )
    assert [item["id"] for item in sandbox.data(f"/api/profiles/{ana}/lists")] == [group]
    removal = {"data": [{"type": "profile", "id": ana}]}
    for _ in range(2):
        assert sandbox.delete(f"/api/lists/{group}/relationships/profiles", removal).status_code == 204
    assert [item["id"] for item in sandbox.data(f"/api/lists/{group}/profiles")] == [ben]


def test_being_on_a_list_says_nothing_about_consent(sandbox):
    group = sandbox.create_list("New")
    sandbox.add_to_list(group, sandbox.create_profile(email="ana@example.org"))
    assert sandbox.subscriptions("ana@example.org")["email"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"


def test_unknown_profiles_and_lists_are_not_found_and_nobody_is_added(sandbox):
    group = sandbox.create_list("New")
    ana = sandbox.create_profile(email="ana@example.org")
    error = sandbox.problem(sandbox.add_to_list(group, ana, NOBODY), 404)
    assert NOBODY in error["detail"]
    assert sandbox.data(f"/api/lists/{group}/profiles") == []
    assert (
        sandbox.problem(sandbox.add_to_list("NOPE01", ana), 404)["detail"] == "A list with id `NOPE01` does not exist."
    )
    for path in ("profiles", "relationships/profiles"):
        assert sandbox.problem(sandbox.get(f"/api/lists/NOPE01/{path}"), 404)
    assert sandbox.problem(sandbox.get(f"/api/profiles/{NOBODY}/lists"), 404)


def test_at_most_1000_profiles_are_added_at_once(sandbox):
    group = sandbox.create_list("New")
    error = sandbox.problem(sandbox.add_to_list(group, *[NOBODY] * 1001), 400)
    assert error["source"] == {"pointer": "/data"}
    assert sandbox.add_to_list(group, *[NOBODY] * 1000).status_code == 404


@pytest.mark.parametrize("data", [None, {}, "x", [{"type": "list", "id": "x"}], [{"type": "profile"}], [{"id": "x"}]])
def test_members_must_be_listed_as_profile_identifiers(sandbox, data):
    group = sandbox.create_list("New")
    assert sandbox.post(f"/api/lists/{group}/relationships/profiles", {"data": data}).status_code == 400


def test_members_know_when_they_joined_and_can_be_ordered_and_filtered_by_it(sandbox):
    group = sandbox.create_list("New")
    emails = ["c@example.org", "a@example.org", "b@example.org"]
    for email in emails:
        sandbox.add_to_list(group, sandbox.create_profile(email=email))
        sandbox.clock.advance(60)
    path = f"/api/lists/{group}/profiles?sort="
    members = sandbox.walk(f"{path}joined_group_at&page[size]=2")
    assert [item["attributes"]["email"] for item in members] == emails
    assert members[0]["attributes"]["joined_group_at"] == "2026-11-16T12:00:00+00:00"
    assert [item["attributes"]["email"] for item in sandbox.walk(f"{path}-joined_group_at&page[size]=2")] == emails[
        ::-1
    ]
    later = "filter=greater-or-equal(joined_group_at,2026-11-16T12:01:00Z)"
    found = sandbox.data(f"/api/lists/{group}/profiles?{later}&fields[profile]=email,joined_group_at")
    assert {item["attributes"]["email"] for item in found} == set(emails[1:])
    assert set(found[0]["attributes"]) == {"email", "joined_group_at"}
    assert len(sandbox.data(f"/api/lists/{group}/relationships/profiles?{later}")) == 2


def test_joining_again_keeps_the_first_moment(sandbox):
    group, ana = sandbox.create_list("New"), sandbox.create_profile(email="ana@example.org")
    sandbox.add_to_list(group, ana)
    sandbox.clock.advance(3600)
    sandbox.add_to_list(group, ana)
    (member,) = sandbox.data(f"/api/lists/{group}/profiles")
    assert member["attributes"]["joined_group_at"] == "2026-11-16T12:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('equals(email,"MAYA.lindqvist@example.org")', 1),
        ('any(email,["maya.lindqvist@example.org","nobody@example.org"])', 1),
        ('equals(phone_number,"+15550000000")', 0),
        ('equals(push_token,"token")', 0),
        ('equals(_kx,"token")', 0),
    ],
)
def test_members_are_found_by_identifier(shop, text, found):
    newsletter = shop.list_id("Newsletter")
    assert len(shop.data(f"/api/lists/{newsletter}/profiles?filter={text}")) == found


def test_deleting_a_list_leaves_its_members_alone(sandbox):
    group, ana = sandbox.create_list("New"), sandbox.create_profile(email="ana@example.org")
    sandbox.add_to_list(group, ana)
    sandbox.delete(f"/api/lists/{group}")
    assert sandbox.data(f"/api/profiles/{ana}/lists") == []
    assert sandbox.get(f"/api/profiles/{ana}").status_code == 200


def test_an_update_that_names_another_type_or_id_changes_nothing(sandbox):
    group = sandbox.create_list("New")
    for wrong in ({"type": "profile", "id": group}, {"type": "list", "id": "OTHER1"}):
        assert (
            sandbox.patch(f"/api/lists/{group}", {"data": {**wrong, "attributes": {"name": "Taken"}}}).status_code
            == 400
        )
    assert sandbox.data(f"/api/lists/{group}")["attributes"]["name"] == "New"

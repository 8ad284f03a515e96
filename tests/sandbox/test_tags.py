"""Tags: named, grouped, put on lists, segments, campaigns and flows, and seen from both sides."""

import pytest


def body(kind, attributes, identifier=None, **relationships):
    data = {"type": kind, "attributes": attributes}
    if identifier:
        data["id"] = identifier
    if relationships:
        data["relationships"] = {
            name.replace("_", "-"): {"data": {"type": name.replace("_", "-"), "id": target}}
            for name, target in relationships.items()
        }
    return {"data": data}


def create_tag(sandbox, name, **relationships):
    answer = sandbox.post("/api/tags", body("tag", {"name": name}, **relationships))
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def create_group(sandbox, name, **attributes):
    answer = sandbox.post("/api/tag-groups", body("tag-group", {"name": name, **attributes}))
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def ids(kind, *identifiers):
    return {"data": [{"type": kind, "id": identifier} for identifier in identifiers]}


def test_a_tag_goes_into_the_default_group_unless_it_names_one(sandbox):
    group = create_group(sandbox, "Team")
    assert group["attributes"] == {"name": "Team", "exclusive": False, "default": False}
    plain, grouped = create_tag(sandbox, "Plain"), create_tag(sandbox, "Grouped", tag_group=group["id"])

    default = sandbox.data(f"/api/tags/{plain['id']}/tag-group")
    assert default["attributes"] == {"name": "Ungrouped Tags", "exclusive": False, "default": True}
    assert sandbox.data(f"/api/tags/{grouped['id']}/relationships/tag-group") == {
        "type": "tag-group",
        "id": group["id"],
    }
    (member,) = sandbox.data(f"/api/tag-groups/{group['id']}/tags")
    assert (member["id"], member["attributes"]) == (grouped["id"], {"name": "Grouped"})
    assert sandbox.data(f"/api/tag-groups/{group['id']}/relationships/tags") == [{"type": "tag", "id": grouped["id"]}]

    included = sandbox.get(f"/api/tags/{grouped['id']}?include=tag-group&fields[tag-group]=name").json()["included"]
    assert included[0]["attributes"] == {"name": "Team"}


def test_names_are_unique_and_can_be_changed(sandbox):
    tag, group = create_tag(sandbox, "Blue"), create_group(sandbox, "Colours")
    assert sandbox.patch(f"/api/tags/{tag['id']}", body("tag", {"name": "Red"}, tag["id"])).status_code == 204
    answer = sandbox.patch(
        f"/api/tag-groups/{group['id']}", body("tag-group", {"name": "Hues", "return_fields": ["name"]}, group["id"])
    )
    assert answer.status_code == 204
    assert answer.content == b""
    assert sandbox.data(f"/api/tags/{tag['id']}")["attributes"] == {"name": "Red"}
    assert sandbox.data(f"/api/tag-groups/{group['id']}")["attributes"]["name"] == "Hues"
    sandbox.problem(sandbox.post("/api/tags", body("tag", {"name": "Red"})), 409)
    sandbox.problem(sandbox.post("/api/tag-groups", body("tag-group", {"name": "Hues"})), 409)
    sandbox.problem(sandbox.post("/api/tags", body("tag", {"name": "X"}, tag_group="nope")), 404)
    sandbox.problem(
        sandbox.patch(
            f"/api/tag-groups/{group['id']}", body("tag-group", {"name": "A", "exclusive": True}, group["id"])
        ),
        400,
    )


def test_deleting_a_group_deletes_its_tags_but_the_default_group_stays(sandbox):
    group = create_group(sandbox, "Passing")
    tag, audience = create_tag(sandbox, "Gone soon", tag_group=group["id"]), sandbox.create_list("Tagged")
    sandbox.post(f"/api/tags/{tag['id']}/relationships/lists", ids("list", audience))
    assert sandbox.delete(f"/api/tag-groups/{group['id']}").status_code == 204
    sandbox.problem(sandbox.get(f"/api/tags/{tag['id']}"), 404)
    sandbox.problem(sandbox.get(f"/api/tag-groups/{group['id']}"), 404)
    assert sandbox.data(f"/api/lists/{audience}/tags") == []

    (default,) = sandbox.data("/api/tag-groups?filter=equals(default,true)")
    sandbox.problem(sandbox.delete(f"/api/tag-groups/{default['id']}"), 400)


@pytest.mark.parametrize("kind", ["list", "segment", "campaign", "flow"])
def test_a_tag_is_put_on_resources_and_taken_off_again(sandbox, kind):
    tag = create_tag(sandbox, "Everywhere")["id"]
    first, second = [item["id"] for item in sandbox.data(f"/api/{kind}s")[:2]]
    path = f"/api/tags/{tag}/relationships/{kind}s"
    assert sandbox.post(path, ids(kind, first, second)).status_code == 204
    assert sorted(item["id"] for item in sandbox.data(path)) == sorted([first, second])
    assert {"type": "tag", "id": tag} in sandbox.data(f"/api/{kind}s/{first}/relationships/tags")
    assert "Everywhere" in [item["attributes"]["name"] for item in sandbox.data(f"/api/{kind}s/{first}/tags")]

    assert sandbox.delete(path, ids(kind, first)).status_code == 204
    assert sandbox.data(path) == [{"type": kind, "id": second}]
    sandbox.problem(sandbox.post(path, ids(kind, "nobody")), 404)
    assert sandbox.delete(f"/api/tags/{tag}").status_code == 204
    assert {"type": "tag", "id": tag} not in sandbox.data(f"/api/{kind}s/{second}/relationships/tags")


def test_a_resource_has_one_tag_of_an_exclusive_group(sandbox):
    group = create_group(sandbox, "Stage", exclusive=True)["id"]
    early, late = (create_tag(sandbox, name, tag_group=group)["id"] for name in ("Early", "Late"))
    audience = sandbox.create_list("Staged")
    assert sandbox.post(f"/api/tags/{early}/relationships/lists", ids("list", audience)).status_code == 204
    assert sandbox.post(f"/api/tags/{early}/relationships/lists", ids("list", audience)).status_code == 204
    error = sandbox.problem(sandbox.post(f"/api/tags/{late}/relationships/lists", ids("list", audience)), 409)
    assert "'Early'" in error["detail"]
    assert sandbox.data(f"/api/tags/{late}/relationships/lists") == []


def test_an_account_has_at_most_500_tags_and_50_groups(sandbox):
    for number in range(500 - len(sandbox.walk("/api/tags"))):
        create_tag(sandbox, f"Tag {number:03}")
    assert "500" in sandbox.problem(sandbox.post("/api/tags", body("tag", {"name": "More"})), 400)["detail"]
    for number in range(50 - len(sandbox.walk("/api/tag-groups"))):
        create_group(sandbox, f"Group {number:02}")
    assert "50" in sandbox.problem(sandbox.post("/api/tag-groups", body("tag-group", {"name": "More"})), 400)["detail"]
    assert len(sandbox.data("/api/tags")) == 50
    assert len(sandbox.walk("/api/tags?sort=-name")) == 500
    assert len(sandbox.data("/api/tag-groups")) == 25


def test_a_resource_has_at_most_100_tags(sandbox):
    audience = sandbox.create_list("Popular")
    answers = [
        sandbox.post(f"/api/tags/{create_tag(sandbox, f'T{n}')['id']}/relationships/lists", ids("list", audience))
        for n in range(101)
    ]
    assert [answer.status_code for answer in answers] == [204] * 100 + [400]


def test_groups_and_tags_are_filtered_and_sorted(shop):
    assert [item["attributes"]["name"] for item in shop.data("/api/tag-groups?sort=name")] == [
        "Season",
        "Ungrouped Tags",
    ]
    assert [i["attributes"]["name"] for i in shop.data("/api/tag-groups?filter=equals(exclusive,true)")] == ["Season"]
    names = [i["attributes"]["name"] for i in shop.data('/api/tags?filter=starts-with(name,"win")&fields[tag]=name')]
    assert names == ["Winter"]
    shop.problem(shop.get("/api/tags?page[size]=51"), 400)
    shop.problem(shop.get("/api/tag-groups?sort=exclusive"), 400)

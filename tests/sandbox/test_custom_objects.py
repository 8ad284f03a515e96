"""Custom objects: data sources, object types, the versions of their schemas, mappings, relationships and records."""

import pytest

from klaviyo_sandbox import OTHER_API_KEY

DAY = 86400
PROPERTIES = [
    {"id": 1, "name": "name", "type": "string"},
    {"id": 2, "name": "age", "type": "int", "description": "In years"},
    {"id": 3, "name": "weight", "type": "float"},
    {"id": 4, "name": "vaccinated", "type": "boolean"},
    {"id": 5, "name": "born", "type": "timestamp"},
    {"id": 6, "name": "species", "type": "string"},
    {"id": 7, "name": "names", "type": "list_str"},
]


@pytest.fixture
def lab(make_sandbox):
    return make_sandbox(profiles=5, job_seconds=10.0)


def create(sandbox, kind, attributes, status=201, **data):
    answer = sandbox.post(f"/api/{kind}s", {"data": {"type": kind, "attributes": attributes, **data}})
    assert answer.status_code == status, answer.text
    return answer.json()["data"] if status == 201 else sandbox.problem(answer, status)


def source(sandbox, title="Clinic", **more):
    return create(sandbox, "data-source", {"title": title, **more})["id"]


def simple(number, source_id, path):
    return {
        "id": number,
        "type": "simple",
        "source": {"source_id": source_id, "id_path": "$.pet.id", "data_path": path},
    }


def pet_mappings(source_id):
    return [
        simple(1, source_id, "$.pet.name"),
        simple(2, source_id, "$.pet.age"),
        simple(3, source_id, "$['pet']['weight']"),
        simple(4, source_id, "$.shots[0].done"),
        simple(5, source_id, "$.pet.born"),
        {"id": 6, "type": "constant", "value": "dog"},
        simple(7, source_id, "$.pet.names"),
    ]


def nested(kind, attributes):
    return {"data": {"type": kind, "attributes": attributes}}


def pet_type(sandbox, source_id=None, status="active", title="Pet"):
    """The ids of an object type and its schema; an active one is active at once."""
    schema = {"properties": PROPERTIES, "required": ["name"], "status": status}
    if source_id:
        schema["source-mapping"] = nested("source-mapping", {"property_mappings": pet_mappings(source_id)})
    made = create(sandbox, "object-type", {"title": title, "object-schema": nested("object-schema", schema)})
    sandbox.clock.advance(10)
    which = "current-schema" if status == "active" else "draft-schema"
    return made["id"], sandbox.data(f"/api/object-types/{made['id']}/relationships/{which}")["id"]


def send(sandbox, source_id, *records, wait=10):
    """Send records, and wait until they are ingested."""
    entries = [{"type": "data-source-record", "attributes": {"record": record}} for record in records]
    job = "data-source-record-bulk-create-job"
    relationships = {"data-source": {"data": {"type": "data-source", "id": source_id}}}
    attributes = {"data-source-records": {"data": entries}}
    body = {"data": {"type": job, "attributes": attributes, "relationships": relationships}}
    answer = sandbox.post(f"/api/{job}s", body)
    sandbox.clock.advance(wait)
    return answer


def pet(identifier="rex", **pet):
    return {"pet": {"id": identifier, "name": "Rex", **pet}}


def properties(sandbox, kind, identifier="rex"):
    return sandbox.data(f"/api/object-records/{kind}:::{identifier}")["attributes"]["record_properties"]


# Data sources


def test_a_data_source_is_created_read_listed_and_deleted(lab):
    made = create(lab, "data-source", {"title": "Clinic", "description": None})
    assert made["attributes"] == {
        "title": "Clinic",
        "visibility": "private",
        "description": "",
        "namespace": "custom-objects",
    }
    assert len(made["id"]) == 26
    assert lab.data(f"/api/data-sources/{made['id']}") == made
    assert made in lab.data("/api/data-sources?page[size]=100")
    assert lab.delete(f"/api/data-sources/{made['id']}").status_code == 204
    assert lab.get(f"/api/data-sources/{made['id']}").status_code == 404


def test_data_sources_come_in_pages_and_with_the_fields_asked_for(lab):
    for number in range(3):
        source(lab, f"Source {number}")
    everything = lab.data("/api/data-sources")
    assert lab.walk("/api/data-sources?page[size]=1") == everything
    only = lab.data("/api/data-sources?fields[data-source]=title")
    assert [item["attributes"] for item in only] == [{"title": item["attributes"]["title"]} for item in everything]


def test_the_title_of_a_data_source_is_unique_in_its_namespace(lab):
    source(lab)
    assert create(lab, "data-source", {"title": "Clinic"}, 409)["code"] == "conflict"
    app = source(lab, namespace="applications/01JH2ZK9N5S8QK3V4W6X7Y8Z9A")
    of_app = 'equals(namespace,"applications/01JH2ZK9N5S8QK3V4W6X7Y8Z9A")'
    assert [item["id"] for item in lab.data(f"/api/data-sources?filter={of_app}")] == [app]
    assert create(lab, "data-source", {"title": "Other", "namespace": "mine"}, 400)
    assert create(lab, "data-source", {"title": "x" * 256}, 400)
    assert create(lab, "data-source", {"title": "A", "visibility": "public"}, 400)


def test_a_data_source_that_is_mapped_cannot_be_deleted(lab):
    clinic = source(lab)
    kind, _ = pet_type(lab, clinic)
    assert lab.problem(lab.delete(f"/api/data-sources/{clinic}"), 409)
    lab.delete(f"/api/object-types/{kind}")
    assert lab.delete(f"/api/data-sources/{clinic}").status_code == 204


# Object types and schemas


def test_an_object_type_starts_without_a_schema(lab):
    made = create(lab, "object-type", {"title": "Pet"})
    assert made["attributes"] == {
        "title": "Pet",
        "description": "",
        "status": "undefined",
        "namespace": "custom-objects",
        "created_at": "2026-11-16T12:00:00+00:00",
        "updated_at": "2026-11-16T12:00:00+00:00",
    }
    path = f"/api/object-types/{made['id']}"
    for name in ("current-schema", "draft-schema"):
        assert lab.data(f"{path}/{name}") is None
        assert lab.data(f"{path}/relationships/{name}") is None
    assert lab.data(f"{path}/schema-versions") == []
    assert set(made["relationships"]) == {
        "current-schema",
        "draft-schema",
        "schema-versions",
        "object-types",
        "profile-object-types",
    }


def test_an_object_type_may_come_with_a_draft(lab):
    kind, schema = pet_type(lab, status="draft")
    found = lab.data(f"/api/object-types/{kind}/draft-schema")
    assert found["id"] == schema
    assert found["attributes"]["status"] == "draft"
    assert found["attributes"]["title"] == "Pet"
    assert found["attributes"]["properties"][0] == {**PROPERTIES[0], "description": ""}
    assert lab.data(f"/api/object-types/{kind}")["attributes"]["status"] == "draft"


def test_a_schema_is_publishing_before_it_is_active(lab):
    schema = {"properties": PROPERTIES, "status": "active"}
    made = create(lab, "object-type", {"title": "Pet", "object-schema": nested("object-schema", schema)})
    path = f"/api/object-types/{made['id']}"
    assert made["attributes"]["status"] == "publishing"
    draft = lab.data(f"{path}/draft-schema")
    assert (draft["attributes"]["status"], draft["attributes"]["published_at"]) == ("publishing", None)
    lab.clock.advance(10)
    assert lab.data(f"{path}/draft-schema") is None
    current = lab.data(f"{path}/current-schema")
    assert current["id"] == draft["id"]
    assert current["attributes"]["status"] == "active"
    assert current["attributes"]["published_at"] == "2026-11-16T12:00:10+00:00"
    assert lab.data(path)["attributes"]["status"] == "active"


def new_draft(sandbox, kind, **attributes):
    reference = {"object-type": {"data": {"type": "object-type", "id": kind}}}
    attributes = {"title": "Animal", "properties": PROPERTIES, **attributes}
    return create(sandbox, "object-schema", attributes, relationships=reference)


def test_a_new_version_takes_the_place_of_the_active_one(lab):
    kind, first = pet_type(lab)
    second = new_draft(lab, kind)["id"]
    path = f"/api/object-types/{kind}"
    assert lab.data(path)["attributes"]["title"] == "Pet"
    assert lab.data(f"{path}/relationships/draft-schema") == {"type": "object-schema", "id": second}
    update = {"data": {"type": "object-schema", "id": second, "attributes": {"status": "active"}}}
    answer = lab.patch(f"/api/object-schemas/{second}", update)
    assert answer.json()["data"]["attributes"]["status"] == "publishing"
    lab.clock.advance(10)
    assert lab.data(f"{path}/relationships/current-schema")["id"] == second
    assert lab.data(path)["attributes"]["title"] == "Animal"
    versions = lab.data(f"{path}/schema-versions")
    assert [item["id"] for item in versions] == [first, second]
    assert [item["attributes"]["status"] for item in versions] == ["undefined", "active"]
    assert [item["id"] for item in lab.data(f"{path}/relationships/schema-versions")] == [first, second]


def test_there_is_one_draft_at_a_time(lab):
    kind, _ = pet_type(lab, status="draft")
    body = {"title": "A", "properties": []}
    reference = {"object-type": {"data": {"type": "object-type", "id": kind}}}
    assert create(lab, "object-schema", body, 409, relationships=reference)
    unknown = {"object-type": {"data": {"type": "object-type", "id": "01JH2ZK9N5S8QK3V4W6X7Y8Z9A"}}}
    assert create(lab, "object-schema", body, 404, relationships=unknown)
    assert create(lab, "object-schema", body, 400)


def change_schema(sandbox, schema, **attributes):
    body = {"data": {"type": "object-schema", "id": schema, "attributes": attributes}}
    return sandbox.patch(f"/api/object-schemas/{schema}", body)


def test_a_draft_can_be_changed_and_its_title_moves_with_its_types(lab):
    kind, schema = pet_type(lab, status="draft")
    answer = change_schema(lab, schema, title="Animal", required=["name", "age"], description=None)
    attributes = answer.json()["data"]["attributes"]
    assert (attributes["title"], attributes["required"]) == ("Animal", ["name", "age"])
    assert lab.data(f"/api/object-types/{kind}")["attributes"]["title"] == "Animal"
    assert lab.data(f"/api/object-schemas/{schema}")["attributes"] == attributes


def test_an_active_schema_keeps_its_properties(lab):
    _, schema = pet_type(lab)
    assert change_schema(lab, schema, description="Dogs, mostly").status_code == 200
    assert change_schema(lab, schema, properties=PROPERTIES, status="active").status_code == 200
    assert lab.problem(change_schema(lab, schema, properties=PROPERTIES[:2]), 409)
    assert lab.problem(change_schema(lab, schema, status="draft"), 409)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"properties": [PROPERTIES[0], {**PROPERTIES[1], "id": 1}]}, "properties/1/id"),
        ({"properties": [PROPERTIES[0], {**PROPERTIES[1], "name": "name"}]}, "properties/1/name"),
        ({"properties": [{**PROPERTIES[0], "id": 0}]}, "properties/0/id"),
        ({"properties": [{**PROPERTIES[0], "type": "date"}]}, "properties/0/type"),
        ({"required": ["colour"]}, "required/0"),
        ({"status": "publishing"}, "status"),
    ],
)
def test_a_schema_must_make_sense(lab, changes, pointer):
    _, schema = pet_type(lab, status="draft")
    error = lab.problem(change_schema(lab, schema, **changes), 400)
    assert error["source"]["pointer"] == f"/data/attributes/{pointer}"
    assert lab.data(f"/api/object-schemas/{schema}")["attributes"]["required"] == ["name"]


def test_object_types_are_listed_by_namespace_with_their_schemas(lab):
    kind, schema = pet_type(lab)
    elsewhere = "applications/01JH2ZK9N5S8QK3V4W6X7Y8Z9A"
    other = create(lab, "object-type", {"title": "Pet", "namespace": elsewhere})["id"]
    document = lab.get(f'/api/object-types?filter=equals(namespace,"{elsewhere}")').json()
    assert [item["id"] for item in document["data"]] == [other]
    document = lab.get("/api/object-types?include=current-schema,draft-schema&fields[object-schema]=title").json()
    assert kind in [item["id"] for item in document["data"]]
    assert {"title": "Pet"} in [item["attributes"] for item in document["included"] if item["id"] == schema]
    assert lab.problem(lab.get("/api/object-types?include=schema-versions"), 400)


def test_deleting_a_type_takes_everything_of_it_along(lab):
    clinic = source(lab)
    kind, schema = pet_type(lab, clinic)
    send(lab, clinic, pet(), {"pet": {"id": "bad"}})
    mapping = lab.data(f"/api/object-schemas/{schema}/source-mapping")["id"]
    assert lab.delete(f"/api/object-types/{kind}").status_code == 204
    for path in (
        f"/api/object-types/{kind}",
        f"/api/object-schemas/{schema}",
        f"/api/source-mappings/{mapping}",
        f"/api/object-records/{kind}:::rex",
        f"/api/object-types/{kind}/object-records",
    ):
        assert lab.get(path).status_code == 404


def test_a_title_is_unique_in_its_namespace(lab):
    pet_type(lab)
    assert create(lab, "object-type", {"title": "Pet"}, 409)


def test_companies_do_not_see_each_others_objects(lab):
    kind, _ = pet_type(lab)
    assert lab.get(f"/api/object-types/{kind}", key=OTHER_API_KEY).status_code == 404


# Mappings


def test_every_schema_has_a_mapping(lab):
    clinic = source(lab)
    _, schema = pet_type(lab, clinic)
    mapping = lab.data(f"/api/object-schemas/{schema}/source-mapping")
    assert lab.data(f"/api/object-schemas/{schema}/relationships/source-mapping") == {
        "type": "source-mapping",
        "id": mapping["id"],
    }
    assert lab.data(f"/api/source-mappings/{mapping['id']}") == mapping
    assert mapping["attributes"] == {"property_mappings": pet_mappings(clinic), "relationship_mappings": []}


def change_mapping(sandbox, schema, **attributes):
    mapping = sandbox.data(f"/api/object-schemas/{schema}/relationships/source-mapping")["id"]
    body = {"data": {"type": "source-mapping", "id": mapping, "attributes": attributes}}
    return sandbox.patch(f"/api/source-mappings/{mapping}", body)


def test_a_mapping_can_be_replaced(lab):
    clinic = source(lab)
    _, schema = pet_type(lab, clinic)
    answer = change_mapping(lab, schema, property_mappings=pet_mappings(clinic)[:1], relationship_mappings=None)
    assert answer.json()["data"]["attributes"] == {
        "property_mappings": pet_mappings(clinic)[:1],
        "relationship_mappings": [],
    }


def test_a_mapping_must_fit_its_schema(lab):
    clinic = source(lab)
    _, schema = pet_type(lab, clinic)
    for wrong in (
        simple(9, clinic, "$.pet.name"),
        simple(1, "01JH2ZK9N5S8QK3V4W6X7Y8Z9A", "$.pet.name"),
        simple(1, clinic, "pet.name"),
        simple(1, clinic, "$..name"),
        {"id": 1, "type": "constant", "value": None},
        {"id": 1, "type": "lookup"},
    ):
        assert lab.problem(change_mapping(lab, schema, property_mappings=[wrong]), 400)
    unknown = {"relationship_id": "x", "type": "simple", "source": owner_source(clinic)}
    assert lab.problem(change_mapping(lab, schema, relationship_mappings=[unknown]), 400)


def test_a_mapped_property_cannot_be_taken_out_of_a_draft(lab):
    clinic = source(lab)
    _, schema = pet_type(lab, clinic, status="draft")
    assert lab.problem(change_schema(lab, schema, properties=PROPERTIES[:5]), 400)


# Records


def test_records_become_objects_of_the_schema_that_maps_them(lab):
    clinic = source(lab)
    kind, _ = pet_type(lab, clinic)
    record = {**pet(age=3, weight=7, born="2023-05-01T00:00:00Z", colour="red"), "shots": [{"done": True}]}
    answer = send(lab, clinic, record, wait=0)
    assert (answer.status_code, answer.content) == (204, b"")
    assert lab.data(f"/api/object-types/{kind}/object-records") == []
    lab.clock.advance(10)
    found = lab.data(f"/api/object-types/{kind}/object-records")
    assert [item["id"] for item in found] == [f"{kind}:::rex"]
    assert found[0]["attributes"] == {
        "record_properties": {
            "name": "Rex",
            "age": 3,
            "weight": 7,
            "vaccinated": True,
            "born": "2023-05-01T00:00:00Z",
            "species": "dog",
        }
    }
    assert lab.data(f"/api/object-records/{kind}:::rex") == found[0]
    assert lab.get(found[0]["links"]["self"]).json()["data"] == found[0]


def test_one_record_can_be_sent_too(lab):
    clinic = source(lab)
    kind, _ = pet_type(lab, clinic)
    job = "data-source-record-create-job"
    attributes = {"data-source-record": {"data": {"type": "data-source-record", "attributes": {"record": pet(5)}}}}
    reference = {"data-source": {"data": {"type": "data-source", "id": clinic}}}
    body = {"data": {"type": job, "attributes": attributes, "relationships": reference}}
    answer = lab.post(f"/api/{job}s", body)
    assert (answer.status_code, answer.content) == (204, b"")
    lab.clock.advance(10)
    assert properties(lab, kind, "5")["name"] == "Rex"
    body["data"]["attributes"]["data-source-record"]["data"]["attributes"]["record"] = {"x": "y" * 600_000}
    assert lab.problem(lab.post(f"/api/{job}s", body), 413)


def test_sending_a_record_again_updates_it(lab):
    clinic, shop = source(lab), source(lab, "Shop")
    kind, schema = pet_type(lab, clinic)
    change_mapping(lab, schema, property_mappings=[*pet_mappings(clinic)[:4], simple(6, shop, "$.kind")])
    send(lab, clinic, pet(age=3, weight=7.5))
    send(lab, shop, {"pet": {"id": "rex"}, "kind": "cat"})
    send(lab, clinic, pet(age=4))
    assert properties(lab, kind) == {"name": "Rex", "age": 4, "species": "cat"}


def test_a_draft_takes_no_records(lab):
    clinic = source(lab)
    kind, _ = pet_type(lab, clinic, status="draft")
    send(lab, clinic, pet())
    assert lab.data(f"/api/object-types/{kind}/object-records") == []


def test_records_come_in_pages(lab):
    clinic = source(lab)
    kind, _ = pet_type(lab, clinic)
    send(lab, clinic, *(pet(f"p{number}") for number in range(25)))
    path = f"/api/object-types/{kind}/object-records"
    assert len(lab.data(path)) == 20
    assert len(lab.walk(f"{path}?page[size]=10")) == 25
    ids = lab.walk(f"/api/object-types/{kind}/relationships/object-records?page[size]=10")
    assert ids == [{"type": "object-record", "id": item["id"]} for item in lab.walk(path)]
    assert lab.data(f"{path}?fields[object-record]=id")[0]["attributes"] == {}


def test_records_are_sent_to_a_source_that_exists_and_not_too_many_at_once(lab):
    clinic = source(lab)
    assert lab.problem(send(lab, "01JH2ZK9N5S8QK3V4W6X7Y8Z9A", pet()), 404)
    assert lab.problem(send(lab, clinic, *[pet()] * 501), 400)
    assert lab.problem(send(lab, clinic), 400)
    assert send(lab, clinic, *[{"pad": "x" * 500_000}] * 9).status_code == 413


def delete_records(sandbox, *ids):
    job = "object-record-bulk-delete-job"
    records = {"data": [{"type": "object-record", "id": identifier} for identifier in ids]}
    return sandbox.post(f"/api/{job}s", {"data": {"type": job, "relationships": {"object-records": records}}})


def test_records_are_deleted_in_bulk_a_moment_later(lab):
    clinic = source(lab)
    kind, _ = pet_type(lab, clinic)
    send(lab, clinic, pet("a"), pet("b"))
    answer = delete_records(lab, f"{kind}:::a", f"{kind}:::unknown")
    assert (answer.status_code, answer.content) == (202, b"")
    assert lab.get(f"/api/object-records/{kind}:::a").status_code == 200
    lab.clock.advance(10)
    assert lab.get(f"/api/object-records/{kind}:::a").status_code == 404
    assert [item["id"] for item in lab.data(f"/api/object-types/{kind}/object-records")] == [f"{kind}:::b"]
    assert lab.problem(delete_records(lab, *[f"{kind}:::{number}" for number in range(501)]), 400)
    job = "object-record-bulk-delete-job"
    assert lab.problem(lab.post(f"/api/{job}s", {"data": {"type": job}}), 400)


# Ingestion logs


def test_a_record_that_does_not_fit_is_left_out_and_logged(lab):
    clinic = source(lab)
    kind, _ = pet_type(lab, clinic)
    send(
        lab,
        clinic,
        pet(age="three", weight=True, born="long ago", names=["Rex", 7]),
        {"pet": {"id": "nobody"}},
        {"pet": {}},
        pet("ok"),
    )
    assert [item["id"] for item in lab.data(f"/api/object-types/{kind}/object-records")] == [f"{kind}:::ok"]
    path = f"/api/object-types/{kind}/object-ingestion-logs"
    logs = {
        item["relationships"]["object-record"]["data"] and item["relationships"]["object-record"]["data"]["id"]: item
        for item in lab.data(path)
    }
    assert set(logs) == {f"{kind}:::rex", f"{kind}:::nobody", None}
    entry = logs[f"{kind}:::rex"]
    assert entry["attributes"]["status"] == "error"
    assert entry["attributes"]["event_type"] == "validation_error"
    assert entry["attributes"]["timestamp"] == "2026-11-16T12:00:20+00:00"
    assert entry["relationships"]["object-type"]["data"]["id"] == kind
    assert [(error["property"], error["invalid_value"]) for error in entry["attributes"]["errors"]] == [
        ("age", '"three"'),
        ("weight", "true"),
        ("born", '"long ago"'),
        ("names", '["Rex", 7]'),
    ]
    (missing,) = logs[f"{kind}:::nobody"]["attributes"]["errors"]
    assert (missing["code"], missing["property"], missing["invalid_value"]) == ("required", "name", None)


def test_logs_are_filtered_included_and_newest_first(lab):
    clinic = source(lab)
    kind, _ = pet_type(lab, clinic)
    send(lab, clinic, pet("a"))
    send(lab, clinic, pet("a", age="x"))
    send(lab, clinic, pet("b", age="x"))
    path = f"/api/object-types/{kind}/object-ingestion-logs"
    document = lab.get(f"{path}?include=object-type,object-record").json()
    moments = [item["attributes"]["timestamp"] for item in document["data"]]
    assert moments == sorted(moments, reverse=True)
    assert {(item["type"], item["id"]) for item in document["included"]} == {
        ("object-type", kind),
        ("object-record", f"{kind}:::a"),
    }
    newest, oldest = (item["id"] for item in document["data"])
    for condition, expected in (
        ('equals(record_id,"a")', [oldest]),
        ('equals(status,"error")', [newest, oldest]),
        ('any(status,["info","warning"])', []),
        ('equals(event_type,"validation_error")', [newest, oldest]),
        (f"greater-or-equal(timestamp,{moments[0]})", [newest]),
        (f"less-than(timestamp,{moments[0]})", [oldest]),
    ):
        for target in (path, f"/api/object-types/{kind}/relationships/object-ingestion-logs"):
            assert [item["id"] for item in lab.data(f"{target}?filter={condition}".replace("+", "%2B"))] == expected
    assert lab.problem(lab.get(f'{path}?filter=equals(status,"fatal")'), 400)


def test_logs_come_50_at_a_time_and_are_kept_for_14_days(lab):
    clinic = source(lab)
    kind, _ = pet_type(lab, clinic)
    send(lab, clinic, *(pet(f"p{number}", age="x") for number in range(60)))
    path = f"/api/object-types/{kind}/object-ingestion-logs"
    assert len(lab.data(path)) == 50
    assert len(lab.walk(path)) == 60
    assert lab.problem(lab.get(f"{path}?page[size]=10"), 400)
    lab.clock.advance(14 * DAY)
    assert lab.data(path) == []


# Relationships


def owner_source(source_id):
    paths = [
        {"identifier_type": "email", "path": "$.owner.email"},
        {"identifier_type": "phone", "path": "$.owner.phone"},
    ]
    return {"source_id": source_id, "type": "profile", "id_path": "$.pet.id", "related_id_paths": paths}


def relate(sandbox, schema, other, name, kind="object-schema"):
    item = {"type": kind, "id": other, "meta": {"name": name}}
    answer = sandbox.post(f"/api/object-schemas/{schema}/relationships/{kind}s", {"data": [item]})
    assert answer.status_code == 204, answer.text


def metas(sandbox, schema, kind="object-schema"):
    document = sandbox.get(f"/api/object-schemas/{schema}?include={kind}s").json()
    return [item["attributes"]["meta"] for item in document["included"]]


def test_schemas_are_related_renamed_and_separated(lab):
    kind, schema = pet_type(lab)
    clinic_type, clinic_schema = pet_type(lab, title="Clinic")
    relate(lab, schema, clinic_schema, "treated at")
    path = f"/api/object-schemas/{schema}/relationships/object-schemas"
    assert lab.data(path) == [{"type": "object-schema", "id": f"{clinic_schema}:::treated at"}]
    types = lab.data(f"/api/object-types/{kind}/relationships/object-types")
    assert types == [{"type": "object-type", "id": f"{clinic_type}:::treated at"}]
    (meta,) = metas(lab, schema)
    assert (meta["name"], meta["description"]) == ("treated at", "")
    item = {"type": "object-schema", "id": clinic_schema, "meta": {"relationship_id": meta["relationship_id"]}}
    changed = {**item, "meta": {**item["meta"], "name": "cared for at", "description": "Where it goes"}}
    assert lab.patch(path, {"data": changed}).status_code == 204
    assert metas(lab, schema) == [{**meta, "name": "cared for at", "description": "Where it goes"}]
    assert lab.delete(path, {"data": [item]}).status_code == 204
    assert lab.data(path) == []
    assert lab.problem(lab.delete(path, {"data": [item]}), 404)


def test_schemas_are_related_to_profiles(lab):
    kind, schema = pet_type(lab)
    relate(lab, schema, "profile", "owner", "profile-object-schema")
    path = f"/api/object-schemas/{schema}/relationships/profile-object-schemas"
    assert lab.data(path) == [{"type": "profile-object-schema", "id": "profile"}]
    types = lab.data(f"/api/object-types/{kind}/relationships/profile-object-types")
    assert types == [{"type": "profile-object-type", "id": "profile:::owner"}]
    assert lab.data(f"/api/object-schemas/{schema}/relationships/object-schemas") == []
    (meta,) = metas(lab, schema, "profile-object-schema")
    item = {"type": "profile-object-schema", "id": "profile", "meta": {"relationship_id": meta["relationship_id"]}}
    assert lab.patch(path, {"data": {**item, "meta": {**item["meta"], "name": "keeper"}}}).status_code == 204
    assert metas(lab, schema, "profile-object-schema")[0]["name"] == "keeper"
    assert lab.delete(path, {"data": [item]}).status_code == 204
    assert lab.data(path) == []


@pytest.mark.parametrize(
    ("item", "status"),
    [
        ({"type": "object-schema", "id": "01JH2ZK9N5S8QK3V4W6X7Y8Z9A", "meta": {"name": "a"}}, 404),
        ({"type": "object-schema", "id": "SELF"}, 400),
        ({"type": "object-schema", "id": "SELF", "meta": {}}, 400),
        ({"type": "object-schema", "id": "SELF", "meta": {"name": "taken"}}, 409),
        ({"type": "profile-object-schema", "id": "profile", "meta": {"name": "a"}}, 400),
    ],
)
def test_a_relationship_must_make_sense(lab, item, status):
    _, schema = pet_type(lab)
    relate(lab, schema, schema, "taken")
    path = f"/api/object-schemas/{schema}/relationships/object-schemas"
    item = {**item, "id": item["id"].replace("SELF", schema)}
    good = {"type": "object-schema", "id": schema, "meta": {"name": "good"}}
    assert lab.problem(lab.post(path, {"data": [good, item]}), status)
    assert len(lab.data(path)) == 1


def test_profiles_are_known_as_profile(lab):
    _, schema = pet_type(lab)
    item = {"type": "profile-object-schema", "id": "someone", "meta": {"name": "owner"}}
    path = f"/api/object-schemas/{schema}/relationships/profile-object-schemas"
    assert lab.problem(lab.post(path, {"data": [item]}), 400)


def test_a_type_includes_its_schemas_and_what_it_relates_to(lab):
    kind, schema = pet_type(lab)
    relate(lab, schema, schema, "parent")
    relate(lab, schema, "profile", "owner", "profile-object-schema")
    include = "current-schema,draft-schema,object-types,profile-object-types,schema-versions"
    document = lab.get(f"/api/object-types/{kind}?include={include}").json()
    assert {(item["type"], item["id"]) for item in document["included"]} == {
        ("object-schema", schema),
        ("object-type", f"{kind}:::parent"),
        ("profile-object-type", "profile:::owner"),
    }
    linkage = document["data"]["relationships"]["profile-object-types"]["data"]
    assert linkage == [{"type": "profile-object-type", "id": "profile:::owner"}]
    assert "meta" not in document["data"]["attributes"]
    fields = "fields[object-type]=title,meta.name&fields[profile-object-type]=id"
    document = lab.get(f"/api/object-types/{kind}?include=object-types,profile-object-types&{fields}").json()
    assert document["data"]["attributes"] == {"title": "Pet"}
    shown = {item["type"]: item["attributes"] for item in document["included"]}
    assert shown == {"object-type": {"meta": {"name": "parent"}}, "profile-object-type": {}}


def test_a_relationship_that_is_mapped_cannot_be_deleted(lab):
    clinic = source(lab)
    _, schema = pet_type(lab, clinic)
    relate(lab, schema, "profile", "owner", "profile-object-schema")
    (meta,) = metas(lab, schema, "profile-object-schema")
    entry = {"relationship_id": meta["relationship_id"], "type": "simple", "source": owner_source(clinic)}
    answer = change_mapping(lab, schema, relationship_mappings=[entry])
    mapped = answer.json()["data"]["attributes"]["relationship_mappings"][0]["source"]
    assert mapped["update_strategy"] == "replace_from_origin"
    email = lab.data("/api/profiles")[0]["attributes"]["email"]
    send(lab, clinic, {**pet(), "owner": {"email": email.upper()}})
    item = {"type": "profile-object-schema", "id": "profile", "meta": {"relationship_id": meta["relationship_id"]}}
    path = f"/api/object-schemas/{schema}/relationships/profile-object-schemas"
    assert lab.problem(lab.delete(path, {"data": [item]}), 409)
    change_mapping(lab, schema, relationship_mappings=[])
    assert lab.delete(path, {"data": [item]}).status_code == 204


def test_the_source_of_a_mapped_relationship_is_of_its_kind(lab):
    clinic = source(lab)
    _, schema = pet_type(lab, clinic)
    relate(lab, schema, schema, "parent")
    (meta,) = metas(lab, schema)
    entry = {"relationship_id": meta["relationship_id"], "type": "simple", "source": owner_source(clinic)}
    assert lab.problem(change_mapping(lab, schema, relationship_mappings=[entry]), 400)
    other = {"source_id": clinic, "type": "custom-object", "id_path": "$.pet.id", "related_id_path": "$.parent"}
    entry["source"] = {**other, "update_strategy": "additive"}
    assert change_mapping(lab, schema, relationship_mappings=[entry]).status_code == 200
    assert send(lab, clinic, {**pet(), "parent": "lassie"}).status_code == 204
    assert lab.data("/api/object-types")

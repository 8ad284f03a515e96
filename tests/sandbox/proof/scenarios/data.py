"""Events and metrics, custom and mapped metrics, and custom objects from their schema to their records."""

from typing import Any

from scenarios.sdk import JSON, Klaviyo, body, every_page, ids, refused


def _event(number: int) -> JSON:
    return {
        "properties": {"Player": f"P{number}", "Round": number},
        "value": 1.5 * number,
        "unique_id": f"sdk-{number}",
        "time": f"2026-11-15T1{number}:00:00+00:00",
        "metric": {"data": {"type": "metric", "attributes": {"name": "Played SDK"}}},
    }


def events_are_sent_and_read_with_their_metric_and_profile(klaviyo: Klaviyo) -> None:
    person = {"data": {"type": "profile", "attributes": {"email": "player.sdk@example.org"}}}
    klaviyo.Events.create_event(body("event", profile=person, **_event(1)))
    klaviyo.Events.create_event(body("event", profile=person, **_event(1)))
    many = {"data": [{"type": "event", "attributes": _event(number)} for number in (2, 3)]}
    group = {"type": "event-bulk-create", "attributes": {"profile": person, "events": many}}
    klaviyo.Events.bulk_create_events(body("event-bulk-create-job", **{"events-bulk-create": {"data": [group]}}))
    klaviyo.wait(600)

    player = klaviyo.Profiles.get_profiles(filter='equals(email,"player.sdk@example.org")').data[0].id
    found = klaviyo.Events.get_events(
        filter=f'equals(profile_id,"{player}")', include=["metric", "profile"], sort="-datetime", page_size=10
    )
    assert [event.attributes.event_properties["Round"] for event in found.data] == [3, 2, 1]
    first = found.data[-1].id
    metric = klaviyo.Events.get_metric_for_event(first).data
    assert metric.attributes.name == "Played SDK"
    assert klaviyo.Events.get_metric_id_for_event(first).data.id == metric.id
    assert klaviyo.Events.get_profile_for_event(first).data.id == player
    assert klaviyo.Events.get_profile_id_for_event(first).data.id == player
    read = klaviyo.Events.get_event(first, include=["metric", "profile"]).data.attributes
    assert read.event_properties["$value"] == 1.5
    both = f'and(equals(metric_id,"{metric.id}"),greater-or-equal(datetime,2026-11-15T12:00:00+00:00))'
    assert len(every_page(klaviyo.Events.get_events, filter=both, page_size=1)) == 2

    report = klaviyo.Metrics.query_metric_aggregates(
        body(
            "metric-aggregate",
            metric_id=metric.id,
            measurements=["count", "sum_value", "unique"],
            interval="day",
            filter=["greater-or-equal(datetime,2026-11-15T00:00:00)", "less-than(datetime,2026-11-16T00:00:00)"],
            timezone="UTC",
        )
    ).data.attributes
    (row,) = report.data
    assert (sum(row.measurements["count"]), sum(row.measurements["sum_value"])) == (3, 9.0)

    sampled = klaviyo.Metrics.get_properties_for_metric(
        metric.id, additional_fields_metric_property=["sample_values"]
    ).data
    samples = {one.attributes.var_property: one.attributes.sample_values for one in sampled}
    assert set(samples["Round"]) == {1, 2, 3}
    properties = klaviyo.Metrics.get_properties_for_metric(metric.id)
    rounds = next(one for one in properties.data if one.attributes.var_property == "Round")
    assert rounds.id in ids(klaviyo.Metrics.get_property_ids_for_metric(metric.id))
    assert klaviyo.Metrics.get_metric_property(rounds.id, include=["metric"]).included[0].id == metric.id
    one = klaviyo.Metrics.get_metric_property(rounds.id, additional_fields_metric_property=["sample_values"]).data
    assert set(one.attributes.sample_values) == {1, 2, 3}
    assert klaviyo.Metrics.get_metric_for_metric_property(rounds.id).data.id == metric.id
    assert klaviyo.Metrics.get_metric_id_for_metric_property(rounds.id).data.id == metric.id
    assert refused(klaviyo.Events.get_event, "no-such-id") == (400, "invalid")


def a_custom_metric_is_made_and_stands_in_for_revenue(klaviyo: Klaviyo) -> None:
    metrics = every_page(klaviyo.Metrics.get_metrics, filter='equals(integration.name,"Shopify")')
    placed = next(metric.id for metric in metrics if metric.attributes.name == "Placed Order")
    groups: Any = {"aggregation_method": "count", "metric_groups": [{"metric_id": placed}]}
    made = klaviyo.Metrics.create_custom_metric(body("custom-metric", name="SDK orders", definition=groups)).data
    changed = klaviyo.Metrics.update_custom_metric(made.id, body("custom-metric", made.id, name="SDK sales"))
    assert changed.data.attributes.name == "SDK sales"
    read = klaviyo.Metrics.get_custom_metric(made.id, include=["metrics"])
    assert [one.id for one in read.included] == [placed]
    assert made.id in ids(klaviyo.Metrics.get_custom_metrics(include=["metrics"]))
    assert ids(klaviyo.Metrics.get_metrics_for_custom_metric(made.id)) == [placed]
    assert ids(klaviyo.Metrics.get_metric_ids_for_custom_metric(made.id)) == [placed]

    mapped = klaviyo.Metrics.get_mapped_metrics(include=["metric", "custom-metric"])
    assert "revenue" in ids(mapped)
    assert klaviyo.Metrics.get_metric_for_mapped_metric("ordered_product").data.attributes.name == "Ordered Product"
    assert klaviyo.Metrics.get_metric_id_for_mapped_metric("revenue").data.id == placed
    klaviyo.Metrics.update_mapped_metric(
        "revenue", body("mapped-metric", "revenue", {"custom-metric": ("custom-metric", made.id)})
    )
    assert klaviyo.Metrics.get_custom_metric_for_mapped_metric("revenue").data.id == made.id
    assert klaviyo.Metrics.get_custom_metric_id_for_mapped_metric("revenue").data.id == made.id
    assert klaviyo.Metrics.get_mapped_metric("revenue", include=["custom-metric"]).data.id == "revenue"
    klaviyo.Metrics.update_mapped_metric("revenue", body("mapped-metric", "revenue", {"metric": ("metric", placed)}))
    klaviyo.Metrics.delete_custom_metric(made.id)
    assert refused(klaviyo.Metrics.get_custom_metric, made.id) == (404, "not_found")


PROPERTIES = [{"id": 1, "name": "name", "type": "string"}, {"id": 2, "name": "age", "type": "int"}]


def _mapping(source: str) -> JSON:
    paths = (("$.pet.name", 1), ("$.pet.age", 2))
    return {
        "property_mappings": [
            {"id": number, "type": "simple", "source": {"source_id": source, "id_path": "$.pet.id", "data_path": path}}
            for path, number in paths
        ]
    }


def _pet(number: int) -> JSON:
    return {"pet": {"id": f"p{number}", "name": f"Rex {number}", "age": number, "owner": "owner.sdk@example.org"}}


def custom_objects_go_from_schema_to_records(klaviyo: Klaviyo) -> None:
    objects = klaviyo.Custom_Objects
    source = objects.create_data_source(body("data-source", title="SDK clinic", visibility="private")).data.id
    assert objects.get_data_source(source).data.attributes.title == "SDK clinic"
    assert source in [one.id for one in every_page(objects.get_data_sources, page_size=1)]
    kind = objects.create_object_type(body("object-type", title="SDK pet")).data.id
    draft = objects.create_object_schema(
        body("object-schema", None, {"object-type": ("object-type", kind)}, title="SDK pet", properties=PROPERTIES)
    ).data.id
    assert objects.get_draft_schema_for_object_type(kind).data.id == draft
    assert objects.get_draft_schema_id_for_object_type(kind).data.id == draft
    mapping = objects.get_source_mapping_for_object_schema(draft).data.id
    assert objects.get_source_mapping_id_for_object_schema(draft).data.id == mapping
    objects.update_source_mapping(mapping, body("source-mapping", mapping, **_mapping(source)))
    assert len(objects.get_source_mapping(mapping).data.attributes.property_mappings) == 2
    objects.update_object_schema(draft, body("object-schema", draft, status="active"))
    klaviyo.wait(60)
    assert objects.get_current_schema_for_object_type(kind).data.id == draft
    assert objects.get_current_schema_id_for_object_type(kind).data.id == draft
    assert objects.get_object_schema(draft, include=["source-mapping"]).data.attributes.status == "active"
    assert draft in ids(objects.get_schema_versions_for_object_type(kind))
    assert draft in ids(objects.get_schema_version_ids_for_object_type(kind))
    assert objects.get_object_type(kind, include=["current-schema"]).data.attributes.status == "active"
    assert kind in ids(
        objects.get_object_types(filter='equals(namespace,"custom-objects")', include=["current-schema"])
    )

    entries = {"data": [{"type": "data-source-record", "attributes": {"record": _pet(number)}} for number in range(4)]}
    into = {"data-source": ("data-source", source)}
    objects.bulk_create_data_source_records(
        body("data-source-record-bulk-create-job", None, into, **{"data-source-records": entries})
    )
    one = {"data": {"type": "data-source-record", "attributes": {"record": _pet(5)}}}
    objects.create_data_source_record(body("data-source-record-create-job", None, into, **{"data-source-record": one}))
    bad = {"data": {"type": "data-source-record", "attributes": {"record": {"pet": {"id": "bad", "age": "old"}}}}}
    objects.create_data_source_record(body("data-source-record-create-job", None, into, **{"data-source-record": bad}))
    klaviyo.wait(60)
    records = every_page(objects.get_records_for_object_type, kind, page_size=2)
    assert {f"{kind}:::p{number}" for number in (0, 1, 2, 3, 5)} <= {record.id for record in records}
    assert len(every_page(objects.get_record_ids_for_object_type, kind, page_size=3)) == len(records)
    assert objects.get_object_record(f"{kind}:::p3").data.attributes.record_properties["name"] == "Rex 3"
    logs = objects.get_ingestion_logs_for_object_type(kind)
    assert ids(objects.get_ingestion_log_ids_for_object_type(kind)) == ids(logs) != []
    objects.bulk_delete_object_records(
        body("object-record-bulk-delete-job", None, {"object-records": [("object-record", f"{kind}:::p0")]})
    )
    klaviyo.wait(60)
    assert refused(objects.get_object_record, f"{kind}:::p0") == (404, "not_found")
    objects.delete_object_type(kind)
    objects.delete_data_source(source)
    assert refused(objects.get_object_type, kind) == (404, "not_found")
    assert refused(objects.get_data_source, source) == (404, "not_found")


def schemas_are_related_to_each_other_and_to_profiles(klaviyo: Klaviyo) -> None:
    objects = klaviyo.Custom_Objects
    kinds, schemas = [], []
    for title in ("SDK pet", "SDK vet"):
        inner = {"data": {"type": "object-schema", "attributes": {"properties": PROPERTIES, "status": "active"}}}
        kinds.append(objects.create_object_type(body("object-type", title=title, **{"object-schema": inner})).data.id)
        klaviyo.wait(60)
        schemas.append(objects.get_current_schema_id_for_object_type(kinds[-1]).data.id)
    pet, vet = schemas

    objects.create_object_schema_relationship(pet, _related("object-schema", vet, name="seen by"))
    read = objects.get_object_schema(pet, include=["object-schemas"])
    number = read.included[0]["attributes"]["meta"]["relationship_id"]
    assert len(objects.get_object_schema_relationships(pet).data) == 1
    assert len(objects.get_object_type_relationships(kinds[0]).data) == 1
    (renamed,) = _related("object-schema", vet, relationship_id=number, name="treated by")["data"]
    objects.update_object_schema_relationship(pet, {"data": renamed})
    assert "treated by" in objects.get_object_schema_relationships(pet).data[0].id
    objects.delete_object_schema_relationship(pet, _related("object-schema", vet, relationship_id=number))
    assert objects.get_object_schema_relationships(pet).data == []

    objects.create_profile_schema_relationship(pet, _related("profile-object-schema", "profile", name="owner"))
    read = objects.get_object_schema(pet, include=["profile-object-schemas"])
    number = read.included[0]["attributes"]["meta"]["relationship_id"]
    assert len(objects.get_profile_schema_relationships(pet).data) == 1
    assert len(objects.get_profile_type_relationships(kinds[0]).data) == 1
    (renamed,) = _related("profile-object-schema", "profile", relationship_id=number, name="keeper")["data"]
    objects.update_profile_schema_relationship(pet, {"data": renamed})
    objects.delete_profile_schema_relationship(
        pet, _related("profile-object-schema", "profile", relationship_id=number)
    )
    assert objects.get_profile_schema_relationships(pet).data == []


def _related(kind: str, identifier: str, **meta: Any) -> JSON:
    return {"data": [{"type": kind, "id": identifier, "meta": meta}]}

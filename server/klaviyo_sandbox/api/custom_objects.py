"""Object types, schemas, data sources, mappings and records."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.api.object_shapes import (
    CHANGED_RELATION,
    CHANGED_SCHEMA,
    MANY_RECORDS,
    MAPPING,
    NEW_RELATION,
    NEW_SCHEMA,
    NEW_SOURCE,
    NEW_TYPE,
    ONE_RECORD,
    PROPERTIES,
    RECORD_REFERENCES,
    RELATION_META,
    REMOVED_RELATION,
    SCHEMA_STATUS,
    VISIBILITY,
    reference,
)
from klaviyo_sandbox.behaviour import object_records, object_relations, object_types
from klaviyo_sandbox.declare import Column, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Free, Items, Record, Text

_LOG_ERROR = Record({"code": Text(), "message": Text(), "property": Text(), "invalid_value": STRING})

RESOURCES = (
    Resource(
        "data-source",
        Record({"title": Text(), "visibility": VISIBILITY, "description": Text(), "namespace": Text()}),
        ids="ulid",
        defaults={"visibility": "private", "description": "", "namespace": object_types.NAMESPACE},
        stamps=("", ""),
        columns={"title": Column("title"), "namespace": Column("namespace")},
        unique=(("namespace", "title"),),
        cursors="ids",
    ),
    Resource(
        "object-type",
        Record(
            {
                "title": Text(),
                "description": Text(),
                "status": SCHEMA_STATUS,
                "namespace": Text(),
                "created_at": MOMENT,
                "updated_at": MOMENT,
                "meta": RELATION_META,
            }
        ),
        ids="ulid",
        on_request=("meta",),
        defaults={"description": "", "namespace": object_types.NAMESPACE},
        stamps=("created_at", "updated_at"),
        relations=(
            Relation("current-schema", "object-schema", column="current_schema_id"),
            Relation("draft-schema", "object-schema", column="draft_schema_id"),
            Relation("schema-versions", "object-schema", foreign="object_type_id"),
            # Which types a type relates to follows from its schema's relationships: see handlers/object_relations.
            Relation("object-types", "object-type", link="object-type.object-types"),
            Relation("profile-object-types", "profile-object-type", link="object-type.profile-object-types"),
            Relation("object-records", "object-record", foreign="object_type_id", hidden=True),
            Relation("object-ingestion-logs", "object-ingestion-log", foreign="object_type_id", hidden=True),
        ),
        columns={
            "title": Column("title"),
            "namespace": Column("namespace"),
            "current_schema_id": Column("_current_schema"),
            "draft_schema_id": Column("_draft_schema"),
        },
        unique=(("namespace", "title"),),
        owns=(
            ("object-schema", "object_type_id"),
            ("object-record", "object_type_id"),
            ("object-ingestion-log", "object_type_id"),
        ),
    ),
    Resource(
        "object-schema",
        Record(
            {
                "title": Text(),
                "description": Text(),
                "status": SCHEMA_STATUS,
                "properties": PROPERTIES,
                "required": Items(Text()),
                "published_at": MOMENT,
                "visibility": VISIBILITY,
                "meta": RELATION_META,
            }
        ),
        ids="ulid",
        on_request=("meta",),
        stamps=("", ""),
        relations=(
            Relation("source-mapping", "source-mapping", column="source_mapping_id"),
            Relation("object-schemas", "object-schema", link="object-schema.object-schemas"),
            Relation("profile-object-schemas", "profile-object-schema", link="object-schema.profile-object-schemas"),
        ),
        columns={"object_type_id": Column("_object_type"), "source_mapping_id": Column("_source_mapping")},
        indexes=(("object_type_id", "id"),),
        owns=(
            ("source-mapping", "schema_id"),
            (object_relations.RELATION, "schema_id"),
            (object_relations.RELATION, "related_id"),
        ),
    ),
    Resource(
        "source-mapping",
        MAPPING,
        ids="ulid",
        stamps=("", ""),
        columns={"schema_id": Column("_schema")},
        indexes=(("schema_id",),),
    ),
    # Klaviyo shows a relationship only as part of what it relates; its id is in their `meta`.
    Resource(
        object_relations.RELATION,
        RELATION_META,
        ids="ulid",
        stamps=("", ""),
        columns={"schema_id": Column("_schema"), "related_id": Column("_related"), "name": Column("name")},
        unique=(("schema_id", "name"),),
        indexes=(("related_id",),),
    ),
    Resource("profile-object-type", Record({"meta": RELATION_META}), stamps=("", "")),
    Resource("profile-object-schema", Record({"meta": RELATION_META}), stamps=("", "")),
    Resource(
        "object-record",
        Record({"record_properties": Free()}),
        ids="chosen",
        stamps=("", ""),
        columns={"object_type_id": Column("_object_type")},
        indexes=(("object_type_id", "id"),),
    ),
    Resource(
        "object-ingestion-log",
        Record(
            {
                "status": Text(choices=("error", "info", "warning")),
                "event_type": Text(choices=("validation_error",)),
                "timestamp": MOMENT,
                "summary": Text(),
                "errors": Items(_LOG_ERROR),
            }
        ),
        ids="uuid",
        stamps=("", ""),
        relations=(
            Relation("object-type", "object-type", column="object_type_id", data=True),
            Relation("object-record", "object-record", column="object_record_id", data=True),
        ),
        columns={
            "object_type_id": Column("_object_type"),
            "object_record_id": Column("_object_record"),
            "record_id": Column("_record"),
            "status": Column("status"),
            "event_type": Column("event_type"),
            "timestamp": Column("timestamp", "moment", nullable=False),
        },
        indexes=(("object_type_id", "timestamp", "id"),),
    ),
    Resource("data-source-record-create-job", Record({}), stored=False),
    Resource("data-source-record-bulk-create-job", Record({}), stored=False),
    Resource("object-record-bulk-delete-job", Record({}), stored=False),
)

WORK = {
    "object-schema.activate": object_types.finish_activation,
    "object-records.ingest": object_records.ingest,
    "object-records.delete": object_records.delete,
}

_KB = 1024
_FOR_SOURCE = Record({"data-source": reference("data-source")}, required=("data-source",))


def _relationship_operations(word: str, kind: str) -> tuple[Operation, ...]:
    """The four operations on a schema's relationships with other schemas, or with profiles."""
    parent = "object-schema"
    return (
        Operation(f"get_{word}_schema_relationships", kind, object_relations.list_schema_relations, parent=parent),
        Operation(
            f"create_{word}_schema_relationship",
            kind,
            object_relations.create_relations,
            parent=parent,
            body_meta=NEW_RELATION,
            most_identifiers=100,
            empty=True,
        ),
        Operation(
            f"update_{word}_schema_relationship",
            kind,
            object_relations.update_relation,
            parent=parent,
            body=Record({}),
            body_meta=CHANGED_RELATION,
            identified="required",
            empty=True,
        ),
        Operation(
            f"delete_{word}_schema_relationship",
            kind,
            object_relations.delete_relations,
            parent=parent,
            body_meta=REMOVED_RELATION,
            most_identifiers=100,
            empty=True,
        ),
    )


OPERATIONS = (
    Operation("get_data_sources", "data-source", generic.list_resources),
    Operation("get_data_source", "data-source", generic.get_resource),
    Operation("create_data_source", "data-source", object_types.create_data_source, body=NEW_SOURCE),
    Operation("delete_data_source", "data-source", object_types.delete_data_source, empty=True),
    Operation(
        "create_data_source_record",
        "data-source-record-create-job",
        object_records.accept_record,
        body=ONE_RECORD,
        body_relationships=_FOR_SOURCE,
        empty=True,
    ),
    Operation(
        "bulk_create_data_source_records",
        "data-source-record-bulk-create-job",
        object_records.accept_records,
        body=MANY_RECORDS,
        body_relationships=_FOR_SOURCE,
        largest_body=4096 * _KB,
        empty=True,
    ),
    Operation("get_source_mapping", "source-mapping", generic.get_resource),
    Operation(
        "update_source_mapping", "source-mapping", object_types.update_mapping, body=MAPPING, identified="required"
    ),
    Operation("get_object_types", "object-type", generic.list_resources),
    Operation("get_object_type", "object-type", object_relations.get_with_relations, extra=("meta",)),
    Operation(
        "create_object_type",
        "object-type",
        object_types.create_object_type,
        body=NEW_TYPE,
        entitlement="object-types",
    ),
    Operation("delete_object_type", "object-type", object_types.delete_object_type, empty=True),
    Operation("get_current_schema_for_object_type", "object-schema", generic.get_related, parent="object-type"),
    Operation("get_current_schema_id_for_object_type", "object-schema", generic.get_related_id, parent="object-type"),
    Operation("get_draft_schema_for_object_type", "object-schema", generic.get_related, parent="object-type"),
    Operation("get_draft_schema_id_for_object_type", "object-schema", generic.get_related_id, parent="object-type"),
    Operation("get_schema_versions_for_object_type", "object-schema", generic.list_related, parent="object-type"),
    Operation(
        "get_schema_version_ids_for_object_type", "object-schema", generic.list_related_ids, parent="object-type"
    ),
    Operation(
        "get_object_type_relationships", "object-type", object_relations.list_type_relations, parent="object-type"
    ),
    Operation(
        "get_profile_type_relationships",
        "profile-object-type",
        object_relations.list_type_relations,
        parent="object-type",
    ),
    Operation("get_records_for_object_type", "object-record", generic.list_related, parent="object-type"),
    Operation("get_record_ids_for_object_type", "object-record", generic.list_related_ids, parent="object-type"),
    Operation(
        "get_ingestion_logs_for_object_type",
        "object-ingestion-log",
        object_records.list_logs,
        parent="object-type",
        default_sort="-timestamp",
    ),
    Operation(
        "get_ingestion_log_ids_for_object_type",
        "object-ingestion-log",
        object_records.list_log_ids,
        parent="object-type",
        default_sort="-timestamp",
    ),
    Operation("get_object_schema", "object-schema", object_relations.get_with_relations, extra=("meta",)),
    Operation(
        "create_object_schema",
        "object-schema",
        object_types.create_object_schema,
        body=NEW_SCHEMA,
        body_relationships=Record({"object-type": reference("object-type")}, required=("object-type",)),
    ),
    Operation(
        "update_object_schema",
        "object-schema",
        object_types.update_object_schema,
        body=CHANGED_SCHEMA,
        identified="required",
    ),
    Operation("get_source_mapping_for_object_schema", "source-mapping", generic.get_related, parent="object-schema"),
    Operation(
        "get_source_mapping_id_for_object_schema", "source-mapping", generic.get_related_id, parent="object-schema"
    ),
    *_relationship_operations("object", "object-schema"),
    *_relationship_operations("profile", "profile-object-schema"),
    Operation("get_object_record", "object-record", generic.get_resource),
    Operation(
        "bulk_delete_object_records",
        "object-record-bulk-delete-job",
        object_records.accept_deletion,
        body=Record({}),
        body_relationships=Record({"object-records": RECORD_REFERENCES}, required=("object-records",)),
        empty=True,
    ),
)

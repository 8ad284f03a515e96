"""What object types, schemas and mappings look like in bodies and answers."""

from klaviyo_sandbox.api.common import STRING
from klaviyo_sandbox.shapes import Choice, Free, Items, Number, Record, Scalar, Shape, Text

SCHEMA_STATUS = Text(choices=("active", "draft", "publishing", "undefined"))
_WRITTEN_STATUS = Text(choices=("active", "draft"), nullable=True)
VISIBILITY = Text(choices=("private", "shared"), nullable=True)
TITLE = Text(shortest=1, longest=255)

PROPERTIES = Items(
    Record(
        {
            "id": Number(whole=True),
            "name": Text(shortest=1),
            "type": Text(choices=("boolean", "float", "int", "list_str", "string", "timestamp")),
            "description": STRING,
        },
        required=("id", "name", "type"),
    ),
    nullable=True,
)
_REQUIRED = Items(Text(), nullable=True)

_PATH = Text(shortest=1)
_STRATEGY = Text(choices=("additive", "replace_from_origin"), nullable=True)
_PROFILE_PATH = Record(
    {"identifier_type": Text(choices=("anonymous", "email", "external-id", "klaviyo-id", "phone")), "path": _PATH},
    required=("identifier_type", "path"),
)
_CONSTANT = Record(
    {
        "id": Number(whole=True),
        "type": Text(choices=("constant",)),
        "value": Scalar(kinds=("number", "string", "boolean")),
    },
    required=("id", "type", "value"),
)
_FROM_SOURCE = Record(
    {
        "id": Number(whole=True),
        "type": Text(choices=("simple",)),
        "source": Record(
            {"source_id": Text(), "id_path": _PATH, "data_path": _PATH}, required=("source_id", "id_path", "data_path")
        ),
    },
    required=("id", "type", "source"),
)
_TO_RECORD = Record(
    {
        "source_id": Text(),
        "type": Text(choices=("custom-object",)),
        "id_path": _PATH,
        "related_id_path": _PATH,
        "update_strategy": _STRATEGY,
    },
    required=("source_id", "type", "id_path", "related_id_path"),
)
_TO_PROFILE = Record(
    {
        "source_id": Text(),
        "type": Text(choices=("profile",)),
        "id_path": _PATH,
        "related_id_paths": Items(_PROFILE_PATH, least=1),
        "update_strategy": _STRATEGY,
    },
    required=("source_id", "type", "id_path", "related_id_paths"),
)
MAPPING = Record(
    {
        "property_mappings": Items(Choice("type", {"constant": _CONSTANT, "simple": _FROM_SOURCE}), nullable=True),
        "relationship_mappings": Items(
            Record(
                {
                    "relationship_id": Text(),
                    "type": Text(choices=("simple",)),
                    "source": Choice("type", {"custom-object": _TO_RECORD, "profile": _TO_PROFILE}),
                },
                required=("relationship_id", "type", "source"),
            ),
            nullable=True,
        ),
    }
)


def _wrapped(kind: str, attributes: Record, *, nullable: bool = True) -> Record:
    """A resource inside the attributes of another one, or a list of them."""
    resource = Record({"type": Text(choices=(kind,)), "attributes": attributes}, required=("type", "attributes"))
    return Record({"data": resource}, required=("data",), nullable=nullable)


_SCHEMA: dict[str, Shape] = {
    "properties": PROPERTIES,
    "status": _WRITTEN_STATUS,
    "required": _REQUIRED,
}
_NESTED_MAPPING = _wrapped("source-mapping", MAPPING)
NEW_TYPE = Record(
    {
        "title": TITLE,
        "description": STRING,
        "visibility": VISIBILITY,
        "namespace": STRING,
        "object-schema": _wrapped("object-schema", Record({**_SCHEMA, "source-mapping": _NESTED_MAPPING})),
    },
    required=("title",),
)
NEW_SCHEMA = Record(
    {
        **_SCHEMA,
        "title": TITLE,
        "description": STRING,
        "properties": Items(PROPERTIES.of),
        "source-mapping": _NESTED_MAPPING,
    },
    required=("title", "properties"),
)
CHANGED_SCHEMA = Record({**_SCHEMA, "title": Text(shortest=1, longest=255, nullable=True), "description": STRING})
NEW_SOURCE = Record(
    {"title": TITLE, "visibility": VISIBILITY, "description": STRING, "namespace": STRING}, required=("title",)
)

RECORD = Record({"record": Free()}, required=("record",))
ONE_RECORD = Record(
    {"data-source-record": _wrapped("data-source-record", RECORD, nullable=False)}, required=("data-source-record",)
)
_RECORD_RESOURCE = Record(
    {"type": Text(choices=("data-source-record",)), "attributes": RECORD}, required=("type", "attributes")
)
MANY_RECORDS = Record(
    {"data-source-records": Record({"data": Items(_RECORD_RESOURCE, most=500, least=1)}, required=("data",))},
    required=("data-source-records",),
)


def reference(kind: str) -> Record:
    """A to-one relationship in a body."""
    identifier = Record({"type": Text(choices=(kind,)), "id": Text(shortest=1)}, required=("type", "id"))
    return Record({"data": identifier}, required=("data",))


RECORD_REFERENCES = Record(
    {
        "data": Items(
            Record({"type": Text(choices=("object-record",)), "id": Text(shortest=1)}, required=("type", "id")),
            most=500,
            least=1,
        )
    },
    required=("data",),
)
NEW_RELATION = Record({"name": Text(shortest=1), "description": STRING}, required=("name",))
CHANGED_RELATION = Record(
    {"relationship_id": Text(shortest=1), "name": Text(shortest=1, nullable=True), "description": STRING},
    required=("relationship_id",),
)
REMOVED_RELATION = Record({"relationship_id": Text(shortest=1)}, required=("relationship_id",))
RELATION_META = Record({"relationship_id": Text(), "name": Text(), "description": STRING})

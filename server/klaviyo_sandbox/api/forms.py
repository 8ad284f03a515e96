"""Sign-up forms and their versions."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import BETWEEN, BY_ID, IS, MOMENT, sortable
from klaviyo_sandbox.api.form_shapes import VERSION
from klaviyo_sandbox.behaviour import forms
from klaviyo_sandbox.declare import Column, Filter, Operation, Page, Relation, Resource, S
from klaviyo_sandbox.shapes import Flag, Free, Items, Record, Text

_STATUS = Text(choices=("draft", "live"))
_FORM_TYPES = ("banner", "embed", "flyout", "full_page", "popup")

RESOURCES = (
    Resource(
        "form",
        Record(
            {
                "name": Text(),
                "status": _STATUS,
                "ab_test": Flag(),
                "created_at": MOMENT,
                "updated_at": MOMENT,
                "definition": Record({"versions": Items(Free())}),
            }
        ),
        on_request=("definition",),
        relations=(Relation("form-versions", "form-version", foreign="form_id"),),
        stamps=("created_at", "updated_at"),
        columns={
            "name": Column("name"),
            "status": Column("status"),
            "ab_test": Column("ab_test", "flag", nullable=False),
            "created_at": Column("created_at", "moment", nullable=False),
            "updated_at": Column("updated_at", "moment", nullable=False),
        },
        indexes=(("created_at", "id"), ("updated_at", "id")),
        owns=(("form-version", "form_id"),),
    ),
    Resource(
        "form-version",
        Record(
            {
                "form_type": Text(choices=_FORM_TYPES),
                "variation_name": Text(),
                "ab_test": Record({"variation_name": Text()}),
                "status": _STATUS,
                "created_at": MOMENT,
                "updated_at": MOMENT,
            }
        ),
        ids="digits",
        relations=(Relation("form", "form", column="form_id"),),
        stamps=("created_at", "updated_at"),
        columns={
            "form_id": Column("_form_id"),
            "form_type": Column("form_type"),
            "status": Column("status"),
            "created_at": Column("created_at", "moment", nullable=False),
            "updated_at": Column("updated_at", "moment", nullable=False),
        },
        indexes=(("form_id", "id"),),
    ),
)

_READ, _WRITE = ("forms:read",), ("forms:write",)
_BY_STATUS = Filter(single=("equals",), choices=("live", "draft"))
_VERSION_FILTERS = {
    "form_type": Filter(single=("equals",), listed=("any", "equals"), choices=_FORM_TYPES),
    "status": _BY_STATUS,
    "updated_at": BETWEEN,
    "created_at": BETWEEN,
}
_SORTS = sortable("created_at", "updated_at")
_PAGE = Page(20, 100)

OPERATIONS = (
    Operation(
        "get_forms",
        "GET",
        "/api/forms",
        "form",
        generic.list_resources,
        _READ,
        S,
        filters={
            "id": BY_ID,
            "name": Filter(single=("contains", "equals"), listed=("any", "equals")),
            "ab_test": IS,
            "updated_at": BETWEEN,
            "created_at": BETWEEN,
            "status": _BY_STATUS,
        },
        sorts=_SORTS,
        page=_PAGE,
    ),
    Operation(
        "create_form",
        "POST",
        "/api/forms",
        "form",
        forms.create_form,
        _WRITE,
        S,
        extra=("definition",),
        body=Record(
            {
                "definition": Record({"versions": Items(VERSION, least=1)}, required=("versions",)),
                "status": Text(choices=("draft",)),
                "ab_test": Flag(),
                "name": Text(shortest=1),
            },
            required=("definition", "status", "ab_test", "name"),
        ),
    ),
    Operation("get_form", "GET", "/api/forms/{id}", "form", generic.get_resource, _READ, S, extra=("definition",)),
    Operation("delete_form", "DELETE", "/api/forms/{id}", "form", generic.delete_resource, _WRITE, S, empty=True),
    Operation(
        "get_versions_for_form",
        "GET",
        "/api/forms/{id}/form-versions",
        "form-version",
        generic.list_related,
        _READ,
        S,
        parent="form",
        relation="form-versions",
        filters=_VERSION_FILTERS,
        sorts=_SORTS,
        page=_PAGE,
    ),
    Operation(
        "get_version_ids_for_form",
        "GET",
        "/api/forms/{id}/relationships/form-versions",
        "form-version",
        generic.list_related_ids,
        _READ,
        S,
        parent="form",
        relation="form-versions",
        filters=_VERSION_FILTERS,
        sorts=_SORTS,
        page=_PAGE,
        relationships_only=True,
    ),
    Operation(
        "get_form_version",
        "GET",
        "/api/form-versions/{id}",
        "form-version",
        generic.get_resource,
        _READ,
        S,
        include=("form",),
    ),
    Operation(
        "get_form_for_form_version",
        "GET",
        "/api/form-versions/{id}/form",
        "form",
        generic.get_related,
        _READ,
        S,
        parent="form-version",
        relation="form",
    ),
    Operation(
        "get_form_id_for_form_version",
        "GET",
        "/api/form-versions/{id}/relationships/form",
        "form",
        generic.get_related_id,
        _READ,
        S,
        parent="form-version",
        relation="form",
        relationships_only=True,
    ),
)

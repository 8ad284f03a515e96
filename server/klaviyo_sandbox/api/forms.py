"""Sign-up forms and their versions."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT
from klaviyo_sandbox.api.form_shapes import VERSION
from klaviyo_sandbox.behaviour import forms
from klaviyo_sandbox.behaviour.jobs import STATUSES
from klaviyo_sandbox.declare import Column, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Flag, Free, Items, Record, Text

_STATUS = Text(choices=("draft", "live"))
_FORM_TYPES = ("banner", "embed", "flyout", "full_page", "popup")
_DEFINITION = Record({"versions": Items(VERSION, least=1)}, required=("versions",))
_FORM = Record({"type": Text(choices=("form",)), "id": Text(shortest=1)}, required=("type", "id"))
_OF_FORM = Record({"form": Record({"data": _FORM}, required=("data",))}, required=("form",))


def _job(kind: str) -> Resource:
    """A job that is over before it is answered: it is told and not kept."""
    return Resource(
        kind,
        Record({"status": Text(choices=STATUSES), "created_at": MOMENT}),
        ids="ulid",
        relations=(Relation("form", "form", column="form_id", data=True),),
        stamps=("created_at", ""),
        columns={"form_id": Column("_form_id")},
        stored=False,
    )


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
        relations=(Relation("form-versions", "form-version", foreign="form_id", data=True),),
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
        relations=(Relation("form", "form", column="form_id", data=True),),
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
    _job("form-publish-job"),
    _job("form-unpublish-job"),
)

_BROKEN = (("form_type", "any"),)

OPERATIONS = (
    Operation("get_forms", "form", generic.list_resources),
    Operation(
        "create_form",
        "form",
        forms.create_form,
        extra=("definition",),
        relationships="none",
        body=Record(
            {
                "definition": _DEFINITION,
                "status": Text(choices=("draft",)),
                "ab_test": Flag(),
                "name": Text(shortest=1),
            },
            required=("definition", "status", "ab_test", "name"),
        ),
    ),
    Operation("get_form", "form", generic.get_resource, extra=("definition",)),
    Operation(
        "update_form",
        "form",
        forms.update_form,
        extra=("definition",),
        body=Record({"definition": _DEFINITION, "name": Text(shortest=1)}),
        identified="required",
    ),
    Operation("publish_form", "form-publish-job", forms.publish_form, body=Record({}), body_relationships=_OF_FORM),
    Operation(
        "unpublish_form", "form-unpublish-job", forms.unpublish_form, body=Record({}), body_relationships=_OF_FORM
    ),
    Operation("delete_form", "form", generic.delete_resource, empty=True),
    # Recorded answers have no links to neighbours, though the document knows cursors here.
    Operation(
        "get_versions_for_form",
        "form-version",
        generic.list_related,
        parent="form",
        neighbours=False,
        broken_filters=_BROKEN,
    ),
    Operation(
        "get_version_ids_for_form",
        "form-version",
        generic.list_related_ids,
        parent="form",
        neighbours=False,
        broken_filters=_BROKEN,
    ),
    Operation("get_form_version", "form-version", generic.get_resource),
    Operation("get_form_for_form_version", "form", generic.get_related, parent="form-version"),
    Operation("get_form_id_for_form_version", "form", generic.get_related_id, parent="form-version"),
)

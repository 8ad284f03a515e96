"""Coupons, their codes, and jobs that make many codes."""

from collections.abc import Mapping

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import JULY, MOMENT, STRING
from klaviyo_sandbox.behaviour import coupons, jobs
from klaviyo_sandbox.declare import Column, Lookup, Operation, Relation, Resource
from klaviyo_sandbox.facts import REVISION
from klaviyo_sandbox.identifiers import CHOSEN_NAME
from klaviyo_sandbox.shapes import Free, Items, Record, Shape, Text

_STATUSES = ("ASSIGNED_TO_PROFILE", "DELETING", "PROCESSING", "UNASSIGNED", "USED", "VERSION_NOT_ACTIVE")
_STATUS = Text(choices=_STATUSES, nullable=True)
_JOB = "coupon-code-bulk-create-job"
_MOST_CODES, _MOST_JOBS = 1000, 100
_ASSIGNER = Record(
    {
        "used": Text(choices=("ALWAYS_ASSIGN", "ASSIGN_IF_EXPIRED", "NEVER_ASSIGN")),
        "unused_expired": Text(choices=("ALWAYS_ASSIGN", "NEVER_ASSIGN")),
    },
    required=("used", "unused_expired"),
    nullable=True,
)
_DESCRIBED: dict[str, Shape] = {
    "description": STRING,
    "monitor_configuration": Free(nullable=True),
    "assigner_configuration": _ASSIGNER,
}

RESOURCES = (
    Resource(
        "coupon",
        Record({"external_id": Text(), **_DESCRIBED}),
        ids="chosen",
        malformed=400,
        relations=(Relation("coupon-codes", "coupon-code", foreign="coupon_id", hidden=True),),
        stamps=("_created", ""),
        precision="microsecond",
        columns={"created": Column("_created", "moment", nullable=False)},
        indexes=(("created", "id"),),
        owns=(("coupon-code", "coupon_id"),),
    ),
    Resource(
        "coupon-code",
        Record({"unique_code": STRING, "expires_at": MOMENT, "status": _STATUS}),
        ids="chosen",
        relations=(
            Relation("coupon", "coupon", column="coupon_id", data=True),
            Relation("profile", "profile", column="profile_id", data=True, unrelated="links"),
        ),
        stamps=("", ""),
        columns={
            "expires_at": Column("expires_at", "moment", nullable=False),
            "status": Column("status", nullable=False),
            "coupon_id": Column("_coupon_id", nullable=False),
            "profile_id": Column("_profile_id"),
        },
        indexes=(("coupon_id", "id"), ("profile_id", "id")),
    ),
    jobs.resource(_JOB, Relation("coupon-codes", "coupon-code", link=f"{_JOB}.coupon-codes", data=True)),
)
WORK = jobs.work(_JOB, coupons.add_code)

_NEW_CODE = Record({"unique_code": Text(shortest=1), "expires_at": MOMENT}, required=("unique_code",))
_COUPON = Record({"type": Text(choices=("coupon",)), "id": Text(shortest=1)}, required=("type", "id"))
_OF_A_COUPON = Record({"coupon": Record({"data": _COUPON}, required=("data",))}, required=("coupon",))
_CODE = Record(
    {"type": Text(choices=("coupon-code",)), "attributes": _NEW_CODE, "relationships": _OF_A_COUPON},
    required=("type", "attributes", "relationships"),
)
_LOOKUPS = {"coupon.id": Lookup("coupon_id"), "profile.id": Lookup("profile_id")}


def _codes_of_a_coupon(lookups: Mapping[str, Lookup], revision: str) -> tuple[Operation, ...]:
    """The codes and their ids, which at 2026-07-15 can be filtered by the coupon that is named already."""
    return tuple(
        Operation(name, "coupon-code", run, parent="coupon", lookups=lookups, revision=revision)
        for name, run in (
            ("get_coupon_codes_for_coupon", generic.list_related),
            ("get_coupon_code_ids_for_coupon", generic.list_related_ids),
        )
    )


OPERATIONS = (
    Operation("get_coupons", "coupon", generic.list_resources, default_sort="created"),
    Operation(
        "create_coupon",
        "coupon",
        coupons.create_coupon,
        body=Record({"external_id": Text(shortest=1, pattern=CHOSEN_NAME), **_DESCRIBED}, required=("external_id",)),
    ),
    Operation("get_coupon", "coupon", generic.get_resource),
    Operation("update_coupon", "coupon", coupons.update_coupon, body=Record(_DESCRIBED), identified="required"),
    Operation("delete_coupon", "coupon", generic.delete_resource, empty=True),
    Operation(
        "get_coupon_codes",
        "coupon-code",
        generic.list_resources,
        required_filters=("coupon.id", "profile.id"),
        lookups=_LOOKUPS,
    ),
    Operation(
        "create_coupon_code", "coupon-code", coupons.create_code, body=_NEW_CODE, body_relationships=_OF_A_COUPON
    ),
    Operation("get_coupon_code", "coupon-code", generic.get_resource),
    Operation(
        "update_coupon_code",
        "coupon-code",
        coupons.update_code,
        body=Record({"status": _STATUS, "expires_at": MOMENT}),
        identified="required",
    ),
    Operation("delete_coupon_code", "coupon-code", coupons.delete_code, empty=True),
    Operation("get_bulk_create_coupon_code_jobs", _JOB, generic.list_resources, default_sort="-created_at"),
    Operation(
        "bulk_create_coupon_codes",
        _JOB,
        jobs.create("coupon-codes", most=_MOST_JOBS),
        relationships="links",
        body=Record(
            {"coupon-codes": Record({"data": Items(_CODE, most=_MOST_CODES)}, required=("data",))},
            required=("coupon-codes",),
        ),
    ),
    Operation("get_bulk_create_coupon_codes_job", _JOB, generic.get_resource),
    Operation("get_coupon_for_coupon_code", "coupon", generic.get_related, parent="coupon-code"),
    Operation("get_coupon_id_for_coupon_code", "coupon", generic.get_related_id, parent="coupon-code"),
    *_codes_of_a_coupon({"profile.id": _LOOKUPS["profile.id"]}, REVISION),
    *_codes_of_a_coupon(_LOOKUPS, JULY),
)

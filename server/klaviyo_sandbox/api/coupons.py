"""Coupons, their codes, and jobs that make many codes."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT, RANGE, STRING
from klaviyo_sandbox.behaviour import coupons, jobs
from klaviyo_sandbox.declare import XL, Column, Filter, L, Operation, Page, Relation, Resource, S
from klaviyo_sandbox.shapes import Free, Items, Record, Shape, Text

_STATUSES = ("ASSIGNED_TO_PROFILE", "DELETING", "PROCESSING", "UNASSIGNED", "USED", "VERSION_NOT_ACTIVE")
_STATUS = Text(choices=_STATUSES, nullable=True)
_JOB = "coupon-code-bulk-create-job"
_MOST_CODES, _MOST_JOBS = 1000, 100
_DESCRIBED: dict[str, Shape] = {"description": STRING, "monitor_configuration": Free(nullable=True)}

RESOURCES = (
    Resource(
        "coupon",
        Record({"external_id": Text(), **_DESCRIBED}),
        ids="chosen",
        malformed=400,
        relations=(Relation("coupon-codes", "coupon-code", foreign="coupon_id", hidden=True),),
        stamps=("", ""),
        owns=(("coupon-code", "coupon_id"),),
    ),
    Resource(
        "coupon-code",
        Record({"unique_code": STRING, "expires_at": MOMENT, "status": _STATUS}),
        ids="chosen",
        relations=(
            Relation("coupon", "coupon", column="coupon_id", data=True),
            Relation("profile", "profile", column="profile_id", data=True),
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
_CODE_FILTERS = {
    "expires_at": Filter("moment", RANGE),
    "status": Filter(single=("equals",), choices=_STATUSES),
    "coupon.id": Filter(listed=("any", "equals"), column="coupon_id"),
    "profile.id": Filter(listed=("any", "equals"), column="profile_id"),
}
_READ, _WRITE = ("coupons:read",), ("coupons:write",)
_READ_CODES, _WRITE_CODES = ("coupon-codes:read",), ("coupon-codes:write",)
_PAGE = Page(100, 100)
_ONE, _ONE_CODE = "/api/coupons/{id}", "/api/coupon-codes/{id}"

OPERATIONS = (
    Operation("get_coupons", "GET", "/api/coupons", "coupon", generic.list_resources, _READ, L, page=_PAGE),
    Operation(
        "create_coupon",
        "POST",
        "/api/coupons",
        "coupon",
        coupons.create_coupon,
        _WRITE,
        S,
        body=Record({"external_id": Text(shortest=1), **_DESCRIBED}, required=("external_id",)),
    ),
    Operation("get_coupon", "GET", _ONE, "coupon", generic.get_resource, _READ, L),
    Operation(
        "update_coupon",
        "PATCH",
        _ONE,
        "coupon",
        coupons.update_coupon,
        _WRITE,
        S,
        body=Record(_DESCRIBED),
        identified="required",
    ),
    Operation("delete_coupon", "DELETE", _ONE, "coupon", generic.delete_resource, _WRITE, S, empty=True),
    Operation(
        "get_coupon_codes",
        "GET",
        "/api/coupon-codes",
        "coupon-code",
        generic.list_resources,
        _READ_CODES,
        XL,
        filters=_CODE_FILTERS,
        required_filters=("coupon.id", "profile.id"),
        page=_PAGE,
        include=("coupon",),
    ),
    Operation(
        "create_coupon_code",
        "POST",
        "/api/coupon-codes",
        "coupon-code",
        coupons.create_code,
        _WRITE_CODES,
        XL,
        body=_NEW_CODE,
        body_relationships=_OF_A_COUPON,
    ),
    Operation(
        "get_coupon_code",
        "GET",
        _ONE_CODE,
        "coupon-code",
        generic.get_resource,
        _READ_CODES,
        XL,
        include=("coupon",),
    ),
    Operation(
        "update_coupon_code",
        "PATCH",
        _ONE_CODE,
        "coupon-code",
        coupons.update_code,
        _WRITE_CODES,
        XL,
        body=Record({"status": _STATUS, "expires_at": MOMENT}),
        identified="required",
    ),
    Operation(
        "delete_coupon_code", "DELETE", _ONE_CODE, "coupon-code", coupons.delete_code, _WRITE_CODES, XL, empty=True
    ),
    Operation(
        "get_bulk_create_coupon_code_jobs",
        "GET",
        f"/api/{_JOB}s",
        _JOB,
        generic.list_resources,
        _READ_CODES,
        L,
        filters={"status": jobs.BY_STATUS},
        default_sort="-created_at",
        page=Page(100, 100, sizable=False),
    ),
    Operation(
        "bulk_create_coupon_codes",
        "POST",
        f"/api/{_JOB}s",
        _JOB,
        jobs.create("coupon-codes", most=_MOST_JOBS),
        _WRITE_CODES,
        L,
        body=Record(
            {"coupon-codes": Record({"data": Items(_CODE, most=_MOST_CODES)}, required=("data",))},
            required=("coupon-codes",),
        ),
    ),
    Operation(
        "get_bulk_create_coupon_codes_job",
        "GET",
        f"/api/{_JOB}s/{{job_id}}",
        _JOB,
        generic.get_resource,
        _READ_CODES,
        L,
        include=("coupon-codes",),
    ),
    Operation(
        "get_coupon_for_coupon_code",
        "GET",
        f"{_ONE_CODE}/coupon",
        "coupon",
        generic.get_related,
        _READ,
        L,
        parent="coupon-code",
        relation="coupon",
    ),
    Operation(
        "get_coupon_id_for_coupon_code",
        "GET",
        f"{_ONE_CODE}/relationships/coupon",
        "coupon",
        generic.get_related_id,
        _READ,
        L,
        parent="coupon-code",
        relation="coupon",
        relationships_only=True,
    ),
    Operation(
        "get_coupon_codes_for_coupon",
        "GET",
        f"{_ONE}/coupon-codes",
        "coupon-code",
        generic.list_related,
        _READ_CODES,
        L,
        parent="coupon",
        relation="coupon-codes",
        filters=_CODE_FILTERS,
        page=_PAGE,
    ),
    Operation(
        "get_coupon_code_ids_for_coupon",
        "GET",
        f"{_ONE}/relationships/coupon-codes",
        "coupon-code",
        generic.list_related_ids,
        _READ_CODES,
        L,
        parent="coupon",
        relation="coupon-codes",
        filters=_CODE_FILTERS,
        page=_PAGE,
        relationships_only=True,
    ),
)

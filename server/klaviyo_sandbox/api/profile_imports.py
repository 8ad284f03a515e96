"""Bulk imports of profiles: the jobs, the profiles and lists they touched, and what went wrong."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import STRING
from klaviyo_sandbox.api.profile_shapes import PATCH, WRITABLE
from klaviyo_sandbox.behaviour import imports, jobs
from klaviyo_sandbox.declare import Column, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Free, Items, Record, Shape, Text

_JOB = "profile-bulk-import-job"
_HOME = f"/api/{_JOB}s"

# A job takes in whatever has the right outline; what a profile really has to look like is checked one by one.
_OUTLINE: dict[str, Shape] = {
    **{name: STRING if isinstance(shape, Text) else shape for name, shape in WRITABLE.items()},
    # An address is the exception: one that is malformed has the whole import refused.
    "email": WRITABLE["email"],
    "_kx": STRING,
}
_PROFILE = Record(
    {"type": Text(choices=("profile",)), "id": STRING, "attributes": Record(_OUTLINE), "meta": PATCH},
    required=("type", "attributes"),
)
_LIST = Record({"type": Text(choices=("list",)), "id": Text(shortest=1)}, required=("type", "id"))

RESOURCES = (
    jobs.resource(
        _JOB,
        Relation("profiles", "profile", link=f"{_JOB}.profiles"),
        Relation("lists", "list", link=f"{_JOB}.lists", data=True),
        Relation("import-errors", "import-error", foreign="job_id", links="related"),
        ids="job",
        first="queued",
        attributes={
            **{name: shape for name, shape in jobs.ATTRIBUTES.items() if name != "errors"},
            "started_at": jobs.ATTRIBUTES["completed_at"],
        },
        owns=(("import-error", "job_id"),),
    ),
    Resource(
        "import-error",
        Record(
            {
                "code": Text(),
                "title": Text(),
                "detail": Text(),
                "source": Record({"pointer": STRING}),
                "original_payload": Free(nullable=True),
            }
        ),
        ids="uuid",
        stamps=("", ""),
        columns={"job_id": Column("_job_id")},
        indexes=(("job_id", "id"),),
        path=f"{_HOME}/import-errors",
    ),
)

OPERATIONS = (
    Operation(
        "bulk_import_profiles",
        _JOB,
        imports.start,
        body=Record(
            {"profiles": Record({"data": Items(_PROFILE, least=1, most=10_000)}, required=("data",))},
            required=("profiles",),
        ),
        body_relationships=Record({"lists": Record({"data": Items(_LIST)}, required=("data",))}),
    ),
    Operation("get_bulk_import_profiles_jobs", _JOB, generic.list_resources, default_sort="-created_at"),
    Operation("get_bulk_import_profiles_job", _JOB, generic.get_resource),
    Operation("get_list_for_bulk_import_profiles_job", "list", generic.list_related, parent=_JOB),
    Operation("get_list_ids_for_bulk_import_profiles_job", "list", generic.list_related_ids, parent=_JOB),
    Operation("get_profiles_for_bulk_import_profiles_job", "profile", generic.list_related, parent=_JOB),
    Operation("get_profile_ids_for_bulk_import_profiles_job", "profile", generic.list_related_ids, parent=_JOB),
    Operation("get_errors_for_bulk_import_profiles_job", "import-error", imports.list_errors, parent=_JOB),
)

WORK = jobs.work(_JOB, imports.importing(Record({**WRITABLE, "_kx": STRING})), imports.keep_error)

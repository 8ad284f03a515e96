"""Reports on forms, from the events of those who saw them, and on segments, from who joined and left them."""

import json
from collections.abc import Mapping
from datetime import UTC

from klaviyo_sandbox.behaviour.reports import Kind, Report, Statistic, Tally, ratio, start, total, unique
from klaviyo_sandbox.behaviour.segmentation import refresh
from klaviyo_sandbox.behaviour.timeframes import after
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.clock import microseconds

# What a form report counts → the metric that tells of it.
_FORM_METRICS: Mapping[str, str] = {
    "closed_form": "Closed Form",
    "qualified_form": "Qualified Form",
    "submits": "Submitted Form",
    "submitted_form_step": "Submitted Form Step",
    "viewed_form": "Viewed Form",
    "viewed_form_step": "Viewed Form Step",
}
FORM_STATISTICS: Mapping[str, Statistic] = {
    **{name: total(name) for name in _FORM_METRICS},
    **{f"{name}_uniques": unique(name) for name in _FORM_METRICS if name != "submits"},
    "submit_rate": ratio(total("submits"), total("viewed_form")),
}
SEGMENT_STATISTICS: Mapping[str, Statistic] = {
    "members_added": total("added"),
    "members_removed": total("removed"),
    "net_members_changed": lambda tally: tally.total("added") - tally.total("removed"),
    "total_members": total("members"),
}
_OPERATORS = ("equals", "any")
FORMS = Kind(
    statistics=FORM_STATISTICS,
    grouped_by=("form_id", "form_version_id"),
    default=("form_id",),
    needs={"form_version_id": "form_id"},
    filters=dict.fromkeys(("form_id", "form_version_id"), _OPERATORS),
)
SEGMENTS = Kind(
    statistics=SEGMENT_STATISTICS,
    grouped_by=("segment_id",),
    default=("segment_id",),
    filters={"segment_id": _OPERATORS},
)


def query_forms(call: Call) -> Answer:
    """How often forms were seen, sent in and closed in a timeframe."""
    report = start(call, FORMS)
    sql = """
        SELECT m.name, e.profile_id, e.at, json_extract(e.body, '$.event_properties')
        FROM metric AS m CROSS JOIN event AS e ON e.account = m.account AND e.metric_id = m.id
        WHERE m.account = ? AND m.service = 'klaviyo' AND m.name IN (SELECT value FROM json_each(?))
        AND e.at >= ? AND e.at < ?"""
    counted = {metric: name for name, metric in _FORM_METRICS.items()}
    parameters = (call.account, json.dumps(list(counted)), report.span.since, report.span.until)
    for metric, profile, at, text in call.store.rows(sql, parameters):
        properties = json.loads(text)
        if properties.get("form_id"):
            dimensions = {name: [str(properties.get(name) or "")] for name in FORMS.grouped_by}
            report.add(dimensions, at, counted[metric], profile)
    return report.answer()


def query_segments(call: Call) -> Answer:
    """How segments grew and shrank in a timeframe, and how large they were at the end of each interval."""
    report = start(call, SEGMENTS)
    refresh(call)
    sql = """
        SELECT source, target, at, NULL FROM link WHERE account = ? AND relation = 'segment.profiles'
        UNION ALL
        SELECT source, target, joined, departed FROM departure WHERE account = ? AND relation = 'segment.profiles'"""
    stays: dict[str, list[tuple[str, int, int | None]]] = {}
    for segment, profile, joined, departed in call.store.rows(sql, (call.account, call.account)):
        stays.setdefault(segment, []).append((profile, joined, departed))
    ends = _ends(report)
    for row in call.store.page(call.account, "segment"):
        dimensions = {"segment_id": [row.id]}
        if not report.admits(dimensions):
            continue
        tallies: list[Tally] = report.group((row.id,))
        for profile, joined, departed in stays.get(row.id, []):
            report.add(dimensions, joined, "added", profile)
            if departed is not None:
                report.add(dimensions, departed, "removed", profile)
            for tally, end in zip(tallies, ends, strict=True):
                if joined < end and (departed is None or departed >= end):
                    tally.add("members", profile)
    return report.answer()


def _ends(report: Report) -> list[int]:
    """When each interval ends, in microseconds since 1970."""
    if not report.interval:
        return [report.span.until]
    ends = [microseconds(after(start, report.interval).astimezone(UTC)) for start in report.starts]
    return [min(end, report.span.until) for end in ends]

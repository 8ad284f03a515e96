"""Klaviyo's facts of the API revisions that are simulated, as its OpenAPI documents state them, and where we depart.

The files beside this one are made by `klaviyo-mcp specs facts`; nobody edits them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from klaviyo_sandbox.loose_json import Json

REVISION = "2026-10-15"
"""The newest revision."""
REVISIONS = (REVISION, "2026-07-15")
"""All of which there are facts, the newest first."""

ColumnKind = Literal["text", "moment", "number", "flag"]

_SIZES = "the document names no size"
_JOBS: Json = {"page": {"default": 100, "most": 100, "sizable": False}}
_LOGS: Json = {"page": {"default": 50, "most": 50, "sizable": False}}
_MESSAGES: Json = {"page": {"default": 50, "most": 50, "sizable": False}}
_STATISTICS = (
    "average_rating",
    "average_store_rating",
    "total_questions",
    "total_ratings",
    "total_reviews",
    "total_store_reviews",
)
DEPARTURES: Mapping[str, tuple[Json, str]] = {
    "get_bulk_suppress_profiles_jobs": (_JOBS, f"{_SIZES}; that of all other jobs"),
    "get_bulk_unsuppress_profiles_jobs": (_JOBS, f"{_SIZES}; that of all other jobs"),
    "get_ingestion_logs_for_object_type": (_LOGS, f"{_SIZES}; a guess"),
    "get_ingestion_log_ids_for_object_type": (_LOGS, f"{_SIZES}; a guess"),
    "get_campaign_messages_for_campaign_audience": (_MESSAGES, f"{_SIZES}; that of all messages"),
    "get_message_ids_for_campaign_audience": (_MESSAGES, f"{_SIZES}; that of all messages"),
    "get_messages_for_campaign": (_MESSAGES, f"{_SIZES}; that of all messages"),
    "get_message_ids_for_campaign": (_MESSAGES, f"{_SIZES}; that of all messages"),
    "get_client_review_values_reports": (
        {"parameters": {"statistics": {"required": True, "enum": _STATISTICS, "listed": True}}},
        "the document takes any text; its words list these, separated by commas",
    ),
}
"""Facts that replace or complete those of the files, by operation, and why."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A field that a collection can be filtered by.

    single, listed: the operators it takes with one value (or none, as `has` does) and with a list of values
    choices: the only values allowed
    """

    kind: ColumnKind = "text"
    single: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter that only some operations know; `listed` ones take several values, separated by commas."""

    choices: tuple[str, ...] = ()
    required: bool = False
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """How a collection is cut into pages; `sizable` is False where the caller cannot choose the size."""

    default: int
    most: int
    sizable: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests allowed in each fixed window: one second, one minute and, on some operations, one day."""

    burst: int
    steady: int
    daily: int | None = None


def _read(revision: str) -> Mapping[str, Mapping[str, Any]]:
    stated: Json = json.loads(Path(__file__).with_name(f"{revision}.json").read_bytes())
    fields = {name: frozenset[str](names) for name, names in stated["fields"].items()}
    return {name: _facts(name, facts, fields) for name, facts in stated["operations"].items()}


def _facts(name: str, stated: Json, fields: Mapping[str, frozenset[str]]) -> Mapping[str, Any]:
    """One operation's facts under the names of `declare.Stated`."""
    # A revision may lack what is departed from.
    replaced = {fact: value for fact, value in DEPARTURES.get(name, ({}, ""))[0].items() if fact in stated}
    parameters: Json = {**stated.get("parameters", {}), **replaced.get("parameters", {})}
    stated = {**stated, **replaced}
    company: Json = parameters.pop("company_id", {})
    public: bool = stated.get("public", False)
    # "", "api", the collection, an id and what it leads to
    _, _, _, *leads_to = stated["path"].split("/")
    return {
        "method": stated["method"],
        "path": stated["path"],
        "relation": leads_to[-1] if len(leads_to) > 1 else "",
        "relationships_only": "relationships" in leads_to,
        "public": public,
        "anonymous": public and not company.get("required"),
        "scopes": tuple(stated.get("scopes", ())),
        "limits": Limits(*stated["limits"]),
        "extra_limits": {name: Limits(*rates) for name, rates in stated.get("extra_limits", {}).items()},
        "filters": {name: _filter(each) for name, each in stated.get("filters", {}).items()},
        "sorts": tuple(stated.get("sorts", ())),
        "page": Page(**stated["page"]) if "page" in stated else None,
        "include": tuple(stated.get("include", ())),
        "additional": tuple(name for names in stated.get("additional", {}).values() for name in names),
        "fields": {kind: fields[name] for kind, name in stated.get("fields", {}).items()},
        "parameters": {
            name: Parameter(tuple(each.get("enum", ())), each.get("required", False), each.get("listed", False))
            for name, each in parameters.items()
        },
    }


_KINDS: Mapping[str, ColumnKind] = {
    "string": "text",
    "date-time": "moment",
    "number": "number",
    "integer": "number",
    "boolean": "flag",
}


def _filter(stated: Json) -> Filter:
    operators = (*stated.get("single", ()), *stated.get("none", ()))
    return Filter(
        _KINDS[stated.get("type", "string")], operators, tuple(stated.get("list", ())), tuple(stated.get("enum", ()))
    )


FACTS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {revision: _read(revision) for revision in REVISIONS}
"""By revision and operation."""

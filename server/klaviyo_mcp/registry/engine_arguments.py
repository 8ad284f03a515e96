"""Arguments that no spec writes: the engine uses them itself, and an action has them by what it is."""

from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.registry.holes import hole

FRESH: JSON = {
    "fresh": {
        "type": "boolean",
        "description": "true asks Klaviyo again, for one more of the day's calls; else an answer of the last minutes "
        "is given, and says so.",
    }
}
"""The engine's own argument of reads with a daily limit."""

EXPECT: JSON = {
    "expect": {
        "type": "integer",
        "minimum": 0,
        "description": "How many people or records you expect: refused, with nothing sent, if more.",
    }
}
"""The engine's own argument of writes that say how many people or records they reach."""


FIELDS: JSON = {
    "fields": {
        "type": ["array", "string"],
        "items": {"type": "string"},
        "description": "Names of fields to show, such as email or location.city, or all; describe_action lists them. A "
        "few by default.",
    }
}
"""The engine's own argument of reads that give records: what Klaviyo is asked for is made of it."""

CHARTS: JSON = {
    "charts": {"type": "boolean", "description": "Adds pictures."},
}
"""The engine's own argument of reports."""


def sparse_argument(spec: JSON) -> str | None:
    """The argument of Klaviyo's sparse fieldset of the records that a spec, as it is written, reads; None without."""
    result = mapping(spec.get("result"))
    if spec.get("effect") != "read" or result.get("rows") or result.get("kind") not in ("resource", "collection"):
        return None
    return hole(mapping(mapping(spec.get("request")).get("query")).get(f"fields[{result.get('type')}]"))


def engine_arguments(spec: JSON) -> JSON:
    """The arguments of ours that an action takes, by its spec as it is written.

    `fresh` is for reads with a daily limit, `expect` for what says how many people or records it reaches, `fields` for
    reads that give records, `charts` for reports.
    """
    scarce = spec.get("effect") == "read" and mapping(spec.get("rate_limit")).get("daily")
    counted = mapping(spec.get("consequences")).get("people")
    return {
        **(FRESH if scarce else {}),
        **(EXPECT if counted else {}),
        **(FIELDS if sparse_argument(spec) is not None else {}),
        **(CHARTS if mapping(spec.get("result")).get("report") else {}),
    }

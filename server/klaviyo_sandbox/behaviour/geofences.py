"""Geofences for apps, nearest first when the app says where it is.

The place comes in a header, so that it does not end up in the logs of addresses.
"""

from math import cos, radians

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour.sequences import page_of
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.errors import invalid_parameter
from klaviyo_sandbox.facts import Filter
from klaviyo_sandbox.filters import compile_filter, parse
from klaviyo_sandbox.storage.store import Row

_HEADER = "X-Klaviyo-API-Filters"
_PLACE = {"lat": Filter("number", ("equals",)), "lng": Filter("number", ("equals",))}


def list_geofences(call: Call) -> Answer:
    """A page of all geofences."""
    rows = call.store.page(call.account, "geofence")
    place = _place(call.headers.get(_HEADER, ""))
    if place is not None:
        latitude, longitude = place

        def distance(row: Row) -> float:
            east = (row.body["longitude"] - longitude + 180) % 360 - 180
            return (row.body["latitude"] - latitude) ** 2 + (east * cos(radians(latitude))) ** 2

        rows.sort(key=distance)
    return documents.many(call, page_of(call, rows))


def _place(text: str) -> tuple[float, float] | None:
    """The latitude and longitude of the header. Raises ApiError (400) when it is not a filter on those."""
    if not text:
        return None
    conditions = parse(text)
    wheres = compile_filter(conditions, _PLACE, {}, "geofence")
    found = {condition.field: where.parameters[0] for condition, where in zip(conditions, wheres, strict=True)}
    if len(found) != len(_PLACE):
        raise invalid_parameter(_HEADER, "Give both lat and lng: and(equals(lat,40.7),equals(lng,-74.0)).")
    return found["lat"], found["lng"]

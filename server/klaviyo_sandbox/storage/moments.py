"""To what precision the database keeps the moments of resources, as Klaviyo's own does: by the kind of resource."""

from collections.abc import Callable

from klaviyo_sandbox.clock import exact, iso, parse_moment
from klaviyo_sandbox.declare import Resource
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.shapes import Text

# How a moment looks that needs no cutting: 2026-07-15T09:30:00+00:00.
_TO_THE_SECOND = 25


def keeper(resource: Resource) -> Callable[[Json], Json]:
    """A function from a body of this resource to the one that is kept, with its moments cut."""
    shown = (name for name, shape in resource.attributes.fields.items() if shape == _MOMENT)
    names = tuple(dict.fromkeys(name for name in (*resource.stamps, *shown) if name))
    if resource.precision == "microsecond" or not names:
        return _unchanged
    cut = _to_the_second if resource.precision == "second" else _to_the_millisecond

    def keep(body: Json) -> Json:
        changes = {name: kept for name in names if isinstance(value := body.get(name), str) if (kept := cut(value))}
        return {**body, **changes} if changes else body

    return keep


_MOMENT = Text(form="moment", nullable=True)


def _unchanged(body: Json) -> Json:
    return body


def _to_the_second(text: str) -> str:
    if len(text) == _TO_THE_SECOND and text.endswith("+00:00"):
        return ""
    moment = parse_moment(text)
    return "" if moment is None else iso(moment)


def _to_the_millisecond(text: str) -> str:
    moment = parse_moment(text)
    return "" if moment is None else exact(moment.replace(microsecond=moment.microsecond // 1000 * 1000))

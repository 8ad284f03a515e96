"""Copies whose request gives the id of the original twice: as that of the data, and among its attributes."""

from klaviyo_sandbox.calls import Call
from klaviyo_sandbox.errors import invalid_body


def original_id(call: Call) -> str:
    """The id of what is to be copied. Raises ApiError (400) where the two differ."""
    given: str = call.data["attributes"]["id"]
    if given != call.data["id"]:
        raise invalid_body(
            "/data/attributes/id", f"The id '{given}' does not match the id '{call.data['id']}' of the data."
        )
    return given

"""How a review is moderated."""

from klaviyo_sandbox import documents
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.storage.store import Row


def update_review(call: Call) -> Answer:
    """Give a review another status, with the reason when it is rejected. Null keeps the one it has."""
    body = call.require("review", call.id)
    status = call.data["attributes"].get("status")
    if status is not None:
        body["status"] = status
        body["updated"] = call.stamp
        call.store.replace(call.account, "review", call.id, body)
    return documents.one(call, Row(call.id, body))

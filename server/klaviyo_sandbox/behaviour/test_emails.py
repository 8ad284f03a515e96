"""Test emails of a template, made for one profile or of values that somebody gives, and kept in an outbox."""

import json
from collections.abc import Mapping
from typing import Any

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour.markup import MarkupError, render
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import invalid_body
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row, Store

MOST_RECIPIENTS = 5
_KEPT = 500
_KIND = "test-email"
_NAMED = ("first_name", "last_name", "email", "organization", "title", "phone_number")
# Who a test email is made for where nobody says.
_SAMPLE: Json = {"first_name": "Sample", "last_name": "Customer", "email": "sample.customer@example.org"}


def send(call: Call) -> Answer:
    """Have a template sent to a few addresses. It is filled in at once, and arrives a moment later."""
    relationships: Json = call.data["relationships"]
    template: str = relationships["template"]["data"]["id"]
    body = call.require("template", template)
    profile: str | None = relationships["profile"]["data"]["id"] if "profile" in relationships else None
    person = _SAMPLE if profile is None else _person(call.require("profile", profile))
    attributes: Json = call.data["attributes"]
    context: Json = {**person, "person": person, **(attributes.get("context") or {})}
    email: Json = {
        "template": template,
        "template_name": body["name"],
        "profile": profile,
        "html": _filled_in(call, body["html"], context, escape=True),
        "text": _filled_in(call, body["text"] or "", context, escape=False),
    }
    for recipient in attributes["recipients"]:
        call.schedule(_KIND, {**email, "to": recipient}, call.world.job_seconds)
    job: Json = {"status": "queued", "created_at": call.stamp}
    return documents.one(call, Row(call.new_id(call.operation.resource), job), 202)


def arrive(session: Session, email: Json) -> None:
    """A test email is in the outbox. Only the latest 500 are kept."""
    session.store.insert(session.account, _KIND, session.new_id(_KIND), {**email, "at": session.second})
    session.store.run(
        "DELETE FROM test_email WHERE account = ? AND id NOT IN"
        " (SELECT id FROM test_email WHERE account = ? ORDER BY rowid DESC LIMIT ?)",
        (session.account, session.account, _KEPT),
    )


def outbox(store: Store, account: str) -> list[Json]:
    """The test emails of an account that have arrived: the oldest first."""
    sql = "SELECT body FROM test_email WHERE account = ? ORDER BY rowid"
    return [json.loads(body) for (body,) in store.rows(sql, (account,))]


def _person(profile: Json) -> Json:
    """What a template can say of a profile: its names and the properties of its own."""
    return {**(profile.get("properties") or {}), **{name: profile.get(name) for name in _NAMED}}


def _filled_in(call: Call, source: str, context: Mapping[str, Any], *, escape: bool) -> str:
    try:
        return render(source, context, call.now.date(), escape=escape)
    except MarkupError as error:
        detail = f"The template cannot be rendered. {error}"
        raise invalid_body("/data/relationships/template/data/id", detail) from None

"""Events of the past of a demo shop, whose ids depend on what they are and not on when they are made."""

from datetime import UTC, datetime
from hashlib import blake2b

from klaviyo_sandbox.behaviour.events import event_body
from klaviyo_sandbox.identifiers import new_identifier
from klaviyo_sandbox.loose_json import Json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def past_event(person: str, metric: str, at: int, unique: str, properties: Json, seed: str) -> tuple[str, Json]:
    """The id and stored body of an event at `at`, in seconds since 1970; the id and its UUID follow from `seed`."""
    digest = blake2b(seed.encode(), digest_size=32).digest()
    body = event_body(person, metric, at, unique, {**properties, "$event_id": unique}, digest[16:])
    return new_identifier("eleven", digest, _EPOCH), body

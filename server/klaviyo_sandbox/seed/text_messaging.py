"""How the demo shop sends text messages: from a number of its own, beside a toll-free one that was rejected."""

from klaviyo_sandbox.behaviour.text_messaging import (
    CONFIGURATION,
    COUNTRIES,
    REGISTRATION,
    SENDER,
    configuration,
    registration,
    sender,
)
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed.marketing import Ground
from klaviyo_sandbox.seed.people import make_id


def make_text_messaging(ground: Ground) -> None:
    """The configuration, the senders and their registrations."""
    account, store = ground.shop.account, ground.store
    store.insert(account, CONFIGURATION, account, configuration(ground.shop.name, ground.ago(430)))
    _register(ground, "long_code", "US", "+15035550100", 420)
    for country in COUNTRIES:
        _register(ground, "toll_free", country, "+18885550123", 9, _REJECTED)


def _register(ground: Ground, kind: str, country: str, number: str, days: int, failure: str = "") -> None:
    """A sender of `days` ago, approved or, with a failure, rejected three days later."""
    account, store = ground.shop.account, ground.store
    of, own = make_id(ground.random, "ulid", days), make_id(ground.random, "ulid", days)
    body = sender(kind, country, number, ground.ago(days))
    body.update(status="registration_failed" if failure else "active", _registration_id=own)
    decided = ground.ago(days - 3)
    verdict: Json = {
        "status": "rejected" if failure else "approved",
        "failures": [{"detail": failure}] if failure else [],
        "updated_at": decided,
        "decided_at": decided,
    }
    store.insert(account, SENDER, of, body)
    store.insert(account, REGISTRATION, own, {**registration(of, ground.ago(days)), **verdict})


_REJECTED = "The privacy policy page could not be reached. It must be live and open to everybody."

"""How a demo shop reaches its people beside email: their devices and conversations, its places, and an import."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from klaviyo_sandbox.behaviour.jobs import KEPT_SECONDS
from klaviyo_sandbox.clock import exact, iso
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed.marketing import Ground
from klaviyo_sandbox.seed.people import Person, make_id

_IMPORT = "profile-bulk-import-job"
# Platform, vendor, system, manufacturer, model.
_DEVICES = (
    ("ios", "APNs", "ios", "Apple", "iPhone15,3"),
    ("ios", "APNs", "ipados", "Apple", "iPad14,1"),
    ("android", "FCM", "android", "Google", "Pixel 8"),
    ("android", "FCM", "android", "Samsung", "SM-S918B"),
)
# Around the shop's own address: latitude, longitude, radius in metres.
_PLACES = {
    "DEMO01": ((45.5231, -122.6765, 300.0), (45.5122, -122.6587, 250.0), (47.6097, -122.3331, 400.0)),
    "OTHER1": ((52.5297, 13.4012, 200.0),),
}
_PREFIXES = ("198.51.100.0/26", "203.0.113.128/27", "2001:db8:4b1a::/48")
_SUBSCRIBED = "SUBSCRIBED"


def make_audience(ground: Ground, people: Sequence[Person], lists: dict[str, str]) -> None:
    """Everything of this module."""
    # A source of chance of its own: what other parts of the shop look like does not depend on this one.
    random = Random(f"audience:{people[0].id if people else ''}")  # noqa: S311 - it invents devices, not secrets
    apart = Ground(ground.store, ground.shop, random, ground.now)
    _make_devices(apart, [person for person in people if random.random() < 0.15])
    _make_conversations(apart, [person for person in people if person.sms_consent][:12])
    for latitude, longitude, radius in _PLACES.get(ground.shop.account, ()):
        apart.add("geofence", {"latitude": latitude, "longitude": longitude, "radius": radius}, "ulid", 200)
    addresses: Json = {"prefixes": list(_PREFIXES), "sync_token": "9b1f04c7d2e85a36", "created": ground.ago(140)}
    ground.store.insert(ground.shop.account, "ip-allowlist", "integration-egress", addresses)
    _make_import(apart, people[-6:], lists["Gift guide sign-ups"])


def _make_devices(ground: Ground, people: Sequence[Person]) -> None:
    account, random = ground.shop.account, ground.random
    consents: list[tuple[str | int | None, ...]] = []
    tokens: list[tuple[str, Json]] = []
    for person in people:
        platform, vendor, system, maker, model = random.choice(_DEVICES)
        allowed = random.random() < 0.8
        moment = iso(datetime.fromtimestamp(min(person.created + 7200, ground.now), UTC))
        token = random.randbytes(32).hex()
        body: Json = {
            "created": moment,
            "token": token,
            "enablement_status": "AUTHORIZED" if allowed else "DENIED",
            "platform": platform,
            "vendor": vendor,
            "background": "AVAILABLE",
            "recorded_date": moment,
            "metadata": {
                "device_id": random.randbytes(8).hex(),
                "klaviyo_sdk": "swift" if platform == "ios" else "android",
                "sdk_version": "4.2.1",
                "device_model": model,
                "os_name": system,
                "os_version": "18.1" if platform == "ios" else "15",
                "manufacturer": maker,
                "app_name": ground.shop.name,
                "app_version": "3.8.0",
                "app_build": "412",
                "app_id": f"example.{ground.shop.domain.split('.', 1)[0]}.shop",
                "environment": "release",
            },
            "_profile_id": person.id,
        }
        tokens.append((token, body))
        status = _SUBSCRIBED if allowed else "UNSUBSCRIBED"
        consents.append((account, person.id, "push.marketing", status, moment, moment, moment, "API", None, 0))
    ground.store.insert_many(account, "push-token", tokens)
    ground.store.run_many("INSERT INTO consent VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", consents)


def _make_conversations(ground: Ground, people: Sequence[Person]) -> None:
    for person in people:
        ground.add("conversation", {"channel": "sms", "_profile_id": person.id}, "ulid")


def _make_import(ground: Ground, people: Sequence[Person], list_id: str) -> None:
    """An import that ended three days ago: some profiles, and one that was refused."""
    account, micros = ground.shop.account, 1_000_000
    started = ground.now - 3 * 86400
    created = datetime.fromisoformat(ground.written(3))
    job = make_id(ground.random, "job")
    body: Json = {
        "status": "complete",
        "created_at": exact(created),
        "started_at": exact(created + timedelta(seconds=0.4)),
        "total_count": len(people) + 1,
        "completed_count": len(people),
        "failed_count": 1,
        "skipped_count": 0,
        "completed_at": exact(created + timedelta(seconds=40)),
        "errors": [],
        "expires_at": exact(created + timedelta(seconds=KEPT_SECONDS)),
    }
    ground.store.insert(account, _IMPORT, job, body)
    ground.store.link(account, f"{_IMPORT}.profiles", job, [person.id for person in people], started * micros)
    ground.store.link(account, f"{_IMPORT}.lists", job, [list_id], started * micros)
    address = f"holiday.popup@{ground.shop.domain},"
    error: Json = {
        "code": "invalid",
        "title": "Invalid input.",
        "detail": "Invalid email address",
        "source": {"pointer": f"/data/attributes/profiles/data/{len(people)}/attributes/email"},
        "original_payload": {"type": "profile", "attributes": {"email": address, "first_name": "Noor"}},
        "_job_id": job,
    }
    ground.add("import-error", error, "uuid")
    ground.store.schedule(account, f"{_IMPORT}.expire", {"job": job}, (started + KEPT_SECONDS) * micros)

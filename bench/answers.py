"""Tokens of typical answers, as text and as structure, beside Klaviyo's own JSON for the same request: `make bench`.

Both come from one exchange with the sandbox. Every id of Klaviyo's data, and every field that was named, must be in the
answer, or the run fails. Then bytes and tokens of what each exposure lists.

No tokenizer is at hand without a network, so tokens are counted high, by one rule for both sides: one for each four
letters, or three digits, of a run, begun ones too; one for any other character that is not white space, and one for
each byte of what is not ASCII.
"""

import json
import re
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2
from goals import mark

from klaviyo_mcp.accounts.account import Account, OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.loose_json import JSON, is_list, is_object, mapping, objects
from klaviyo_mcp.mcp_server.tools import Listing
from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.answering import answer_call
from klaviyo_mcp.runtime.exposure import parse_exposure
from klaviyo_sandbox import API_KEY, create_app

PIECE = re.compile(r"[A-Za-z]+|[0-9]+|\S")
GOAL = 0.75
EXPOSURES = ("search", "core", "all")
BY_EMAIL = [{"field": "email", "operator": "equals", "value": "$email"}]
LATEST: JSON = {"sort": "-datetime", "page_size": 20}
ANSWERS: list[tuple[str, str, JSON]] = [
    ("who is this", "get_profiles", {"filter": BY_EMAIL}),
    ("one person", "get_profile", {"id": "$profile"}),
    ("20 people", "get_profiles", {"page_size": 20}),
    ("20 of a list", "get_profiles_for_list", {"id": "$list", "page_size": 20}),
    ("20 of a segment", "get_profiles_for_segment", {"id": "$segment", "page_size": 20}),
    ("e-mails and tier of 20", "get_profiles", {"page_size": 20, "fields": ["email", "properties.Loyalty tier"]}),
    ("latest 20 events", "get_events", LATEST),
    (
        "a person's last events",
        "get_events",
        {**LATEST, "filter": [{"field": "profile_id", "operator": "equals", "value": "$profile"}]},
    ),
    ("one event", "get_event", {"id": "$event"}),
    ("e-mail campaigns", "get_campaigns", {"channel": "email", "page_size": 20}),
    ("one campaign", "get_campaign", {"id": "$campaign"}),
    ("flows", "get_flows", {"page_size": 20}),
    ("templates", "get_templates", {}),
    ("segments", "get_segments", {}),
    ("lists", "get_lists", {}),
    ("metrics", "get_metrics", {}),
    ("products", "get_catalog_items", {"page_size": 20}),
    ("variants", "get_catalog_variants", {"page_size": 20}),
    ("reviews", "get_reviews", {"page_size": 20}),
    ("forms", "get_forms", {}),
]
"""Twenty questions of a marketer's day: what is asked, by which action, with which arguments."""
FIRST = {
    "profile": "get_profiles",
    "list": "get_lists",
    "segment": "get_segments",
    "event": "get_events",
    "campaign": "get_campaigns",
}


@dataclass(slots=True)
class Recording(httpx2.AsyncBaseTransport):
    """The sandbox, and the bodies of what it answered."""

    inner: httpx2.AsyncBaseTransport
    bodies: list[str] = field(default_factory=list[str])

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self.inner.handle_async_request(request)
        self.bodies.append((await response.aread()).decode())
        return response


def main() -> bool:
    """Print both tables; whether the goal was met."""
    registry = Registry(load_catalogue())
    smaller = anyio.run(measure, registry)
    median = statistics.median(smaller)
    met = median >= GOAL
    print(f"{'median':46}{median:>24.1%}{mark(met)} (goal: at least {GOAL:.0%} smaller)")
    print(f"\n{'what is listed':24}{'tools':>7}{'bytes':>10}{'tokens':>10}")
    for exposure in EXPOSURES:
        listing = Listing(registry, parse_exposure(exposure, registry))
        print(f"{exposure:24}{listing.tools:>7}{len(listing.text.encode()):>10,}{tokens(listing.text):>10,}")
    return met


async def measure(registry: Registry) -> list[float]:
    """How much smaller the text of each answer is, from 0 to 1."""
    recording = Recording(httpx2.ASGITransport(app=create_app(rate_limits=False)))
    endpoint = Endpoint("http://sandbox", HttpPool(recording), pace=False)
    account = open_account("sandbox", endpoint, api_key=API_KEY)
    engine = Engine(registry)
    known = await ids(engine, account, endpoint)
    print(f"\n{'tokens of an answer':24}{'Klaviyo':>10}{'structure':>12}{'text':>12}{'smaller':>12}")
    smaller: list[float] = []
    for asked, action, arguments in ANSWERS:
        recording.bodies.clear()
        response = await answer_call(engine, OneAccount(account, endpoint), Call(action, filled(arguments, known)))
        assert not response.is_error, response.text
        (body,) = recording.bodies
        check(asked, json.loads(body), response.text, response.answer.data, arguments)
        structure = json.dumps(response.answer.data, ensure_ascii=False, separators=(",", ":"))
        whole, small, text = tokens(body), tokens(structure), tokens(response.text)
        smaller.append(1 - text / whole)
        print(f"{asked:24}{whole:>10,}{small:>12,}{text:>12,}{smaller[-1]:>12.1%}")
    return smaller


async def ids(engine: Engine, account: Account, endpoint: Endpoint) -> dict[str, str]:
    """An id of each kind that the questions name, and an address."""
    found: dict[str, str] = {}
    for kind, action in FIRST.items():
        arguments = {"channel": "email"} if kind == "campaign" else {}
        response = await answer_call(engine, OneAccount(account, endpoint), Call(action, arguments))
        record = objects(response.answer.data["records"])[0]
        found[kind] = record["id"]
        if kind == "profile":
            found["email"] = record["email"]
    return found


def check(asked: str, document: JSON, text: str, data: JSON, arguments: JSON) -> None:
    """Raises AssertionError where the answer lacks what was asked for."""
    for resource in objects(document.get("data")):
        assert str(resource["id"]) in text, (asked, resource["id"])
    for record in objects(data.get("records")) if "fields" in arguments else []:
        resource = next(one for one in objects(document["data"]) if one["id"] == record["id"])
        for name in arguments["fields"]:
            first, _, inner = name.partition(".")
            value = mapping(resource["attributes"]).get(first)
            value = mapping(value).get(inner) if inner else value
            assert value is None or record[name] == value, (asked, name)


def filled(value: Any, known: dict[str, str]) -> Any:
    """Arguments with the ids in place of their kinds."""
    if is_object(value):
        return {key: filled(inner, known) for key, inner in value.items()}
    if is_list(value):
        return [filled(inner, known) for inner in value]
    return known[value[1:]] if isinstance(value, str) and value.startswith("$") else value


def tokens(text: str) -> int:
    """How many tokens a text has at most, by the rule above."""
    return sum(_pieces(text))


def _pieces(text: str) -> Iterator[int]:
    for piece in PIECE.findall(text):
        if piece[0].isascii():
            yield -(-len(piece) // (3 if piece[0].isdigit() else 4)) if piece[0].isalnum() else 1
        else:
            yield len(piece.encode())


if __name__ == "__main__":
    sys.exit(not main())

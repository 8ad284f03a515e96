"""What the actions do, tried out on a sandbox: for each, a call of its examples, the requests that it made, its answer.

The examples of the specs name records of nobody's account. Here they stand for records of the demo shop: a call is made
with an id of the same kind, and the page shows the example's in its place. Some need more than that: `prepared`.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.klaviyo.kept import KeptReplies
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.loose_json import JSON, is_list, is_object
from klaviyo_mcp.registry.model import ActionSpec, Example, HttpRequest
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.answering import Response, answer_call
from klaviyo_sandbox import API_KEY, COMPANY_ID, OTHER_API_KEY, create_app
from klaviyo_sandbox.auth import OTHER_COMPANY_ID
from website.prepared import Steps, prepared, with_real

URL = "http://sandbox.localhost"
COMPANIES = {"demo": (API_KEY, COMPANY_ID), "other": (OTHER_API_KEY, OTHER_COMPANY_ID)}
BUDGET = 3_000
"""Bytes of JSON that an answer on a page may have."""
WHOLE = 1_000_000
"""Bytes of JSON that is looked through for ids."""
TRIES = 8
"""Records of the shop that are tried for an example, as some are not in the state that an action asks for."""
IN_PATH = re.compile(r"/([a-z-]+)/\$(\w+)")
KINDS = {
    "audience": "list",
    "category": "catalog-category",
    "conversion_metric": "metric",
    "destination_profile": "profile",
    "excluded": "segment",
    "included": "list",
    "item": "catalog-item",
    "message": "campaign-message",
    "source_profile": "profile",
    "variant": "catalog-variant",
}
"""What arguments mean whose name is not that of a kind of record."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it left: `path` with its query, decoded, and its JSON body."""

    method: str
    path: str
    body: Any = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One call that worked: the example, what was sent for it, and the answer as a model reads it."""

    example: Example
    requests: tuple[Sent, ...]
    answer: str


class Tape(httpx2.AsyncBaseTransport):
    """Passes requests on to a sandbox in this process, and keeps them and the ids of all records that come back."""

    def __init__(self) -> None:
        self.requests: list[Sent] = []
        self.ids: dict[str, dict[str, None]] = defaultdict(dict)
        self._sandbox = httpx2.ASGITransport(app=create_app(rate_limits=False, job_seconds=0, estimation_seconds=0))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send and keep."""
        body = await request.aread()
        response = await self._sandbox.handle_async_request(request)
        content = await response.aread()
        self.requests.append(Sent(request.method, _path(request.url), _json(body)))
        for kind, identifier in _resources(_json(content)):
            self.ids[kind].setdefault(identifier)
        if request.method == "DELETE" and response.is_success:
            for known in self.ids.values():
                known.pop(request.url.path.rpartition("/")[2], None)
        return response


@dataclass
class Shop:
    """A demo shop whose actions are tried, and which of its records the examples' ids stand for."""

    registry: Registry
    company: str = "demo"
    tape: Tape = field(default_factory=Tape)
    stands_for: dict[str, str] = field(default_factory=dict[str, str])
    made: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    def __post_init__(self) -> None:
        endpoint = Endpoint(URL, HttpPool(self.tape), pace=False, kept=KeptReplies())
        key, company = COMPANIES[self.company]
        account = open_account("sandbox", endpoint, api_key=key, company_id=company)
        self.accounts, self.engine = OneAccount(account, endpoint), Engine(self.registry)

    async def call(self, action: str, arguments: JSON, budget: int = BUDGET) -> Response:
        """The answer of one call, with nothing that waits for a yes."""
        return await answer_call(self.engine, self.accounts, Call(action, arguments), budget=budget)

    async def sample(self, spec: ActionSpec) -> Sample | None:
        """The first example of an action that works; None where none does."""
        for example in spec.examples:
            for turn in range(TRIES):
                stands_for: dict[str, str] = {}
                arguments = self._with_ids(spec, example.arguments, turn, stands_for)
                if sample := await self._tried(spec, example, arguments, stands_for):
                    return sample
                if not stands_for:
                    break
        return None

    async def prepared_sample(self, spec: ActionSpec, steps: Steps) -> Sample | None:
        """As `sample`, once the steps have made what the examples speak of. Raises LookupError where they do not."""
        known: dict[str, str] = {}
        for step in steps:
            key = step.model_dump_json()
            if step.anew or key not in self.made:
                own = self.registry[step.call].spec.examples[0].arguments
                response = await self.call(
                    step.call, with_real(own if step.arguments is None else step.arguments, known), WHOLE
                )
                if response.is_error:
                    raise LookupError(f"What {spec.name} needs could not be prepared: {response.text}")
                self.made[key] = step.found(response.answer.data)
            known |= self.made[key]
        for example in spec.examples:
            text = json.dumps(example.arguments)
            stands_for = {real: shown for shown, real in known.items() if shown in text}
            if sample := await self._tried(spec, example, with_real(example.arguments, known), stands_for):
                return sample
        return None

    async def _tried(
        self, spec: ActionSpec, example: Example, arguments: JSON, stands_for: dict[str, str]
    ) -> Sample | None:
        """What comes of an example with ids of the shop; None where it does not work."""
        begin = len(self.tape.requests)
        response = await self.call(spec.name, arguments)
        if response.is_error:
            return None
        sent = tuple(_told(one, stands_for) for one in self.tape.requests[begin:])
        return Sample(example, _worth_showing(spec, sent), _as_example(response.text, stands_for))

    def _with_ids(self, spec: ActionSpec, arguments: JSON, turn: int, stands_for: dict[str, str]) -> JSON:
        """The arguments with ids of the shop, and which of the example's each one is."""
        # Where the path does not tell, an action is named for what its id is of.
        named = [kind for kind in self.tape.ids if kind.replace("-", "_") in spec.name]
        kinds = {"id": max(named, key=len, default="")}
        if isinstance(spec.request, HttpRequest):
            told = {name: _singular(plural) for plural, name in IN_PATH.findall(spec.request.path)}
            kinds |= {name: kind for name, kind in told.items() if kind in self.tape.ids}
        chosen: dict[str, str] = {}

        def real(value: str, kind: str) -> str:
            known = [one for one in self.tape.ids.get(kind, ()) if one not in chosen.values()]
            if value in self.tape.ids.get(kind, ()) or not known or not re.fullmatch(r"[\w$:.-]+", value):
                return value
            if value not in chosen:
                chosen[value] = known[turn % len(known)]
                stands_for[chosen[value]] = value
            return chosen[value]

        def walk(value: Any, kind: str) -> Any:
            if is_object(value):
                beside = {"value": _kind(str(value.get("field"))), "id": str(value.get("type"))}
                return {key: walk(one, beside.get(key) or _kind(key)) for key, one in value.items()}
            if is_list(value):
                return [walk(one, kind) for one in value]
            return real(value, kind) if isinstance(value, str) and kind else value

        return {
            name: value if "enum" in spec.properties.get(name, {}) else walk(value, kinds.get(name) or _kind(name))
            for name, value in arguments.items()
        }


def samples(specs: Iterable[ActionSpec]) -> dict[str, Sample]:
    """A sample of each action that can be tried, by its name."""
    return anyio.run(_samples, list(specs))


async def _samples(specs: list[ActionSpec]) -> dict[str, Sample]:
    registry = Registry(specs)
    found = await prepared_samples(registry)
    shop = Shop(registry)
    # Lists first, which tell ids; deletions last; what found no record of its kind once more, when there are others.
    turns = ("read", "write", "read", "destructive", "read")
    by_name = sorted(specs, key=lambda spec: (spec.name.startswith("bulk_"), spec.name))
    for spec in (spec for effect in turns for spec in by_name if spec.effect == effect):
        if spec.name not in found and (sample := await shop.sample(spec)):
            found[spec.name] = sample
    await shop.accounts.close()
    return found


async def prepared_samples(registry: Registry) -> dict[str, Sample]:
    """The samples of actions that something is made for first. Raises LookupError where it cannot be made."""
    found: dict[str, Sample] = {}
    for company, actions in prepared().items():
        shop = Shop(registry, company)
        for name, steps in actions.items():
            if sample := await shop.prepared_sample(registry[name].spec, steps):
                found[name] = sample
        await shop.accounts.close()
    return found


def _kind(name: str) -> str:
    """The type of the record whose id stands at a name: `metric` of `metric_ids`; nothing for what is no id."""
    for ending in ("_ids", "_id"):
        if name.endswith(ending):
            kind = name.removesuffix(ending)
            return KINDS.get(kind, kind).replace("_", "-")
    return KINDS.get(name, "")


def _singular(plural: str) -> str:
    return re.sub("ie$", "y", plural.removesuffix("s"))


def _resources(document: Any) -> Iterator[tuple[str, str]]:
    """Type and id of every record in a document of JSON:API, also of those that it only relates to."""
    if is_object(document):
        if isinstance(document.get("type"), str) and isinstance(document.get("id"), str):
            yield document["type"], document["id"]
        for value in document.values():
            yield from _resources(value)
    elif is_list(document):
        for value in document:
            yield from _resources(value)


def _path(url: httpx2.URL) -> str:
    query = "&".join(f"{name}={value}" for name, value in url.params.multi_items())
    return f"{url.path}?{query}" if query else url.path


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _as_example(text: str, stands_for: dict[str, str]) -> str:
    for real, shown in stands_for.items():
        text = text.replace(real, shown)
    return text


def _told(sent: Sent, stands_for: dict[str, str]) -> Sent:
    body = json.loads(_as_example(json.dumps(sent.body, ensure_ascii=False), stands_for))
    return Sent(sent.method, _as_example(sent.path, stands_for), body)


def _worth_showing(spec: ActionSpec, sent: tuple[Sent, ...]) -> tuple[Sent, ...]:
    """The request of an action that is one; of others all, without repetitions of one path."""
    if isinstance(spec.request, HttpRequest):
        path = re.sub(r"\$\w+", "[^/?]+", re.escape(spec.request.path).replace(r"\$", "$"))
        own = [one for one in sent if one.method == spec.request.method and re.fullmatch(f"{path}(\\?.*)?", one.path)]
        return tuple(own[:1])
    first = {(one.method, one.path.partition("?")[0]): one for one in reversed(sent)}
    return tuple(one for one in sent if first[one.method, one.path.partition("?")[0]] is one)

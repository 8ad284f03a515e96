"""Klaviyo's own SDK talking to a sandbox over HTTP, its models parsing every answer."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.request import Request, urlopen

import pytest
from klaviyo_api import KlaviyoAPI
from openapi_client.exceptions import ApiException
from pydantic import BaseModel

from klaviyo_sandbox import API_KEY, OTHER_API_KEY, ManualClock, create_app
from klaviyo_sandbox.testing import serve

JSON = dict[str, Any]
NOW = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
UNREAD = {
    "clone_template": "Klaviyo answers 200; the SDK reads the documented 201 only, and returns None",
    "merge_profiles": "Klaviyo answers 202; the SDK reads the documented 201 only, and returns None",
    "render_template": "Klaviyo answers 200; the SDK reads the documented 201 only, and returns None",
}
"""Operations whose answers, as Klaviyo was seen to give them, the SDK drops: `Klaviyo.sent` reads them."""
BEYOND_THE_MODELS = {
    "EncodedFormResponse: .data.relationships": "a form always says where its versions are",
    "ImportErrorResponseCollection: .data[].links": "every resource has a link to itself",
    ".relationships.conversation": "recorded profiles have it wherever they do not have conversations",
    "PostCampaignMessageResponse: .included": "assigning a template was seen to include the copy",
    ".subscriptions.email.click_tracking": "profiles were seen to have it beside open_tracking",
    "ResponseDTO: .data.id": "reports have an id, as JSON:API wants it",
}
"""What the sandbox says beyond the SDK's models, by the ends or parts of its places, and why."""


class Klaviyo(KlaviyoAPI):
    """The SDK, and what its user cannot do: let time pass. `lost` is what the sandbox sent and the models dropped."""

    lost: Counter[str]
    last: bytes

    def watch(self) -> None:
        """Compare what every model understood with what was sent."""
        self.lost = Counter()
        deserialize = self.api_client.response_deserialize

        def compared(response_data: Any, response_types_map: JSON, exclude_none: bool = False) -> Any:
            self.last = response_data.data
            answer = deserialize(response_data, response_types_map, exclude_none)
            if isinstance(answer.data, BaseModel):
                kind = type(answer.data).__name__
                missing = dropped(json.loads(response_data.data), answer.data.to_dict())
                places = [f"{kind}: {place}" for place in missing]
                self.lost.update(place for place in places if not any(known in place for known in BEYOND_THE_MODELS))
            return answer

        self.api_client.response_deserialize = compared

    def sent(self, operation: str, *given: Any) -> Any:
        """The answer to a call, such as `Templates.render_template`, that the SDK leaves unread (see `UNREAD`)."""
        owner, name = operation.split(".")
        assert name in UNREAD
        assert getattr(getattr(self, owner), name)(*given) is None, "the SDK reads this answer by now"
        return json.loads(self.last)

    def other_company(self) -> KlaviyoAPI:
        """The SDK with the key of the other company of the sandbox."""
        return KlaviyoAPI(api_key=OTHER_API_KEY, test_host=self.configuration.host, max_retries=1)

    def wait(self, seconds: float) -> None:
        """Move the sandbox's clock forward; work that comes due is done."""
        self.control("clock", {"advance": seconds})

    def control(self, name: str, body: JSON | None = None) -> Any:
        """An endpoint of the sandbox itself."""
        content = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{self.configuration.host}/_sandbox/{name}", content)) as answer:
            return json.load(answer)


@contextmanager
def user_of_the_sdk() -> Iterator[Klaviyo]:
    """The SDK on a fresh sandbox of 60 customers."""
    app = create_app(clock=ManualClock(NOW), profiles=60, rate_limits=False)
    with serve(app) as url:
        klaviyo = Klaviyo(api_key=API_KEY, test_host=url, max_retries=1)
        klaviyo.watch()
        try:
            yield klaviyo
        finally:
            klaviyo.api_client.rest_client.pool_manager.clear()


def answered(klaviyo: Klaviyo) -> set[str]:
    """The operations that the sandbox answered with success."""
    requests = klaviyo.control("requests")
    assert len(requests) < 500, "the sandbox's log is full: split this scenario"
    return {request["operation"] for request in requests if request["status"] < 400}


def dropped(sent: Any, understood: Any, at: str = "") -> Iterator[str]:
    """The places of values that were sent and that a model did not keep. Nulls count for nothing."""
    if isinstance(sent, dict) and isinstance(understood, dict):
        for name, value in sent.items():
            if value is not None:
                if name in understood:
                    yield from dropped(value, understood[name], f"{at}.{name}")
                elif value != {}:
                    yield f"{at}.{name}"
    elif isinstance(sent, list) and isinstance(understood, list):
        for value, theirs in zip(sent, understood, strict=True):
            yield from dropped(value, theirs, f"{at}[]")
    elif isinstance(understood, datetime):
        if datetime.fromisoformat(sent) != understood:
            yield f"{at} is {sent}, understood as {understood}"
    elif sent != understood and sent is not None:
        yield f"{at} is {sent!r}, understood as {understood!r}"


def body(kind: str, identifier: str | None = None, related: JSON | None = None, **attributes: Any) -> JSON:
    """A request body of one resource; `related` names its relationships."""
    data: JSON = {"type": kind}
    if identifier is not None:
        data["id"] = identifier
    if attributes:
        data["attributes"] = attributes
    if related:
        data["relationships"] = {
            name: {"data": [ref(*one) for one in many] if isinstance(many, list) else ref(*many)}
            for name, many in related.items()
        }
    return {"data": data}


def ref(kind: str, identifier: str) -> JSON:
    return {"type": kind, "id": identifier}


def refs(kind: str, *identifiers: str) -> JSON:
    """A request body that names several resources."""
    return {"data": [ref(kind, identifier) for identifier in identifiers]}


def ids(answer: Any) -> list[str]:
    """The ids of a collection's resources, in its order."""
    return [getattr(one, "actual_instance", one).id for one in answer.data]


def brought(answer: Any) -> list[str]:
    """The ids of what an answer includes, which some models keep as plain dictionaries."""
    found = [getattr(one, "actual_instance", one) for one in answer.included]
    return [one["id"] if isinstance(one, dict) else one.id for one in found]


def every_page(read: Callable[..., Any], *given: Any, **arguments: Any) -> list[Any]:
    """All resources of a collection, page after page. The SDK finds the cursor only in links that are https."""
    found: list[Any] = []
    answer = read(*given, **arguments)
    found += answer.data
    while answer.links.next:
        _, _, cursor = answer.links.next.partition("page%5Bcursor%5D=")
        answer = read(*given, **arguments, page_cursor=cursor.partition("&")[0])
        found += answer.data
    return found


def refused(call: Callable[..., Any], *given: Any, **arguments: Any) -> tuple[int, str]:
    """The status and the code of the error that a call ends with."""
    with pytest.raises(ApiException) as caught:
        call(*given, **arguments)
    (problem,) = json.loads(caught.value.body)["errors"]
    return caught.value.status, problem["code"]

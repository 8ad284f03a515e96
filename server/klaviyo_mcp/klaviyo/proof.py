"""Whether an answer is Klaviyo's own: what is told of a write's outcome rests on that alone.

Between here and Klaviyo are proxies, firewalls, and networks with a page for logging in; they answer with any status.
In recordings of the live service every answer has X-Klaviyo-Req-Id, and every body is a JSON:API document.
"""

import httpx2

from klaviyo_mcp.klaviyo.requests import Expected
from klaviyo_mcp.loose_json import is_list, is_object, items, mapping

OWN_HEADERS = ("X-Klaviyo-Req-Id", "X-Klaviyo-API-Revision", "X-Klaviyo-OAuth-Client-Id")
"""Headers that nothing but Klaviyo sets."""
MEDIA_TYPES = ("application/vnd.api+json", "application/json")
EMPTY = (202, 204)
"""Statuses that Klaviyo documents without a body."""


def has_own_header(response: httpx2.Response) -> bool:
    """Whether a response has a header that only Klaviyo sets."""
    return any(response.headers.get(name) for name in OWN_HEADERS)


def is_own_success(response: httpx2.Response, document: object, expected: Expected) -> bool:
    """Whether a 2xx shows by itself that Klaviyo has carried the request out. `document` is None without a body."""
    if has_own_header(response):
        return True
    if not response.content:
        return response.status_code in EMPTY and expected != "data"
    return _is_json(response) and (is_data(document) or (expected == "anything" and is_object(document)))


def is_own_refusal(response: httpx2.Response, document: object) -> bool:
    """Whether a response that is no 2xx shows that Klaviyo has looked at the request and answered it."""
    return has_own_header(response) or (_is_json(response) and _is_errors(document))


def is_data(document: object) -> bool:
    """Whether a document is JSON:API's envelope: `data` with a resource, a list of resources, or null."""
    if not is_object(document) or "data" not in document:
        return False
    data = document["data"]
    return data is None or _is_resource(data) or (is_list(data) and all(_is_resource(item) for item in data))


def _is_resource(value: object) -> bool:
    return is_object(value) and isinstance(value.get("type"), str)


def _is_errors(document: object) -> bool:
    """Whether a document is the envelope of Klaviyo's errors, each with a code and words."""
    errors = [mapping(error) for error in items(mapping(document).get("errors"))]
    return bool(errors) and all(
        isinstance(error.get("code"), str) and isinstance(error.get("detail") or error.get("title"), str)
        for error in errors
    )


def _is_json(response: httpx2.Response) -> bool:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower() in MEDIA_TYPES

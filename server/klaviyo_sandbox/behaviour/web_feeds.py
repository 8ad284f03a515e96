"""What a web feed must look like: a name that templates can use, and an address on the web."""

from urllib.parse import urlsplit

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.calls import Answer, Call
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.storage.store import Row


def create_web_feed(call: Call) -> Answer:
    """A feed of the caller's."""
    _check(call)
    return generic.create_resource(call)


def update_web_feed(call: Call) -> Answer:
    """Change what the caller names; null leaves an attribute as it is."""
    body = call.require("web-feed", call.id)
    _check(call)
    given = {name: value for name, value in call.data["attributes"].items() if value is not None}
    body = {**body, **given, "updated": call.stamp}
    call.store.replace(call.account, "web-feed", call.id, body)
    return documents.one(call, Row(call.id, body))


def _check(call: Call) -> None:
    name, url = call.data["attributes"].get("name"), call.data["attributes"].get("url")
    if name is not None and any(row.id != call.id for row in call.store.find(call.account, "web-feed", "name", name)):
        raise conflict(f"A web feed named '{name}' already exists.")
    if url is not None and not is_web_address(url):
        raise invalid_body("/data/attributes/url", f"'{url}' is not a valid URL.")


def is_web_address(text: str) -> bool:
    """Whether a text is an http or https URL with a host."""
    try:
        parts = urlsplit(text)
        # Reading the port is what checks it.
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False

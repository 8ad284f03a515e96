"""Redirect URIs: which are accepted, which request matches a registered one, and the final address with its answer.

Texts are compared as they are, never as parsed URLs: normalising has led to addresses that nobody registered. The rules
are those of OAuth 2.1 and RFC 8252, section 7.3: for loopback addresses the port does not count.
"""

import re
from collections.abc import Collection, Iterable
from urllib.parse import quote, unquote, unquote_plus

LONGEST = 2_000
"""Characters of a redirect URI."""
_LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?((?:/[^?]*)?)(\?.*)?")
_HTTPS = re.compile(
    r"https://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?((?:/[^?]*)?)(?:\?.*)?"
)
_PRIVATE = re.compile(r"([a-z][a-z0-9+.-]*):([^?]*)(?:\?.*)?")
_PRINTABLE = re.compile(r"[!-~]*")
FORBIDDEN = frozenset({"http", "https", "javascript", "data", "file", "vbscript", "blob", "about", "view-source"})
"""Schemes that are no private-use schemes, whatever a setting says."""
ANSWER = frozenset({"code", "state", "iss", "error", "error_description", "error_uri"})
"""The parameters of an answer; what a redirect URI has of these itself is left out of it."""


def refusal(uri: str, schemes: Collection[str]) -> str | None:
    """Why a redirect URI is not accepted, None when it is. `schemes` are the private-use schemes that are."""
    if len(uri) > LONGEST:
        return f"it has more than {LONGEST:,} characters"
    if not _PRINTABLE.fullmatch(uri):
        return "it has characters that are not printable ASCII"
    for character, name in (("\\", "a backslash"), ("#", "a fragment"), ("*", "a wildcard")):
        if character in uri:
            return f"it has {name}"
    path = _path(uri, schemes)
    if path is None:
        return "only https, http on localhost, and private-use schemes that are known here are accepted"
    if has_dot_segments(path):
        return "its path has dot segments"
    return None


def matches(registered: str, given: str) -> bool:
    """Whether a given redirect URI is the registered one. Both have been accepted."""
    if registered == given:
        return True
    known, asked = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(given)
    if known is None or asked is None:
        return False
    return (known[1], known[2] or "/", known[3]) == (asked[1], asked[2] or "/", asked[3])


def allowed(given: str, registered: Iterable[str], schemes: Collection[str]) -> bool:
    """Whether an answer may be sent to this address: it is acceptable, and one of the registered ones."""
    return refusal(given, schemes) is None and any(
        matches(known, given) for known in registered if refusal(known, schemes) is None
    )


def is_loopback(uri: str) -> bool:
    """Whether the answer stays on the person's machine, where any program can wait for it."""
    return _LOOPBACK.fullmatch(uri) is not None


def shown_host(uri: str) -> str:
    """Where an answer goes, for people: the host and its port, or the scheme of a private-use address."""
    scheme, _, rest = uri.partition(":")
    return re.split(r"[/?]", rest.removeprefix("//"))[0] if scheme in ("http", "https") else f"{scheme}:"


def answered(uri: str, parameters: Iterable[tuple[str, str]]) -> str:
    """The address with an answer at the end of its query; what else was there stays as it is written."""
    base, _, query = uri.partition("?")
    kept = [part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) not in ANSWER]
    added = [f"{name}={quote(value, safe='', errors='replace')}" for name, value in parameters]
    return f"{base}?{'&'.join([*kept, *added])}"


def has_dot_segments(path: str) -> bool:
    """Whether a path leads elsewhere than it says, however often its dots are percent-encoded."""
    while (decoded := unquote(path)) != path:
        path = decoded
    return any(segment in (".", "..") for segment in re.split(r"[/\\]", path))


def _path(uri: str, schemes: Collection[str]) -> str | None:
    """The path of a URI whose scheme and host are accepted, None for any other."""
    if (found := _LOOPBACK.fullmatch(uri)) is not None:
        return found[2]
    if (found := _HTTPS.fullmatch(uri)) is not None:
        return found[1]
    found = _PRIVATE.fullmatch(uri)
    if (
        found is None
        or found[1] not in schemes
        or found[1] in FORBIDDEN
        or "@" in found[2].removeprefix("//").partition("/")[0]
    ):
        return None
    return found[2]

"""OAuth's three endpoints: a consent page for the browser, and tokens for the app.

The authorization code grant with PKCE and the refresh grant, as Klaviyo has them. Whatever the user must not be sent
back for (an unknown app, an unregistered address) is answered with a page; everything else goes to the app.
"""

import binascii
import re
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from klaviyo_sandbox.clock import microseconds
from klaviyo_sandbox.errors import ApiError
from klaviyo_sandbox.facts import Limits
from klaviyo_sandbox.faults.declared import Strike
from klaviyo_sandbox.operations import OPERATIONS
from klaviyo_sandbox.pages.rendering import render
from klaviyo_sandbox.serving import serve
from klaviyo_sandbox.state import State
from klaviyo_sandbox.storage.grants import Code, OAuthApp

SCOPES = frozenset(scope for operation in OPERATIONS.values() for scope in operation.scopes)
# About ten refreshes a minute are allowed for each installation of an app.
_REFRESHES = Limits(10, 10)
_VERIFIER = re.compile(r"[a-zA-Z0-9\-._~]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9\-_]{43}")
_FORM = "application/x-www-form-urlencoded"
_LARGEST_FORM = 64 * 1024
# What the consent page's form carries along of the request.
_CARRIED = ("client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method")
_PRIVATE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthError(Exception):
    """A request for a token that is turned down."""

    def __init__(self, error: str, description: str = "", status: int = 400, retry_after: str = "") -> None:
        """Answer with `error` and, unless it is empty, a description."""
        super().__init__(f"{error}: {description}")
        self.document = {"error": error, **({"error_description": description} if description else {})}
        self.status = status
        self.headers = {"WWW-Authenticate": 'Basic realm="oauth"'} if status == 401 else {}
        if retry_after:
            self.headers["Retry-After"] = retry_after


class Endpoint:
    """One of the endpoints as an ASGI app, served like an operation: logged, and under the faults in force."""

    def __init__(self, state: State, name: str, answer: Any) -> None:
        """`answer` takes the state and the request, and gives a response or raises OAuthError."""
        self._state = state
        self._name = name
        self._run = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        await serve(self._state, self._name, request, send, lambda strike: self._answer(request, strike))

    async def _answer(self, request: Request, _: Strike) -> Response:
        self._state.ready()
        try:
            return await self._run(self._state, request)
        except OAuthError as error:
            return JSONResponse(error.document, error.status, {**_PRIVATE, **error.headers})


def oauth_routes(state: State) -> list[Route]:
    """GET and POST /oauth/authorize, POST /oauth/token and POST /oauth/revoke."""
    return [
        Route(f"/oauth/{name}", Endpoint(state, f"oauth_{name}", answer), methods=methods)
        for name, answer, methods in (
            ("authorize", authorize, ["GET", "POST"]),
            ("token", token, ["POST"]),
            ("revoke", revoke, ["POST"]),
        )
    ]


async def authorize(state: State, request: Request) -> Response:
    """Show the consent page, or act on what was chosen on it."""
    asked = dict(request.query_params) if request.method == "GET" else await _form(request)
    app = state.read(lambda: state.grants.app(asked.get("client_id", "")))
    if app is None:
        return _refuse("No app with this client id is registered.")
    target = asked.get("redirect_uri", "")
    if target not in app.redirect_uris:
        return _refuse("The redirect_uri is not exactly one of those registered for this app.")
    wrong = _wrong(asked)
    if wrong is not None:
        return _back(target, asked, error=wrong[0], error_description=wrong[1])
    settings = state.read(state.grants.settings)
    if request.method == "GET" and settings["auto_approve"]:
        return _allow(state, app, asked, settings["company_id"])
    companies = state.read(state.grants.companies)
    if request.method == "GET":
        return _ask(app, asked, companies)
    if asked.get("decision") != "allow":
        return _back(target, asked, error="access_denied", error_description="The user denied the request.")
    chosen = asked.get("company_id", "")
    if chosen not in [account for account, _ in companies]:
        return _refuse("There is no such company to give access to.")
    return _allow(state, app, asked, chosen)


async def token(state: State, request: Request) -> Response:
    """Exchange a code or a refresh token for an access token."""
    form = await _form(request)
    app = _client(state, request)
    grant_type = form.get("grant_type")
    if grant_type == "authorization_code":
        answer = _exchange(state, app, form)
    elif grant_type == "refresh_token":
        answer = _refresh(state, app, form)
    else:
        raise OAuthError("invalid_grant_type", "Use authorization_code or refresh_token.")
    return JSONResponse(answer, headers=_PRIVATE)


async def revoke(state: State, request: Request) -> Response:
    """Void a token. One that is not the app's, or none at all, is answered alike (RFC 7009)."""
    form = await _form(request)
    app = _client(state, request)
    if not form.get("token"):
        raise OAuthError("invalid_request", "The 'token' to revoke is missing.")
    state.change(lambda: state.grants.revoke(form["token"], app.client))
    return JSONResponse({}, headers=_PRIVATE)


def _wrong(asked: dict[str, str]) -> tuple[str, str] | None:
    """What the app is told when it asked in a way that cannot be granted: OAuth's error and its description."""
    if asked.get("response_type") != "code":
        return "unsupported_response_type", "The response_type must be code."
    if asked.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(asked.get("code_challenge", "")):
        return "invalid_request", "PKCE is required: a code_challenge with the code_challenge_method S256."
    scopes = asked.get("scope", "").split()
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        return "invalid_scope", f"Unknown scopes: {' '.join(unknown)}." if unknown else "No scope was asked for."
    return None


def _ask(app: OAuthApp, asked: dict[str, str], companies: Sequence[tuple[str, str]]) -> Response:
    """The consent page: which company, which scopes, Allow or Deny."""
    return render(
        "consent",
        # Browsers hold form-action against all redirects that follow, and an app may send the user further.
        forms_lead_away=True,
        app=app.name,
        carried={name: asked[name] for name in _CARRIED if name in asked},
        companies=companies,
        scopes=list(dict.fromkeys(asked["scope"].split())),
    )


def _refuse(reason: str) -> Response:
    """Say on a page why the request goes nowhere. The app is not told: its address cannot be trusted."""
    return render("refusal", status=400, reason=reason)


def _allow(state: State, app: OAuthApp, asked: dict[str, str], account: str) -> Response:
    scopes = " ".join(dict.fromkeys(asked["scope"].split()))
    code = Code(app.client, account, scopes, asked["redirect_uri"], asked["code_challenge"])
    text = state.change(lambda: state.grants.issue_code(code, microseconds(state.clock.now())))
    return _back(asked["redirect_uri"], asked, code=text)


def _back(target: str, asked: dict[str, str], **parameters: str) -> Response:
    if "state" in asked:
        parameters["state"] = asked["state"]
    mark = "&" if urlsplit(target).query else "?"
    # 303 because the consent form was posted, and the app is to be visited with GET.
    return RedirectResponse(f"{target}{mark}{urlencode(parameters)}", 303, _PRIVATE)


def _exchange(state: State, app: OAuthApp, form: dict[str, str]) -> Any:
    now = microseconds(state.clock.now())
    verifier = form.get("code_verifier", "")
    if not _VERIFIER.fullmatch(verifier):
        raise OAuthError("invalid_request", 'Invalid "code_verifier".')
    # A code is used up by any attempt to exchange it.
    code = state.change(lambda: state.grants.take_code(form.get("code", ""), now))
    if code is None or code.client != app.client:
        raise OAuthError("invalid_grant", "The code is unknown, was used before, or has expired.")
    if form.get("redirect_uri") != code.redirect_uri:
        raise OAuthError("invalid_grant", "The redirect_uri is not the one the code was asked for with.")
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    if not compare_digest(challenge, code.challenge):
        raise OAuthError("invalid_grant", "Code challenge failed.")
    return state.change(lambda: state.grants.issue_token(state.grants.begin(code, now), now))


def _refresh(state: State, app: OAuthApp, form: dict[str, str]) -> Any:
    now = state.clock.now()
    refresh_token = form.get("refresh_token", "")
    grant = state.read(lambda: state.grants.find(refresh_token, app.client, microseconds(now)))
    if grant is None:
        raise OAuthError("invalid_grant")
    try:
        state.limits.count([("oauth_refresh", _REFRESHES)], f"{grant.account}:{app.client}", now)
    except ApiError as error:
        raise OAuthError("throttled", error.problems[0].detail, 429, error.headers["Retry-After"]) from None
    return state.change(lambda: state.grants.issue_token(grant, microseconds(now)))


def _client(state: State, request: Request) -> OAuthApp:
    """The app that Basic authentication names. Raises OAuthError (401)."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        client, _, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        client = secret = ""
    app = state.read(lambda: state.grants.app(unquote(client))) if scheme.lower() == "basic" else None
    if app is None or not compare_digest(unquote(secret).encode(), app.secret.encode()):
        raise OAuthError("invalid_client", status=401)
    return app


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form-urlencoded body. Raises OAuthError."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != _FORM:
        raise OAuthError("invalid_request", f"The body must be {_FORM}.")
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _LARGEST_FORM:
            raise OAuthError("invalid_request", "The body is too large.", 413)
    try:
        return dict(parse_qsl(content.decode(), keep_blank_values=True))
    except ValueError:
        raise OAuthError("invalid_request", "The body is not form-urlencoded.") from None

"""A Klaviyo of many companies, each of whose answers names it everywhere, and that remembers all that it was sent."""

import base64
import json
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

MARK = "sEcReT"
LISTS = 5
PAGE = 2
_NAMED = re.compile(r"TEN([A-Z][0-9]{2})|\bZq([A-Z][0-9]{2})[0-9]\b")
"""What a company is called in names, cursors and errors, and in the ids of its lists."""


def company(number: int) -> str:
    """The id of one of the companies."""
    return f"TEN{chr(65 + number % 26)}{number:02}"


def named(text: str) -> set[str]:
    """The ids of the companies that a text names, or a list of."""
    return {f"TEN{whole or part}" for whole, part in _NAMED.findall(text)}


def list_id(whose: str, number: int) -> str:
    """The id of one of the lists of a company; those from LISTS on were made later."""
    return f"Zq{whose[3:]}{number}"


@dataclass
class ManyCompanies:
    """`received` is every request as it came, `crossed` whatever a company has asked for that is another's."""

    url: str = ""
    client_id: str = "many"
    client_secret: str = f"{MARK}-client"
    redirect_uri: str = "http://127.0.0.1:1/callback"
    received: list[str] = field(default_factory=list)
    crossed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    reports: dict[str, int] = field(default_factory=dict)
    throttled: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def control(self, *_: Any, **__: Any) -> None:
        """Its app may return anywhere."""

    def environment(self, home: Path) -> dict[str, str]:
        """The settings of a process that keeps its records in `home`."""
        return {
            "KLAVIYO_MCP_HOME": str(home),
            "KLAVIYO_BASE_URL": self.url,
            "KLAVIYO_OAUTH_BASE_URL": self.url,
            "KLAVIYO_CLIENT_ID": self.client_id,
            "KLAVIYO_CLIENT_SECRET": self.client_secret,
        }

    @property
    def app(self) -> Starlette:
        """It, as an ASGI app."""
        return Starlette(
            routes=[
                Route("/oauth/authorize", self._authorize, methods=["POST"]),
                Route("/oauth/token", self._token, methods=["POST"]),
                Route("/oauth/revoke", self._revoke, methods=["POST"]),
                Route("/api/{path:path}", self._api, methods=["GET", "POST", "PATCH", "DELETE"]),
            ]
        )

    async def _form(self, request: Request) -> dict[str, str]:
        body = await request.body()
        self._keep(request, body)
        return dict(parse_qsl(body.decode()))

    def _keep(self, request: Request, body: bytes) -> None:
        with self._lock:
            self.received.append(
                f"{request.method} {request.url} {dict(request.headers)} {body.decode(errors='replace')}"
            )

    async def _authorize(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        answer = urlencode({"code": f"{form['company_id']}:{form['scope']}", "state": form["state"]})
        return RedirectResponse(f"{form['redirect_uri']}?{answer}", 303)

    async def _token(self, request: Request) -> Response:
        form = await self._form(request)
        whose, scope = (form.get("code") or form["refresh_token"].partition("~")[2]).split(":", 1)
        word = secrets.token_hex(8)
        return JSONResponse(
            {
                "access_token": f"{MARK}~{whose}~{word}",
                "refresh_token": f"{MARK}-{word}~{whose}:{scope}",
                "token_type": "Bearer",
                "expires_in": 3600,
                "scope": scope,
            }
        )

    async def _revoke(self, request: Request) -> Response:
        await self._form(request)
        return JSONResponse({})

    async def _api(self, request: Request) -> Response:
        body = await request.body()
        self._keep(request, body)
        whose = request.headers.get("Authorization", "").split("~")[1]
        if named(f"{request.url} {body.decode()}") - {whose}:
            with self._lock:
                self.crossed.append(f"{whose}: {request.method} {request.url}")
            return self._answer(whose, 404, {"errors": [self._error(404, "not_found", "There is none.")]})
        if time.monotonic() < self.throttled.get(whose, 0):
            answer = self._answer(whose, 429, {"errors": [self._error(429, "throttled", f"{whose} has no more left.")]})
            answer.headers["Retry-After"] = "60"
            return answer
        return self._operation(request, whose, body)

    def _operation(self, request: Request, whose: str, body: bytes) -> Response:
        path, method = request.path_params["path"].rstrip("/"), request.method
        if path == "accounts":
            name = {"organization_name": f"Shop of {whose}"}
            found = {"type": "account", "id": whose, "attributes": {"contact_information": name, "test_account": False}}
            return self._answer(whose, 200, {"data": [found]})
        if path == "lists" and method == "GET":
            return self._page(request, whose)
        if path == "campaign-values-reports":
            with self._lock:
                self.reports[whose] = self.reports.get(whose, 0) + 1
            row = {"groupings": {"campaign_id": f"{whose}-C", "send_channel": "email"}, "statistics": {"opens": 1}}
            attributes = {"results": [row]}
            return self._answer(whose, 200, {"data": {"type": "campaign-values-report", "attributes": attributes}})
        if path.startswith("profile-bulk-import-jobs"):
            attributes = {"status": "complete", "total_count": 2, "completed_count": 2, "failed_count": 0}
            job = {"type": "profile-bulk-import-job", "id": f"{whose}-J", "attributes": attributes}
            return self._answer(whose, 202 if method == "POST" else 200, {"data": job})
        if path == "lists" and method == "POST":
            name = json.loads(body)["data"]["attributes"]["name"]
            return self._answer(whose, 201, {"data": self._list(whose, LISTS, name)})
        if re.fullmatch(r"lists/\w+", path) and method == "GET":
            return self._answer(whose, 200, {"data": self._list(whose, int(path[-1]))})
        if path.startswith("lists/") and method == "DELETE":
            with self._lock:
                self.deleted.append(f"{whose} {path}")
            return Response(status_code=204, headers=self._headers(whose))
        if method == "GET":
            return self._answer(whose, 200, {"data": [], "links": {"self": "x", "next": None}})
        return self._answer(whose, 404, {"errors": [self._error(404, "not_found", f"{whose} has none.")]})

    def _page(self, request: Request, whose: str) -> Response:
        given = request.query_params.get("page[cursor]")
        start = int(base64.b64decode(given).decode().rpartition(":")[2]) if given else 0
        end = min(start + PAGE, LISTS)
        cursor = base64.b64encode(f"{whose}:{end}".encode()).decode()
        follows = f"{self.url}/api/lists?{urlencode({'page[cursor]': cursor})}" if end < LISTS else None
        if given and not base64.b64decode(given).decode().startswith(whose):
            with self._lock:
                self.crossed.append(f"{whose}: {given}")
            return self._answer(whose, 400, {"errors": [self._error(400, "invalid", "The cursor is not valid.")]})
        rows = [self._list(whose, number) for number in range(start, end)]
        return self._answer(whose, 200, {"data": rows, "links": {"self": "x", "next": follows}})

    def _list(self, whose: str, number: int, name: str = "") -> dict[str, Any]:
        attributes = {"name": name or f"{whose} list {number}", "created": "2026-01-01T00:00:00+00:00"}
        return {"type": "list", "id": list_id(whose, number), "attributes": attributes}

    def _error(self, status: int, code: str, detail: str) -> dict[str, Any]:
        return {"id": "1", "status": status, "code": code, "title": code, "detail": detail, "source": {}}

    def _headers(self, whose: str) -> dict[str, str]:
        return {"X-Klaviyo-Req-Id": f"{whose}-request"}

    def _answer(self, whose: str, status: int, document: Any) -> Response:
        return JSONResponse(document, status, self._headers(whose), media_type="application/vnd.api+json")

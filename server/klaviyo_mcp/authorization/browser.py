"""What happens in a browser: a client's request, our own consent page, Klaviyo, and back to the client.

Nothing is sent to Klaviyo, and no state exists for it, before a person has said yes on our page; that is asked for
every request, as Klaviyo may remember its own consent. An answer goes only where the client may be answered, looked at
anew each time.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from time import time

from klaviyo_mcp.authorization.client import Client
from klaviyo_mcp.authorization.clients import Clients
from klaviyo_mcp.authorization.codes import CHALLENGE, CodeBinding, Codes
from klaviyo_mcp.authorization.config import AuthorizationConfig
from klaviyo_mcp.authorization.cookies import Cookies
from klaviyo_mcp.authorization.errors import ClientAway, ClientProblem, OAuthProblem
from klaviyo_mcp.authorization.grants import PENDING, Grants, Holder, McpGrant
from klaviyo_mcp.authorization.levels import LEVELS, LOWEST, Level, Levels, asked, rank
from klaviyo_mcp.authorization.redirects import answered, shown_host
from klaviyo_mcp.authorization.replies import Choice, ConsentPage, ErrorPage, Pairs, Redirect
from klaviyo_mcp.authorization.sessions import Sessions
from klaviyo_mcp.authorization.tokens import check_resource
from klaviyo_mcp.authorization.transactions import OtherBrowser, Returned, Transaction, Transactions
from klaviyo_mcp.authorization.upstream import Upstream

OVER = ErrorPage(
    400, "This request is over", "It was answered already, or it is older than ten minutes.",
    "Go back to your application and connect again.", "over",
)  # fmt: skip
NOT_HERE = ErrorPage(
    403, "This page was not opened in this browser", "What was sent does not belong to a page shown here.",
    "Go back to your application and connect again, in this browser and with cookies allowed.", "other_browser",
)  # fmt: skip


class Browser:
    """The pages and redirects of an authorization."""

    def __init__(
        self,
        config: AuthorizationConfig,
        clients: Clients,
        grants: Grants,
        codes: Codes,
        transactions: Transactions,
        sessions: Sessions,
        cookies: Cookies,
        upstream: Upstream,
        levels: Levels,
        clock: Callable[[], float] = time,
    ) -> None:
        """Everything it is made of."""
        self._config = config
        self._clients = clients
        self._grants = grants
        self._codes = codes
        self._transactions = transactions
        self._sessions = sessions
        self._cookies = cookies
        self._upstream = upstream
        self._levels = levels
        self._clock = clock

    async def authorize(self, query: Pairs) -> Redirect | ErrorPage:
        """See AuthorizationServer."""
        given, twice = {name: value for name, value in query if value}, repeated(query)
        if twice & {"client_id", "redirect_uri"}:
            return _bad_request("client_id or redirect_uri stands there twice.", "duplicate")
        client = await self._client(given.get("client_id", ""))
        if isinstance(client, ErrorPage):
            return client
        redirect_uri = given.get("redirect_uri")
        if redirect_uri is None and len(client.redirect_uris) != 1:
            return _bad_request("redirect_uri is missing.", "no_redirect_uri")
        target = client.redirect_uris[0] if redirect_uri is None else redirect_uri
        if not client.may_redirect(target, self._config.redirect_schemes):
            return _bad_redirect(client)
        state = given.get("state")
        try:
            if twice:
                raise OAuthProblem("invalid_request", f"These stand there twice: {', '.join(sorted(twice))}.")
            check_request(given, self._config.resource)
        except OAuthProblem as error:
            return self._answer(target, state if "state" not in twice else None, error=error)
        transaction = Transaction(
            key="",
            client_id=client.client_id,
            redirect_uri=target,
            redirect_given=redirect_uri is not None,
            state=state,
            challenge=given["code_challenge"],
            level=asked(given.get("scope", "")) or LOWEST,
        )
        _, word = await self._transactions.begin(transaction)
        return Redirect(f"{self._config.issuer}/consent?t={word}", reason="asked")

    async def consent_shown(self, word: str, cookies: Mapping[str, str]) -> ConsentPage | ErrorPage:
        """See AuthorizationServer."""
        transaction = await self._transactions.find(word) if word else None
        if transaction is None or not transaction.client_id:
            return OVER
        client = await self._client(transaction.client_id)
        if isinstance(client, ErrorPage):
            return client
        csrf, cookie = await self._transactions.shown(transaction, self._clock())
        return ConsentPage(
            transaction=word,
            csrf=csrf,
            client_name=client.name,
            client_domain=client.domain,
            redirect_host=shown_host(transaction.redirect_uri),
            only_loopback=client.only_loopback,
            choices=self.choices(transaction.level),
            cookies=(*self._cookies.too_many("kmc", cookies), cookie),
        )

    async def consent_given(self, form: Pairs, cookies: Mapping[str, str]) -> Redirect | ErrorPage:
        """See AuthorizationServer."""
        given = {} if repeated(form) else dict(form)
        try:
            transaction = await self._transactions.answered(given.get("t", ""), given.get("csrf", ""), cookies)
        except OtherBrowser:
            return NOT_HERE
        if transaction is None:
            return OVER
        client = await self._returnable(transaction)
        if isinstance(client, ErrorPage):
            return client
        if given.get("decision") != "allow":
            await self._transactions.end(transaction)
            denied = OAuthProblem("access_denied", "The person did not allow it.")
            return self._answer(transaction.redirect_uri, transaction.state, error=denied)
        level = _level(given.get("level", ""))
        if level is None:
            return _bad_request("level is none of those on the page.", "no_level")
        return await self._to_klaviyo(replace(transaction, level=level), cookies)

    async def connect(self, level: str, cookies: Mapping[str, str]) -> Redirect | ErrorPage:
        """See AuthorizationServer."""
        chosen = _level(level)
        if chosen is None:
            return _bad_request("level is none of those on the page.", "no_level")
        transaction, _ = await self._transactions.begin(Transaction("", "", "", False, None, "", chosen))
        return await self._to_klaviyo(transaction, cookies)

    async def callback(self, query: Pairs, cookies: Mapping[str, str]) -> Redirect | ErrorPage:
        """See AuthorizationServer."""
        given = dict(query)
        state = given.get("state", "")
        if not state or repeated(query) & {"state", "code", "error"}:
            return _bad_request("Klaviyo's answer has no state, or has something twice.", "bad_answer")
        try:
            returned = await self._transactions.returned(state, cookies)
        except OtherBrowser:
            return NOT_HERE
        if returned is None:
            return OVER
        unbound = (self._transactions.unbound(state),)
        client = await self._returnable(returned.transaction) if returned.transaction.client_id else None
        if isinstance(client, ErrorPage):
            return replace(client, cookies=unbound)
        try:
            grant = await self._granted(returned, given, client)
        except OAuthProblem as error:
            await self._transactions.end(returned.transaction)
            return replace(self._failed(returned.transaction, error), cookies=unbound)
        if client is None:
            cookie = await self._sessions.begin(grant)
            await self._transactions.end(returned.transaction)
            return Redirect(f"{self._config.issuer}/manage", (*unbound, cookie), "connected")
        transaction = returned.transaction
        redirect_uri = transaction.redirect_uri if transaction.redirect_given else None
        code = await self._codes.issue(
            CodeBinding(grant.grant_id, client.client_id, redirect_uri, transaction.challenge)
        )
        await self._transactions.end(transaction)
        return replace(self._answer(transaction.redirect_uri, transaction.state, code=code), cookies=unbound)

    def choices(self, suggested: Level) -> tuple[Choice, ...]:
        """The levels for a page to offer."""
        return tuple(
            Choice(level, self._levels.actions(level), self._levels.scopes(level), level == suggested)
            for level in LEVELS
        )

    async def _granted(self, returned: Returned, given: Mapping[str, str], client: Client | None) -> McpGrant:
        """The grant that Klaviyo's answer leads to, kept before anything is told of it. Raises OAuthProblem."""
        if "code" not in given or "error" in given:
            if given.get("error") == "access_denied":
                raise OAuthProblem("access_denied", "The person did not allow it at Klaviyo.")
            if given.get("error") == "invalid_scope":
                raise OAuthProblem(
                    "server_error",
                    "The service's app at Klaviyo lacks scopes that are asked for. "
                    "The operator adds them there, or leaves them out.",
                )
            raise OAuthProblem("server_error", "Klaviyo answered the request for consent with an error.")
        found = await self._upstream.consented(given["code"], returned.consent)
        level = min(returned.transaction.level, self._levels.granted(found.credentials.scopes), key=rank)
        holder = Holder(client.client_id, client.name, client.domain) if client else Holder()
        life = PENDING if client else self._config.refresh_life
        return await self._grants.begin(found.credentials, found.company, found.user, holder, level, life)

    async def _to_klaviyo(self, transaction: Transaction, cookies: Mapping[str, str]) -> Redirect:
        consent = self._upstream.consent(self._levels.scopes(transaction.level))
        cookie = await self._transactions.sent_on(transaction, consent, self._clock())
        return Redirect(consent.url, (*self._cookies.too_many("kmb", cookies), cookie), "approved")

    async def _client(self, client_id: str) -> Client | ErrorPage:
        try:
            return await self._clients.find(client_id)
        except ClientAway as error:
            advice = "Try again in a minute. If it stays like this, tell the makers of your application."
            return ErrorPage(503, "This application cannot be checked now", str(error), advice, "client_away")
        except ClientProblem as error:
            advice = "Remove the connection in your application and add it again."
            return ErrorPage(400, "This application is not known here", str(error), advice, "unknown_client")

    async def _returnable(self, transaction: Transaction) -> Client | ErrorPage:
        """The client, if an answer may still go to the address of its request."""
        client = await self._client(transaction.client_id)
        if isinstance(client, ErrorPage) or client.may_redirect(
            transaction.redirect_uri, self._config.redirect_schemes
        ):
            return client
        return _bad_redirect(client)

    def _failed(self, transaction: Transaction, error: OAuthProblem) -> Redirect | ErrorPage:
        if transaction.client_id:
            return self._answer(transaction.redirect_uri, transaction.state, error=error)
        status = 503 if error.error == "temporarily_unavailable" else 400
        return ErrorPage(
            status, "Klaviyo is not connected", error.description, "Nothing was kept here. Try again.", error.error
        )

    def _answer(
        self, target: str, state: str | None, *, code: str | None = None, error: OAuthProblem | None = None
    ) -> Redirect:
        """Back to the client. Who it comes from is said always, so that no other server's answer passes for ours."""
        answer: list[tuple[str, str]] = [("code", code)] if code else []
        if error is not None:
            answer += [("error", error.error), ("error_description", error.description)]
        answer += [("state", state)] if state is not None else []
        location = answered(target, [*answer, ("iss", self._config.issuer)])
        return Redirect(location, reason=error.error if error else "code")


def check_request(given: Mapping[str, str], resource: str) -> None:
    """Whether a request for authorization can be granted at all. Raises OAuthProblem."""
    if given.get("response_type") != "code":
        raise OAuthProblem("unsupported_response_type", "response_type has to be code.")
    if given.get("response_mode", "query") != "query":
        raise OAuthProblem("invalid_request", "response_mode can only be query.")
    if "request" in given or "request_uri" in given:
        raise OAuthProblem("request_not_supported", "Request objects are not taken.")
    if not CHALLENGE.fullmatch(given.get("code_challenge", "")):
        raise OAuthProblem("invalid_request", "code_challenge is missing or is not the 43 characters of S256 (PKCE).")
    if given.get("code_challenge_method") != "S256":
        raise OAuthProblem("invalid_request", "code_challenge_method has to be S256.")
    check_resource(given, resource)


def repeated(pairs: Pairs) -> set[str]:
    """The names that stand more than once among parameters, which no request may have (RFC 6749, section 3)."""
    return {name for name, count in Counter(name for name, _ in pairs).items() if count > 1}


def _level(given: str) -> Level | None:
    return next((level for level in LEVELS if level == given), None)


def _bad_request(text: str, reason: str) -> ErrorPage:
    advice = "Nothing was sent to Klaviyo. Go back to your application and connect again."
    return ErrorPage(400, "This request cannot be followed", text, advice, reason)


def _bad_redirect(client: Client) -> ErrorPage:
    return ErrorPage(
        400,
        "The address to return to is not registered",
        f"{client.name} asks for the answer at an address that it has not registered here.",
        "Nothing was sent there. Remove the connection in your application and add it again.",
        "bad_redirect_uri",
    )

"""Clients that are known by the URL of a document about them (OAuth Client ID Metadata Document, revision 00)."""

from collections import OrderedDict
from collections.abc import Callable, Collection
from time import time

from klaviyo_mcp.authorization.client import ASSERTION, SECRET_METHODS, Client, clean_name, refreshes
from klaviyo_mcp.authorization.errors import ClientAway, ClientProblem, ClientRefused
from klaviyo_mcp.authorization.metadata_fetch import MetadataFetch, checked_url
from klaviyo_mcp.authorization.pacing import Pace
from klaviyo_mcp.authorization.pinned import PINNED
from klaviyo_mcp.authorization.records import Records
from klaviyo_mcp.authorization.redirects import refusal
from klaviyo_mcp.authorization.token_text import hashed
from klaviyo_mcp.loose_json import JSON, is_object, items, mapping, objects, text

STALE = 86_400.0
"""Seconds for which the last good copy is used when a document cannot be fetched any more."""
FAILURE = 60.0
"""Seconds for which a failure is not tried again."""
MOST_FAILURES = 1_000
SLOTS = 4_096
"""How many documents are kept: strangers name their URLs, so each gets a slot by its hash, and may lose it."""
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members of a key that nobody publishes (RFC 7518); `k` is a shared secret."""
KEPT = (
    *("client_id", "client_name", "redirect_uris", "grant_types", "token_endpoint_auth_method"),
    *("token_endpoint_auth_methods_supported", "jwks_uri", "jwks", "keys"),
)


class ClientDocuments:
    """The documents of clients, and the keys they point to; kept as long as their headers say."""

    def __init__(
        self,
        records: Records,
        fetch: MetadataFetch,
        schemes: Collection[str],
        *,
        pinned: bool,
        pace: Pace,
        clock: Callable[[], float] = time,
    ) -> None:
        """`pinned` copies stand in for documents that cannot be fetched. `pace` keeps hosts from being flooded."""
        self._records = records
        self._fetch = fetch
        self._schemes = schemes
        self._pinned = PINNED if pinned else {}
        self._clock = clock
        self._failed: OrderedDict[str, tuple[float, ClientProblem]] = OrderedDict()
        self._pace = pace

    async def find(self, url: str) -> Client:
        """The client of this document. Raises ClientRefused or ClientAway."""
        checked_url(url)
        return client_of(url, await self._document(url, lambda found: client_of(url, found, self._schemes)))

    async def keys(self, client: Client, *, anew: bool = False) -> list[JSON]:
        """The public keys of a client; `anew` looks again where the kept ones are a minute old."""
        if client.keys is not None:
            return public_keys(client.keys)
        if client.keys_url is None:
            raise ClientRefused("The client publishes no keys.")
        return public_keys(await self._document(client.keys_url, public_keys, query=True, anew=anew))

    async def _document(
        self, url: str, check: Callable[[JSON], object], *, query: bool = False, anew: bool = False
    ) -> JSON:
        now = self._clock()
        slot = f"{int(hashed(url), 16) % SLOTS:04x}"
        kept = await self._records.get("cimd", slot)
        if kept is not None and kept["url"] != url:
            kept = None
        if kept is not None and now < (kept["fetched"] + FAILURE if anew else kept["fresh_until"]):
            return mapping(kept["document"])
        until, problem = self._failed.get(url, (0.0, None))
        if now >= until or problem is None:
            try:
                await self._count(checked_url(url, query=query)[0])
                fetched = await self._fetch.get(url, query=query)
                check(fetched.document)
            except ClientProblem as error:
                problem = self._remember(url, error)
            else:
                self._failed.pop(url, None)
                document = {name: fetched.document[name] for name in KEPT if name in fetched.document}
                record = {"url": url, "document": document, "fetched": now, "fresh_until": now + fetched.fresh_for}
                await self._records.put("cimd", slot, record, fetched.fresh_for + STALE)
                return document
        if isinstance(problem, ClientAway):
            if kept is not None:
                return mapping(kept["document"])
            if url in self._pinned:
                return self._pinned[url]
        raise problem

    async def _count(self, host: str) -> None:
        """Raises ClientAway when too much is fetched from a host: strangers could have us flood it by many names."""
        if await self._pace.take("documents", host):
            raise ClientAway(f"Too many documents were asked for at {host} within a minute.")

    def _remember(self, url: str, problem: ClientProblem) -> ClientProblem:
        self._failed[url] = (self._clock() + FAILURE, problem)
        while len(self._failed) > MOST_FAILURES:
            self._failed.popitem(last=False)
        return problem


def client_of(url: str, document: JSON, schemes: Collection[str] | None = None) -> Client:
    """The client that a document describes. Raises ClientRefused; `schemes` has its redirect URIs looked at, too."""
    if document.get("client_id") != url:
        raise ClientRefused("The document's client_id is not the URL it lies at, character by character.")
    name = text(document.get("client_name"))
    if not name.strip():
        raise ClientRefused("The document has no client_name.")
    uris = tuple(text(uri) for uri in items(document.get("redirect_uris")))
    if schemes is not None and all(refusal(uri, schemes) is not None for uri in uris):
        raise ClientRefused("The document has no redirect URI that is accepted.")
    if "client_secret" in document or "client_secret_expires_at" in document:
        raise ClientRefused("A public document holds no client secret.")
    inline = document.get("jwks")
    if inline is not None:
        public_keys(mapping(inline))
    return Client(
        client_id=url,
        name=clean_name(name),
        redirect_uris=uris,
        registration="document",
        asserts=_asserts(document),
        refreshes=refreshes(items(document.get("grant_types"))),
        domain=checked_url(url)[0],
        keys=mapping(inline) if inline is not None else None,
        keys_url=text(document.get("jwks_uri")) or None,
    )


def public_keys(document: JSON) -> list[JSON]:
    """The keys of a JWK set. Raises ClientRefused for one that shows what must stay private."""
    if not isinstance(document.get("keys"), list):
        raise ClientRefused("The keys are not a JWK set.")
    keys = objects(document["keys"])
    if any(PRIVATE & key.keys() or key.get("kty") == "oct" for key in keys):
        raise ClientRefused("The JWK set holds a private or a shared key.")
    return keys


def _asserts(document: JSON) -> bool:
    """Whether such a client may prove itself by assertions; else it is a public one. Raises ClientRefused."""
    named = [document.get("token_endpoint_auth_method"), *items(document.get("token_endpoint_auth_methods_supported"))]
    methods = {method for method in named if isinstance(method, str)}
    if methods and not methods & {"none", ASSERTION}:
        raise ClientRefused("A client of a public document proves itself by none or private_key_jwt.")
    if document.get("token_endpoint_auth_method") in SECRET_METHODS and "none" not in methods:
        raise ClientRefused("A client of a public document has no secret.")
    has_keys = is_object(document.get("jwks")) or bool(text(document.get("jwks_uri")))
    return ASSERTION in methods and has_keys

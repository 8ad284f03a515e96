"""What the words of an action's name ask for: reading, changing, destroying, or taking something back. Data, no search.

Agents and people try names by what they know of other products. A name asks for no more than its verb says, so that
nothing stronger is ever offered for it.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from klaviyo_mcp.loose_json import nearest
from klaviyo_mcp.registry.model import Effect

Asks = Literal["read", "write", "destructive", "reversal"]


@dataclass(frozen=True, slots=True)
class Verbs:
    """Verbs that ask for the same, and how the names of actions that do it begin, best first."""

    asks: Asks
    words: frozenset[str]
    starts: tuple[str, ...]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _row(asks: Asks, words: str, starts: str) -> Verbs:
    return Verbs(asks, _words(words), tuple(starts.split()))


VERBS = (
    _row(
        "read", "get search find list show read fetch lookup look view see browse retrieve who what which", "get query"
    ),
    _row(
        "read", "check verify is has does describe inspect export download query ask where when why filter", "get query"
    ),
    _row("read", "count how many much sum total compare analyze analyse measure report aggregate", "query get"),
    _row("read", "estimate preview render test validate", "render get refresh"),
    _row("write", "create make new build generate draft", "create bulk_create"),
    _row("write", "add insert assign attach link put include enroll move", "add assign create tag"),
    _row("write", "update edit change modify set patch rename save adjust replace", "update bulk_update"),
    _row("write", "upsert", "create_or_update bulk_import"),
    _row("write", "import sync", "bulk_import create_or_update bulk_create upload"),
    _row("write", "upload", "upload bulk_import"),
    _row("write", "archive", "update"),
    _row("write", "tag label", "tag create_tag"),
    _row("write", "track record log identify", "create create_or_update"),
    _row("write", "subscribe optin resubscribe consent signup", "bulk_subscribe"),
    _row("write", "clone copy duplicate", "clone create"),
    _row("write", "refresh recalculate recompute", "refresh"),
    _row(
        "destructive",
        "delete remove erase destroy drop purge wipe clear forget gdpr",
        "delete remove request bulk_delete bulk_remove",
    ),
    _row("destructive", "untag", "remove_tag"),
    _row("destructive", "unlink unassign detach unregister", "remove unregister"),
    _row("destructive", "suppress block ban blacklist blocklist", "bulk_suppress"),
    _row("destructive", "unsubscribe optout unsub", "bulk_unsubscribe bulk_suppress"),
    _row(
        "destructive",
        "send schedule launch publish blast broadcast deliver start activate enable trigger",
        "send update publish",
    ),
    _row("destructive", "reply respond message text", "create_conversation send"),
    _row("destructive", "merge dedupe deduplicate combine", "merge"),
    _row("reversal", "stop pause cancel undo unschedule revert abort halt rollback unsend recall", "cancel update"),
    _row("reversal", "disable deactivate unpublish hide hold freeze end", "cancel update unpublish"),
    _row("reversal", "resume restore recover undelete unarchive", "update bulk_unsuppress"),
    _row("reversal", "unsuppress unblock unban reactivate whitelist allow", "bulk_unsuppress update"),
    _row("reversal", "not dont never no without unmerge uncancel", "get"),
)
"""Every verb that is understood. A word that is not here asks for nothing more than reading."""

PHRASES = {
    "opt out": "optout", "opt in": "optin", "sign up": "signup", "look up": "lookup", "roll back": "rollback",
    "turn off": "disable", "switch off": "disable", "turn on": "enable", "switch on": "enable", "un subscribe":
    "unsubscribe", "un suppress": "unsuppress", "do not": "not", "don t": "not",
}  # fmt: skip
"""Verbs of two words, and the one word that says the same."""

ALSO_NOUNS = _words("list tag report count label record log text message draft export import test link total")
"""Verbs that are things too: before another verb they are one, as in list_create."""

THINGS = {
    "profile": "customer contact user person people subscriber member recipient shopper buyer lead client audience",
    "campaign": "newsletter blast broadcast mailing email emails sms",
    "action": "step",
    "flow": "automation journey workflow sequence drip series autoresponder",
    "message": "email sms text reply",
    "template": "email design html",
    "list": "audience group",
    "segment": "audience group cohort",
    "event": "order purchase sale activity action conversion transaction timeline history",
    "item": "product sku price",
    "variant": "sku price inventory",
    "catalog": "product products shop",
    "coupon": "discount promo promotion voucher code",
    "form": "popup signup",
    "image": "picture photo file asset media",
    "query": "stat stats statistics rate rates performance analytics metrics revenue kpi results insights report",
    "values": "stat stats statistics rate rates performance analytics results insights report",
    "aggregates": "revenue sales trend total statistics analytics",
    "segments": "audience",
    "deletion": "gdpr erasure privacy",
    "suppress": "suppression blocklist blacklist",
    "webhook": "hook callback",
    "account": "company organization organisation whoami",
    "estimation": "reach size",
    "universal": "block",
    "feed": "rss",
    "review": "rating",
    "conversation": "inbox thread chat",
}
"""Words of our names, and other words for the same thing."""

REVERSING = {
    "cancel_campaign_send": frozenset({"campaign", "send", "sending", "blast"}),
    "update_flow": frozenset({"flow"}),
    "update_flow_action": frozenset({"action", "step"}),
    "unpublish_form": frozenset({"form", "popup", "signup"}),
    "bulk_unsuppress_profiles": frozenset({"suppress", "profile", "block"}),
    "bulk_subscribe_profiles": frozenset({"unsubscribe", "subscription"}),
}
"""What takes something back though it can do harm too, and the things one of which must be named for it."""

FILLERS = _words(
    "a an the to from by of for in on at with and or all my our their its this that id ids via into using api "
    "data klaviyo mcp tool s me i please do run it now v1 v2 v3 endpoint function call"
)

_NOUNS = frozenset(word for ours, others in THINGS.items() for word in [ours, *others.split()])


@dataclass(frozen=True, slots=True)
class Wording:
    """A name taken apart: what its verb asks for, and what it speaks of."""

    words: tuple[str, ...]
    verb: str
    row: Verbs | None
    things: tuple[str, ...]

    @property
    def asks(self) -> Asks:
        """What is asked for; without a verb, nothing more than reading."""
        return self.row.asks if self.row else "read"

    @property
    def starts(self) -> tuple[str, ...]:
        """How the names of actions that do what is asked begin, best first."""
        return self.row.starts if self.row else ("get", "query")

    @property
    def effect(self) -> Effect:
        """The strongest effect that an action offered for these words may have."""
        return "write" if self.asks == "reversal" else self.asks


@lru_cache(maxsize=4096)
def wording(name: str) -> Wording:
    """The words of a name in any writing: snake_case, camelCase, kebab-case, with or without a product's name."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name[:200])
    text = " ".join(re.findall(r"[^\W_]+", spaced.casefold()))
    for phrase, word in PHRASES.items():
        text = re.sub(rf"\b{phrase}\b", word, text)
    words = tuple(text.split())
    verbs = {word: row for word in words if (row := _verb(word))}
    verb = _ruling(words, verbs)
    row = verbs.get(verb)
    spoken = [word for word in words if word != verb and word not in FILLERS]
    things = [word for word in spoken if word not in verbs or word in ALSO_NOUNS]
    if not things and row:
        # Nothing but a verb: what it does is the thing, in the word that our names have for it.
        things = [*spoken, verb, *(row.starts[0].split("_")[1:])]
    return Wording(words, verb, row, tuple(things))


@lru_cache(maxsize=4096)
def meanings(thing: str) -> frozenset[str]:
    """A thing's word without its plural, and the words of our names that mean it."""
    word = stem(thing)
    if word not in _NOUNS and len(word) > 4 and not any({word, thing} & row.words for row in VERBS):
        near = nearest(word, _NOUNS, likeness=0.83)
        word = stem(near[0]) if near and near[0][0] == word[0] else word
    ours = {stem(known) for known, others in THINGS.items() if word in {stem(other) for other in others.split()}}
    return frozenset({word, *ours})


def stem(word: str) -> str:
    """A word without its plural."""
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def _verb(word: str) -> Verbs | None:
    """The row of a verb, also of one with a slip of spelling. `deleted` and `sending` are no slips: they describe."""
    found = next((row for row in VERBS if word in row.words), None)
    if found or len(word) < 4 or (word.endswith("s") and stem(word) in ALSO_NOUNS):
        return found
    known = [verb for row in VERBS for verb in row.words if len(verb) > 3]
    near = [verb for verb in nearest(word, known, likeness=0.83) if verb[0] == word[0] and not word.startswith(verb)]
    return _verb(near[0]) if near and not {word, stem(word)} & _NOUNS else None


def _ruling(words: tuple[str, ...], verbs: dict[str, Verbs]) -> str:
    """The verb that says what is asked for: one that takes back wherever it stands, else the first."""
    found = [word for word in words if word in verbs]
    for word in found:
        if verbs[word].asks == "reversal":
            return word
    if len(found) > 1 and found[0] in ALSO_NOUNS and found[1] not in ALSO_NOUNS and verbs[found[1]].asks == "write":
        return found[1]
    first = next((word for word in words if word not in FILLERS and word not in ("bulk", "batch")), "")
    # A verb that is a thing as well says nothing at the end: campaign_report and email_list are things.
    return next((word for word in found if word not in ALSO_NOUNS or word == first), "")

"""What to offer for a name that no action has: actions that do something like it, and nothing stronger than it asks.

Found by search over what actions do, and by spelling where a name has only slipped. The words are read in `wording`.
"""

import difflib
import re
from collections.abc import Callable
from functools import lru_cache

from klaviyo_mcp.actions.errors import Candidate
from klaviyo_mcp.actions.wording import ALSO_NOUNS, FILLERS, REVERSING, Wording, meanings, stem, wording
from klaviyo_mcp.loose_json import nearest
from klaviyo_mcp.registry.registry import STRENGTH, Action, Registry

MOST_CANDIDATES = 4
LEAST_LIKE_BEST = 0.65
"""What part of the best score an action needs to be shown beside it."""
COMMON = frozenset({"delete", "remove", "send", "update"})
SEARCHING = frozenset(
    ["search", "find", "list", "show", "browse", "who", "which", "query", "filter", "lookup", "count", "how", "export"]
)
SEVERAL = frozenset(["history", "count", "report", "log", "timeline", "number", "total"])
UNSAID = frozenset(["bulk", "catalog", "client", "profile", "request", "deletion", "conversation", "message"])
"""Parts of the names of destructive actions that one need not say to mean them."""


def candidates(registry: Registry, name: str, exposes: Callable[[Action], bool]) -> tuple[Candidate, ...]:
    """Up to MOST_CANDIDATES exposed actions for a name that none has, the likeliest first; none rather than wrong."""
    asked = wording(name)

    def offers(action: Action) -> bool:
        return exposes(action) and not _too_strong(action, asked)

    alike = _alike(registry, asked, offers)
    found = [*_slips(registry, asked), *alike[:2], *_spelt_alike(registry, asked), *alike[2:]]
    offered = {action.name: action for action in found if offers(action)}
    return tuple(
        Candidate(action.name, action.effect, action.spec.summary) for action in [*offered.values()][:MOST_CANDIDATES]
    )


def _too_strong(action: Action, asked: Wording) -> bool:
    """Whether an action does more than the words ask for."""
    if STRENGTH[action.effect] <= STRENGTH[asked.effect]:
        return False
    if _takes_back(action, asked):
        return False
    # Who asks to edit a template asks for update_template, although that is destructive.
    own = wording(action.name)
    named = {meaning for thing in asked.things for meaning in meanings(thing)}
    return asked.asks != "write" or own.row != asked.row or not {stem(thing) for thing in own.things} <= named


def _takes_back(action: Action, asked: Wording) -> bool:
    """Whether an action takes back what the words name. To resume is not to cancel."""
    if asked.asks != "reversal" or (action.name.startswith("cancel_") and "cancel" not in asked.starts):
        return False
    named = {meaning for word in asked.words for meaning in meanings(word)}
    return bool(REVERSING.get(action.name, frozenset[str]()) & named)


def _slips(registry: Registry, asked: Wording) -> list[Action]:
    """Actions whose name, or an alias, is the one asked for but for its writing or slips of spelling."""
    words = [word for word in asked.words if word not in ("klaviyo", "mcp")]
    found: list[tuple[float, Action]] = []
    for name, action in registry.by_name.items():
        own = name.split("_")
        if len(own) == len(words) and all(map(_slipped, words, own)):
            found.append((difflib.SequenceMatcher(None, "_".join(words), name).ratio(), action))
    return [action for _, action in sorted(found, key=lambda pair: -pair[0])]


def _spelt_alike(registry: Registry, asked: Wording) -> list[Action]:
    """The action whose name is spelt most alike, where it speaks of nothing else: get_profiles for get_profile_list."""
    near = [registry[name] for name in nearest("_".join(asked.words), registry.by_name, most=8, likeness=0.8)]
    named = {meaning for word in asked.words for meaning in meanings(word)}
    return [action for action in near if {stem(word) for word in action.name.split("_")} <= named]


def _slipped(word: str, own: str) -> bool:
    if word == own or stem(word) == stem(own):
        return True
    if own in (f"{word}d", f"{word}ed"):
        return False  # To schedule is no slip of scheduled, which describes.
    return word[0] == own[0] and len(own) > 3 and difflib.SequenceMatcher(None, word, own).ratio() >= 0.75


def _alike(registry: Registry, asked: Wording, offers: Callable[[Action], bool]) -> list[Action]:
    """Actions that search finds for the things named, those that do with them what is asked first."""
    words = [meaning for thing in asked.things for meaning in [thing, *sorted(meanings(thing))]]
    if not words:
        return []
    found = registry.finder.find(" ".join(dict.fromkeys([asked.verb, *words])), len(registry.actions))
    # What takes something back need not have its name: bulk_subscribe_profiles for undo_unsubscribe.
    back = [name for name in REVERSING if name in registry.by_name and _takes_back(registry[name], asked)]
    names = [name for name in dict.fromkeys([*(spec.name for spec in found), *back]) if offers(registry[name])]
    scores = {name: _score(registry[name], asked) + 1 / (1 + at) for at, name in enumerate(names)}
    best = max(scores.values(), default=0)
    # Sorting is stable: among equals the order of relevance stays.
    ranked = sorted(scores, key=lambda name: -scores[name])
    return [registry[name] for name in ranked if scores[name] > max(2, LEAST_LIKE_BEST * best)]


def _score(action: Action, asked: Wording) -> float:
    """How well an action fits what is asked, 0 and less where it does not: 4 for the things, 4.5 for the verb."""
    spec, effect = action.spec, action.effect
    own = _stems(action.name)
    # An alias or a keyword counts nearly as much as a name: it is what people say for it.
    said, told = _stems(*spec.aliases, *spec.keywords), _stems(spec.title, spec.summary)
    covered = 0.0
    for thing in asked.things:
        found = meanings(thing)
        covered += 1 if found & own else 0.8 if stem(thing) in said else 0.4 if found & told else 0
    takes_back = _takes_back(action, asked)
    if covered < 0.4 * len(asked.things) and not takes_back:
        return 0
    phrases = {" ".join(asked.words), *([" ".join(asked.things)] if len(asked.things) > 1 else [])}
    phrase = not phrases.isdisjoint(keyword.lower() for keyword in spec.keywords)
    does = _does(action, asked, own, said)
    if asked.asks in ("destructive", "reversal") and effect != "read" and not (does or phrase or takes_back):
        return 0
    if effect == "destructive" and asked.asks == "destructive" and not (phrase or _names_its_prey(action, asked)):
        return 0
    if asked.asks != "reversal" and not phrase and wording(action.name).asks == "reversal":
        return 0
    spoken = [*asked.things, *([] if asked.verb in ALSO_NOUNS else [asked.verb])]
    unasked = own - {meaning for word in spoken for meaning in meanings(word)} - FILLERS
    score = 4 * covered / len(asked.things) + does + 2 * phrase + 3.5 * takes_back - 0.7 * (len(unasked) - 1)
    # A name that takes something to or from another, where no other was named, is about both of them.
    between = {"to", "from"} & own and not {"to", "into", "from"} & set(asked.words)
    idle = effect == "read" and asked.asks != "read"
    return score - 3 * bool(between) - 1.5 * idle + _likeness(action, asked)


def _does(action: Action, asked: Wording, own: frozenset[str], said: frozenset[str]) -> float:
    """How much of the verb an action's name or keywords hold."""
    starts = asked.starts
    begins = next((2 - 0.3 * rank for rank, start in enumerate(starts) if action.name.startswith(f"{start}_")), 0.0)
    verb = stem(asked.verb)
    if not verb or verb == "get" or verb in ALSO_NOUNS:
        return begins
    return begins + (2.5 if verb in own else 1 if verb in said else 0)


def _names_its_prey(action: Action, asked: Wording) -> bool:
    """Whether what an action destroys is what was named: delete_events is no matter for delete_webhook."""
    named = {meaning for thing in asked.things for meaning in meanings(thing)}
    if "from" in asked.words and "from" not in action.name:
        return False  # Taking something out of a segment is not deleting the segment.
    if asked.verb in asked.things:
        means = meanings(asked.verb) - {asked.verb}
        return action.name.removeprefix("bulk_").startswith(asked.verb) or bool(means & _stems(action.name))
    own = {stem(thing) for thing in wording(action.name).things}
    # Of a verb that few actions have, such as suppress, the name need not say more.
    starts = [start for start in asked.starts if "_" in start]
    rare = any(action.name.startswith(start) for start in starts if start.split("_")[1] not in COMMON)
    return rare or (bool(own & named) and own <= named | UNSAID)


def _likeness(action: Action, asked: Wording) -> float:
    """A little more for one or many as they were asked for, and for what the name is about: get_customer_EVENTS."""
    own = action.name.split("_")[1:]
    many = asked.verb in SEARCHING or any(thing in SEVERAL or stem(thing) != thing for thing in asked.things)
    number = 0.8 if action.name.startswith("query_") or many == any(stem(word) != word for word in own) else 0
    # The first thing is spoken of before a preposition (reviews_for_product), else the last (customer_events).
    head = asked.things[0 if {"for", "of", "from", "in", "to", "on", "by"} & set(asked.words) else -1]
    elsewhere = not own or stem(own[0]) not in meanings(head)
    return number + (0 if elsewhere else 0.8)


@lru_cache(maxsize=4096)
def _stems(*texts: str) -> frozenset[str]:
    return frozenset(stem(word) for text in texts for word in re.findall(r"[^\W_]+", text.replace("_", " ").lower()))

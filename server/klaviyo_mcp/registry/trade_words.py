"""The words of a text as search compares them: slips mended, endings off, and what they mean in the trade.

What is a matter of language stands in `synonyms.yaml`, one file for all of it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from klaviyo_mcp.loose_json import mapping

FILE = Path(__file__).with_name("synonyms.yaml")


def word_set(words: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(words.split())


STOP = word_set(
    "a about actually all already also am an and any api are as at be been being by can could did do does done "
    "for from get give got had has have hello here hey hi how i id if im in into is it its ive just klaviyo know "
    "let like maybe me my need now of ok okay on one ones only or our ours out please really say should show so "
    "some still such tell than thanks that the their them then there these they thing things this those to too up "
    "us using very via want wants was we were what when where which while will with would you your"
)
"""Words that say little of what is wanted. Of a question that has no others they count after all."""
NUMBER, ID, ADDRESS, DATE = "<number>", "<id>", "<address>", "<date>"
"""What stands for any number, id, address of e-mail, or day."""
_DATES = word_set(
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august "
    "september october november december today yesterday tomorrow tonight morning noon evening q1 q2 q3 q4"
)
_NUMBERS = word_set(
    "two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty hundred hundreds "
    "thousand thousands dozen dozens 10k 5k"
)
_WORD = re.compile(r"[\w.+-]+@[\w.-]+|[^\W_]+")
_ENDINGS = (
    ("iness", "i"), ("ingly", ""), ("ments", "ment"), ("ities", "ity"), ("ings", ""), ("ing", ""), ("ies", "y"),
    ("ied", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("ed", ""), ("es", "e"), ("s", ""),
)  # fmt: skip
_SHORTEST = 3
"""A word keeps as many letters when an ending is taken off."""
_VOWEL = re.compile("[aeiouy]")


@dataclass(frozen=True, slots=True)
class Words:
    """What the trade's file says, by stems.

    Words of several, irregular forms, meanings with their weights, and words of what no action does.
    """

    phrases: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]]
    irregular: dict[str, str]
    meanings: dict[str, tuple[tuple[str, float], ...]]
    beyond: frozenset[str]


@cache
def trade() -> Words:
    """The file, read at the first search."""
    from klaviyo_mcp.registry.yaml_text import parse  # 30 ms that a list of tools does without

    data = parse(FILE.read_text(encoding="utf-8"), FILE.name)
    phrases: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
    for said, one in mapping(data["phrases"]).items():
        parts = tuple(said.split())
        phrases.setdefault(parts[0], []).append((parts, tuple(str(one).split())))
    for known in phrases.values():
        known.sort(key=lambda phrase: -len(phrase[0]))
    irregular = {str(form): str(word) for form, word in mapping(data["irregular"]).items()}
    found: dict[str, list[str]] = {}
    for ours, others in mapping(data["means"]).items():
        for other in str(others).split():
            root = _stem(other, irregular)
            if (own := _stem(ours, irregular)) not in found.setdefault(root, []) and own != root:
                found[root].append(own)
    meanings = {word: tuple((own, 1 / len(owns) ** 0.5) for own in owns) for word, owns in found.items()}
    beyond = frozenset(_stem(word, irregular) for word in str(data["beyond"]).split())
    return Words(phrases, irregular, meanings, beyond)


def plain(text: str) -> list[str]:
    """The words of a text in small letters, also of names in camelCase, words of several joined."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", text)
    spaced = spaced.replace("\u2019", "'").replace("n't", " not").replace("'s", "")
    return joined(_WORD.findall(spaced.casefold()))


def joined(words: list[str]) -> list[str]:
    """Words with those of several made one."""
    phrases = trade().phrases
    found: list[str] = []
    at = 0
    while at < len(words):
        for parts, one in phrases.get(words[at], ()):
            if tuple(words[at : at + len(parts)]) == parts:
                found += one
                at += len(parts)
                break
        else:
            found.append(words[at])
            at += 1
    return found


@cache
def stem(word: str) -> str:
    """A word without its ending, its irregular form made regular; numbers, ids and days by what they are."""
    if "@" in word:
        return ADDRESS
    if word in _DATES:
        return DATE
    if word in _NUMBERS or (word.isdecimal() and word not in ("0", "1")):
        return NUMBER
    if len(word) > 3 and any(map(str.isdecimal, word)) and not word.isalpha() and not word.endswith("th"):
        return ID
    return _stem(word, trade().irregular)


def _stem(word: str, irregular: dict[str, str]) -> str:
    if word in irregular:
        return _bare(irregular[word])
    for end, instead in _ENDINGS:
        rest = word.removesuffix(end)
        if rest != word and len(rest) >= _SHORTEST and _VOWEL.search(rest) and not word.endswith(("ss", "us", "is")):
            rest += instead
            if (
                end in ("ing", "ings", "ed")
                and len(rest) > _SHORTEST
                and rest[-1] == rest[-2]
                and rest[-1] not in "lsz"
            ):
                rest = rest[:-1]
            return _bare(irregular.get(rest, rest))
    return _bare(word)


def _bare(word: str) -> str:
    """A stem without the e that other forms lack, with y and i as one, and s as American English spells it."""
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    if len(word) > 5 and word.endswith("is"):
        word = f"{word[:-1]}z"
    return f"{word[:-1]}i" if len(word) > 3 and word.endswith("y") else word


def pairs(text: str) -> list[tuple[str, str]]:
    """The words of a text, each with its stem."""
    return [(word, stem(word)) for word in plain(text)]


def telling(words: Iterable[tuple[str, str]]) -> list[str]:
    """The stems of words that say something; all where none does."""
    known = list(words)
    return [root for word, root in known if word not in STOP] or [root for _, root in known]


def meanings(root: str) -> tuple[tuple[str, float], ...]:
    """The words of our names that a stem may stand for, each with how sure that is."""
    return trade().meanings.get(root, ())


def expanded(roots: Iterable[str]) -> dict[str, float]:
    """Stems, and the words of our names that they mean, with how sure that is: 1 for a stem itself."""
    found = dict.fromkeys(roots, 1.0)
    for root in list(found):
        for meaning, sure in meanings(root):
            found[meaning] = max(sure, found.get(meaning, 0.0))
    return found


def first_meaning(root: str) -> str:
    """The word of our names that a stem stands for first, or the stem."""
    known = meanings(root)
    return known[0][0] if known else root

"""The words of a line of bash as its user typed them, and words as bash takes them. Only the standard library."""

import re

BARE = re.compile(r"[\w@%+=:,./~-]*", re.ASCII)
"""What needs no backslash."""
GLUE = "=:"
"""Signs at which readline breaks words, where COMP_WORDBREAKS has them: it puts in place what follows the last."""


def words_of(line: str) -> tuple[list[str], str, int]:
    """The words of a line, the last as far as it was typed; the quote that is open there, or ""; where it begins."""
    words, word, quote, begun, escaped, at = list[str](), "", "", False, False, 0
    for place, char in enumerate(line, 1):
        if escaped:
            word, escaped = word + (char if char != "\n" else ""), False
        elif char == "\\" and quote != "'":
            escaped = begun = True
        elif quote:
            quote, word = ("", word) if char == quote else (quote, word + char)
        elif char in "\"'":
            quote, begun = char, True
        elif char.isspace():
            if begun or word:
                words.append(word)
            word, begun, at = "", False, place
        else:
            word += char
    return [*words, word], quote, at


def for_bash(offered: list[str], begun: str, quote: str, breaks: str) -> list[str]:
    """Words as COMPREPLY has them: what stands in place of the part behind the last break, with bash's signs escaped.

    Readline puts in place what they all begin with. Where that is not what was typed, this is added, so that it stays.
    """
    if len({word[:1] for word in offered}) == 1 < len(offered) and not offered[0].startswith(begun):
        offered = [*offered, begun]
    cut = 0 if quote else max((begun.rfind(sign) + 1 for sign in GLUE if sign in breaks), default=0)
    return [_escaped(word[cut:], quote) for word in offered]


def _escaped(word: str, quote: str) -> str:
    if quote == "'":
        return word.replace("'", "'\\''")
    if quote:
        return re.sub(r'(["\\$`])', r"\\\1", word)
    return word if BARE.fullmatch(word) else re.sub(r"([^\w@%+=:,./~-])", r"\\\1", word)

"""Other people's words made safe to repeat: one line, bounded, and without characters that move a cursor or hide."""

import unicodedata

MOST = 500
"""Characters of one quotation."""
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
"""Unicode's categories of control, format, half, private and unassigned characters."""


def one_line(text: str, most: int = MOST) -> str:
    """A text as one line of at most `most` characters, so that nothing in it can pass for a line of our own."""
    # Far more than is kept, so that white space does not count, and little enough to look at each character.
    shown = "".join(_shown(char) for char in text[: most * 4])
    shown = " ".join(shown.split())
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _shown(char: str) -> str:
    kind = unicodedata.category(char)
    if char in "\r\n\t" or kind in ("Zl", "Zp"):
        return " "
    return "" if kind in HIDDEN else char

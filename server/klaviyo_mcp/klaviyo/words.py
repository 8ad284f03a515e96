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


def quoted(text: str, most: int = MOST) -> str:
    """Someone's words as one line in double quotes, which end where the words do."""
    words = one_line(text, most).replace('"', "'")
    return f'"{words}"'


JOINERS = "\u200c\u200d"
"""What joins letters and emoji: hidden, too, but Persian and families are not written without."""


def visible(text: str) -> str:
    """JSON text with every hidden character in it, such as one that turns the direction of writing, as an escape."""
    if text.isascii():
        return text
    # Each character is looked at once, however often it stands there: an answer may have millions.
    escapes = {ord(char): _escaped(char) for char in set(text) if _hides(char)}
    return text.translate(escapes) if escapes else text


def _hides(char: str) -> bool:
    return char > "\x7e" and char not in JOINERS and unicodedata.category(char) in (*HIDDEN, "Zl", "Zp")


def _escaped(char: str) -> str:
    if char <= "\uffff":
        return f"\\u{ord(char):04x}"
    rest = ord(char) - 0x10000
    return f"\\u{0xD800 + (rest >> 10):04x}\\u{0xDC00 + (rest & 0x3FF):04x}"


def _shown(char: str) -> str:
    kind = unicodedata.category(char)
    if char in "\r\n\t" or kind in ("Zl", "Zp"):
        return " "
    return "" if kind in HIDDEN else char

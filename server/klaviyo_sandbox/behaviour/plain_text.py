"""What an HTML document says without its markup: the text of an email whose author wrote none."""

from html.parser import HTMLParser

_UNREAD = ("head", "script", "style")
_ENDING_LINES = ("br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ol", "p", "table", "tr", "ul")


def text_of(source: str) -> str:
    """The words of an HTML document, a line for each block."""
    reader = _Reader()
    reader.feed(source)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.said).splitlines())
    return "\n".join(line for line in lines if line)


class _Reader(HTMLParser):
    """Collects what is to be read in a document, and where lines end."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - as it is called
        self._unread += tag in _UNREAD
        self._end_line(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unread -= self._unread > 0 and tag in _UNREAD
        self._end_line(tag)

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.said.append(" ".join(data.splitlines()))

    def _end_line(self, tag: str) -> None:
        if tag in _ENDING_LINES:
            self.said.append("\n")

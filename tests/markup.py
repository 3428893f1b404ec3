"""HTML for tests: checked, and read back."""

from html.parser import HTMLParser

VOID = {"br", "img", "path", "circle", "polyline"}


class Markup(HTMLParser):
    """What is in a piece of HTML; the tags must be balanced.

    Attributes:
        tags: name and attributes of each element.
        text: the text outside of the style.
        tables: of each table, its rows of texts.
    """

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.tables, self._open = [], "", [], []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" in self._open:
            return
        self.text += data
        if {"td", "th"} & set(self._open):
            self.tables[-1][-1][-1] += data

    def elements(self, tag):
        """The attributes of all elements with a name."""
        return [attributes for name, attributes in self.tags if name == tag]

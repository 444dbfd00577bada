"""Pages as people and programs meet them: their links, their forms, and what they must not hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit


@dataclass
class Html:
    """What one page holds."""

    text: str = ""
    links: list[str] = field(default_factory=list)
    """Addresses of this server that it links to, without fragments."""
    forms: list[tuple[str, str]] = field(default_factory=list)
    """Method and address."""
    faults: list[str] = field(default_factory=list)
    """Scripts, inline styles, ids that are there twice, fields without a label."""
    first: list[str] = field(default_factory=list)
    """The texts of its headings, in order."""


_VOID = {"input", "meta", "link", "br"}
_BLOCK = {"td", "th", "p", "li", "dd", "dt", "div", "h1", "h2", "h3", "br", "option", "label", "summary", "caption"}


class _Reader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self.made, self._address = Html(), address
        self._ids: set[str] = set()
        self._labelled: set[str] = set()
        self._fields: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.made.text += " " * (tag in _BLOCK)
        if tag not in _VOID:
            self._open.append(tag)
        self._faults(tag, values)
        if tag == "a" and values.get("href", "").startswith("/"):
            target = urlsplit(urljoin(self._address, values["href"]))
            self.made.links.append(target.path + (f"?{target.query}" if target.query else ""))
        if tag == "form":
            self.made.forms.append((values.get("method", "get"), values.get("action", "")))
        if tag == "label":
            self._labelled.add(values.get("for", ""))
        if tag in ("input", "select", "textarea") and values.get("type") != "hidden":
            self._fields.append(values.get("id", ""))
        if tag in ("h1", "h2"):
            self.made.first.append("")

    def _faults(self, tag: str, values: dict[str, str]) -> None:
        if tag in ("script", "style", "iframe", "object", "embed", "base"):
            self.made.faults.append(f"<{tag}>")
        self.made.faults.extend(f"{tag} {name}" for name in values if name == "style" or name.startswith("on"))
        self.made.faults.extend(f"{tag} {values[name]}" for name in ("href", "src") if _foreign(tag, values.get(name)))
        if "id" in values and values["id"] in self._ids:
            self.made.faults.append(f"two elements with id {values['id']}")
        self._ids.add(values.get("id", ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        self.made.text += " " * (tag in _BLOCK)
        if tag not in self._open:
            self.made.faults.append(f"</{tag}> without a beginning")
            return
        while (last := self._open.pop()) != tag:
            if last not in ("p", "li", "option"):
                self.made.faults.append(f"<{last}> is not closed before </{tag}>")

    def handle_data(self, data: str) -> None:
        self.made.text += data
        if {"h1", "h2"} & set(self._open):
            self.made.first[-1] += data

    def done(self) -> Html:
        """What was read."""
        self.made.faults += [f"no label for {name}" for name in self._fields if name not in self._labelled]
        self.made.text = " ".join(self.made.text.split())
        self.made.first = [" ".join(one.split()) for one in self.made.first]
        return self.made


def _foreign(tag: str, address: str | None) -> bool:
    """Whether something would be fetched from elsewhere, or a link leads to something that is no page."""
    if address is None:
        return False
    page = tag == "a" and address.startswith(("https://", "http://", "mailto:"))
    return not page and not address.startswith(("/", "#"))


def parsed(text: str, address: str = "/") -> Html:
    """What a page of an address holds."""
    reader = _Reader(address)
    reader.feed(text)
    reader.close()
    return reader.done()

"""A sanitiser as an oracle: of what is rendered it has nothing to take out but what our own templates put there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import lxml.html
import nh3
import pytest

from notifier.rendering.messages import render
from tests.integration.notifier.rendering.test_browser_hostile import ATTACKS, full_report
from tests.unit.notifier.rendering.test_hostile_values import everywhere


def mail(text: str) -> str:
    return render(everywhere(text, welcome=False)).html


def welcome(text: str) -> str:
    return render(everywhere(text, welcome=True)).html


def body(page: str) -> str:
    found = re.search(r"<body[^>]*>(.*)</body>", page, re.DOTALL)
    assert found
    return found[1]


def tree(markup: str) -> list[tuple[Any, ...]]:
    """Every element with its attributes and the text in and after it."""
    parser = lxml.html.HTMLParser(encoding="utf-8")
    whole = lxml.html.document_fromstring(f"<body>{markup}</body>".encode(), parser=parser)
    return [(e.tag, sorted(e.attrib.items()), e.text or "", e.tail or "") for e in whole.iter()]


def sanitised(page: str, like: str) -> str:
    """The body of a page without what its template does not use: the elements and attributes of a harmless one."""
    used: dict[str, set[str]] = {}
    for tag, attributes, _, _ in tree(body(like)):
        # the tree has its names in small letters
        names = ("viewBox" if name == "viewbox" else str(name) for name, _ in attributes)
        used.setdefault(str(tag), set()).update(names)
    return nh3.clean(
        body(page),
        tags=set(used) - {"html", "body"},
        attributes=used,
        url_schemes={"http", "https"},
        link_rel=None,
        strip_comments=True,
    )


@pytest.mark.parametrize("render_", [mail, welcome, full_report])
@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_a_sanitiser_finds_nothing_to_take_out(render_: Callable[[str], str], text: str) -> None:
    page = render_(text)
    assert tree(sanitised(page, render_("harmless"))) == tree(body(page))


def test_it_would_find_what_was_not_escaped() -> None:
    like = mail("harmless")
    odd = like.replace("harmless", "<img src=x onerror=alert(1)>", 1).replace("</body>", "<i onclick=x>y</i></body>")
    assert tree(sanitised(odd, like)) != tree(body(odd))

"""What sentences say about versions: "through 18.06.1", "fixed in 1.2.8, 1.3.3 and 1.4.0-rc.3".  Pure.

Many records hold their range only in words (`affected: n/a`), and many hold words that are truer
than their range.  A text is cut into sentences, a sentence into tokens, and each token is written
as one letter; statements are then regular expressions over those letters, so that the grammar
below can be read and tested as a table.  A version belongs to the product named last before it in
its sentence, else to the first one after it, else to the one the record is about, else to the one
the text spoke of before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from feeds.advisories.records import PRODUCTS, VersionStatement
from feeds.versions import products
from feeds.versions.ranges import Span, exactly, whole_branch
from feeds.versions.upstream import is_version

CURRENT = "current"
"""The high end of "1.11 to current": the newest release when the words were published."""

_VERSION = (
    r"(?<![\w.])v?\d+(?:\.\d+)+(?:-(?:ce|ee|cs)(?:-?\d+)?)?"
    r"(?:[-.]?(?:rc|beta|alpha|tp)[-.]?\d*(?:\.\d+)?)?(?:-(?:win|mac)\d+|-\d+)?(?![\w])"
)
# (letter, words); the first that matches at a place gives the letter.
_LETTERS = (
    # what is numbered, too, and followed by nobody here
    ("w", r"\b(?:macos 1\d|windows (?:server )?(?:7|8|1[01]|20\d\d))(?:\.\d+)*\b"),
    ("w", r"\b(?:wsl ?2?|tls|openssl|cvss|api|http|python)(?: version)?[ /]v?\d+(?:\.\d+)*\b"),
    ("w", r"\bgo (?:(?:versions?|before|prior to|through) )?\d+(?:\.\d+)+\b"),
    ("X", r"(?<![\w.])v?\d+(?:\.\d+)*\.x\b"),
    ("V", _VERSION),
    ("g", r">=|≥|=>|\bfrom and including\b"),
    ("B", r"\bup to,? \(?(?:but )?(?:not including|excluding)\b"),
    ("T", r"<=|≤|=<|\bup to(?: and including)?\b|\bthrough\b|\bthru\b"),
    ("B", r"<|\b(?:before|prior to|earlier than|older than|lower than|preceding)\b"),
    ("B", r"\b(?:below|under)(?= (?:versions? )?v?\d)"),
    ("E", r"\b(?:and|or) (?:earlier|below|prior|older|lower|previous)\b(?! (?:to|than)\b)(?: versions?| releases?)?\b"),
    ("L", r"\b(?:and|or) (?:later|above|newer|higher|up)\b|>"),
    ("c", r"\b(?:current|the latest|latest|present|now)\b"),
    ("f", r"\b(?:from|between|since|starting (?:with|from))\b"),
    ("r", r"\bto\b|–|—|(?<=\d) - (?=v?\d+\.\d)"),
    ("n", r"\bunaffected\b"),
    ("n", r"\b(?:not|never|\w+n['’]t) (?:be |been |believed to be |known to be )?(?:affect|impact|vulnerabl)\w*"),
    ("N", r"\b(?:not|never|neither|incomplete(?:ly)?)\b|\b\w+n['’]t\b"),
    (
        "F",
        r"\b(?:re)?(?:fix(?:e[sd])?|patch(?:e[sd])?|resolve[sd]?|addresse[sd]|address|mitigated|corrected|remediated)\b",
    ),
    ("U", r"\b(?:upgrad(?:e|ing)|updat(?:e|ing))\b"),
    ("A", r"\b(?:affect(?:s|ed|ing)?|vulnerable|impact(?:s|ed)?|found|discovered|exists?)\b"),
    ("b", r"\bbranch(?:es)?\b"),
    ("v", r"\b(?:versions?|releases?|v\.?(?= ?\d))(?!\w)"),
    ("i", r"\b(?:in|with|by|as of|of)\b"),
    ("&", r"\b(?:and|or|as well as)\b|&"),
    (",", r"[,/]"),
    ("h", r"\b(?:contain(?:s|es)?|includes?|are|is|has|have|ha[ds] been|was|were|received?)\b"),
    ("o", r"\b(?:only|solely|exclusively)\b"),
    ("I", r"\bintroduced\b"),
    ("(", r"[()]"),
    ("w", r"[\w'’./:@#%+-]+"),
)
_TOKEN = re.compile("|".join(f"(?P<l{i}>{words})" for i, (_, words) in enumerate(_LETTERS)), re.IGNORECASE)
_TAG = re.compile(r"\bdocker-v(?=\d)", re.IGNORECASE)
"""What tags of moby/moby begin with from 29 on."""
_LONGEST = 4000
"""Characters of a sentence that are read."""
_MOST = 40
"""Versions of a list that follow its first. Without an end, each of n versions would begin a list of n."""
_SENTENCE = re.compile(r"(?<=[.!?])[\s\"']+(?=[A-Z(_*]|(?:runc|containerd|buildkitd?|dockerd)\b)|\n\s*\n|\n(?=[-*#|])")

_ITEM = r"P?v?[VX]"
_LIST = rf"{_ITEM}(?:(?:,&?|&){_ITEM}){{0,{_MOST}}}"
_FROM = r"P?v?g?[VX]L?"
_FROM_LIST = rf"{_FROM}(?:(?:,&?|&){_FROM}){{0,{_MOST}}}"
_NAMED = rf"[fgBT]?v?{_LIST}(?:[rTB]v?{_ITEM})?,?[EL]?"
# In order of trust; a token that one statement has used is not used by the next.
_GRAMMAR = (
    ("ignored", rf"{_LIST}[,&()wv]{{0,2}}b|U[wPi]{{0,2}}fv?{_ITEM}[rT]v?{_ITEM}"),
    ("cleared", rf"{_NAMED}[,()vw]{{0,2}}h?(?:n|N(?:$|\)))|(?<!h)n[wiv]{{0,3}}{_NAMED}"),
    ("branch_before", r"Xv?B[v]?V"),
    ("introduced", r"Iiv?V,?&?[wh]{0,2}Fiv?V"),
    ("from_before", r"(?:f|g)?v?V,?&?w?Bv?V"),
    ("between", r"f?v?V(?:r|T)v?V|fv?V&v?V|gv?V,?&?Tv?V"),
    ("to_current", r"f?v?V(?:r|T)P?c"),
    ("before", rf"B(?:P?v)?{_ITEM}(?!,?E)(?:(?:,&?|&){_ITEM}(?!,?E)){{0,{_MOST}}}"),
    ("earlier", rf"{_LIST},?E"),
    ("through", r"TP?v?V"),
    ("not_fixed", rf"N[wh]?Fw{{0,2}}i?{_LIST}|F[wh]{{0,4}}i{_LIST}hN"),
    # "fixed in 1.2 only" tells where it was wrong, as "1.2 is the only affected version" does
    ("only", rf"F[whN(,]{{0,4}}i[wv]{{0,2}}{_LIST}o|ov?{_LIST}[iPhw]{{0,4}}A|{_LIST}hoAv?|A(?:io|oi){_LIST}"),
    (
        "fixed",
        rf"F[whN(,]{{0,4}}i[wv]{{0,2}}f?{_FROM_LIST}|F,?f[wv]{{0,2}}{_LIST}|F[wh]{{0,2}}{_FROM_LIST}|U[wPi]{{0,4}}rw?{_LIST}",
    ),
    ("fixed", rf"{_LIST}v?[wh(]{{0,4}}F(?!i[wv]{{0,2}}{_ITEM})"),
    ("only", rf"o?Av?[wi]{{0,3}}P?h?{_LIST}(?!L)o?|{_LIST}o"),
)
_COMPILED = tuple((name, re.compile(pattern)) for name, pattern in _GRAMMAR)
_DISTRIBUTION = re.compile(
    r"\b(?:red ?hat|rhel|rhba|openshift|fedora|debian|ubuntu|suse|amazon linux)\b", re.IGNORECASE
)


class _Token(NamedTuple):
    letter: str
    text: str
    product: str


class _Found(NamedTuple):
    product: str
    affected: tuple[Span, ...]
    fixed: tuple[str, ...]
    words: str


def read_prose(text: str, *, about: str = "") -> tuple[VersionStatement, ...]:
    """The claims that a text makes, one a product, marked as read from prose.

    An explicit "fixed in" comes back as `fixed`; the end of "before 1.2" only as the end of its span,
    for a sentence may use "before" without meaning that 1.2 repaired anything.

    `about` is the product that the whole record is about, where its fields say so.  What is said of a product
    that Navtex does not follow, or of a distribution's package, is left out.

    >>> [(c.product, [str(s) for s in c.affected]) for c in read_prose("runc through 1.1.4 has a flaw.")]
    [('runc', ['<= 1.1.4'])]
    """
    found: list[_Found] = []
    bare: list[_Found] = []
    context = about
    for sentence in (s[:_LONGEST] for s in _SENTENCE.split(text)):
        if not sentence.strip():
            continue
        tokens = _tokens(sentence)
        if not names_distribution(sentence):
            found.extend(_statements(tokens, context, " ".join(sentence.split())))
            bare.extend(_bare(tokens, " ".join(sentence.split())))
        named = [t.product for t in tokens if t.product]
        known = [p for p in named if p != products.FOREIGN]
        # a sentence that names a stranger alone leaves what follows to the stranger
        context = about or next(iter(known or named), context)
    found = found or bare[:1]
    return tuple(_claim(product, [f for f in found if f.product == product]) for product in _order(found))


def names_distribution(text: str) -> bool:
    """Whether a text speaks of a distribution, whose packages it may mean."""
    return _DISTRIBUTION.search(text) is not None


def _order(found: list[_Found]) -> list[str]:
    kept = dict.fromkeys(f.product for f in found)
    return [p for p in kept if p in PRODUCTS]


def _claim(product: str, found: list[_Found]) -> VersionStatement:
    return VersionStatement(
        product=product,
        affected=tuple(dict.fromkeys(s for f in found for s in f.affected)),
        fixed=tuple(dict.fromkeys(v for f in found for v in f.fixed)),
        prose=True,
        words=" … ".join(dict.fromkeys(f.words for f in found)),
    )


def _tokens(sentence: str) -> list[_Token]:
    sentence = _TAG.sub("v", sentence)
    names = iter([*products.mentions(sentence), ("", len(sentence) + 1, len(sentence) + 1)])
    product, start, end = next(names)
    tokens: list[_Token] = []
    at = 0
    while at < len(sentence):
        if at >= start:
            tokens.append(_Token("P", sentence[start:end], product))
            at = end
            product, start, end = next(names)
            continue
        match = _TOKEN.search(sentence, at)
        if match is None or match.start() >= start:
            at = start
            continue
        letter = _LETTERS[int((match.lastgroup or "l0")[1:])][0]
        text = match[0][: start - match.start()] if match.end() > start else match[0]
        at = match.start() + len(text)
        if letter == "w" and _glue(text):
            continue
        if letter in "VX" and not is_version(text.rstrip("xX").rstrip(".")):
            letter = "w"
        tokens.append(_Token(letter, text, ""))
    return tokens


def _glue(word: str) -> bool:
    return word.strip("'’./:@#%+-").lower() in ("", "s", "the", "a", "an")


def _statements(tokens: list[_Token], context: str, words: str) -> Iterator[_Found]:
    letters = "".join(t.letter for t in tokens)
    used = [False] * len(tokens)
    owners = _owners(tokens, context)
    for name, pattern in _COMPILED:
        for match in pattern.finditer(letters):
            versions = [i for i in range(match.start(), match.end()) if tokens[i].letter in "VX"]
            if any(used[i] for i in versions) or _turned(name, letters[max(0, match.start() - 4) : match.start()]):
                continue
            for i in versions:
                used[i] = True
            for said in _meaning(name, tokens, versions, owners):
                yield _Found(*said, words)


def _turned(name: str, before: str) -> bool:
    """Whether what stands before a statement takes it away: "not fixed in 1.2", "1.1 is affected, 1.2 ..."."""
    return (name == "fixed" and "N" in before[-2:]) or (
        name == "only" and bool(re.search(r"[VX][vw]{0,2}h$", before[-4:]))
    )


class _Said(NamedTuple):
    product: str
    affected: tuple[Span, ...] = ()
    fixed: tuple[str, ...] = ()


def _meaning(name: str, tokens: list[_Token], at: list[int], owners: list[str]) -> Iterator[_Said]:
    """What the versions of one statement mean, for the product that each belongs to."""
    if name in ("ignored", "cleared", "not_fixed"):
        return
    values = [tokens[i].text.lstrip("v") for i in at]
    span = _span(name, values)
    if span is not None:
        yield _Said(_owner(tokens, at[0], owners), (span,))
    elif name in ("before", "fixed", "only"):
        for i, value in zip(at, values, strict=True):
            yield from _single(name, value, _owner(tokens, i, owners))


def _span(name: str, values: list[str]) -> Span | None:
    """The span of a statement that makes one of all its versions."""
    if name == "branch_before":
        return Span(whole_branch(values[0][:-2]).low, values[1])
    if name == "earlier":
        return max((_through(v) for v in values), key=Span.keys)
    ends = {
        "introduced": (values[0], values[-1], False),
        "from_before": (values[0], values[-1], False),
        "between": (values[0], values[-1], True),
        "to_current": (values[0], CURRENT, True),
        "through": ("", values[0], True),
    }
    if name not in ends:
        return None
    low, high, closed = ends[name]
    return Span(low, high, closed_high=closed)


def _through(value: str) -> Span:
    if is_version(value):
        return Span("", value, closed_high=True)
    return Span("", whole_branch(value[:-2]).high)


def _single(name: str, value: str, product: str) -> Iterator[_Said]:
    """One version of a list, each of which makes a statement of its own."""
    if not is_version(value):
        branch = whole_branch(value[:-2])
        if name != "fixed":
            yield _Said(product, (branch if name == "only" else Span("", branch.low),))
    elif name == "before":
        yield _Said(product, (Span("", value),))
    elif name == "fixed":
        yield _Said(product, (), (value,))
    else:
        yield _Said(product, (exactly(value),))


def _owners(tokens: list[_Token], context: str) -> list[str]:
    """The product that a version at each place belongs to: that named last before it, else the first one after."""
    first = next((t.product for t in tokens if t.product), context)
    found = []
    for token in tokens:
        found.append(first)
        first = token.product or first
    return found


def _owner(tokens: list[_Token], at: int, owners: list[str]) -> str:
    """The product whose numbers the version at a place is of."""
    return products.numbering(owners[at], tokens[at].text)


def _bare(tokens: list[_Token], words: str) -> Iterator[_Found]:
    """A product with one version behind it and no more said: "Docker Engine 1.12.2 enabled ..."."""
    letters = "".join(t.letter for t in tokens)
    for at, (name, version) in enumerate(pairwise(tokens)):
        if name.letter == "P" and version.letter == "V" and name.product in PRODUCTS:
            # no statement that it has the flaw: "not in", "since", "and later", "introduced in", "contains runc 1.2"
            otherwise = re.search(r"n|[Nf]$", letters[:at]) or re.match(r"L|.*n", letters[at + 2 :])
            following = tokens[at + 2].text.lower() if at + 2 < len(tokens) else ""
            brought = any(t.text.lower() == "introduced" for t in tokens[:at])
            if not (otherwise or brought or following.startswith(("contain", "include"))):
                value = version.text.lstrip("v")
                yield _Found(products.numbering(name.product, value), (exactly(value),), (), words)
            return

"""How a sentence of release notes speaks of a vulnerability: as fixed, as a dependency's, or in passing.  Pure.

The ids of a text are read in groups ("CVE-1, CVE-2 and CVE-3" is one).  What a group means depends on the words before
it, back to the group before; where it opens its sentence, on the words behind it; and where it stands alone, on the
sentence before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from feeds.advisories.records import cves_in, ghsas_in
from feeds.versions import products

ID = r"(?:CVE-\d{4}-\d{4,19}|GHSA(?:-\w{4}){3})"
_GROUP = re.compile(rf"{ID}(?:(?:[^\w.!?;]|\band\b){{1,8}}{ID})*", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)\s+")
_REFERENCE = re.compile(r"\b[\w.-]+/[\w.-]+#\d+")
"""A pull request or an issue, whose repository says nothing of the product."""


def _any(*patterns: str, start: str = r"\b") -> re.Pattern[str]:
    """One pattern out of several, in any case of letters, each of which begins at a word."""
    return re.compile(f"{start}(?:{'|'.join(patterns)})", re.IGNORECASE)


_FIXED = (
    r"(?:fix(?:ed|es|ing)?|patch(?:ed|es|ing)?|address(?:ed|es|ing)?|resolv(?:e[ds]?|ing)|mitigat(?:e[ds]?|ing)"
    r"|remediat(?:e[ds]?|ing)|correct(?:ed|s|ing)?|eliminat(?:e[ds]?|ing)|protect(?:s|ed)? against|prevent(?:s|ed|ing)?"
    r"|repair(?:s|ed|ing)?|clos(?:e[sd]?|ing)|plug(?:s|ged|ging)?|rectif(?:y|ies|ied|ying)|neutrali[sz](?:e[sd]?|ing)"
    r"|remed(?:y|ies|ied)|cur(?:e[sd]|ing)|(?:guard|defend)(?:s|ed|ing)? against|tak(?:es?|ing) care of"
    r"|stop(?:s|ped|ping)? (?:\w+ )?from exploiting|mitigations?|resolution|solution)"
)
_NOT = r"(?:not|never|cannot|\w+n['’]t)"
_COMING = r"(?:next|future|later|upcoming|coming|subsequent|following)"
_FLAW = r"(?:issues?|problems?|vulnerabilit\w+|limitations?|flaws?)"
_OPEN = r"(?:vulnerable|affected|exposed|open|present|unfixed|exploitable)"
FIX = _any(rf"{_FIXED}\b")
_REPAIRED = _any(r"(?:fix(?:e[sd]|ing)?|address(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|patch(?:e[sd]|ing)?)\b")
_PASSIVE = re.compile(
    rf"^[\s,)\]]*(?:[^.;]{{0,60}}\W)?(?:is|are|was|were|been|now|being|gets?) (?:now |also |fully )?{_FIXED}\b",
    re.IGNORECASE,
)
_PASSING = _any(
    r"regressions?\b",
    r"harden(?:s|ing)\b",
    r"similar to\b",
    r"such as\b",
    r"make sure\b",
    r"ensure you\b",
    r"related to\b",
    r"see also\b",
    r"unlike\b",
    r"like (?:those|the) ",
    r"(?:introduced|caused|broken|brought|regressed) (?:in|by|with)\b",
    r"revert(?:s|ed|ing)?\b",
    r"(?:after|since|follow(?:ing|-up)(?: \w+)?) the (?:fix|patch|mitigation)",
    r"workarounds? for\b",
    r"document(?:s|ed|ation)\b",
    r"tests? for\b",
    r"scann(?:er|ing)",
    r"false positives?\b",
    r"partial(?:ly)?\b",
    r"incomplete(?:ly)?\b",
    r"not (?:related|to be confused)",
)
_UNFIXED = _any(
    rf"known {_FLAW}\b",
    rf"{_NOT} (?:(?:yet|been|be|currently|fully|contain|include|have|receive|provide|ship) )*"
    rf"(?:an? |the |any )?{_FIXED}\b",
    r"un(?:fixed|patched|resolved|addressed)\b",
    rf"(?:remains?|still|currently|continues? to be) (?:\w+ ){{0,2}}{_OPEN}",
    r"remains? (?:in|present|open)\b",
    rf"(?:will|to|must|should|shall) be {_FIXED}\b",
    rf"will (?:\w+ )?{_FIXED}\b",
    rf"being {_FIXED}\b",
    r"(?:no|without an?) fix\b",
    rf"{_NOT} (?:believed to be |known to be )?(?:affected|vulnerable|impacted|exploitable)\b",
    r"(?:is|are) (?:also )?(?:affected|vulnerable|exposed|impacted) (?:by|to)\b",
    rf"{_NOT} (?:affect|impact|concern)\w* (?:the )?(?:docker|engine|daemon|moby|this|any)\b",
    r"(?:cannot|can['’]t|unable to|not able to|until you) (?:upgrade|update)\b",
    r"under (?:investigation|review|analysis)\b",
    r"plan(?:s|ned)? to\b",
    rf"(?:in|for) (?:the|an?) {_COMING} (?:\w+ )?(?:release|version|update)",
    r"working on\b",
    r"work in progress\b",
    r"awaiting\b",
    r"pending\b",
)
_LOCKED_DOWN = _any(r"(?:seccomp|apparmor|selinux)\b")
"""Rules that keep containers from a flaw of something else, most often of the kernel."""

_UPDATE = re.compile(
    r"(?P<subject>[^.;:]{0,80}?)\b(?P<verb>updat|upgrad|bump|vendor)(?:e|es|ed|ing|s)?\b(?P<object>[^.;]{0,120})",
    re.IGNORECASE,
)
_TO = re.compile(r"^\s*(?:to|from)\b", re.IGNORECASE)
_GO = re.compile(r"^\s*to go v?\d", re.IGNORECASE)
_PASSIVE_END = re.compile(r"\w (?:has been|have been|was|were|is|are|being|gets?)\s*$", re.IGNORECASE)
_VERSIONED = re.compile(
    r"^\W*(?:[\w./@-]+\W+){1,6}?(?:to|from|version)\W+(?:version\W+)?v?\d+(?:\.\d+)+", re.IGNORECASE
)
_LIBRARY = _any(
    r"(?:dependenc\w+|librar\w+|binar\w+|modules?|packages?|toolchains?|compilers?|runtime|base images?|plugin)\b",
    r"(?:vendored\b|golang\.org/|google\.golang\.org/|gopkg\.in/|go\.\w+\.\w+/|github\.com/)",
)
_COMPILER = re.compile(
    r"\b[Gg]o ?v?1\.\d+|\b(?i:(?:re)?(?:built|build|compil\w+) (?:with|using|against)\b.{0,30}?\b(?:go|rust|gcc)\b)"
)
_EXCHANGED = _any(
    r"(?:switch|replac|swap|mov|migrat|refresh|bundl|shipp?)(?:e|es|ed|ing|s)?\b[^.;]{0,40}"
    r"\b(?:vendored|librar\w+|dependenc\w+|binar\w+)"
)
_OWN_PART = re.compile(
    r"^\W*(?:the |our |its )?(?:default |built-in )?(?:[\w-]+ ){0,2}(?:profiles?|polic(?:y|ies)|permissions?"
    r"|capabilit\w+|validation|handling|checks?|rules?|defaults?|code|logic|documentation|parser|parsing)\b",
    re.IGNORECASE,
)
_LEADS = re.compile(r"^\W*(?:(?:security|important|critical|caution|note)\W+)?$", re.IGNORECASE)
_GLUE = re.compile(r"^(?>(?:\([^()]*\)|\[[^\[\]]*\]|\W|\b(?:and|as well as|also|plus|or)\b)*)$", re.IGNORECASE)
_READ_ON = re.compile(
    r"^\W*(?:(?:see|refer to|details in|more in|cf\.?)\b"
    r"|(?:(?:it|this|they|these|the (?:issue|flaw|vulnerability|bug|problem)) (?:\w+ ){1,3})?"
    r"(?:tracked|identified|assigned|registered|published|filed|recorded|known as|number(?:ed)?|identifier)\b)",
    re.IGNORECASE,
)
_NO_CHANGE = re.compile(
    r"(?:an?|the|th(?:is|at|ese|ose)|its?|there|in|on|at|by|with|for|of|to|from|as|if|when|where|which|who|whose|while"
    r"|and|or|but|is|are|was|were|be|been|ha[sd]|have|can|could|may|might|must|should|will|would|do|does|did|not|no|we"
    r"|you|some|any|all|allow(?:s|ed)|affect(?:s|ed)|cause[sd]|enable[sd]|permitted|impacted|discovered|reported"
    r"|describe[sd]|disclosed|see|refer|critical|high|medium|low|moderate|potential|possible|improper|insufficient"
    r"|incorrect|missing|denial|arbitrary|unbounded|containers?|docker|note|known|\w+ing)",
    re.IGNORECASE,
)
"""First words of what tells of a flaw, and not of a change."""
_RATED = re.compile(r"^\W*(?:low|medium|moderate|high|critical)\b\W*", re.IGNORECASE)
_CHANGED = re.compile(
    r"^\W*(?:[\w'’-]+ ){1,4}(?<!\bis )(?<!\bare )(?:no longer|now) (?!known|public)\w+", re.IGNORECASE
)
"""What is otherwise from now on: "the daemon no longer follows links"."""
_NAMED_VERSION = re.compile(r"^\W*(?P<name>[a-z][\w./-]*)(?P<colon>:?) v?\d+(?:\.\d+)+(?P<more>.*)$", re.IGNORECASE)
_NO_NAME = re.compile(r"versions?|releases?|in|since|before|from|until|to|and|with|by|as|of", re.IGNORECASE)


class Sense(Enum):
    """What a text says of the vulnerabilities that it names."""

    FIXED = "fixed"
    CHANGED = "changed"
    """A change is named with the id and without a verb of fixing: "CVE-1: create the folder in a chroot"."""
    DEPENDENCY = "dependency"
    """Something else was updated, in which they are fixed."""
    MENTIONED = "mentioned"
    UNCLEAR = "unclear"


class Passage(NamedTuple):
    """A group of ids: what is said of them, whether they open the text or end it apart, and the words around them."""

    ids: tuple[str, ...]
    sense: Sense
    opens: bool
    words: str
    ends: bool = False
    """Whether they end the text, set apart from it: "a flaw in the parser (CVE-1)"."""


def passages(text: str, product: str) -> Iterator[Passage]:
    """The groups of ids in a text, in order, as notes of `product` speak of them."""
    carried = Sense.UNCLEAR
    first = True
    for sentence in _SENTENCE.split(text):
        found = list(_GROUP.finditer(sentence))
        if not found:
            own = _own_sense(sentence, product)
            # "Some users ..." between a fix and its id takes nothing away
            carried = carried if own is Sense.UNCLEAR else own
        at = 0
        for number, match in enumerate(found):
            end = found[number + 1].start() if number + 1 < len(found) else len(sentence)
            before, after = sentence[at : match.start()], sentence[match.end() : end]
            carried = _sense(before, after, carried, product, first=number == 0)
            opens = first and number == 0 and _LEADS.match(before) is not None
            ends = first and _trails(before, after)
            yield Passage(_ids(match[0]), carried, opens, f"{before} {after}", ends)
            at = match.end()
        first = False


def _ids(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*cves_in(text), *ghsas_in(text))))


def _sense(before: str, after: str, carried: Sense, product: str, *, first: bool) -> Sense:
    """What is said of a group of ids between two pieces of its sentence; `carried` is what came before it."""
    leads = first and _LEADS.match(before) is not None
    if _UNFIXED.search(before) or _UNFIXED.search(after[:100]) or _is_lockdown(before):
        return Sense.MENTIONED
    if leads:
        own = _own_sense(after, product)
    elif _PASSING.search(before):
        own = Sense.MENTIONED
    elif is_dependency(before, product):
        own = Sense.DEPENDENCY
    elif FIX.search(before) or _PASSIVE.search(after):
        own = Sense.FIXED
    else:
        own = Sense.CHANGED if first and _trails(before, after) and is_change(before) else Sense.UNCLEAR
    follows = leads or _GLUE.match(before) or _READ_ON.match(before)
    return carried if own is Sense.UNCLEAR and follows else own


def _trails(before: str, after: str) -> bool:
    return bool(re.search(r"[\[(,:/–—-]\s*\W*$", before)) and not re.search(r"\w", after)


def _own_sense(text: str, product: str) -> Sense:
    """What a piece of text without ids says: of those beside it."""
    if _UNFIXED.search(text) or _is_lockdown(text):
        return Sense.MENTIONED
    if is_dependency(text, product):
        return Sense.DEPENDENCY
    if FIX.search(text):
        return Sense.FIXED
    if is_change(text):
        return Sense.CHANGED
    return Sense.UNCLEAR


def _is_lockdown(text: str) -> bool:
    return bool(_LOCKED_DOWN.search(text)) and not _REPAIRED.search(text)


def in_passing(text: str) -> bool:
    """Whether a text introduces what is not fixed by this release: known issues, hardening, comparisons."""
    return bool(_UNFIXED.search(text) or _PASSING.search(text))


def is_change(text: str) -> bool:
    """Whether a text starts with what was done: "Mask the path", "Added validation"."""
    text = _RATED.sub("", text)
    if _CHANGED.match(text) and not _PASSING.search(text):
        return True
    words = re.findall(r"[\w'’-]+", text[:60])
    first = words[0].lower() if words else ""
    if len(words) < 3 or _NO_CHANGE.fullmatch(first) or not first.isalpha() or _PASSING.search(text):
        return re.match(r"\W*do(?: not|n['’]t) \w+", text, re.IGNORECASE) is not None and "use" not in words[1:3]
    # "An attacker could ...", "Containers might ...": what was wrong, and not what was done
    wrong = re.search(r"\b(?:could|might|may|can)\b", " ".join(words[:5]), re.IGNORECASE)
    return not wrong


def is_dependency(text: str, product: str) -> bool:
    """Whether a text tells of an update of something that `product` contains, or is built with."""
    text = _REFERENCE.sub("", text)
    if re.match(r"^\W*(?:vendor|deps|dependenc(?:y|ies)|build|chore)(?:\([^)]*\))?:", text, re.IGNORECASE):
        return True
    if _is_named_version(text, product):
        return True
    if _COMPILER.search(text) or _EXCHANGED.search(text):
        return True
    return any(_updates_another(match, product) for match in _UPDATE.finditer(text))


def _is_named_version(text: str, product: str) -> bool:
    """Whether a text is the name of something else with its version: "rootlesskit v2.3.6", "Go: 1.30.1, fixing"."""
    found = _NAMED_VERSION.match(text)
    if found is None or _names(found["name"], product):
        return False
    if _NO_NAME.fullmatch(found["name"]) or FIX.fullmatch(found["name"]):
        return False
    return bool(found["colon"]) or not re.search(r"\w", found["more"])


def _updates_another(match: re.Match[str], product: str) -> bool:
    subject, updated = match["subject"], match["object"]
    other = _is_other(updated, product)
    if _TO.match(updated):
        # "upgrade to 29.1" is advice about this very product; "runc was upgraded to 1.2" is an update of another
        other = other or _is_other(subject, product) or _GO.match(updated) is not None
        return other or (_PASSIVE_END.search(subject) is not None and not _names(subject, product))
    if _names(updated, product):
        return False
    if other or _VERSIONED.search(updated) or _LIBRARY.search(updated[:60]):
        return True
    bare = not re.search(r"\w", subject) and not _OWN_PART.search(updated)
    return bare or (_is_noun(match) and _is_other(subject, product))


def _is_noun(match: re.Match[str]) -> bool:
    """Whether the update is a thing: "the runc update fixes ..."."""
    return re.match(rf"\W*{_FIXED}\b", match["object"], re.IGNORECASE) is not None


def _names(text: str, product: str) -> bool:
    return next((p for p, _, _ in products.mentions(text)), "") in (product, products.ENGINE_MODULE)


def _is_other(text: str, product: str) -> bool:
    return next((p for p, _, _ in products.mentions(text)), product) not in (product, products.ENGINE_MODULE)

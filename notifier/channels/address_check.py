"""Whether Apprise understood an address whole: what it parsed is turned back into an address and compared.

Apprise drops what it does not know, and cuts what it takes for a separator.  A recipient, a login or a parameter that
is lost that way would send a digest to somebody else, or to nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from feeds.core.errors import ChannelError

_ALWAYS = {"user", "pass", "password", "port", "to", "from", "token"}
"""Parameters that Apprise reads for every service, beside those that a service declares."""
_PREFIXES = "+-:"


def check_signs(address: str) -> None:
    """ChannelError where a sign in the address can be read in two ways, and so a part of a login as a host."""
    scheme, separator, rest = address.strip().partition("://")
    if not separator or scheme.lower() in ("http", "https"):
        return  # a service's own address, which Apprise takes only in the exact form that the service gives it
    before, _, query = rest.partition("?")
    authority, _, path = before.partition("/")
    if re.search(r"%(?![0-9A-Fa-f]{2})", rest):
        raise _refused(scheme, "a % in it does not start an escape", "Write % as %25")
    if "?" in query:
        raise _refused(scheme, "it has more than one ?", "Write ? in a name or password as %3F")
    if authority.count("@") > 1:
        raise _refused(scheme, "it has more than one @ before the host", "Write @ in a login as %40")
    if "@" in path and re.fullmatch(r"[^@:]+:\d+", authority):
        raise _refused(scheme, "it has an @ after the port", "Write / in a login as %2F, and @ in a path as %40")


def check_kept(address: str, parsed: Any) -> None:
    """ChannelError where a part of the address is unknown to its service, or does not stand in what was parsed."""
    scheme, rest = address.strip().split("://", 1)
    if scheme.lower() in ("http", "https"):
        return
    before, _, query = rest.partition("?")
    values = list(_values(scheme, query, parsed))
    kept = {
        part for segment in _segments(str(parsed.url(privacy=False)).split("://", 1)[-1]) for part in _spelt(segment)
    }
    if any(not _is_kept(segment, kept) for segment in (*_segments(before), *values)):
        raise _refused(
            scheme,
            "an unescaped separator in it would cut off a part",
            "In names and passwords write @ as %40, / as %2F, # as %23, ? as %3F, & as %26",
        )


def _values(scheme: str, query: str, parsed: Any) -> Iterable[str]:
    """The free texts among the parameters; ChannelError for a parameter that the service does not know."""
    arguments = parsed.template_args
    aliases = {name.lower() for name in arguments} | {str(a.get("alias_of", "")).lower() for a in arguments.values()}
    prefixes = {str(k.get("prefix", "+")) for k in parsed.template_kwargs.values()}
    tokens = {name.lower() for name in parsed.template_tokens}
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        name = unquote(name).lower()
        if name[:1] in _PREFIXES and name[:1] in prefixes:
            continue
        if not equals or name not in aliases | tokens | _ALWAYS:
            shown = f" {name!r}" if equals and re.fullmatch(r"[a-z_]{1,20}", name) else ""
            own = sorted(n for n in arguments if n not in ("store", "tz"))
            raise _refused(scheme, f"the parameter{shown} is unknown", f"Known parameters: {', '.join(own)}")
        kind = str(arguments.get(name, {}).get("type", "string"))
        if kind in ("string", "list:string") and name not in ("tz", "format", "overflow", "template"):
            yield from _segments(value)


def _segments(text: str) -> list[str]:
    """The parts of an address as they are meant: split where the address separates them, then decoded."""
    return [found for part in re.split(r"[/?&=,#]", text) if (found := _plain(unquote(part)))]


def _plain(text: str) -> str:
    """A part as it is compared: without the sign that marks a channel or a person, in one case."""
    return text.strip().lstrip("#@+!*").casefold()


def _pieces(segment: str) -> list[str]:
    return [piece for part in re.split(r"[/?&=,;:@\s]+", segment) if (piece := _plain(part))]


def _spelt(segment: str) -> list[str]:
    return [segment, *_pieces(segment)]


def _is_kept(segment: str, kept: set[str]) -> bool:
    """Whether a part, or every piece of it, stands in what was parsed; telephone numbers by their digits."""
    if segment in kept or all(piece in kept for piece in _pieces(segment)):
        return True
    digits = re.sub(r"[\s().+-]", "", segment)
    return digits.isdigit() and any(re.sub(r"[\s().+-]", "", k) == digits for k in kept)


def _refused(scheme: str, what: str, remedy: str) -> ChannelError:
    return ChannelError(f"the {scheme}:// address cannot be used: {what}", remedy=remedy)

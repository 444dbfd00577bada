"""Everything else, through Apprise: the title and the plain text, split where a service takes no more.

Apprise knows a hundred services, and how to talk to each is its business.  It runs in a process of
its own for each message (`main`), which reads its job from standard input: so time and memory are
bounded whatever a service answers, and one object of Apprise sends one message, since one that is used
again sleeps.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from feeds.core.environment import for_child
from feeds.core.errors import ChannelError
from notifier.channels.addresses import kind
from notifier.channels.apprise_parsing import parse
from notifier.channels.limits import Limits
from notifier.domain.messages import Message

MEMORY = 1 << 30
"""Bytes of address space that the child may use."""
_TOLD = ("WARNING", "ERROR", "CRITICAL")
"""Of what Apprise logs; its debugging quotes addresses."""
_LEAST = 200
"""A service that takes less than this gets what Apprise makes of the whole text."""


def parts(parsed: Any, message: Message) -> tuple[tuple[str, str, str], ...]:
    """The title, the text and its format of each message that a service needs, split between paragraphs if need be."""
    form = str(getattr(parsed.resolve_format("text"), "value", "text"))
    text = quiet(message.text)
    # Apprise would put a backslash before every sign of a text for Markdown, in names and addresses, too
    text, given = (markdown(text), "markdown") if form == "markdown" else (text, "text")
    # services without a title, and those that count it, get it in front of the text
    inside = not parsed.title_maxlen or parsed.overflow_amalgamate_title
    room = int(parsed.body_maxlen) - (len(message.subject) + 20 if inside else 0)
    # what is escaped for HTML grows
    room = room * 9 // 10 if form == "html" else room
    title = quiet(message.subject)
    if "overflow=" in parsed.url().replace("overflow=upstream", "") or len(text) <= room or room < _LEAST:
        return ((title, text, given),)
    pieces = paragraphs(text, room)
    return tuple((f"{title} ({n}/{len(pieces)})", p, given) for n, p in enumerate(pieces, 1))


def markdown(text: str) -> str:
    r"""A plain text as Markdown that looks like it: underlined headings in bold, every line its own.

    >>> markdown("News\n====\n\n  * one\n    [two]\n")
    '**News**\n\n- one\n\n\\[two\\]\n'
    """
    found: list[str] = []
    for line in text.splitlines():
        bare = line.strip()
        if found and re.fullmatch(r"={3,}|-{3,}", bare):
            found[-1] = f"**{found[-1]}**"
        elif bare:
            found.append(re.sub(r"^\* ", "- ", re.sub(r"([\[\]`\\])", r"\\\1", re.sub(r"^(?=[#>])", r"\\", bare))))
    return "\n\n".join(found) + "\n"


def quiet(text: str) -> str:
    r"""Text in which nothing calls anybody: `@everyone`, `<@1>`, `<!here>` and `<at>` are taken apart, unseen.

    >>> quiet("@here <!channel> a@example.org <at>x") == "@\u200bhere <\u200b!channel> a@example.org <\u200bat>x"
    True
    """
    return re.sub(r"(?<![\w./-])@(?=[\w&!])", "@\u200b", re.sub(r"<(?=[@!#/a-zA-Z])", "<\u200b", text))


def paragraphs(text: str, most: int) -> list[str]:
    r"""A text in pieces of at most so many characters, split between paragraphs, else lines, else anywhere.

    >>> paragraphs("one\n\ntwo\nthree\n", 9)
    ['one\n\ntwo', 'three']
    """
    pieces = []
    while len(text) > most:
        half = most // 2
        at = text.rfind("\n\n", half, most + 1)
        at = at if at > 0 else text.rfind("\n", 1, most + 1)
        at = at if at > 0 else text.rfind(" ", half, most + 1)
        at = at if at > 0 else most
        pieces.append(text[:at].rstrip())
        text = text[at:].strip("\n") if text[at : at + 1].isspace() else text[at:]
    return [p for p in (*pieces, text.rstrip()) if p.strip()]


def send(
    address: str,
    part: tuple[str, str, str],
    limits: Limits,
    ca_bundle: str,
    environment: Mapping[str, str],
    *,
    python: str = "",
) -> str:
    """Hand one message to a service. Returns what is known of it; ChannelError where the service did not take it.

    `python` is the interpreter that runs Apprise; "" stands for this process's.
    """
    name = str(parse(address).service_name)
    title, text, form = part
    job: dict[str, Any] = {"address": address, "title": title, "text": text, "form": form}
    job |= {"connect": limits.connect, "idle": limits.idle}
    # not -m: of a module that its own package imports Python warns, and an environment may make warnings errors
    try:
        done = subprocess.run(
            [python or sys.executable, "-P", "-c", "from notifier.channels.apprise import main; main()"],
            input=json.dumps(job).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=for_child(environment, REQUESTS_CA_BUNDLE=ca_bundle),
            cwd="/",
            timeout=limits.total,
            check=False,
        )
        said = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise ChannelError(f"{name} took longer than {limits.total:g} seconds", unreachable=True) from None
    except ValueError:
        raise ChannelError(f"{name}: Apprise ended with exit status {done.returncode}") from None
    if said["taken"]:
        return f"accepted by {name}"
    why = str(said["why"])[:300]
    status = int(found[1]) if (found := re.search(r"\berror\W{0,2}(\d{3})\b", why)) else 0
    raise ChannelError(
        f"{name} did not accept it{': ' + why if why else ''}",
        permanent=400 <= status < 500 and status not in (408, 409, 425, 429),
        unreachable="onnection error" in why,
        too_large=status == 413,
    )


def main() -> None:
    """The child: one message."""
    import resource

    import apprise

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    job = json.load(sys.stdin)
    asset = apprise.AppriseAsset(app_id="Navtex", app_desc="Navtex", async_mode=False, http_redirects=False)
    box = apprise.Apprise(asset=asset)
    parsed = apprise.Apprise.instantiate(job["address"], asset=asset, suppress_exceptions=True)
    if parsed is None or kind(parsed) or not box.add(parsed):
        sys.stdout.write(json.dumps({"taken": False, "why": "Apprise does not accept the address"}))
        return
    if "overflow=" not in parsed.url().replace("overflow=upstream", ""):
        parsed.overflow_mode = apprise.OverflowMode.SPLIT
    parsed.socket_connect_timeout, parsed.socket_read_timeout = job["connect"], job["idle"]
    result = box.notify(title=job["title"], body=job["text"], body_format=apprise.NotifyFormat(job["form"]))
    said = "" if result else "; ".join(dict.fromkeys(str(e.message) for e in result.logs() if e.level in _TOLD))
    sys.stdout.write(json.dumps({"taken": bool(result), "why": said}))
    sys.stdout.flush()
    os._exit(0)  # a plug-in's thread that still waits for something holds nobody up

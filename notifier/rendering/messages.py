"""Digest -> Message.

A message is a folder of templates: subject.txt, body.txt, body.html, slack.json.  Text from sources is data: HTML is
escaped by default, Slack's mrkdwn by the `mrkdwn` filter, and control characters are removed everywhere.  Templates run
in Jinja's sandbox.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2
import jinja2.sandbox
import msgspec
from markupsafe import Markup

import notifier
from feeds.advisories.records import Advisory, severity_rank
from feeds.core.errors import ConfigError
from feeds.core.resources import folder
from feeds.core.text import json_text, visible
from feeds.core.times import day
from notifier.alerts.digest import ORDER, Digest
from notifier.domain.hosts import Hosts
from notifier.domain.messages import Message
from notifier.domain.text import line, mrkdwn, safe_url, wrapped
from notifier.rendering.report import ExposureReport
from notifier.schemas.digest import plain

_HEADINGS = {
    "vulnerability": "Vulnerabilities",
    "end-of-life": "End of life",
    "announcement": "Announcements",
    "benchmark": "Benchmarks",
    "release": "Releases",
    "publication": "Publications",
}


def render(digest: Digest, templates: Path | None = None) -> Message:
    """Render a digest; ConfigError if a template is wrong. `templates` is the folder of the user's own."""
    values = {"digest": digest, "sections": _sections(digest), "overview": _overview(digest) if digest.welcome else []}
    made = message("digest", digest.key, digest.created_at, values, templates)
    data = json_text(plain(digest))
    return msgspec.structs.replace(made, thread=digest.items[0].thread if digest.items else "", data=data)


def message(
    name: str, key: str, created_at: datetime, values: Mapping[str, Any], templates: Path | None = None
) -> Message:
    """Render a folder of templates; ConfigError says which file is wrong, and where."""
    environment = _environment(templates)

    def one(file: str) -> str:
        try:
            return environment.get_template(f"{name}/{file}").render(values)
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError(f"the template fails: {error}", where=_where(environment, name, file, error)) from error

    blocks = one("slack.json")
    try:
        json.loads(blocks)
    except ValueError as error:
        where = _where(environment, name, "slack.json", error)
        raise ConfigError(f"the template does not render valid JSON: {error}", where=where) from error
    return Message(
        key=key,
        subject=" ".join(one("subject.txt").split()),
        text=_tidy(one("body.txt")),
        html=one("body.html"),
        slack=blocks,
        created_at=created_at,
    )


def fragment(file: str, values: Mapping[str, Any]) -> str:
    """Render one of Navtex's own templates, which a user's folder cannot replace."""
    return _environment(None).get_template(file).render(values)


def page(report: ExposureReport) -> str:
    """Render the HTML page of a report, one file without external resources; ConfigError if its template is wrong."""
    style = stylesheet("report")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    # the style is ours and not a source's; the page's policy lets in no other
    values = {"report": report, "style": Markup(style), "style_hash": Markup(f"sha256-{digest}")}  # noqa: S704
    try:
        return _environment(None).get_template("report/page.html").render(values)
    except jinja2.TemplateError as error:
        raise ConfigError(f"the template fails: {error}", where="templates/report/page.html") from error


def stylesheet(name: str) -> str:
    """The style of the report ("report") or of the pages ("web"): what they share, and what only they have."""
    templates = folder(notifier.__file__, "templates")
    files = ("shared/tokens.css", "shared/base.css", f"{name}/style.css")
    return "".join((templates / file).read_text(encoding="utf-8") for file in files)


def _where(environment: jinja2.Environment, name: str, file: str, error: Exception) -> str:
    """The file of a template (the user's own by its path), and the line if the error has one."""
    where = f"templates/{name}/{file}"
    with suppress(jinja2.TemplateError, UnicodeDecodeError):
        loader = environment.loader
        found = loader.get_source(environment, f"{name}/{file}")[1] if loader else None
        if found and not Path(found).is_relative_to(folder(notifier.__file__, "templates")):
            where = found
    line = getattr(error, "lineno", None)
    return where + (f", line {line}" if isinstance(line, int) and isinstance(error, jinja2.TemplateError) else "")


def own_templates(templates: Path) -> tuple[list[str], list[str]]:
    """The files of a user's template folder that replace one of Navtex's, and those that do not."""
    ours = folder(notifier.__file__, "templates")
    known = {p.relative_to(ours).as_posix() for p in ours.rglob("*.*")}
    files = sorted(p.relative_to(templates).as_posix() for p in templates.rglob("*") if p.is_file())
    return [f for f in files if f in known], [f for f in files if f not in known]


@cache
def _environment(templates: Path | None = None) -> jinja2.Environment:
    folders = [folder(notifier.__file__, "templates")]
    environment = jinja2.sandbox.SandboxedEnvironment(
        loader=jinja2.FileSystemLoader([templates, *folders] if templates else folders),
        autoescape=jinja2.select_autoescape(("html",)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=clean,
    )
    environment.filters |= FILTERS
    return environment


def clean(value: Any) -> Any:
    """Remove control and invisible characters from text; return other values unchanged."""
    if type(value) is str:
        return visible(value)
    return value


def _sections(digest: Digest) -> list[dict[str, Any]]:
    found = [{"kind": k.value, "heading": _HEADINGS[k.value], "items": digest.of(k.value)} for k in ORDER]
    return [s for s in found if s["items"]]


def _overview(digest: Digest) -> list[dict[str, Any]]:
    """The components, worst first, each with its number of open vulnerabilities and the worst severity."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for item in digest.of("vulnerability"):
        for group in item.groups:
            key = (group.product, group.version, group.package)
            row = rows.setdefault(
                key, {"product": group.product, "version": group.version, "hosts": group.hosts, "open": 0, "ranks": []}
            )
            row["open"] += 1
            row["ranks"].append(severity_rank(item.advisory.severity))
            row["worst"] = item.advisory.severity if max(row["ranks"]) == row["ranks"][-1] else row["worst"]
    return sorted(rows.values(), key=lambda r: (-max(r["ranks"]), -r["open"], r["product"], r["version"]))


def host_names(hosts: Hosts) -> str:
    """A few names and how many more: "web-1, web-2 and 12 more".

    >>> host_names(Hosts(3, ("a", "b", "c")))
    'a, b, c'
    """
    names = ", ".join(hosts.names)
    if not hosts.more:
        return names
    return f"{names} and {hosts.more} more" if names else f"{hosts.more} hosts"


def _tidy(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.strip().splitlines())) + "\n"


def _names(advisories: Iterable[Advisory], limit: int = 3, others: int = 0, exact: bool = True) -> str:
    """A few names of advisories, each with its severity, and the number of others; `others` are only counted."""
    found = list(advisories)
    named = [f"{a.name} ({a.severity})" if a.severity else a.name for a in found[:limit]]
    more = len(found) - len(named) + others
    count = f"{more}" if exact else f"up to {more}"
    if not named:
        return f"{count} other{'' if more == 1 else 's'}"
    return ", ".join(named) + (f" and {count} more" if more else "")


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "wrapped": wrapped,
    "hosts": host_names,
    "line": line,
    "mrkdwn": mrkdwn,
    "day": day,
    "names": _names,
    "safe_url": safe_url,
}
"""What templates may apply to values."""

"""Ansible: `package_facts`, cached facts, `docker_host_info`, and the output of commands.

A result may stand alone (`--tree`, a registered variable written out), in the run's JSON (the callback
`json`), or as the command `ansible` prints it, one host after the other.  What a command printed on a host
(`ansible all -a 'docker version'`) is an inventory of that host, and is read as one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from feeds.core.errors import InventoryError
from notifier.domain.components import BadRow, Bare, Found, Host, Note, Observed, Tally, host_name
from notifier.inventory.formats import docker_info
from notifier.inventory.formats.shared.distributions import of_id
from notifier.inventory.formats.shared.installed_packages import Package, complete, components, named
from notifier.inventory.terminal_noise import leading
from notifier.inventory.text import Text, decoded, obj, seq, word

NAME = "ansible"
SIGN = "JSON with `ansible_facts`, `ansible_...`, `plays` or a module's result; or rows `HOST | SUCCESS => {...}`"
_KINDS = {"apt": "deb", "deb": "deb", "dpkg": "deb", "rpm": "rpm", "dnf": "rpm", "apk": "apk"}
_PRINTED = re.compile(
    r"^(?P<host>\S{1,253}) \| (?P<state>SUCCESS|CHANGED|FAILED!?|UNREACHABLE!?)"
    r"(?:[^\n=]{0,200}=> (?=\{)| \| rc=(?P<code>-?\d+) (?:>>[^\n]*(?:\n|\Z)|\| (?P<line>[^\n]*))|: (?P<reason>[^\n]*))",
    re.MULTILINE,
)
_OUTPUTS = re.compile(r"\(stdout\) (?P<out>.*?)(?:\(stderr\) (?P<error>.*))?$")
_SYSTEM = ("ansible_distribution", "ansible_distribution_version")
_NEITHER = (
    "it shows neither packages nor an engine; run `ansible all -m ansible.builtin.package_facts` "
    "or `community.docker.docker_host_info`"
)
_Told = tuple[str, str, dict[str, Any]]
"""The place of a result, the host that it is of, and the result."""
_NAMES = ("inventory_hostname", "ansible_hostname", "ansible_fqdn", "ansible_nodename", "hostname")


class Ansible:
    """The format; `quoted` reads what a command printed on a host, given the text, the host, and the product."""

    NAME = NAME
    SIGN = SIGN

    def __init__(self, quoted: Callable[[str, str, str], Iterator[Found]]) -> None:
        self._quoted = quoted

    def recognises(self, text: Text) -> bool:
        """Whether it is a module's result, a run's, or cached facts."""
        if text.sample is None:
            return _PRINTED.search(text.head) is not None
        said = obj(text.sample)
        cached = any(k.startswith("ansible_") for k in said)
        failed = "changed" in said and ("msg" in said or "stdout" in said)
        return cached or failed or any(k in said for k in ("ansible_facts", "host_info", "can_talk_to_docker", "plays"))

    def read(self, text: Text, host: str = "", product: str = "") -> Iterator[Found]:
        """The hosts whose packages or engines are told, or whose commands printed what is read here."""
        without = Tally()
        if text.sample is None:
            results = _run(_printed(text.whole()), without)
        elif "plays" in (said := obj(text.document())):
            results = _run(_tasks(said), without)
        else:
            results = iter([("the document", "", said)])
        unread: list[tuple[str, BadRow]] = []
        told: set[str] = set()
        for one in results:
            if isinstance(one, BadRow):
                yield one
                continue
            where, name, result = one
            if not _is_command(result):
                found = _result(result, name, host, where, without)
            else:
                found = self._command(result, name or host, where, product, without)
            for part in found:
                if isinstance(part, BadRow) and _is_command(result):
                    unread.append((name, part))
                    continue
                if isinstance(part, Host | Bare):
                    told.add(name)
                yield part
        # of a playbook's many commands, those that say nothing of Docker matter where a host told nothing else
        yield from (row for name, row in unread if name not in told)
        yield from without.notes()

    def _command(self, said: dict[str, Any], name: str, where: str, product: str, without: Tally) -> Iterator[Found]:
        """What a command printed on a host; a bad row if it failed, or nothing in it can be read."""
        read = False
        problem = ""
        output = word(said, "stdout") or "\n".join(str(x) for x in seq(said, "stdout_lines"))
        try:
            for one in self._quoted(output, name, product):
                if isinstance(one, Note):
                    without.add(one.text, name)
                elif isinstance(one, BadRow):
                    yield BadRow(f"{where}, {one.where}", one.reason)
                else:
                    yield one
                read = True
        except InventoryError as error:
            problem = error.what
        if _failed(said):
            reason = word(said, "stderr") or word(said, "msg") or output
            code = f" (rc={said['rc']})" if isinstance(said.get("rc"), int) else ""
            yield BadRow(where, f"the command failed on {name or 'the host'}{code}: {_shortened(reason)}")
        elif not read:
            yield BadRow(where, f"what the command printed cannot be read: {problem[:300] or 'it is empty'}")


def _shortened(reason: str) -> str:
    """The reason of a failure on one line, without the words that Ansible appends to every one."""
    return " ".join(reason.removesuffix("non-zero return code").split())[:200] or "it shows no reason"


def _is_command(said: dict[str, Any]) -> bool:
    return any(k in said for k in ("stdout", "stdout_lines", "rc")) and said.get("unreachable") is not True


def _failed(said: dict[str, Any]) -> bool:
    return said.get("failed") is True or said.get("rc") not in (0, None)


def _printed(text: str) -> Iterator[_Told | BadRow]:
    starts = list(_PRINTED.finditer(text))
    for match, following in zip(starts, [*starts[1:], None], strict=False):
        where = f"the result of {match['host']}"
        body = text[match.end() : following.start() if following else len(text)]
        failed = match["state"].startswith("FAILED")
        if match["code"] is not None:
            yield where, match["host"], _of_command(match, body) | ({"failed": True} if failed else {})
            continue
        if match["reason"] is not None:
            yield where, match["host"], {"unreachable": True, "msg": match["reason"]}
            continue
        try:
            said = obj(decoded(leading(body)))
        except InventoryError as error:
            yield BadRow(where, error.what)
        else:
            yield where, match["host"], {**said, "failed": True} if failed else said


def _of_command(match: re.Match[str], body: str) -> dict[str, Any]:
    """The result of a command that is printed below its host, or on one line with its line breaks escaped."""
    said: dict[str, Any] = {"rc": int(match["code"][:9]), "stdout": body}
    if match["line"] is not None:
        outputs = _OUTPUTS.match(match["line"])
        said["stdout"], said["stderr"] = (
            (w or "").replace("\\n", "\n") for w in (outputs.groups() if outputs else (match["line"], ""))
        )
    return said


def _tasks(said: dict[str, Any]) -> Iterator[_Told]:
    for i, play in enumerate(seq(said, "plays")):
        for j, task in enumerate(seq(play, "tasks")):
            for name, result in obj(task, "hosts").items():
                yield f"plays[{i}].tasks[{j}]", name, obj(result)


def _run(results: Iterable[_Told | BadRow], without: Tally) -> Iterator[_Told | BadRow]:
    """The results that tell what is read here, with the facts that came before, and how those failed that tell none."""
    gathered: dict[str, dict[str, str]] = {}
    failures: dict[str, _Told] = {}
    told: set[str] = set()
    for one in results:
        if isinstance(one, BadRow):
            yield one
            continue
        where, name, result = one
        facts, known = obj(result, "ansible_facts"), gathered.setdefault(name, {})
        known.update({f: w for f in _SYSTEM if (w := word(facts, f))})
        if "packages" in facts:
            told.add(name)
            yield where, name, {"ansible_facts": {**known, **facts}}
        elif (
            any(k in result for k in ("host_info", "can_talk_to_docker"))
            or result.get("unreachable") is True
            or _is_command(result)
        ):
            told.add(name)
            yield one
        elif result.get("failed") is True:
            failures[name] = one
    for name in gathered:
        if name not in told and name not in failures:
            without.add(_NEITHER, name)
    yield from (one for name, one in failures.items() if name not in told)


def _result(said: dict[str, Any], name: str, host: str, where: str, without: Tally) -> Iterator[Found]:
    """What one result says: of an engine, of packages, or why it says neither."""
    facts = obj(said, "ansible_facts") or said
    if "host_info" in said:
        for found in docker_info.of_info(obj(said, "host_info"), name or host, where):
            # the name in the play is the host's in Ansible, the engine's own only its short one
            yield Host(name, found.components, found.tags, found.view) if name and isinstance(found, Host) else found
    elif isinstance(facts.get("packages"), dict):
        yield from _packages(facts, name, host, where, without)
    elif said.get("failed") is True or said.get("unreachable") is True or "can_talk_to_docker" in said:
        yield BadRow(where, f"{name or 'the host'} did not answer: {word(said, 'msg')[:200] or 'no reason given'}")
    else:
        yield Note(_NEITHER)


def _packages(facts: dict[str, Any], name: str, host: str, where: str, without: Tally) -> Iterator[Found]:
    distro = of_id(word(facts, _SYSTEM[0]), word(facts, _SYSTEM[1]))
    own = next((w for n in _NAMES if (w := word(facts, n))), "")
    listed = list(_listed(facts["packages"], where))
    found, bad = components(listed, distro)
    yield from bad
    if not found:
        without.add("no package is an engine or one of its parts", name or own or host or "the host")
        # what cannot be read may be Docker's
        if bad or not complete({p.name for p in listed}) or not (name or own or host.strip()):
            return
    name = name or own or named(host, "the list of packages")
    try:
        yield Bare(host_name(name)) if not found else Host(host_name(name), tuple(found), view=Observed.INSTALLED)
    except ValueError as error:
        yield BadRow(where, str(error))


def _listed(packages: dict[str, Any], where: str) -> Iterator[Package]:
    for key, entries in packages.items():
        for entry in entries if isinstance(entries, list) else []:
            kind = _KINDS.get(word(entry, "source"), "")
            version, release, epoch = word(entry, "version"), word(entry, "release"), word(entry, "epoch")
            if release and not version.endswith(f"-{release}"):
                version = f"{version}-{release}"
            if kind == "rpm" and epoch.isdigit() and epoch != "0" and ":" not in version:
                version = f"{epoch}:{version}"
            if kind:
                yield Package(f"{where}, packages.{key[:60]}", word(entry, "name") or key, version, kind)

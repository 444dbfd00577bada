"""`navtex doctor`: what is wrong with an installation, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from feeds import storage
from feeds.advisories.merging import Catalogue
from feeds.core.errors import ChannelError, ConfigError, DatabaseError, NavtexError
from feeds.core.text import counted, few
from feeds.sources.base import Source
from feeds.sources.health import SourceHealth, SourceState, assessed
from feeds.storage.database import Connection, Database
from notifier.alerts import sample
from notifier.assessment.matcher import Matcher
from notifier.channels import expand
from notifier.config import Config
from notifier.domain.filters import Scope
from notifier.rendering.messages import own_templates, render
from notifier.schemas.doctor import CheckLevel, CheckResult, DoctorReport
from notifier.security.redaction import redact
from notifier.security.references import resolved
from notifier.services.installation import mirror_age
from notifier.services.installation.channel_addresses import reason, shown_address
from notifier.services.installation.databases import opened
from notifier.services.people.web_state import web_findings
from notifier.services.sending import operator_alerts
from notifier.services.upkeep import image_checks, machine_checks, push_checks, self_service_checks, worker_checks
from notifier.services.upkeep.correction_checks import corrections
from notifier.storage import delivery_log, inventory, outbox, subscriptions

_LATER = "Later polls try again; if it lasts, see `navtex help mirror-and-air-gap`"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, and the error that kept the rest from being checked, if there was one."""

    report: DoctorReport
    error: NavtexError | None = None


def diagnose(config: Config, config_file: Path, now: datetime) -> Diagnosis:
    """Check the installation. A database that cannot be used is a finding, too. Contacts no machine but its server."""
    found: list[CheckResult] = []
    try:
        found.extend(machine_checks.configuration(config, config_file))
        with opened(config.database) as database:
            found.extend(examine(config, config_file, database, now))
    except (ConfigError, DatabaseError) as error:
        return Diagnosis(DoctorReport(findings=(*found, machine_checks.unusable(error))), error)
    return Diagnosis(DoctorReport(findings=tuple(found)))


def examine(config: Config, config_file: Path, database: Database, now: datetime) -> Iterator[CheckResult]:
    """Check all that needs the database. Nothing is changed, and no other machine is contacted."""
    yield from machine_checks.private(machine_checks.files(config, config_file, database))
    yield from machine_checks.database(database)
    yield from machine_checks.room(config, database)
    yield from self_service_checks.self_service(config)
    with database.connect() as connection:
        yield from machine_checks.clock(connection, now)
        yield from machine_checks.runs(connection, now)
        yield from worker_checks.workers(connection, now)
        yield from worker_checks.unanswered(connection)
        yield from _sources(config, connection, now)
        yield from image_checks.registries(connection, config.images, now)
        yield from _inventory(connection, now, config.digest.stale_days)
        yield from push_checks.pushes(connection, now)
        yield from _channels(connection)
        yield from _deliveries(config, connection)
        yield from web_findings(connection, config, now)
        yield from _templates(config.template_folder)
        catalogue = storage.catalogue(connection)
        yield from corrections(catalogue, all_read=_all_read(config, connection, now))
        yield from _unreleased(connection, catalogue, now)


def _sources(config: Config, connection: Connection, now: datetime) -> Iterator[CheckResult]:
    from feeds.sources.registries import NAME as REGISTRIES

    states, asked = _states(connection, now), _asked(config, connection)
    never = [s.name for s in asked if s.name not in states]
    if len(never) == len(asked):
        yield CheckResult.note(f"none of the {len(asked)} sources has been polled yet", "Run `navtex poll`")
        return
    if never:
        which = f"the source {never[0]} has" if len(never) == 1 else f"{len(never)} sources have"
        names = f": {', '.join(never)}" if len(never) > 1 else ""
        yield CheckResult.note(f"{which} never been polled{names}", "Run `navtex poll`")
    polled = [states[s.name] for s in asked if s.name in states]
    registries = states.get(REGISTRIES) if config.images.registries and REGISTRIES not in config.disabled else None
    # without an image there is nothing to query it about, so it counts where it was polled
    known = [*polled, registries] if registries else polled
    yield from source_states(len(asked) + len(known) - len(polled), known)
    yield from _mirror(config, connection, now)


def _states(connection: Connection, now: datetime) -> dict[str, SourceState]:
    """The states of the sources that were polled, as of now."""
    stored = storage.sources(connection)
    return stored | {s.name: s for s in assessed(stored.values(), now)}


def _asked(config: Config, connection: Connection) -> list[Source]:
    """The sources that a poll asks something."""
    from feeds.sources.all_sources import SOURCES

    wanted = msgspec.structs.replace(inventory.wanted(connection), cves=storage.cves(connection))
    return [s for s in SOURCES if s.name not in config.disabled and any(True for _ in s.requests(wanted))]


def _all_read(config: Config, connection: Connection, now: datetime) -> bool:
    """Whether what the sources publish is known: all of them were read whole."""
    states = _states(connection, now)
    healthy = {name for name, state in states.items() if state.state is SourceHealth.HEALTHY}
    return all(s.name in healthy for s in _asked(config, connection))


def source_states(asked: int, states: Sequence[SourceState]) -> Iterator[CheckResult]:
    """The states of the sources, one finding for each bad state; `asked` counts the unpolled, too."""
    for bad in (SourceHealth.DEGRADED, SourceHealth.FAILING, SourceHealth.SILENT):
        these = [s for s in states if s.state is bad]
        read = [s.last_success for s in these if s.last_success]
        since = f", last read {min(read):%Y-%m-%d %H:%M} UTC" if read else ", never read"
        if len(these) == 1:
            what = f"the source {these[0].name} is {bad.value}{since}: {redact(these[0].message)}"
            yield CheckResult.problem(what, _LATER)
        elif these:
            since += (" or later" if len(read) == len(these) else " or never") if read else ""
            what = f"{len(these)} sources are {bad.value}{since}: {', '.join(s.name for s in these)}"
            yield CheckResult.problem(what, f"`navtex source list` says why. {_LATER}")
    healthy = sum(s.state is SourceHealth.HEALTHY for s in states)
    if healthy == asked:
        yield CheckResult.ok(f"{healthy} of {asked} sources are healthy")
    elif healthy:
        yield CheckResult.note(f"{healthy} of {asked} sources are healthy", "See `navtex source list`")
    else:
        yield CheckResult.problem(f"none of the {asked} sources is healthy", "See `navtex source list`")


def _mirror(config: Config, connection: Connection, now: datetime) -> Iterator[CheckResult]:
    found = storage.mirror(connection)
    if found is None:
        return
    told, old = mirror_age.age(found, config.poll.mirror_days, now)
    yield CheckResult(CheckLevel.PROBLEM if old else CheckLevel.OK, told, mirror_age.REMEDY if old else "")


def _inventory(connection: Connection, now: datetime, stale_days: int) -> Iterator[CheckResult]:
    hosts = inventory.count(connection)
    if not hosts:
        yield CheckResult.note("the inventory is empty", "See `navtex inventory import --help`")
    else:
        yield CheckResult.ok(f"the inventory has {hosts} hosts")
    stale, names, oldest = inventory.stale(connection, Scope(), now - timedelta(days=stale_days))
    if stale and oldest:
        some = ", ".join(names) + (" and others" if stale > len(names) else "")
        some_hosts = counted(stale, "host was", "hosts were")
        what = f"{some_hosts} last seen more than {stale_days} days ago (since {oldest:%Y-%m-%d})"
        yield CheckResult.problem(
            f"{what}: {some}",
            "`navtex inventory list --stale` lists them. Import them again, or use `navtex inventory remove`",
        )


def _unreleased(connection: Connection, catalogue: Catalogue, now: datetime) -> Iterator[CheckResult]:
    """The versions in the inventory that are no known releases."""
    matcher = Matcher(catalogue, now.date())
    numbers = inventory.components(connection)
    for number, people in sorted(inventory.populations(connection, Scope()).items()):
        doubt = matcher.doubt(numbers[number])
        if doubt and doubt.decides:
            hosts = few(people.names, len(people.names), people.hosts)
            what = f"{numbers[number].product} {numbers[number].version} on {hosts} is {doubt.words}"
            near = ", ".join(matcher.releases.near(numbers[number].product, numbers[number].version))
            remedy = f"Did you mean {near}? " if near else ""
            yield CheckResult(CheckLevel.NOTE, what, f"{remedy}Correct it, or run `navtex poll` if it is newer")


def _channels(connection: Connection) -> Iterator[CheckResult]:
    found = subscriptions.every(connection)
    if not found:
        yield CheckResult.note("there is no subscription", "See `navtex subscription add --help`")
    for subscription in found:
        if why := subscription.unreadable or subscription.problem:
            yield CheckResult.problem(
                f"the digest for {subscription.name} could not be made: {why}",
                "Fix that, then run `navtex run`",
            )
        for address in subscription.targets:
            try:
                expand(resolved(address))
            except Exception as error:  # noqa: BLE001 - one that fails stops no other check
                remedy = f"Correct it with `navtex subscription edit {subscription.name} --to URL`"
                yield CheckResult.problem(f"the subscription {subscription.name}: {_why(error)}", remedy)
            else:
                where = shown_address(address)
                yield CheckResult.ok(f"the subscription {subscription.name} goes to {where}")


def _deliveries(config: Config, connection: Connection) -> Iterator[CheckResult]:
    for address in config.operator.to:
        try:
            expand(resolved(address))
        except Exception as error:  # noqa: BLE001 - one that fails stops no other check
            yield CheckResult.problem(f"the operator's channel: {_why(error)}", "Correct `to` in `[operator]`")
        else:
            where = shown_address(address)
            yield CheckResult.ok(f"the operator's channel is {where}")
    for name, count, answer in delivery_log.retried(connection):
        some = counted(count, "delivery", "deliveries")
        yield CheckResult.note(
            f"the last attempt of {some} for {name} failed: {answer}", "The next `navtex run` tries again"
        )
    lost = delivery_log.given_up(connection)
    if lost:
        what = f"{counted(lost, 'delivery was', 'deliveries were')} given up"
        yield CheckResult.problem(what, "See `navtex notification list --state failed`")
    waiting = outbox.pending(connection)
    if waiting:
        what = f"{counted(waiting, 'delivery is', 'deliveries are')} pending"
        yield CheckResult.note(what, "The next `navtex run` tries again")


def _why(error: Exception) -> str:
    """Why an address cannot be used. What channels say of themselves shows no secret."""
    return str(error) if isinstance(error, ChannelError) else reason(error)


def _templates(folder: Path | None) -> Iterator[CheckResult]:
    """Whether the user's own templates compile, and render a digest with every part."""
    if folder is None:
        return
    if not folder.is_dir():
        yield CheckResult.problem(f"the templates' folder {folder} does not exist", "Correct `templates`")
        return
    replaced, others = own_templates(folder)
    for file in others:
        yield CheckResult.note(
            f"{folder / file} does not replace a template", "Rename it to one of Navtex's own templates"
        )
    if replaced:
        try:
            for digest in (sample.DIGEST, replace(sample.DIGEST, welcome=True)):
                render(digest, folder)
            operator_alerts.render(sample.CHANGES, sample.AT, folder)
        except ConfigError as error:
            yield CheckResult.problem(str(error), "Until this is fixed, no message can be rendered")
        else:
            yield CheckResult.ok(f"{len(replaced)} of your own templates render a sample: {', '.join(replaced)}")

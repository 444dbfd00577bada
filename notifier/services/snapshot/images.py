"""What runs by image: which of it stands on a base that has moved, and what to do, in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from feeds import storage
from feeds.core.errors import UnknownName
from feeds.images.facts import ImageFacts
from feeds.images.image_tags import TagState
from feeds.images.layers import ROOT
from feeds.images.references import Reference, digest, reference
from feeds.images.release_lines import ended, product_of
from feeds.storage.database import Connection, Database
from notifier.alerts.image_news import EventKey, ImageNews, image_news
from notifier.config import ImageSettings
from notifier.domain.filters import Scope
from notifier.images.catalogue import ImageCatalogue
from notifier.images.lineage import Bases, ImageBase
from notifier.images.plan import ImagePlan, JudgedImage, judged, matcher, plan
from notifier.images.splits import RunningImage, Split, splits
from notifier.images.status import ImageJudge, ImageStatus, LineageSettings
from notifier.schemas import image as shapes
from notifier.schemas.fields import whole
from notifier.schemas.image_values import HostCounter, base_list, image_detail, image_row, plan_value
from notifier.services.snapshot.scopes import check_hosts
from notifier.storage import images

_OLD = timedelta(days=1)
"""A tag whose last answer is older is counted."""


@dataclass(frozen=True)
class ImageAssessment:
    """Everything that is known of images, read once, and what follows from it."""

    settings: ImageSettings
    facts: ImageFacts
    named: dict[int, Reference]
    now: datetime

    @cached_property
    def catalogue(self) -> ImageCatalogue:
        """The facts, indexed."""
        return ImageCatalogue(self.facts)

    @cached_property
    def bases(self) -> Bases:
        """What finds the base of an image."""
        declared = [d for b in self.settings.base if (d := reference(b.name)) is not None]
        return Bases(self.catalogue, declared=declared, named=self.named)

    @cached_property
    def judge(self) -> ImageJudge:
        """What says what is to be done."""
        asked = frozenset(self.settings.registries)
        settings = LineageSettings(asked.__contains__, self._ended(), self.facts.lists)
        return ImageJudge(self.catalogue, self.bases, settings)

    @property
    def known_bases(self) -> Iterable[ImageBase]:
        """The base of every image that has one."""
        found = (self.bases.of(config).base for config in self.catalogue.images)
        return [base for base in found if base is not None]

    def _ended(self) -> dict[str, date]:
        """The bases whose line has ended: by the configured line, else by the tag of an official image."""
        today = self.now.date()
        lines = {d.tagged: b.line for b in self.settings.base if b.line and (d := reference(b.name)) is not None}
        found = {}
        for base in self.known_bases:
            if base.reference is None:
                continue
            product, _, cycle = lines.get(base.reference.tagged, "").partition(" ")
            product, cycle = (product, cycle) if product else (product_of(base.reference), base.reference.tag)
            if day := ended(cycle, self.facts.cycles.get(product, ()), today):
                found[base.reference.tagged] = day
        return found


def image_assessment(connection: Connection, settings: ImageSettings, now: datetime | None = None) -> ImageAssessment:
    """Read what is known of images."""
    at = now or datetime.now(UTC)
    return ImageAssessment(settings, storage.image_facts(connection), storage.named_chains(connection), at)


@dataclass(frozen=True, slots=True)
class ImageQuery:
    """Which images are meant: hosts and tags of hosts, a status, a base, those that run as several."""

    scope: Scope = field(default_factory=Scope)
    status: ImageStatus | None = None
    base: Reference | None = None
    split: bool = False
    own: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """What runs in a scope, judged, with the numbers of the uses."""

    assessment: ImageAssessment
    uses: dict[RunningImage, list[int]]
    judged: list[JudgedImage]

    @property
    def splits(self) -> list[Split]:
        """The names that run as several images, long enough to be told."""
        lasting = timedelta(hours=self.assessment.settings.split_hours)
        return splits(self.assessment.catalogue, self.uses, self.assessment.now, lasting)


def _find(connection: Connection, settings: ImageSettings, scope: Scope, now: datetime) -> _Found:
    check_hosts(connection, scope)
    return _in_scope(connection, image_assessment(connection, settings, now), scope)


def _in_scope(connection: Connection, assessment: ImageAssessment, scope: Scope) -> _Found:
    uses = _merged(assessment.catalogue, images.running(connection, scope))
    return _Found(assessment, uses, judged(assessment.judge, uses))


def _merged(catalogue: ImageCatalogue, running: Iterable[tuple[int, RunningImage]]) -> dict[RunningImage, list[int]]:
    """What runs, one for each name and image: engines report the same image by different digests."""
    groups: dict[tuple[Reference, str, str], list[tuple[int, RunningImage]]] = {}
    for number, one in running:
        config = catalogue.resolve(one.digest, one.platform).config
        platform = catalogue.images[config].platform if config else one.platform
        groups.setdefault((one.name, config or one.digest, platform), []).append((number, one))
    return {
        RunningImage(name, digest, platform, sum(o.hosts for _, o in of), min(o.since for _, o in of)): [
            n for n, _ in of
        ]
        for (name, digest, platform), of in groups.items()
    }


def list_images(database: Database, settings: ImageSettings, query: ImageQuery, now: datetime) -> shapes.ImageList:
    """Every image that runs under a name, most urgent first; UnknownName if a host or a base is not known."""
    with database.connect() as connection:
        found = _find(connection, settings, query.scope, now)
        chosen = _chosen(found, query)
        several = {s.name for s in found.splits}
        rows = [
            image_row(found.assessment.catalogue, one, split=one.running.name in several)
            for one in chosen
            if not query.split or one.running.name in several
        ]
    order = {status: place for place, status in enumerate(ImageStatus)}
    rows.sort(key=lambda r: (order[r.status], -r.hosts, r.image, r.config or ""))
    return shapes.ImageList(generated_at=whole(now), images=tuple(rows))


def count_images(connection: Connection, settings: ImageSettings, now: datetime) -> Counter[ImageStatus]:
    """How many images run under a name, by their status. Nothing is read where none runs."""
    if not images.any_running(connection):
        return Counter()
    found = _in_scope(connection, image_assessment(connection, settings, now), Scope())
    return Counter(one.verdict.status for one in found.judged)


def _chosen(found: _Found, query: ImageQuery) -> list[JudgedImage]:
    chosen = [j for j in found.judged if query.status is None or j.verdict.status is query.status]
    if query.base is not None:
        below = [j for j in found.judged if query.base in _line(found.assessment, j)]
        if not below:
            raise UnknownName(f"no image in use is built on {query.base}", remedy="See `navtex image list`")
        chosen = [j for j in chosen if j in below]
    if query.own:
        mine = matcher(found.assessment.settings.own)
        chosen = [j for j in chosen if mine(j.running.name)]
    return chosen


def _line(assessment: ImageAssessment, one: JudgedImage) -> set[Reference]:
    """The bases of an image, down to the lowest."""
    found: set[Reference] = set()
    config = one.verdict.image
    while config:
        base = assessment.bases.of(config).base
        if base is None or base.reference is None or base.reference in found:
            break
        found.add(base.reference)
        config = base.image
    return found


def plan_images(database: Database, settings: ImageSettings, query: ImageQuery, now: datetime) -> shapes.ImagePlans:
    """What to rebuild, in waves, what to pull, and what needs another base."""
    with database.connect() as connection:
        found = _find(connection, settings, query.scope, now)
        chosen = _chosen(found, query)
        made = image_plan(found.assessment, chosen)
        count = _counter(connection, query.scope, found)
        return plan_value(made, found.assessment.catalogue, count, now, _old_tags(found.assessment))


def image_plan(assessment: ImageAssessment, chosen: Sequence[JudgedImage]) -> ImagePlan:
    """The plan for some of what runs."""
    return plan(assessment.catalogue, assessment.judge, chosen, assessment.settings.own)


def _counter(connection: Connection, scope: Scope, found: _Found) -> HostCounter:
    def count(running: Iterable[RunningImage]) -> int:
        """Distinct hosts; one use alone is counted already."""
        several = list(running)
        if len(several) < 2:
            return sum(one.hosts for one in several)
        return images.count_hosts(connection, scope, (n for one in several for n in found.uses[one]))

    return count


def news_of_images(
    connection: Connection, assessment: ImageAssessment, scope: Scope, told: Mapping[EventKey, int]
) -> ImageNews:
    """What is news about the images of a scope."""
    found = _in_scope(connection, assessment, scope)
    made = image_plan(assessment, found.judged)
    return image_news(assessment.catalogue, made, found.splits, told, _counter(connection, scope, found))


def _old_tags(assessment: ImageAssessment) -> int:
    """How many tags have no answer of the last day."""
    asked = frozenset(assessment.settings.registries)
    return sum(
        _is_old(tag, assessment.now) for tag in assessment.facts.tags.values() if tag.reference.registry in asked
    )


def _is_old(tag: TagState, now: datetime) -> bool:
    return tag.answered_at is None or now - tag.answered_at > _OLD


def show_image(
    database: Database,
    settings: ImageSettings,
    text: str,
    now: datetime,
    scope: Scope = Scope(),  # noqa: B008 - a frozen value
) -> shapes.ImageDetails:
    """All that is known of the images of a name or a digest; UnknownName if no host of the scope runs one."""
    wanted, own = reference(text), digest(text)
    with database.connect() as connection:
        found = _find(connection, settings, scope, now)
        catalogue = found.assessment.catalogue
        rows = []
        for one in found.judged:
            config = catalogue.resolve(one.running.digest, one.running.platform).config
            named = wanted is not None and one.running.name in (wanted, _as_given(wanted, text))
            if named or (own and own in (config, one.running.digest)) or _short(text, config):
                others = [j for j in found.judged if j.running.name == one.running.name and j is not one]
                rows.append(image_detail(found.assessment, one, config, others))
    if not rows:
        raise UnknownName(f"no host runs the image {text[:120]!r}", remedy="See `navtex image list`")
    return shapes.ImageDetails(generated_at=whole(now), images=tuple(rows))


def _as_given(named: Reference, text: str) -> Reference:
    """The name without the tag that was added to it."""
    return (
        Reference(named.registry, named.repository, "", named.digest) if ":" not in text.rpartition("/")[2] else named
    )


def _short(text: str, config: str) -> bool:
    return 12 <= len(text) <= 64 and config.partition(":")[2].startswith(text.lower())


def list_bases(database: Database, settings: ImageSettings, now: datetime) -> shapes.BaseList:
    """The bases that are known, and the layers that several repositories share and that have no name yet."""
    with database.connect() as connection:
        found = _find(connection, settings, Scope(), now)
        count = _counter(connection, Scope(), found)
        return base_list(found.assessment, found.judged, count, now)


def name_base(database: Database, chain: int, text: str) -> Reference:
    """Give a chain of layers the name of a base; UnknownName if there is none, or the text is not a name."""
    named = reference(text)
    if named is None or not named.tag or named.digest:
        raise UnknownName(f"{text[:120]!r} is not an image name with a tag")
    with database.begin() as connection:
        if chain == ROOT or not storage.name_chain(connection, chain, named.tagged):
            raise UnknownName(f"there is no chain of layers {chain}", remedy="See `navtex image base list`")
    return named

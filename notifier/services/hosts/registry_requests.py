"""What a poll asks registries: the tags that hosts run or hold, and those of bases, oldest answer first."""

from __future__ import annotations

from datetime import UTC, datetime

from feeds import storage
from feeds.core.errors import ConfigError
from feeds.images.image_tags import is_exact
from feeds.images.references import Reference, reference
from feeds.images.release_lines import product_of
from feeds.sources.registries import ImageQuestions, RegistryAccess
from feeds.storage.database import Connection
from notifier.config import ImageSettings
from notifier.domain.filters import Scope
from notifier.services.snapshot.images import image_assessment
from notifier.storage import images


def image_questions(
    connection: Connection, settings: ImageSettings, accesses: tuple[RegistryAccess, ...]
) -> ImageQuestions:
    """The questions of a poll; none where no registry is configured."""
    if not accesses:
        return ImageQuestions()
    asked = {access.name for access in accesses}
    running = [one for _, one in images.running(connection, Scope())]
    names = [one.name for one in running]
    names += [named for text in storage.held_names(connection) if (named := reference(text)) is not None]
    names += declared(settings)
    assessment = image_assessment(connection, settings)
    bases = [b.reference for b in assessment.known_bases if b.reference is not None]
    tags = storage.image_tags(connection)
    never = datetime.min.replace(tzinfo=UTC)
    texts = {n.tagged for n in (*names, *bases) if n.registry in asked and n.tag}
    ordered = sorted(texts, key=lambda t: (tags[t].asked_at if t in tags else never, t))
    resolve = assessment.catalogue.resolve
    unread = [r for r in running if r.name.registry in asked and not resolve(r.digest, r.platform).config]
    pinned = {f"{r.name.name}@{r.digest}" for r in unread}
    exact = {b.name for b in bases if b.registry in asked and is_exact(b.tag)}
    return ImageQuestions(
        registries=accesses,
        tags=tuple(ordered),
        lines=tuple(sorted({p for b in (*bases, *declared(settings)) if (p := product_of(b))} | _configured(settings))),
        lists=tuple(sorted(exact)),
        digests=tuple(sorted(pinned)),
        known=storage.known_digests(connection),
        pulls=settings.pulls,
    )


def declared(settings: ImageSettings) -> list[Reference]:
    """The bases of the configuration; ConfigError if a name is none."""
    found = []
    for base in settings.base:
        named = reference(base.name)
        if named is None or not named.tag:
            raise ConfigError(f"images.base has {base.name!r}, which is not an image name with a tag")
        found.append(named)
    return found


def _configured(settings: ImageSettings) -> set[str]:
    """The products of the lines that the configuration names."""
    return {base.line.partition(" ")[0] for base in settings.base if base.line}

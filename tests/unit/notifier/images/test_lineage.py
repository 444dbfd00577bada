"""The twelve rules of lineage, each by its number."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from feeds.images.image_tags import TagStatus
from notifier.images.lineage import BaseProof
from notifier.images.rebase import RebaseVerdict
from notifier.images.splits import RunningImage, splits
from notifier.images.status import BaseEvent, ImageStatus
from tests.support.images import AMD, ARM, DAY, START, World, digest, named

BASE, CHILD, GRAND = "r.example/base:1", "r.example/child:1", "r.example/grand:1"


def line() -> tuple[World, str, str, str]:
    """base:1, child:1 on it and grand:1 on that; base:1 then moves to other layers, on day 10."""
    world = World()
    base = world.push("os lib", env=["LIB=1.0"], steps="ccm")
    child = world.push("os lib app", env=["LIB=1.0"], steps="ccmr", base=(base, BASE))
    grand = world.push("os lib app more", env=["LIB=1.0"], steps="ccmrc")
    for name, manifest in ((BASE, base), (CHILD, child), (GRAND, grand)):
        world.tag(name, manifest)
    return world, base, child, grand


def moved() -> tuple[World, str, str, str]:
    """The line after its base has moved."""
    world, base, child, grand = line()
    world.tag(BASE, world.push("os lib2", env=["LIB=1.1"], steps="ccm"), day=10)
    return world, base, child, grand


def test_nothing_is_due_while_the_base_names_the_layers() -> None:
    world, base, child, grand = line()
    assert world.verdict(CHILD, child).status is ImageStatus.CURRENT
    assert world.verdict(GRAND, grand).status is ImageStatus.CURRENT
    assert world.lineage(grand).base.image == world.config(child)  # type: ignore[union-attr]
    assert world.lineage(base).base is None


def test_a_base_that_moved_is_rebuilt_on_in_waves() -> None:
    world, base, child, grand = moved()
    made = world.plan((CHILD, child, 3), (GRAND, grand, 2), (BASE, base, 1))
    (of,) = made.bases
    assert (of.change.event, of.change.base, of.change.before) == (BaseEvent.MOVED, named(BASE), world.config(base))
    assert of.change.at == START + 10 * DAY
    assert [[(b.name.tagged, b.proof) for b in wave] for wave in of.waves] == [
        [(CHILD, "annotation")],
        [(GRAND, "layers")],
    ]
    assert of.waves[1][0].verdict.after == named(CHILD)
    assert [j.running.name for j in made.pulls] == [named(BASE)]


def test_a_base_between_that_runs_nowhere_is_in_the_plan() -> None:
    world, _, _, grand = moved()
    made = world.plan((GRAND, grand, 2))
    assert [[(b.name.tagged, len(b.running)) for b in wave] for wave in made.bases[0].waves] == [
        [(CHILD, 0)],
        [(GRAND, 1)],
    ]


def test_1_every_digest_leads_to_one_image() -> None:
    world, _, child, _ = line()
    config = world.config(child)
    zstd = world.push("os lib app", env=["LIB=1.0"], steps="ccmr", compression="zstd")
    arm = world.push("os lib app", env=["LIB=1.0"], steps="ccmr", platform=ARM)
    index = world.index({AMD: child, ARM: arm})
    only = world.index({AMD: child}, attested=True)
    catalogue = world.catalogue()
    assert {catalogue.resolve(d, AMD).config for d in (config, child, zstd, index, only)} == {config}
    assert catalogue.resolve(index, ARM).config == world.config(arm)
    assert catalogue.resolve(only).config == config
    nowhere = catalogue.resolve(index)
    assert (nowhere.config, "platform" in nowhere.reason) == ("", True)
    assert catalogue.resolve(index, "windows/amd64").config == ""


def test_1_an_engine_that_knows_an_image_by_its_manifest_has_the_same_image() -> None:
    world, _, child, _ = line()
    image = world.images[world.config(child)]
    world.images[child] = replace(image, config=child, steps="")
    catalogue = world.catalogue()
    assert child not in catalogue.images
    assert catalogue.resolve(child, AMD).config == world.config(child)


def test_1_hosts_alone_lead_to_one_image_by_what_they_hold() -> None:
    world, _, child, _ = line()
    config = world.config(child)
    world.images[child] = replace(world.images[config], config=child, steps="")
    world.manifests.pop(child)
    world.aliases.append((child, AMD, config))
    catalogue = world.catalogue()
    assert catalogue.resolve(child, AMD).config == config
    assert catalogue.resolve(child, "").config == config


def test_2_other_configs_and_other_platforms_are_no_move() -> None:
    world, base, child, _ = line()
    world.tag(BASE, world.push("os lib", env=["LIB=1.0"], steps="ccm", label="new"), day=3)
    assert world.verdict(CHILD, child).status is ImageStatus.CURRENT
    world.tag(BASE, world.index({AMD: base, ARM: world.push("os lib", platform=ARM)}, attested=True), day=4)
    assert world.verdict(CHILD, child).status is ImageStatus.CURRENT
    assert world.verdict(BASE, base).status is ImageStatus.UNKNOWN  # itself it has no known base


def test_2_the_same_layers_under_the_tag_are_nothing_to_pull() -> None:
    world, _, child, _ = line()
    world.tag(CHILD, world.push("os lib app", env=["LIB=1.0"], steps="ccmr", label="x", base=world_base(world)), day=2)
    found = world.verdict(CHILD, child)
    assert (found.status, "same layers" in found.reason) == (ImageStatus.CURRENT, True)


def world_base(world: World) -> tuple[str, str]:
    """The base that child:1 was built on, as an annotation."""
    return world.tags[BASE].digest, BASE


def test_3_an_earlier_build_of_the_same_repository_is_no_base() -> None:
    world, base, child, _ = line()
    second = world.push("os lib app step", steps="ccmrc")
    world.tag("r.example/child:2", second)
    found = world.lineage(second).base
    assert found is not None
    assert found.image == world.config(base)
    assert child != second


def test_4_empty_layers_are_no_base_and_equal_layers_need_more_history() -> None:
    world = World()
    bottom, other = world.push("empty", steps="c"), world.push("empty app", steps="cc")
    world.tag("r.example/bottom:1", bottom)
    world.tag("r.example/other:1", other)
    assert world.lineage(other).base is None
    base = world.push("os", steps="c")
    meta = world.push("os", steps="cmm")
    world.tag("r.example/os:1", base)
    world.tag("r.example/meta:1", meta)
    assert world.lineage(meta).base.image == world.config(base)  # type: ignore[union-attr]
    assert world.lineage(base).base is None


@pytest.mark.parametrize("name", ["", "scratch", BASE])
def test_5_an_annotation_counts_where_the_layers_agree(name: str) -> None:
    world, base, _, _ = line()
    good = world.push("os lib x", base=(base, BASE))
    squashed = world.push("all", base=(base, BASE))
    dangling = world.push("alone", base=(digest("nothing"), name))
    for number, manifest in enumerate((good, squashed, dangling)):
        world.tag(f"r.example/n{number}:1", manifest)
    assert world.lineage(good).base.proof is BaseProof.ANNOTATION  # type: ignore[union-attr]
    claimed = world.lineage(squashed).base
    assert claimed is not None
    assert (claimed.proof, claimed.image) == (BaseProof.CLAIMED, world.config(base))
    assert world.verdict("r.example/n1:1", squashed).status is ImageStatus.UNKNOWN
    nothing = world.lineage(dangling)
    assert (nothing.base, len(nothing.doubts)) == (None, 1)


def test_6_the_deepest_material_with_the_first_layers_is_the_base() -> None:
    world, base, child, _ = line()
    built = world.push("os lib app z")
    stage = world.push("tool")
    world.tag("r.example/built:1", built)
    world.tag("r.example/tool:1", stage)
    world.built_of(built, (BASE, base), (CHILD, child), ("r.example/tool:1", stage))
    found = world.lineage(built).base
    assert found is not None
    assert (found.proof, found.image, found.reference) == (BaseProof.PROVENANCE, world.config(child), named(CHILD))


def test_8_layers_that_two_repositories_share_are_a_base_without_a_name() -> None:
    world = World()
    one, other = world.push("os lib a"), world.push("os lib b")
    world.tag("r.example/one:1", one)
    world.tag("r.example/other:1", other)
    found = world.lineage(one)
    catalogue = world.catalogue()
    assert (found.base, catalogue.chains.depth(found.unnamed)) == (None, 2)
    assert "2 layers" in found.reason


@pytest.mark.parametrize(("status", "word"), [(401, "refused"), (403, "refused"), (429, "rate limit"), (500, "answer")])
def test_9_an_answer_that_failed_leaves_the_last_state(status: int, word: str) -> None:
    world, _, child, _ = moved()
    world.answer(BASE, status, day=11)
    assert world.verdict(CHILD, child).status is ImageStatus.REBUILD
    fresh, _, other, _ = line()
    fresh.tags.pop(CHILD)
    fresh.answer(CHILD, status)
    found = fresh.verdict(CHILD, other)
    assert (found.status, word in found.reason) == (ImageStatus.UNKNOWN, True)


def test_9_a_tag_is_gone_after_two_answers_a_day_apart() -> None:
    world, _, child, _ = line()
    world.answer(BASE, 404, day=5)
    assert world.tags[BASE].status is TagStatus.MISSING
    assert world.verdict(CHILD, child).status is ImageStatus.CURRENT
    world.answer(BASE, 503, day=6)
    world.answer(BASE, 404, day=6)
    assert world.tags[BASE].status is TagStatus.GONE
    found = world.verdict(CHILD, child)
    assert found.change is not None
    assert (found.status, found.change.event) == (ImageStatus.NEW_BASE, BaseEvent.GONE)
    world.tag(BASE, world.tags[BASE].digest, day=7)
    assert world.verdict(CHILD, child).status is ImageStatus.CURRENT


def test_9_a_name_that_no_registry_ever_knew_is_local() -> None:
    world, _, child, _ = moved()
    world.answer("r.example/mine:dev", 404)
    assert world.tags["r.example/mine:dev"].status is TagStatus.LOCAL
    assert world.verdict("r.example/mine:dev", child).status is ImageStatus.REBUILD


def test_10_a_split_is_told_when_it_lasts() -> None:
    world, _, child, _ = line()
    new = world.push("os lib app2")
    same = world.push("os lib app2", label="other config, same layers")
    catalogue = world.catalogue()
    running = [
        RunningImage(named(CHILD), child, AMD, 3, START),
        RunningImage(named(CHILD), new, AMD, 1, START + 5 * DAY),
        RunningImage(named(CHILD), same, AMD, 2, START + 6 * DAY),
    ]
    assert splits(catalogue, running, START + 5 * DAY + timedelta(hours=23), DAY) == []
    (found,) = splits(catalogue, running, START + 6 * DAY, DAY)
    assert (found.since, [hosts for _, hosts in found.images]) == (START + 5 * DAY, [3, 3])
    assert splits(catalogue, running[:1], START + 50 * DAY, DAY) == []
    assert splits(catalogue, running[1:], START + 50 * DAY, DAY) == []


def test_11_a_rebase_is_ready_risky_or_impossible() -> None:
    world = World()
    base = world.push("os", steps="c", env=["V=1", "PATH=/bin"])
    world.tag("r.example/os:1", base)
    on = (base, "r.example/os:1")
    copies = world.push("os a", steps="cc", env=["PATH=/bin"], base=on)
    package = world.push("os b", steps="cp", env=["PATH=/bin"], base=on)
    keeps = world.push("os c", steps="cc", env=["V=1", "PATH=/bin"], base=on)
    zstd = world.push("os d", steps="cc", env=["PATH=/bin"], base=on, compression="zstd")
    never = world.push("os e", steps="cc", env=["PATH=/bin"], base=on, rebasable=False)
    blind = world.push("os f", steps="", env=["PATH=/bin"], base=on)
    world.tag("r.example/os:1", world.push("os2", steps="c", env=["V=2", "PATH=/bin"]), day=1)
    names = {}
    for number, manifest in enumerate((copies, package, keeps, zstd, never, blind)):
        world.tag(name := f"r.example/n{number}:1", manifest)
        names[name] = manifest
    made = world.plan(*((name, manifest, 1) for name, manifest in names.items()))
    found = [b.rebase for b in made.bases[0].waves[0]]
    assert [r.verdict for r in found if r] == [
        RebaseVerdict.READY,
        RebaseVerdict.RISKY,
        RebaseVerdict.RISKY,
        RebaseVerdict.NO,
        RebaseVerdict.NO,
        RebaseVerdict.RISKY,
    ]
    words = [" ".join(r.reasons) for r in found if r]
    assert [
        w in text
        for w, text in zip(["", "layer 2 ran a package", "V", "compressed", "label", "not known"], words, strict=True)
    ]


def test_12_of_the_tags_of_a_base_the_shortest_that_moved_is_asked() -> None:
    world = World()
    base = world.push("os")
    app = world.push("os app")
    for name in ("debian:12", "debian:12.9", "debian:bookworm", "debian:bookworm-20261101"):
        world.tag(name, base)
    world.tag("r.example/app:1", app)
    world.tag("debian:12", world.push("os2"), day=1)
    world.tag("debian:bookworm", world.push("os2"), day=1)
    found = world.verdict("r.example/app:1", app)
    assert found.change is not None
    assert (found.status, found.change.base) == (ImageStatus.REBUILD, named("debian:12"))
    world.declared = (named("debian:bookworm"),)
    assert world.verdict("r.example/app:1", app).change.base == named("debian:bookworm")  # type: ignore[union-attr]


def test_12_an_exact_version_is_compared_with_the_newest_of_its_line() -> None:
    world = World()
    base = world.push("os py")
    app = world.push("os py app", base=(base, "python:3.12.4-slim"))
    world.tag("python:3.12.4-slim", base)
    world.tag("r.example/app:1", app)
    world.listed = {"docker.io/library/python": ("3.12.4-slim", "3.12.10-slim", "3.13.1-slim", "3.12.11")}
    found = world.verdict("r.example/app:1", app)
    assert found.change is not None
    assert (found.status, found.change.event, found.change.named) == (
        ImageStatus.REBUILD,
        BaseEvent.NEWER,
        "3.12.10-slim",
    )


def test_a_line_that_ended_needs_another_base() -> None:
    world, _, child, grand = line()
    world.ended = {BASE: date(2026, 6, 30)}
    assert world.verdict(CHILD, child).status is ImageStatus.NEW_BASE
    assert "2026-06-30" in world.verdict(CHILD, child).reason
    assert world.verdict(GRAND, grand).status is ImageStatus.NEW_BASE


def test_a_registry_that_is_not_asked_is_said_and_no_guess_is_made() -> None:
    world, _, child, _ = moved()
    found = world.verdict("elsewhere.example/app:1", child)
    assert (found.status, found.reason) == (ImageStatus.UNKNOWN, "elsewhere.example is not asked")


def test_an_image_pinned_by_its_digest_is_judged_by_its_base() -> None:
    world, _, child, _ = moved()
    assert world.verdict(f"r.example/child@{child}", child).status is ImageStatus.REBUILD


def test_a_tag_that_moved_and_moved_back_is_nothing() -> None:
    world, base, child, _ = moved()
    world.tag(BASE, base, day=11)
    assert world.verdict(CHILD, child).status is ImageStatus.CURRENT


def test_a_rebuilt_image_is_to_be_pulled_where_the_old_one_runs() -> None:
    world, _, child, _ = moved()
    fresh = world.push("os lib2 app", base=(world.tags[BASE].digest, BASE))
    world.tag(CHILD, fresh, day=12)
    assert world.verdict(CHILD, child).status is ImageStatus.RE_PULL
    assert world.verdict(CHILD, fresh).status is ImageStatus.CURRENT


def test_bases_in_a_circle_end_in_a_word_and_not_in_a_loop() -> None:
    world = World()
    one, two = world.push("a b"), world.push("a c")
    world.tag("r.example/one:1", one)
    world.tag("r.example/two:1", two)
    below = world.push("a")
    world.built_of(one, ("r.example/two:1", below))
    world.built_of(two, ("r.example/one:1", below))
    assert world.verdict("r.example/one:1", one).status in {ImageStatus.UNKNOWN, ImageStatus.REBUILD}


def test_own_images_are_told_from_those_of_maintainers() -> None:
    world, _, child, _ = moved()
    for own, mine in ((("r.example/**",), True), (("r.example/*",), True), (("r.example/x/*",), False), ((), False)):
        assert world.plan((CHILD, child, 1), own=own).bases[0].waves[0][0].own is mine

"""A base moves: who is told what, once, from the registry to the digest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conftest import Program
from tests.support.registry import Registry, serving


class Fleet:
    """A registry with a base, images on it, and the program that watches them."""

    def __init__(self, registry: Registry, program: Program) -> None:
        self.registry, self.program, self.home = registry, program, program.home
        self.config(f'registries = ["{registry.host}"]\nown = ["{registry.host}/**"]\nsplit_hours = 0.0')

    def config(self, images: str) -> None:
        text = f'[images]\n{images}\n[images.registry."{self.registry.host}"]\nhttp = true\n'
        (self.home / "config.toml").write_text(text)
        (self.home / "config.toml").chmod(0o600)  # or doctor says that others can read it

    def on(self, base: str, name: str, layers: list[str]) -> str:
        """An image that its manifest says to stand on a base."""
        registry = self.registry
        registry.push(name, layers)
        manifest = msgspec.json.decode(registry.blobs[registry.tags[name]])
        note = "org.opencontainers.image.base"
        named = {f"{note}.name": f"{registry.host}/{base}", f"{note}.digest": registry.tags[base]}
        registry.tags[name] = registry.put({**manifest, "annotations": named})
        return registry.tags[name]

    def runs(self, **hosts: tuple[str, str]) -> None:
        """Let hosts run images, each by (name, digest)."""
        rows = [f"{host},{self.registry.host}/{name},{digest}" for host, (name, digest) in hosts.items()]
        self.program("inventory", "import", "-", stdin="\n".join(["host,image,digest", *rows]) + "\n")

    def plan(self) -> Any:
        return self.program.json("image", "plan")

    def digests(self) -> list[str]:
        """The digests that were sent since the last call, as text."""
        folder = self.home / "sent"
        self.program("notify")
        found = sorted(folder.glob("*.txt")) if folder.is_dir() else []
        texts = [f.read_text() for f in found]
        for file in folder.glob("*") if folder.is_dir() else ():
            file.unlink()
        return texts


@pytest.fixture
def fleet(program_with: Callable[..., Program], tmp_path: Path) -> Any:
    with serving(Registry()) as registry:
        program = program_with(NAVTEX_CONFIG=str(tmp_path / "home" / "config.toml"))
        yield Fleet(registry, program)


def test_a_list_without_rows_says_whether_there_is_any_image(fleet: Fleet) -> None:
    assert "No host is known to run an image." in fleet.program("image", "list").stderr
    fleet.runs(web=("app:1", "sha256:" + "a" * 64))
    assert fleet.program("image", "list", "--status", "rebuild").stderr == "No matching images.\n"


def test_a_base_that_moves_is_told_once_and_again_to_a_host_that_comes(fleet: Fleet) -> None:
    registry, program = fleet.registry, fleet.program
    registry.push("base:1", ["os"])
    child = fleet.on("base:1", "child:1", ["os", "app"])
    grand = fleet.on("child:1", "grand:1", ["os", "app", "more"])
    fleet.runs(web=("child:1", child), api=("grand:1", grand))
    program("poll", "registries")
    assert fleet.plan()["bases"] == []
    program("subscription", "add", "team", "--to", f"file://{fleet.home}/sent")
    (welcome,) = fleet.digests()
    assert "base that changed" not in welcome

    registry.push("base:1", ["os2"])
    asked = registry.counted("GET")
    program("poll", "registries")
    assert registry.counted("GET") == asked + 2  # the new manifest and its config
    (moved,) = fleet.plan()["bases"]
    assert moved["base"] == f"{registry.host}/base:1"
    assert [[(b["image"].partition("/")[2], b["proof"], b["hosts"]) for b in wave] for wave in moved["waves"]] == [
        [("child:1", "annotation", 1)],
        [("grand:1", "annotation", 1)],
    ]
    (news,) = fleet.digests()
    assert "rebuild 2 images, first" in " ".join(news.split())
    assert fleet.digests() == []

    fleet.runs(late=("child:1", child))
    (again,) = fleet.digests()
    assert "on 3 hosts" in " ".join(again.split())
    assert fleet.digests() == []

    rebuilt = fleet.on("base:1", "child:1", ["os2", "app"])
    program("poll", "registries")
    made = fleet.plan()
    assert [(p["image"].partition("/")[2], p["hosts"]) for p in made["repull"]] == [("child:1", 2)]
    fleet.runs(web=("child:1", rebuilt))
    (split,) = program.json("image", "list", "--split")["images"][:1]
    assert split["image"].endswith("child:1")
    (told,) = fleet.digests()
    assert "Same name, different images" in told
    program("image", "list", "--status", "re-pull", "--fail-on", "re-pull", status=3)


def test_images_are_news_for_subscriptions_without_filters_of_advisories(fleet: Fleet) -> None:
    registry, program = fleet.registry, fleet.program
    registry.push("base:1", ["os"])
    fleet.runs(web=("child:1", fleet.on("base:1", "child:1", ["os", "app"])))
    program("poll", "registries")
    filters = {
        "plain": [],
        "severe": ["--severity", "critical"],
        "likely": ["--epss", "0.5"],
        "here": ["--host", "web*"],
        "kind": ["--kind", "benchmark"],
        "product": ["--product", "engine"],
        "keyword": ["--keyword", "runc"],
        "exploited": ["--kev"],
        "elsewhere": ["--host", "db*"],
    }
    for name, options in filters.items():
        program("subscription", "add", name, "--silent-start", "--to", f"file://{fleet.home}/of/{name}", *options)
    program("notify")
    registry.push("base:1", ["os2"])
    program("poll", "registries")
    program("notify")
    told = {at.parent.name for at in (fleet.home / "of").rglob("*.txt") if "rebuild 1 image" in at.read_text()}
    assert told == {"plain", "severe", "likely", "here"}


def test_a_second_poll_asks_for_tags_alone(fleet: Fleet) -> None:
    registry, program = fleet.registry, fleet.program
    registry.push("base:1", ["os"])
    fleet.runs(web=("child:1", fleet.on("base:1", "child:1", ["os", "app"])))
    program("poll", "registries")
    registry.asked.clear()
    program("poll", "registries")
    assert [a.method for a in registry.asked] == ["HEAD", "HEAD"]


def test_a_registry_that_fails_leaves_what_is_known(fleet: Fleet) -> None:
    registry, program = fleet.registry, fleet.program
    registry.push("base:1", ["os"])
    fleet.runs(web=("child:1", fleet.on("base:1", "child:1", ["os", "app"])))
    program("poll", "registries")
    registry.push("base:1", ["os2"])
    program("poll", "registries")
    registry.status["/"] = (403, {})
    program("poll", "registries", status=1)
    assert len(fleet.plan()["bases"]) == 1


def test_no_registry_is_asked_that_is_not_configured(fleet: Fleet) -> None:
    registry, program = fleet.registry, fleet.program
    (fleet.home / "config.toml").write_text("[images]\nregistries = []\n")
    fleet.runs(web=("child:1", registry.push("child:1", ["os"])))
    assert [i["status"] for i in program.json("image", "list")["images"]] == ["unknown"]
    assert registry.asked == []


SAMPLES = Path(__file__).parents[3] / "shared" / "images" / "samples"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of both image stores are not at hand")
def test_both_image_stores_give_one_image_and_no_split(program_with: Callable[..., Program]) -> None:
    program = program_with()
    for host, folder in (("graph", "docker-26-graph"), ("store", "docker-26-containerd")):
        for name in ("image-inspect.json", "container-inspect.json"):
            program("inventory", "import", "--host", host, str(SAMPLES / folder / name))
    found = program.json("image", "list")["images"]
    by_name: dict[str, list[tuple[str, int, bool]]] = {i["image"].partition("/")[2]: [] for i in found}
    for image in found:
        by_name[image["image"].partition("/")[2]].append((image["config"], image["hosts"], image["split"]))
    ((config, hosts, split),) = by_name["bk:1"]
    assert (hosts, split) == (2, False)
    assert config
    # one of the two hosts runs what the tag named before
    assert len(by_name["child:1"]) == 2


@pytest.mark.long
def test_registries_that_fail_are_told_by_doctor_and_shown_as_a_source(fleet: Fleet) -> None:
    registry, program = fleet.registry, fleet.program

    def findings(status: int = 0) -> list[str]:
        found = program.json("doctor", status=status)["findings"]
        return [f"{f['level']}: {f['what']}" for f in found if "registry" in f["what"] or "credentials" in f["what"]]

    assert "registries" in [s["name"] for s in program.json("source", "list")["sources"]]
    assert findings() == [f"note: no tag of the registry {registry.host} has been queried yet"]
    registry.push("base:1", ["os"])
    fleet.runs(web=("child:1", fleet.on("base:1", "child:1", ["os", "app"])))
    program("poll", "registries")
    assert findings() == [f"ok: the registry {registry.host} answered for 2 of 2 tags within a day"]
    assert 'navtex_images{status="current"} 1.0' in program("metrics").stdout
    # a 507 is not tried again, and a long pause is not waited for
    for code, did in ((401, "refused"), (507, "did not answer for"), (429, "limited")):
        registry.status = {"/": (code, {"Retry-After": "3600"} if code == 429 else {})}
        program("poll", "registries", status=1)
        # after a 429 or a failure the second tag may be left for the next poll
        said = findings(status=1)
        assert any(f"problem: the registry {registry.host} {did} " in one for one in said), said
    (source,) = [s for s in program.json("source", "list")["sources"] if s["name"] == "registries"]
    assert source["state"] in {"degraded", "failing"}
    (fleet.home / "config.toml").write_text("")
    assert findings() == []
    assert "registries" not in [s["name"] for s in program.json("source", "list")["sources"]]


def test_credentials_that_cannot_be_read_are_told_and_the_registry_is_asked_without(fleet: Fleet) -> None:
    registry, program = fleet.registry, fleet.program
    registry.push("child:1", ["os"])
    fleet.runs(web=("child:1", registry.tags["child:1"]))
    (fleet.home / ".docker").mkdir()
    (fleet.home / ".docker" / "config.json").write_text(f'{{"credHelpers": {{"{registry.host}": "nowhere"}}}}')
    warning = f"no credentials for {registry.host}: docker-credential-nowhere is not installed"
    assert warning in program("poll", "registries").stderr
    assert registry.counted("HEAD") == 1
    told = program.json("doctor", status=1)["findings"]
    assert [f["level"] for f in told if f["what"] == warning] == ["problem"]
    fleet.config(f'registries = ["{registry.host}"]\nbase = [{{name = "not a name"}}]')
    (wrong,) = [f for f in program.json("doctor", status=1)["findings"] if "images.base" in f["what"]]
    assert wrong["level"] == "problem"

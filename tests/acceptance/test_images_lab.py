"""Image lineage on real images: buildah builds them, skopeo copies them, Debian's docker-registry serves them.

`make images-lab` installs what is needed. The numbers are those of the acceptance list of image lineage.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.conftest import program

TOOLS = ("buildah", "skopeo", "docker-registry")
BUSYBOX = Path("/bin/busybox")
pytestmark = [
    pytest.mark.images,
    pytest.mark.skipif(
        not (all(map(shutil.which, TOOLS)) and BUSYBOX.is_file()),
        reason="`make images-lab` installs buildah and others",
    ),
]


class Lab:
    """A registry, a builder, and the program."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.registry = folder, f"127.0.0.1:{port}"
        self.context = folder / "context"
        for base, version in (("base1", "1.0"), ("base2", "1.1")):
            (self.context / base / "bin").mkdir(parents=True)
            shutil.copy(BUSYBOX, self.context / base / "bin" / "sh")
            (self.context / base / "apt-get").write_text("#!/bin/sh\nexit 0\n")
            (self.context / base / "apt-get").chmod(0o755)
            (self.context / base / "library").write_text(f"library {version}\n")
        (self.context / "file").write_text("a file\n")
        self.program = program(folder / "home")
        config = folder / "home" / "config.toml"
        config.write_text(
            f'[images]\nregistries = ["{self.registry}"]\nown = ["{self.registry}/**"]\nsplit_hours = 0.0\n'
            f'[images.registry."{self.registry}"]\nhttp = true\n'
        )
        self.program.environment["NAVTEX_CONFIG"] = str(config)

    def buildah(self, *arguments: str) -> None:
        own = ("--root", str(self.folder / "store"), "--runroot", str(self.folder / "run"), "--storage-driver", "vfs")
        environment = {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
        done = subprocess.run(
            ["buildah", *own, *arguments], capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 0, done.stderr

    def build(self, name: str, text: str, *options: str) -> str:
        """Build, push; the digest of what the tag names then comes back."""
        file = self.folder / "Containerfile"
        file.write_text(text.replace("REGISTRY", self.registry))
        tag = f"{self.registry}/{name}"
        layers = () if {"--squash", "--layers=false"} & set(options) else ("--layers",)
        self.buildah(
            "bud", "--isolation", "chroot", "--tls-verify=false", "--pull-always", "-q", *layers, *options, "-t", tag,
            "-f", str(file), str(self.context),
        )  # fmt: skip
        self.buildah("push", "--tls-verify=false", tag, f"docker://{tag}")
        return self.digest(name)

    def base(self, number: int) -> str:
        """Build base:1 from the first or the second set of files."""
        version = {1: "1.0", 2: "1.1"}[number]
        return self.build(
            "base:1",
            f"FROM scratch\nCOPY base{number}/bin /bin\nCOPY base{number}/apt-get /bin/apt-get\n"
            f'COPY base{number}/library /library\nENV PATH=/bin\nLABEL version={version}\nCMD ["/bin/sh"]\n',
        )

    def skopeo(self, *arguments: str) -> str:
        done = subprocess.run(["skopeo", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def digest(self, name: str) -> str:
        """The digest that a tag names."""
        found = json.loads(self.skopeo("inspect", "--tls-verify=false", f"docker://{self.registry}/{name}"))
        return str(found["Digest"])

    def put(self, path: str, body: bytes, media: str, method: str = "PUT") -> str:
        """Send a document to the registry; where it says that more is to be sent comes back."""
        address = path if path.startswith("http") else f"http://{self.registry}/v2/{path}"
        request = Request(address, body, {"Content-Type": media}, method=method)  # noqa: S310 - on loopback
        with urlopen(request, timeout=10) as answer:  # noqa: S310
            return str(answer.headers.get("Location", ""))

    def put_blob(self, repository: str, body: bytes) -> dict[str, Any]:
        """Upload a blob; its descriptor."""
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        place = self.put(f"{repository}/blobs/uploads/", b"", _BLOB, "POST")
        self.put(f"{place}{'&' if '?' in place else '?'}digest={digest}", body, _BLOB)
        return {"mediaType": _BLOB, "digest": digest, "size": len(body)}

    def index(self, name: str, *, attested: bool) -> str:
        """Let a tag name an index of the image that it names now, as BuildKit writes it; its digest."""
        repository, _, tag = name.partition(":")
        raw = self.skopeo("inspect", "--tls-verify=false", "--raw", f"docker://{self.registry}/{name}").encode()
        found = json.loads(raw)
        image = found["manifests"][0] if "manifests" in found else _described(raw, found["mediaType"], _here())
        members = [image]
        if attested:
            statement = {"mediaType": "application/vnd.in-toto+json"} | {
                k: v for k, v in self.put_blob(repository, b'{"_type": "in-toto"}').items() if k != "mediaType"
            }
            config = self.put_blob(repository, b"{}") | {"mediaType": "application/vnd.oci.image.config.v1+json"}
            document = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": [statement]}
            body = json.dumps(document).encode()
            about = {
                "vnd.docker.reference.digest": image["digest"],
                "vnd.docker.reference.type": "attestation-manifest",
            }
            unknown = {"architecture": "unknown", "os": "unknown"}
            attestation = _described(body, _MANIFEST, unknown) | {"annotations": about}
            self.put(f"{repository}/manifests/{attestation['digest']}", body, _MANIFEST)
            members.append(attestation)
        body = json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": members}).encode()
        self.put(f"{repository}/manifests/{tag}", body, _INDEX)
        return self.digest(name)

    def runs(self, host: str, *images: tuple[str, str]) -> None:
        """Let a host run images, each by its name and the digest that it pulled."""
        rows = "".join(f"{host},{self.registry}/{name},{digest}\n" for name, digest in images)
        self.program("inventory", "import", "-", stdin=f"host,image,digest\n{rows}")

    def poll(self, status: int = 0) -> None:
        self.program("poll", "registries", status=status)

    def status(self) -> dict[str, tuple[str, str | None, str | None]]:
        """By name: the status, the base and the proof."""
        found = self.program.json("image", "list")["images"]
        return {
            i["image"].partition("/")[2]: (i["status"], (i["base"] or "").partition("/")[2] or None, i["proof"])
            for i in found
        }

    def plan(self) -> Any:
        sys.stdout.write(self.program("image", "plan").stdout)
        return self.program.json("image", "plan")

    def waves(self) -> dict[str, list[list[str]]]:
        """By base: the names of each wave."""
        return {
            b["base"].partition("/")[2]: [[i["image"].partition("/")[2] for i in wave] for wave in b["waves"]]
            for b in self.plan()["bases"]
        }


_BLOB = "application/octet-stream"
_MANIFEST, _INDEX = (f"application/vnd.oci.image.{kind}.v1+json" for kind in ("manifest", "index"))


def _described(body: bytes, media: str, platform: dict[str, str]) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    return {"mediaType": media, "digest": digest, "size": len(body), "platform": platform}


def _here() -> dict[str, str]:
    """This machine's platform, which buildah builds for."""
    words = {"x86_64": "amd64", "aarch64": "arm64"}
    return {"architecture": words.get(platform.machine(), platform.machine()), "os": "linux"}


def _port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    port = _port()
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/registry}}}}\n"
        f"http: {{addr: 127.0.0.1:{port}}}\nlog: {{level: info}}\n"
    )
    with (tmp_path / "registry.log").open("wb") as log:
        server = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
        try:
            _wait(lambda: socket.create_connection(("127.0.0.1", port), 1).close())
            yield Lab(tmp_path, port)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(10)


def _wait(action: Callable[[], None]) -> None:
    for _ in range(100):
        try:
            action()
        except OSError:
            time.sleep(0.05)
        else:
            return
    action()


def _requests(lab: Lab) -> list[str]:
    """The methods of the requests that the registry answered, by its own access log."""
    text = (lab.folder / "registry.log").read_text(errors="replace")
    return [
        part.split(" ")[0].strip('"') for line in text.splitlines() for part in line.split('"')[1:2] if "HTTP/1" in part
    ]


def test_a_base_moves_and_its_line_is_rebuilt_in_waves(lab: Lab) -> None:
    """1, 2, 10 and 12: waves with their proofs, a split, a poll of HEADs alone, and one digest."""
    lab.base(1)
    child = lab.build("child:1", "FROM REGISTRY/base:1\nRUN echo app > /app\n")
    grand = lab.build("grand:1", "FROM REGISTRY/child:1\nCOPY file /more\n")
    lab.runs("web-1", ("child:1", child), ("grand:1", grand))
    lab.runs("web-2", ("child:1", child))
    lab.poll()
    assert lab.waves() == {}
    assert lab.status()["child:1"][:2] == ("current", "base:1")
    lab.program("subscription", "add", "team", "--to", f"file://{lab.folder}/sent")
    lab.program("notify")

    lab.base(2)
    lab.poll()
    assert lab.waves() == {"base:1": [["child:1"], ["grand:1"]]}
    proofs = {name: proof for name, (_, _, proof) in lab.status().items()}
    assert set(proofs.values()) <= {"annotation", "layers"}
    before = len(_requests(lab))
    lab.poll()
    assert _requests(lab)[before:] == ["HEAD"] * 3

    sent = lab.folder / "sent"
    already = set(sent.glob("*.txt"))
    lab.program("notify")
    (news,) = set(sent.glob("*.txt")) - already
    assert "rebuild 2 images" in " ".join(news.read_text().split())
    lab.program("notify")
    assert len(set(sent.glob("*.txt"))) == len(already) + 1

    rebuilt = lab.build("child:1", "FROM REGISTRY/base:1\nRUN echo app > /app\n")
    lab.runs("web-1", ("child:1", rebuilt), ("grand:1", grand))
    lab.poll()
    assert [i["image"].partition("/")[2] for i in lab.program.json("image", "list", "--split")["images"]] == [
        "child:1"
    ] * 2
    assert [(p["hosts"], p["of"]) for p in lab.plan()["repull"]] == [(1, 2)]
    lab.runs("web-2", ("child:1", rebuilt))
    assert lab.program.json("image", "list", "--split")["images"] == []
    assert lab.plan()["repull"] == []


def test_what_is_no_base_is_none(lab: Lab) -> None:
    """3 and 4: squashed, from scratch, a sibling, an earlier build, only metadata."""
    lab.base(1)
    found = {
        "squashed:1": lab.build("squashed:1", "FROM REGISTRY/base:1\nRUN echo a > /a\n", "--squash"),
        "multi:1": lab.build(
            "multi:1", "FROM REGISTRY/base:1 AS build\nRUN echo b > /b\nFROM scratch\nCOPY --from=build /b /b\n"
        ),
        "sibling:1": lab.build("sibling:1", "FROM scratch\nCOPY base1/bin /bin\nCOPY file /file\n"),
        "app:1": lab.build("app:1", "FROM REGISTRY/base:1\nRUN echo c > /c\n"),
        "app:2": lab.build("app:2", "FROM REGISTRY/base:1\nRUN echo c > /c\nRUN echo d > /d\n"),
        "meta:1": lab.build("meta:1", "FROM REGISTRY/base:1\nLABEL only=metadata\nUSER 1000\n"),
    }
    lab.runs("web-1", *found.items())
    lab.poll()
    status = lab.status()
    assert status["squashed:1"][0] == "unknown"
    assert status["multi:1"] == ("unknown", None, None)
    assert status["sibling:1"] == ("unknown", None, None)
    assert status["app:2"][:2] == ("current", "base:1")
    assert status["app:1"][:2] == ("current", "base:1")
    assert status["meta:1"][:2] == ("current", "base:1")


def test_other_forms_of_an_image_are_the_same_image(lab: Lab) -> None:
    """5: zstd, Docker's format, and an index are no move."""
    lab.base(1)
    child = lab.build("child:1", "FROM REGISTRY/base:1\nRUN echo app > /app\n")
    lab.runs("web-1", ("child:1", child))
    lab.poll()
    here = f"docker://{lab.registry}/child:1"
    plain = ("--src-tls-verify=false", "--dest-tls-verify=false")
    folder = f"dir:{lab.folder}/zstd"
    lab.skopeo("copy", *plain, "--dest-compress-format", "zstd", "--dest-compress", here, folder)
    lab.skopeo("copy", *plain, folder, here)
    assert lab.digest("child:1") != child
    lab.poll()
    assert lab.status()["child:1"][:2] == ("current", "base:1")
    docker = f"docker://{lab.registry}/docker:1"
    lab.buildah("push", "--tls-verify=false", "--format", "v2s2", f"{lab.registry}/child:1", docker)
    lab.runs("web-2", ("docker:1", lab.digest("docker:1")))
    lab.poll()
    assert lab.status()["docker:1"][:2] == ("current", "base:1")
    assert lab.program.json("image", "list", "--split")["images"] == []


def test_an_attestation_that_is_added_to_an_index_moves_nothing(lab: Lab) -> None:
    """5: an index of the same image, then the same with an attestation beside it."""
    lab.base(1)
    child = lab.build("child:1", "FROM REGISTRY/base:1\nRUN echo app > /app\n")
    lab.runs("web-1", ("child:1", child))
    lab.poll()
    digests = {child, lab.digest("base:1")}
    for attested in (False, True):
        found = {lab.index("base:1", attested=attested), lab.index("child:1", attested=attested)}
        assert digests.isdisjoint(found)
        digests |= found
        lab.poll()
        assert lab.status()["child:1"][:2] == ("current", "base:1")
        assert lab.waves() == {}
        assert lab.program.json("image", "list", "--split")["images"] == []
    lab.runs("web-2", ("child:1", lab.digest("child:1")))
    assert lab.program.json("image", "list", "--split")["images"] == []
    lab.base(2)
    lab.poll()
    assert lab.waves() == {"base:1": [["child:1"]]}


def test_what_speaks_against_a_rebase(lab: Lab) -> None:
    """11: files alone are ready, a package manager is a risk."""
    lab.base(1)
    copies = lab.build("copies:1", "FROM REGISTRY/base:1\nCOPY file /file\n")
    installs = lab.build("installs:1", "FROM REGISTRY/base:1\nRUN apt-get install -y thing && echo x > /thing\n")
    lab.runs("web-1", ("copies:1", copies), ("installs:1", installs))
    lab.poll()
    lab.base(2)
    lab.poll()
    (base,) = lab.plan()["bases"]
    found = {b["image"].partition("/")[2]: b["rebase"]["verdict"] for wave in base["waves"] for b in wave}
    assert found == {"copies:1": "ready", "installs:1": "risky"}


def test_a_name_of_a_host_alone_is_local(lab: Lab) -> None:
    """7: a registry that was asked and never knew it."""
    lab.base(1)
    child = lab.build("child:1", "FROM REGISTRY/base:1\nRUN echo app > /app\n")
    lab.runs("web-1", ("child:1", child), ("mine:dev", child))
    lab.poll()
    assert lab.status()["mine:dev"][:2] == ("current", "base:1")

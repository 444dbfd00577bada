"""Asking engines over their API, and the contexts of the docker program."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme

from feeds.core.errors import DatabaseError, InventoryError, UnknownName, UsageProblem
from notifier.collection import CollectedTarget as Said
from notifier.collection import Effort, HeldImages, contexts, distinct, gather
from notifier.collection.engines import Engine, EngineTls
from notifier.collection.ssh import Destination
from notifier.collection.targets import Chosen, CollectionTarget, label_of, lines_of, renamed, targets
from notifier.domain.components import Observed
from notifier.domain.images import HostImages, ImageUse
from tests.support.engines import files, listening
from tests.support.images import digest
from tests.support.loopback import Answer, over_http, over_routes, over_socket, over_tls

VERSION = json.dumps(
    {
        "Platform": {"Name": "Docker Engine - Community"},
        "Components": [
            {"Name": "Engine", "Version": "29.5.0", "Details": {"GitCommit": "abcdef0"}},
            {"Name": "containerd", "Version": "v2.2.5", "Details": {}},
        ],
        "Version": "29.5.0",
        "ApiVersion": "1.54",
    }
)
PODMAN = json.dumps(
    {"Components": [{"Name": "Podman Engine", "Version": "5.7.0"}], "Version": "5.7.0", "ApiVersion": "1.41"}
)


def info(name: str, number: str = "one") -> Answer:
    return Answer(body=json.dumps({"Name": name, "ID": number}))


def ask(*asked: CollectionTarget, seconds: float = 20, held: HeldImages | None = None) -> list[Said]:
    answers: list[Said] = []
    gather(asked, Effort(4, seconds), answers.extend, held)
    return sorted(answers, key=lambda a: a.target.label)


def one(engine: Engine, name: str = "", **options: Any) -> Said:
    (answer,) = ask(CollectionTarget("context lab", engine, name), **options)
    return answer


def tcp(url: str) -> str:
    return url.replace("http://", "tcp://").replace("https://", "tcp://")


@pytest.fixture
def place() -> Iterator[Path]:
    # a socket's path must be short
    with tempfile.TemporaryDirectory(prefix="navtex-") as folder:
        yield Path(folder)


def test_an_engine_is_asked_over_its_socket_and_says_its_hosts_name(place: Path) -> None:
    with over_socket(place / "docker.sock", Answer(body=VERSION), info("lab-1", "AAAA")) as engine:
        answer = one(Engine(engine.url))
    assert engine.paths == ["/version", "/info", "/containers/json"]
    assert (answer.problem, answer.engine) == ("", "AAAA")
    (host,) = answer.hosts
    assert (host.name, host.view) == ("lab-1", Observed.RUNNING)
    assert [(c.product, c.version) for c in host.components] == [("engine", "29.5.0"), ("containerd", "2.2.5")]


@pytest.mark.parametrize(
    "second",
    [
        Answer(403, "no"),
        Answer(body="{"),
        Answer(body="[]"),
        Answer(body='{"Name": null}'),
        info("a\nb"),
        info(" "),
        info("x" * 300),
        Answer(body="[" * 100_000),
    ],
)
@pytest.mark.parametrize(
    ("label", "name"), [("context lab", "lab"), ("the local engine", socket.gethostname())], ids=["context", "local"]
)
def test_a_host_whose_engine_does_not_name_it_is_called_as_its_context_or_as_this_machine(
    second: Answer, label: str, name: str
) -> None:
    with over_http(Answer(body=VERSION), second) as engine:
        (answer,) = ask(CollectionTarget(label, Engine(tcp(engine.url))))
    assert [h.name for h in answer.hosts] == [name]


def test_a_name_that_is_given_wins_and_tags_are_the_targets() -> None:
    with over_http(Answer(body=VERSION), info("lab-1")) as engine:
        (answer,) = ask(CollectionTarget("x", Engine(engine.url), "mine", {"env": "lab"}))
    assert [(h.name, h.tags) for h in answer.hosts] == [("mine", {"env": "lab"})]


def test_podmans_socket_gives_no_host(place: Path) -> None:
    with over_socket(place / "podman.sock", Answer(body=PODMAN)) as engine:
        answer = one(Engine(engine.url))
    assert answer.hosts == ()
    assert answer.problem.startswith("Podman: ")


def test_where_there_is_no_socket_it_is_told_where_and_what_to_do(place: Path) -> None:
    answer = one(Engine(f"unix://{place / 'docker.sock'}"))
    assert answer.problem.startswith("no Docker")
    assert str(place / "docker.sock") in answer.problem
    assert "DOCKER_HOST" in answer.problem


def test_where_nobody_listens_it_is_unreachable() -> None:
    with over_http() as gone:
        pass
    assert one(Engine(tcp(gone.url))).problem.startswith("unreachable: Connection refused")


def test_an_engine_that_takes_the_call_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = one(Engine(f"tcp://127.0.0.1:{silent.getsockname()[1]}"), seconds=0.2)
    assert answer.problem.startswith("timed out")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(500, "down"), "HTTP 500"),
        (Answer(403, "no"), "HTTP 403"),
        (Answer(400, "Client sent an HTTP request to an HTTPS server."), "it accepts only TLS"),
        (Answer(200, "{broken"), "JSON"),
        (Answer(200, "[]"), "no server answered"),
        (Answer(200, '{"Server":' * 100_000), "JSON"),
        (Answer(200, " " * (1 << 21)), "larger than 1 MiB"),
    ],
)
def test_an_engine_that_answers_no_version_says_why(answer: Answer, said: str) -> None:
    with over_http(answer) as engine:
        found = one(Engine(tcp(engine.url)))
    assert found.hosts == ()
    assert said in found.problem


@pytest.mark.parametrize(
    "address",
    ["npipe:////./pipe/docker_engine", "lab-1", "tcp://", "unix://", "tcp://h:99999", "tcp://[::1", "fd://", ""],
)
def test_an_address_that_cannot_be_asked_is_told_with_those_that_can(address: str) -> None:
    assert "Use unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST" in one(Engine(address)).problem


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def test_an_engine_that_wants_certificates_is_shown_them(authority: trustme.CA, tmp_path: Path) -> None:
    with over_tls(listening(authority), Answer(body=VERSION), info("lab-1")) as engine:
        answer = one(Engine(tcp(engine.url), EngineTls(files(tmp_path / "tls", authority))))
    assert (answer.problem, [h.name for h in answer.hosts]) == ("", ["lab-1"])


@pytest.mark.parametrize(("verify", "said"), [(True, "its certificate is not trusted: "), (False, "")])
def test_a_certificate_of_a_stranger_is_trusted_only_by_a_context_that_says_so(
    authority: trustme.CA, tmp_path: Path, verify: bool, said: str
) -> None:
    folder = files(tmp_path / "tls", authority, trusted=trustme.CA())
    with over_tls(listening(authority), Answer(body=VERSION), info("lab-1")) as engine:
        answer = one(Engine(tcp(engine.url), EngineTls(folder, verify)))
    assert answer.problem.startswith(said)
    assert bool(answer.hosts) is not verify


def test_a_certificate_of_another_name_is_not_trusted(authority: trustme.CA, tmp_path: Path) -> None:
    with over_tls(listening(authority, "other.example.org"), Answer(body=VERSION)) as engine:
        answer = one(Engine(tcp(engine.url), EngineTls(files(tmp_path / "tls", authority))))
    assert "mismatch" in answer.problem


def test_without_certificates_an_engine_that_wants_them_does_not_answer(authority: trustme.CA, tmp_path: Path) -> None:
    folder = files(tmp_path / "tls", authority)
    (folder / "cert.pem").unlink()
    with over_tls(listening(authority), Answer(body=VERSION)) as engine:
        answer = one(Engine(tcp(engine.url), EngineTls(folder)))
    assert answer.problem.startswith(("no TLS with it: ", "unreachable: "))


@pytest.mark.parametrize("name", ["ca.pem", "key.pem"])
def test_files_that_are_no_certificates_are_told_with_their_folder(
    authority: trustme.CA, tmp_path: Path, name: str
) -> None:
    folder = files(tmp_path / "tls", authority)
    (folder / name).write_text("no key")
    assert "its TLS files cannot be used" in one(Engine("tcp://127.0.0.1:1", EngineTls(folder))).problem
    assert str(folder) in one(Engine("tcp://127.0.0.1:1", EngineTls(folder))).problem


# contexts


def context(home: Path, name: str, meta: object = None, **endpoint: object) -> str:
    """Store a context as docker does; its id comes back."""
    number = hashlib.sha256(name.encode()).hexdigest()
    at = home / "contexts" / "meta" / number
    at.mkdir(parents=True)
    said = {"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}} if meta is None else meta
    (at / "meta.json").write_text(said if isinstance(said, str) else json.dumps(said), encoding="utf-8")
    return number


def chosen(home: Path, *names: str, **environment: str) -> list[CollectionTarget]:
    return targets(Chosen(contexts=names), {"DOCKER_CONFIG": str(home), **environment})


def test_contexts_are_read_with_their_endpoints_and_their_certificates(tmp_path: Path, authority: trustme.CA) -> None:
    context(tmp_path, "socket", Host="unix:///run/user/1000/docker.sock", SkipTLSVerify=False)
    secured = context(tmp_path, "secured", Host="tcp://lab-1:2376")
    context(tmp_path, "lax", Host="tcp://lab-2:2376", SkipTLSVerify=True)
    context(tmp_path, "far", Host="ssh://ops@lab-3:2222")
    folder = files(tmp_path / "contexts" / "tls" / secured / "docker", authority)
    found = {t.label: t.way for t in chosen(tmp_path, "all")}
    assert found == {
        "context far": Destination("lab-3", "ops", 2222),
        "context lax": Engine("tcp://lab-2:2376", EngineTls(found["context lax"].tls.folder, verify=False)),  # type: ignore[union-attr]
        "context secured": Engine("tcp://lab-1:2376", EngineTls(folder)),
        "context socket": Engine("unix:///run/user/1000/docker.sock"),
    }
    assert [t.label for t in chosen(tmp_path, "socket", "far", "socket")] == ["context socket", "context far"]


def test_a_context_over_tls_is_asked_with_its_own_certificates(tmp_path: Path, authority: trustme.CA) -> None:
    with over_tls(listening(authority), Answer(body=VERSION), info("lab-1")) as engine:
        number = context(tmp_path, "lab", Host=tcp(engine.url))
        files(tmp_path / "contexts" / "tls" / number / "docker", authority)
        (answer,) = ask(*chosen(tmp_path, "lab"))
    assert [h.name for h in answer.hosts] == ["lab-1"]


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ("{broken", "cannot be read"),
        ("[]", "cannot be read"),
        ({"Name": 3}, "cannot be read"),
        ('{"Name":' + "[" * 100_000, "cannot be read"),
        ({"Name": "a\x1b[31m"}, "has a name that is too long or not printable"),
        ({"Name": "x" * 300}, "has a name that is too long or not printable"),
        ({"Name": "lab", "Endpoints": {"docker": {"Host": 1}}}, "cannot be read"),
        ({"Name": "lab", "Endpoints": {}}, "has no engine address"),
        ({"Name": "lab", "Endpoints": {"docker": {"Host": "ssh://-oProxyCommand=x"}}}, "not a host for ssh"),
    ],
)
def test_a_context_that_cannot_be_read_stands_among_those_that_did_not_answer(
    tmp_path: Path, meta: object, said: str
) -> None:
    context(tmp_path, "lab", meta)
    with over_http(Answer(body=VERSION), info("good-1")) as engine:
        context(tmp_path, "good", Host=tcp(engine.url))
        answers = ask(*chosen(tmp_path, "all"))
    assert [h.name for a in answers for h in a.hosts] == ["good-1"]
    assert [said in a.problem for a in answers if a.problem] == [True]


def test_an_unknown_context_is_wrong_use_that_names_the_folder(tmp_path: Path) -> None:
    context(tmp_path, "lab", Host="unix:///x")
    with pytest.raises(UnknownName, match="there is no docker context 'lob'") as error:
        chosen(tmp_path, "all", "lob")
    assert str(tmp_path) in str(error.value)


def test_the_default_context_and_nothing_said_are_the_local_engine(tmp_path: Path) -> None:
    assert [t.way for t in chosen(tmp_path, "default", DOCKER_HOST="tcp://lab-1:1")] == [Engine("tcp://lab-1:1")]
    assert [t.way for t in targets(Chosen(), {})] == [Engine("unix:///var/run/docker.sock")]
    assert [t.way for t in targets(Chosen(), {"DOCKER_HOST": "ssh://ops@lab-1"})] == [Destination("lab-1", "ops")]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"DOCKER_HOST": "tcp://h:1"}, Engine("tcp://h:1")),
        ({"DOCKER_HOST": "tcp://h:1", "DOCKER_TLS_VERIFY": ""}, Engine("tcp://h:1")),
        ({"DOCKER_HOST": "tcp://h:1", "DOCKER_TLS_VERIFY": "1"}, Engine("tcp://h:1", EngineTls(Path("/d")))),
        (
            {"DOCKER_HOST": "tcp://h:1", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"},
            Engine("tcp://h:1", EngineTls(Path("/c"))),
        ),
        ({"DOCKER_HOST": "unix:///x", "DOCKER_TLS_VERIFY": "1"}, Engine("unix:///x")),
    ],
)
def test_the_variables_of_docker_say_where_the_local_engine_is(environment: dict[str, str], expected: Engine) -> None:
    assert contexts.local({"DOCKER_CONFIG": "/d", **environment}) == expected


# whom to ask


def test_a_hosts_file_has_one_host_a_line_with_its_tags() -> None:
    lines = lines_of("# all\nweb-1 env=prod team=web  # the first\n\n  ops@web-2\nweb-1 site=a;rack=b\n", "hosts")
    found = targets(Chosen(hosts=lines), {})
    assert [(t.name, t.way, t.tags) for t in found] == [
        ("web-1", Destination("web-1"), {"env": "prod", "team": "web", "site": "a", "rack": "b"}),
        ("web-2", Destination("web-2", "ops"), {}),
    ]


@pytest.mark.parametrize("line", ["-oProxyCommand=x", "web-1 prod", "web-1 =x", "a;b", "$(x)"])
def test_a_bad_line_of_a_hosts_file_costs_no_other(line: str) -> None:
    found = targets(Chosen(hosts=lines_of(f"{line}\nweb-2\n", "hosts")), {})
    assert sorted((t.name, bool(t.problem)) for t in found) == [("", True), ("web-2", False)]


def test_a_hosts_file_names_engines_and_contexts_beside_hosts_for_ssh(tmp_path: Path, authority: trustme.CA) -> None:
    secured = context(tmp_path, "lab", Host="tcp://lab-1:2376")
    folder = files(tmp_path / "contexts" / "tls" / secured / "docker", authority)
    own = files(tmp_path / "own", authority)
    lines = ("web-1", "tcp://lab-2:2376 env=lab", "tcp://[fd00::1]:2376", "unix:///run/a.sock", "context:lab env=lab")
    found = targets(Chosen(hosts=lines, tls=str(own)), {"DOCKER_CONFIG": str(tmp_path)})
    assert [(t.label, t.name, t.way, t.problem) for t in found] == [
        ("ssh web-1", "web-1", Destination("web-1"), ""),
        ("engine tcp://lab-2:2376", "lab-2", Engine("tcp://lab-2:2376", EngineTls(own)), ""),
        ("engine tcp://[fd00::1]:2376", "fd00::1", Engine("tcp://[fd00::1]:2376", EngineTls(own)), ""),
        ("engine unix:///run/a.sock", "", Engine("unix:///run/a.sock"), ""),
        ("context lab", "lab", Engine("tcp://lab-1:2376", EngineTls(folder)), ""),
    ]
    assert [t.tags for t in found] == [{}, {"env": "lab"}, {}, {}, {"env": "lab"}]
    assert [t.label for t in found] == [label_of(line.split()[0]) for line in lines]


def test_certificates_of_a_hosts_file_are_those_of_docker_or_none_where_nothing_is_said() -> None:
    line = ("tcp://lab-1:2376",)
    said = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"}
    assert [t.way for t in targets(Chosen(hosts=line), said)] == [Engine(line[0], EngineTls(Path("/c")))]
    assert [t.way for t in targets(Chosen(hosts=line), {})] == [Engine(line[0])]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("tcp://", "is not the address of an engine: use tcp://HOST:PORT or unix:///PATH"),
        ("tcp://ops@lab-1:2376", "is not the address of an engine"),
        ("tcp://lab-1:2376/x", "is not the address of an engine"),
        ("unix://docker.sock", "is not the address of an engine"),
        ("context:lob", "there is no docker context 'lob' in "),
        ("context:broken", "cannot be read"),
        ("tcp://lab-1:2376", "there is no ca.pem in /nowhere, where `collect.tls` says the certificates are"),
    ],
)
def test_a_line_that_names_no_engine_says_why_and_costs_no_other(tmp_path: Path, line: str, said: str) -> None:
    context(tmp_path, "broken", "{broken")
    number = hashlib.sha256(b"broken").hexdigest()
    line = line.replace("broken", number)
    found = targets(Chosen(hosts=(line, "web-2"), tls="/nowhere"), {"DOCKER_CONFIG": str(tmp_path)})
    assert [t.name for t in found if not t.problem] == ["web-2"]
    (bad,) = (t for t in found if t.problem)
    assert said in bad.problem
    assert bad.label == label_of(line)


@pytest.mark.parametrize("text", ["", "\n# nobody\n"])
def test_a_hosts_file_without_a_host_is_an_error(text: str) -> None:
    with pytest.raises(InventoryError, match="hosts: it has no host"):
        lines_of(text, "hosts")


def test_a_name_can_be_given_to_one_only() -> None:
    both = [CollectionTarget("a", Engine("x")), CollectionTarget("b", Engine("y"))]
    assert renamed(both[:1], "mine")[0].name == "mine"
    assert renamed(both, "") == both
    with pytest.raises(UsageProblem, match="--host names one host, and 2 are queried"):
        renamed(both, "mine")


# many


class Fleet(Sequence[CollectionTarget]):
    """Targets that answer at once, each made when it is its turn; `most` were in the works at a time."""

    def __init__(self, size: int) -> None:
        self.size, self.begun, self.told, self.most = size, 0, [0] * size, 0

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, number: Any) -> Any:
        self.begun += 1
        self.most = max(self.most, self.begun - sum(self.told))
        return CollectionTarget(f"ssh web-{number}", Destination("x"), problem="it is away")

    def take(self, answers: Sequence[Said]) -> None:
        """Take some answers, slowly."""
        time.sleep(0.005)
        for answer in answers:
            self.told[answer.place] += 1


def test_of_many_only_some_are_in_the_works_at_a_time_and_each_is_told_once() -> None:
    fleet = Fleet(1000)
    assert gather(fleet, Effort(8, 20, together=20), fleet.take) == 1000
    assert fleet.told == [1] * 1000
    # those that are stored, those that wait to be, and those that are queried
    assert fleet.most <= 2 * (20 + 8)


def test_what_cannot_be_stored_ends_the_collection_with_its_own_error() -> None:
    def refuse(_: Sequence[Said]) -> None:
        raise DatabaseError("the disk is full")

    fleet = Fleet(1000)
    with pytest.raises(DatabaseError, match="the disk is full"):
        gather(fleet, Effort(8, 20, together=20), refuse)
    assert fleet.begun < 100


def test_whoever_is_to_stop_queries_no_more_and_tells_how_many_were() -> None:
    fleet = Fleet(1000)
    begun = gather(fleet, Effort(4, 20, lambda: fleet.begun >= 10), fleet.take)
    assert 10 <= begun < 20
    assert fleet.told == [1] * begun + [0] * (1000 - begun)


def test_more_hosts_than_the_soft_limit_of_open_files_allows_are_queried_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\nsleep 1\necho no answer\n", encoding="utf-8")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    answers: list[Said] = []
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 40, before[1]))
    try:
        gather([CollectionTarget(f"ssh {n}", Destination(f"h{n}")) for n in range(30)], Effort(30, 60), answers.extend)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert {a.problem for a in answers} == {"its answer is not the probe's"}


# several of one name


def called(*said: tuple[str, str]) -> list[tuple[str, str]]:
    """The contexts' labels and the names that their hosts get: each is asked as (host's name, engine's id)."""
    answers: Sequence[Said] = [
        answer
        for number, (name, engine) in enumerate(said)
        for receiver in [over_http(Answer(body=VERSION), info(name, engine))]
        for answer in [_from(receiver, f"context c{number}")]
    ]
    return [(a.target.label, a.hosts[0].name) for a in distinct(answers)]


def _from(receiver: Any, label: str) -> Said:
    with receiver as engine:
        return ask(CollectionTarget(label, Engine(tcp(engine.url))))[0]


def test_an_engine_that_is_reached_in_two_ways_is_one_host() -> None:
    assert called(("lab-1", "A"), ("lab-1", "A"), ("lab-2", "B")) == [("context c0", "lab-1"), ("context c2", "lab-2")]


def test_machines_that_call_themselves_alike_are_called_as_their_contexts() -> None:
    assert called(("localhost", "A"), ("localhost", "B"), ("lab-1", "C")) == [
        ("context c0", "c0"),
        ("context c1", "c1"),
        ("context c2", "lab-1"),
    ]


def test_those_that_did_not_answer_are_all_kept() -> None:
    gone = [Said(CollectionTarget(f"context {n}", Engine("x")), problem="gone") for n in range(3)]
    assert distinct(gone) == gone


def engine_with(**changes: Any) -> dict[str, Any]:
    """What an engine answers that runs two containers, one of an image that lost its name."""
    image = {"Os": "linux", "Architecture": "amd64", "Config": {"Env": ["PASSWORD=x"]}}
    new = {"Id": digest("new"), "RepoTags": ["nginx:1"], "RepoDigests": [f"nginx@{digest('m')}"]}
    old: dict[str, Any] = {"Id": digest("old"), "RepoTags": [], "RepoDigests": None}
    answers = {
        "/version": json.loads(VERSION) | {"Arch": "amd64"},
        "/info": {"Name": "lab-1", "ID": "AAAA"},
        "/containers/json": [
            {"Id": "a" * 64, "Image": "nginx:1", "ImageID": digest("new"), "Command": "x", "State": "running"},
            {"Id": "b" * 64, "Image": digest("old"), "ImageID": digest("old"), "Command": "x", "State": "running"},
        ],
        f"/containers/{'b' * 64}/json": {"Id": "b" * 64, "Config": {"Image": "nginx:1", "Env": ["PASSWORD=x"]}},
        "/images/json": [new],
        f"/images/{digest('new')}/json": new | image | {"RootFS": {"Layers": [digest("os2"), digest("app")]}},
        f"/images/{digest('old')}/json": old | image | {"RootFS": {"Layers": [digest("os"), digest("app")]}},
    }
    return answers | {f"/{k.replace('_', '/')}": v for k, v in changes.items()}


NGINX = "docker.io/library/nginx:1"


def test_an_engines_images_are_asked_for_once_and_one_that_lost_its_name_is_known_by_its_container() -> None:
    held = HeldImages()
    with over_routes(engine_with()) as engine:
        (answer,) = ask(CollectionTarget("lab", Engine(engine.url)), held=held)
        first = len(engine.paths)
        (again,) = ask(CollectionTarget("lab", Engine(engine.url)), held=held)
    assert (answer.notes, again.images) == ((), answer.images)
    assert answer.images == HostImages(
        "lab-1",
        tuple(sorted(ImageUse(NGINX, digest(name), "linux/amd64") for name in ("new", "old"))),
    )
    assert sorted(p for p in engine.paths[:first] if p.startswith("/images/")) == sorted(
        ["/images/json", *(f"/images/{digest(name)}/json" for name in ("new", "old"))]
    )
    assert [p for p in engine.paths[first:] if p.startswith("/images/")] == ["/images/json"]
    images = {i.key: i for i in held.take()}
    assert {k: i.layers[0] for k, i in images.items()} == {digest("new"): digest("os2"), digest("old"): digest("os")}
    assert images[digest("new")].digests == (f"docker.io/library/nginx@{digest('m')}",)


def test_an_image_that_is_known_for_another_architecture_is_asked_for_again() -> None:
    held = HeldImages({digest("new"): "linux/arm64", digest("old"): "linux/amd64"})
    with over_routes(engine_with()) as engine:
        ask(CollectionTarget("lab", Engine(engine.url)), held=held)
    assert [p for p in engine.paths if p.startswith("/images/sha256")] == [f"/images/{digest('new')}/json"]


@pytest.mark.parametrize(
    ("changes", "note", "known"),
    [
        ({"containers_json": Answer(403, "no")}, "runs by image is not known: the engine answers HTTP 403", False),
        ({"containers_json": {}}, "runs by image is not known: its answer cannot be read", False),
        ({"containers_json": Answer(body="[" * 100_000)}, "runs by image is not known: its answer cannot be", False),
        ({"images_json": Answer(403, "no")}, "its images are not known: the engine answers HTTP 403", True),
        ({f"images_{digest('new')}_json": Answer(500, "no")}, "its images are not known: the engine answers", True),
        ({f"images_{digest('new')}_json": Answer(body="[]")}, "not all of its images were read", True),
    ],
)
def test_an_engine_that_refuses_its_images_still_gives_its_versions(
    changes: dict[str, Any], note: str, *, known: bool
) -> None:
    with over_routes(engine_with(**changes)) as engine:
        answer = one(Engine(engine.url))
    assert (answer.problem, [h.name for h in answer.hosts]) == ("", ["lab-1"])
    assert [note in said for said in answer.notes] == [True]
    assert (answer.images is not None) is known


def test_containers_that_cannot_be_read_or_are_named_by_nothing_do_not_stop_the_others() -> None:
    rows = [7, {"Id": "../x", "Image": digest("old"), "ImageID": digest("old")}, {"Id": 1}]
    answers = engine_with()
    answers["/containers/json"] += rows
    del answers[f"/containers/{'b' * 64}/json"]
    with over_routes(answers) as engine:
        answer = one(Engine(engine.url))
    assert answer.images == HostImages("lab-1", (ImageUse(NGINX, digest("new"), "linux/amd64"),))
    assert answer.notes == (
        "some of its containers run an image whose name is not known",
        "some of its containers cannot be read",
    )
    assert not [path for path in engine.paths if ".." in path]


def test_a_fleet_keeps_each_image_and_each_use_once() -> None:
    held = HeldImages()
    with over_routes(engine_with()) as engine:
        answers = ask(*(CollectionTarget(f"context {n}", Engine(engine.url), f"h{n}") for n in range(20)), held=held)
    assert len(held.take()) == 2
    uses = [use for answer in answers if answer.images for use in answer.images.uses or ()]
    assert (len(uses), len({id(use) for use in uses})) == (40, 2)
    assert all(answer.images is not None and not answer.images.held for answer in answers)

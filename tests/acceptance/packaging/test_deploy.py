"""The files in deploy/: what a linter does not know, and that they fit the program. Linters: `make deploy systemd`."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
import yaml

from notifier import config as configs
from notifier.cli import COMMANDS
from notifier.config.inventory import MOST_PARALLEL
from notifier.security.encryption import is_sealed, seal
from notifier.web.routes import ROUTES
from tests.conftest import ROOT
from tests.support.pages import parse

DEPLOY = ROOT / "deploy"
CONTAINER = DEPLOY / "container" / "Containerfile"
SERVICE = DEPLOY / "systemd" / "navtex.service"
WEB = DEPLOY / "systemd" / "navtex-web.service"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def instructions() -> list[tuple[str, str]]:
    """(instruction, what follows) of the container file, in order."""
    text = re.sub(r"^#.*\n", "", CONTAINER.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines if line]


def test_every_base_image_is_pinned_by_digest_and_make_images_renews_it(tmp_path: Path) -> None:
    compose = ROOT / "deploy" / "compose" / "compose.yaml"
    named = [what for name, what in instructions() if name == "ARG" and what.startswith("PYTHON=")]
    named += [s["image"] for s in yaml.safe_load(compose.read_text(encoding="utf-8"))["services"].values()]
    others = [image for image in named if image != "navtex"]
    assert len(others) == 2
    assert all(re.search(r":[\w.-]+@sha256:[0-9a-f]{64}$", image) for image in others)
    assert all("${PYTHON}" in what for name, what in instructions() if name == "FROM")

    new = "sha256:" + "ab" * 32
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\n[ $1$2$3 = buildximagetoolsinspect ] && echo {new}\n")
    docker.chmod(0o755)
    copies = [Path(shutil.copy(file, tmp_path)) for file in (CONTAINER, compose)]
    script = [sys.executable, str(ROOT / "scripts" / "images.py"), *map(str, copies)]
    subprocess.run(script, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True, capture_output=True)
    assert [c.read_text(encoding="utf-8").count(f"@{new}") for c in copies] == [1, 1]

    docker.write_text("#!/bin/sh\necho unauthorized\n")
    before = [c.read_text(encoding="utf-8") for c in copies]
    failed = subprocess.run(script, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False, capture_output=True)
    assert failed.returncode != 0
    assert [c.read_text(encoding="utf-8") for c in copies] == before


def test_the_image_runs_as_nobody_without_a_shell_and_keeps_its_data_in_one_place() -> None:
    final = instructions()[[i for i, (name, _) in enumerate(instructions()) if name == "FROM"][-1] :]
    said = dict(final)
    assert said["USER"] == "65534:65534"
    assert said["VOLUME"] == said["WORKDIR"] == "/var/lib/navtex"
    for name in ("ENTRYPOINT", "CMD"):
        assert re.fullmatch(r'\["[^"]+"\]', said[name])
    assert said["HEALTHCHECK"].endswith('CMD ["navtex", "doctor"]')
    assert "RUN" not in said
    assert all("--chown=65534:65534" in what for name, what in final if name == "COPY" and "/var/lib" in what)


def test_everything_that_the_image_copies_is_let_through_by_the_ignore_file_and_is_there() -> None:
    allowed = re.findall(r"^!([\w./]+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    copied = [w for name, what in instructions() if name == "COPY" and "--from" not in what for w in what.split()[:-1]]
    assert len(copied) > 8
    for path in copied:
        assert (ROOT / path).exists(), path
        assert any(f"{path}/".startswith(f"{a.rstrip('/')}/") for a in allowed), path
    needed = {"feeds", "notifier", "alembic", "templates", "demo", "pyproject.toml", "README.md", "LICENSE", "docs"}
    assert needed <= {path.rstrip("/") for path in copied}


def test_what_the_image_installs_is_checked_by_its_hash_or_made_from_this_checkout() -> None:
    installs = [
        part.split(" pip install ")[-1] if " pip install " in part else part.split("pip install ")[1]
        for name, what in instructions()
        if name == "RUN"
        for part in what.split("&&")
        if "pip install" in part
    ]
    assert len(installs) == 3
    for one in installs:
        assert "--no-deps" in one
        assert ("--require-hashes" in one and re.search(r"--requirement locks/\w+\.lock", one)) or "--no-index" in one


def manifests() -> dict[str, Any]:
    text = (DEPLOY / "kubernetes" / "navtex.yaml").read_text(encoding="utf-8")
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


def test_the_cron_job_is_alone_restricted_and_reads_only() -> None:
    job = manifests()["CronJob"]["spec"]
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert job["concurrencyPolicy"] == "Forbid"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["args"][0] in COMMANDS
    assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    # the data lie where the image has its volume
    (data,) = (m["mountPath"] for m in container["volumeMounts"] if m["name"] == "data")
    assert ("VOLUME", data) in instructions()


def test_the_configuration_in_the_manifest_is_one(tmp_path: Path) -> None:
    from notifier.config import read

    file = tmp_path / "config.toml"
    file.write_text(manifests()["ConfigMap"]["data"]["config.toml"], encoding="utf-8")
    assert read(file).log.format == "json"


def test_compose_has_no_password_in_it_and_runs_read_only() -> None:
    text = (DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8")
    whole = yaml.safe_load(text)
    navtex, db = whole["services"]["navtex"], whole["services"]["db"]
    assert navtex["read_only"] is True
    assert navtex["cap_drop"] == ["ALL"]
    assert navtex["user"] == dict(instructions())["USER"]
    assert not re.search(r"password[ \t]*[:=][ \t]*[^\s/]", text, re.IGNORECASE)
    for service in (navtex, db):
        for secret in service["secrets"]:
            assert "file" in whole["secrets"][secret]
    assert db["environment"]["POSTGRES_PASSWORD_FILE"] == f"/run/secrets/{db['secrets'][0]}"
    assert navtex["environment"]["NAVTEX_DATABASE_URL"].endswith(f"/run/secrets/{navtex['secrets'][0]}")
    assert (DEPLOY / "compose" / navtex["build"]["context"] / navtex["build"]["dockerfile"]).resolve() == CONTAINER


def calls() -> Iterator[tuple[str, str]]:
    for path in (SERVICE, WEB, DEPLOY / "cron" / "navtex"):
        for arguments in re.findall(r"/bin/navtex (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            yield path.name, arguments


def test_what_cron_and_systemd_call_is_a_command() -> None:
    found = dict(calls())
    assert found.keys() == {"navtex.service", "navtex-web.service", "navtex"}
    for arguments in found.values():
        parse(shlex.split(arguments))


def test_the_page_is_reachable_in_containers_only_where_somebody_can_sign_in_and_is_probed() -> None:
    web = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))["services"]["web"]
    parse(web["command"])
    assert web["ports"] == ["127.0.0.1:8420:8420"], "plain HTTP does not leave the machine"
    assert "/-/ready" in web["healthcheck"]["test"][-1]
    config = configs.read(DEPLOY / "compose" / "config.toml")
    assert config.web.url.startswith("https://")
    parts = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "navtex-web.yaml").read_text(encoding="utf-8")))
    made = {part["kind"]: part for part in parts}
    pod = made["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    parse(container["args"])
    paths = {container[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert paths == {"/-/ready", "/-/live"}
    assert paths <= {route.path for route in ROUTES}
    text = msgspec.toml.decode(made["ConfigMap"]["data"]["config.toml"], type=configs.Config)
    assert (text.web.listen, bool(text.web.auth.trusted_networks)) == ("0.0.0.0:8420", True)
    security = container["securityContext"]
    assert (security["readOnlyRootFilesystem"], security["allowPrivilegeEscalation"]) == (True, False)


def test_the_service_allows_what_a_run_needs() -> None:
    text = SERVICE.read_text(encoding="utf-8")
    # TLS callbacks need memory that is written and run; the crawl's child limits its memory with prlimit64
    assert not re.search(r"^MemoryDenyWriteExecute=yes", text, re.MULTILINE)
    assert re.findall(r"^SystemCallFilter=(.+)$", text, re.MULTILINE)[-1] == "prlimit64"
    families = re.findall(r"^RestrictAddressFamilies=(.+)$", text, re.MULTILINE)
    assert families == ["AF_INET AF_INET6 AF_UNIX"]


HELPER = DEPLOY / "systemd" / "navtex-as"
SAID = """# a comment
GITHUB_TOKEN=a b&c=d$e
https_proxy="http://proxy.example.org:3128"
NAVTEX_LOG_FORMAT='json'

NAVTEX_MIRROR=first
NAVTEX_MIRROR=second"""


def test_what_is_called_by_hand_has_the_user_the_folders_and_the_variables_of_the_service(tmp_path: Path) -> None:
    text, unit = HELPER.read_text(encoding="utf-8"), SERVICE.read_text(encoding="utf-8")
    for said in (r"^ExecStart=(\S+) run$", r"^EnvironmentFile=-(\S+)$", r"^User=(.+)$"):
        (value,) = re.findall(said, unit, re.MULTILINE)
        assert value in text
    state, tools = tmp_path / "state", tmp_path / "tools"
    tools.mkdir()
    program, file = tmp_path / "program", tmp_path / "environment"
    program.write_text('#!/bin/sh\nenv > environment.seen\nprintf "%s\\n" "$@" > arguments.seen\n', encoding="utf-8")
    (tools / "runuser").write_text(
        '#!/bin/sh\n[ "$1 $2 $3" = "-u navtex --" ] && shift 3 && exec "$@"\n', encoding="utf-8"
    )
    (tools / "install").write_text(
        f'#!/bin/sh\n[ "$5 $7" = "navtex navtex" ]\n{shutil.which("mkdir")} "$8"\n', encoding="utf-8"
    )
    for one in (program, tools / "runuser", tools / "install"):
        one.chmod(0o755)
    file.write_text(SAID, encoding="utf-8")
    copy = tmp_path / "navtex-as"
    for here, there in (
        ("/etc/navtex/environment", file),
        ("/opt/navtex/bin/navtex", program),
        ("PATH=", f"PATH={tools}:"),
        ("navtex /var/lib/navtex", f"navtex {state}"),
        ("cd /var/lib/navtex", f"cd {state}"),
    ):
        assert here in text
        text = text.replace(here, str(there))
    copy.write_text(text, encoding="utf-8")
    arguments = ["subscription", "add", "ops", "--to", "mailtos://me:${MAIL}@x?to=a b"]
    subprocess.run(["sh", copy, *arguments], check=True, env={"PATH": "/usr/bin:/bin", "ROOTS": "own", "GH_TOKEN": "x"})
    assert (state / "arguments.seen").read_text(encoding="utf-8").splitlines() == arguments
    seen = dict(line.split("=", 1) for line in (state / "environment.seen").read_text(encoding="utf-8").splitlines())
    (folders,) = re.findall(r"^Environment=(.+)$", unit, re.MULTILINE)
    expected = dict(pair.split("=", 1) for pair in folders.split()) | {
        "GITHUB_TOKEN": "a b&c=d$e",
        "https_proxy": "http://proxy.example.org:3128",
        "NAVTEX_LOG_FORMAT": "json",
        "NAVTEX_MIRROR": "second",
    }
    assert expected.items() <= seen.items()
    assert seen.keys() - expected.keys() <= {"PATH", "LANG", "TERM", "PWD", "OLDPWD", "SHLVL", "_"}


def test_where_nothing_can_be_written_beside_the_configuration_the_key_is_given() -> None:
    compose = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))["services"]["navtex"]
    name = compose["environment"]["NAVTEX_SECRET_KEY_FILE"].removeprefix("/run/secrets/")
    assert name in compose["secrets"]
    pod = manifests()["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    given = {e["name"]: e["valueFrom"]["secretKeyRef"] for e in pod["containers"][0]["env"]}
    assert given["NAVTEX_SECRET_KEY"]["key"] == "secret-key"
    page = (ROOT / "docs" / "how-to" / "run-in-containers.md").read_text(encoding="utf-8")
    assert "secrets/secret-key" in page
    assert "--from-literal secret-key=" in page
    assert ":/etc/navtex/secret.key:ro" in page


@pytest.mark.parametrize("page", ["run-with-systemd.md", "run-in-containers.md"])
def test_the_key_that_a_page_makes_is_one(page: str) -> None:
    text = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8").replace("python3", sys.executable)
    made = re.findall(r"openssl rand [^\n>)|]+(?:\| tr [^\n>)|]+)+|" + re.escape(sys.executable) + r" -c '[^']+'", text)
    made = [one for one in made if "64" in one]
    assert made
    if "openssl" in made[0] and not shutil.which("openssl"):
        pytest.skip("there is no openssl here")
    for one in made:
        key = subprocess.run(["sh", "-c", one], capture_output=True, text=True, check=True).stdout
        assert is_sealed(seal("json://127.0.0.1/", {"NAVTEX_SECRET_KEY": key.strip()}))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze; see `make systemd`")
def test_the_units_are_valid_and_a_bad_one_would_be_found(tmp_path: Path) -> None:
    def check(*files: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, ROOT / "scripts" / "units.py", *files], capture_output=True, text=True, check=False
        )

    agent = (DEPLOY / "agent" / f"navtex-agent.{kind}" for kind in ("service", "timer"))
    done = check(SERVICE, WEB, DEPLOY / "systemd" / "navtex.timer", *agent)
    assert (done.returncode, done.stderr) == (0, "")
    scores = dict(re.findall(r"exposure level for ([\w.-]+): ([\d.]+)", done.stdout))
    assert scores.keys() == {"navtex.service", "navtex-web.service", "navtex-agent.service"}
    assert all(float(score) < 2 for score in scores.values())
    text = SERVICE.read_text(encoding="utf-8")
    open_one, wrong = tmp_path / "open.service", tmp_path / "wrong.service"
    open_one.write_text(re.sub(r"^(?:Protect|Private|Restrict|Capab|System).*\n", "", text, flags=re.MULTILINE))
    wrong.write_text(text.replace("Type=oneshot", "Type=onceonly"))
    assert check(open_one).returncode != 0
    assert check(wrong).returncode != 0


def test_the_manual_page_is_what_the_commands_say() -> None:
    written = (ROOT / "docs" / "man" / "navtex.1").read_text(encoding="utf-8")
    assert written == script("man").page(), "run `make man`"
    # every line that troff takes for a request is one that we mean
    requests = {line.split()[0] for line in written.splitlines() if line.startswith((".", "'"))}
    assert requests <= {".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".nf", ".fi"}
    for name in COMMANDS:
        assert re.search(rf'^\.SS "navtex {name}', written, re.MULTILINE)


def test_each_example_of_the_manual_page_has_a_line_of_its_own() -> None:
    written = (ROOT / "docs" / "man" / "navtex.1").read_text(encoding="utf-8")
    assert "\b" not in written
    as_it_is = re.findall(r"^\.nf\n(.*?)^\.fi$", written, re.MULTILINE | re.DOTALL)
    shown = [line for block in as_it_is for line in block.splitlines()]
    assert len(shown) > 10
    assert all(line.startswith("navtex ") for line in shown)
    others = [line for line in written.splitlines() if line.startswith("navtex ") and line not in shown]
    assert len(others) == 1, "the page's own name"


@pytest.mark.parametrize(
    ("said", "written"),
    [("a-b", r"a\-b"), (".so /etc/passwd", r"\&.so /etc/passwd"), ("'x", r"\&'x"), (r"\fB", r"\efB"), ('"', r"\(dq")],
)
def test_no_text_steers_the_manual_page(said: str, written: str) -> None:
    assert script("man").escaped(said) == written


@pytest.mark.parametrize(
    ("shell", "check"), [("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])]
)
def test_a_completion_script_is_one_that_its_shell_reads(shell: str, check: list[str]) -> None:
    text = subprocess.run(
        [sys.executable, "-m", "notifier.cli", "completion", shell], capture_output=True, text=True, check=True
    ).stdout
    assert "_NAVTEX_COMPLETE" in text
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    assert subprocess.run(check, input=text, capture_output=True, text=True, check=False).stderr == ""


def test_what_a_shell_asks_for_is_completed() -> None:
    def offered(words: str, at: int) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-c", "from notifier.cli import main; main()"],
            capture_output=True,
            text=True,
            check=True,
            env={"_NAVTEX_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(at)},
        )
        return {line.partition(",")[2] for line in done.stdout.splitlines()}

    assert offered("navtex inv", 1) == {"inventory"}
    assert offered("navtex inventory im", 2) == {"import"}
    assert "--fail-on" in offered("navtex exposure --", 2)
    assert offered("navtex exposure --severity cri", 3) == {"critical"}


AUDITED = """#!{python}
import json, sys
lock = open(sys.argv[-1]).read()
names = [line.split("==")[0] for line in lock.splitlines() if "==" in line]
print(json.dumps({{"dependencies": [{answer} for name in names], "fixes": []}}))
"""
LOOKED_UP = '{"name": name, "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}] if name == "b" else []}'


@pytest.mark.parametrize(
    ("answer", "variables", "status", "said"),
    [
        ('{"name": name, "version": "1", "vulns": []}', {}, 0, "one.lock: no known vulnerability"),
        (LOOKED_UP, {}, 1, "b 1: PYSEC-1, fixed in 2"),
        ('{"name": name, "skip_reason": "not found"}', {}, 0, "SKIPPED"),
        ('{"name": name, "skip_reason": "not found"}', {"NAVTEX_AUDIT": "required"}, 1, "SKIPPED"),
        ("sys.exit('ConnectionError: no network')", {}, 0, "SKIPPED, the database of advisories cannot be asked: Conn"),
    ],
)
def test_the_audit_says_what_it_could_not_look_up(
    tmp_path: Path, answer: str, variables: dict[str, str], status: int, said: str
) -> None:
    program = tmp_path / "pip-audit"
    program.write_text(AUDITED.format(python=sys.executable, answer=answer))
    program.chmod(0o700)
    lock = tmp_path / "one.lock"
    lock.write_text("a==1 \\\n    --hash=sha256:0\nb==1 \\\n    --hash=sha256:0\n")
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "audit.py", program, lock],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", **variables},
    )
    assert done.returncode == status, done.stderr
    assert said in done.stdout


def test_a_worker_may_start_as_many_programs_as_a_collection_asks_at_a_time() -> None:
    """Each host over SSH is a program and a thread that waits for it, and one more program behind a jump host."""
    unit = (DEPLOY / "systemd" / "navtex-worker@.service").read_text(encoding="utf-8")
    compose = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))
    found = re.search(r"^TasksMax=(\d+)$", unit, re.MULTILINE)
    assert found
    assert min(int(found[1]), compose["services"]["worker"]["pids_limit"]) >= 3 * MOST_PARALLEL

"""The pages in Chromium: accessible, without overflow, and of use with scripts off. `make browser` runs this."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from feeds.storage.database import Database
from notifier.domain.access import Role
from notifier.domain.jobs import MATCH, collect_job, deliver_job, digest_jobs
from notifier.services.upkeep.jobs import note_failure
from notifier.storage import jobs
from tests.conftest import fresh_postgres
from tests.support.access import signed_in, user
from tests.support.web import Reply, browser

pytestmark = pytest.mark.browser

NAME = "CVE-2024-41110"
PAGES = (
    "/",
    "/?group=advisory&severity=high",
    "/?group=host",
    "/?group=matrix",
    "/?host=none-*",
    "/plan",
    "/hosts",
    "/hosts/db-1",
    "/images",
    "/images?view=all",
    "/images/registry.example.org/shop/api:2.8",
    "/advisories",
    f"/advisories/{NAME}",
    "/benchmarks",
    "/benchmarks/cis-docker-benchmark-1.8.0",
    "/sources",
    "/notifications",
    f"/notifications?subscription=demo&advisory={NAME}",
    "/notifications/1",
    "/silences",
    "/subscriptions",
    "/subscriptions/demo",
    "/subscriptions/demo/edit",
    "/trend",
    "/jobs",
    "/tokens",
    "/users",
    "/audit",
    "/password",
    "/subscribe",
    "/?severity=worst",
    "/hosts/nobody",
    "/c/nothing",
    "/u/nothing",
    "/nothing/here",
)
OUTSIDE = ("/login", "/login/oidc", "/setup/used", "/subscribe", "/c/nothing", "/nothing/here")
"""Pages for somebody who did not sign in."""
SCREENSHOTS = os.environ.get("NAVTEX_SCREENSHOTS", "")
"""A folder for pictures of the page of jobs, for whoever changes it."""
VIEWS = (("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360))
WIDE = """() => [...document.querySelectorAll("body *")].filter(e => {
    if (e.getBoundingClientRect().right <= document.documentElement.clientWidth + 1) return false;
    for (let p = e.parentElement; p; p = p.parentElement)
        if (!["visible", "clip"].includes(getComputedStyle(p).overflowX)) return false;
    return true;
}).map(e => e.outerHTML.slice(0, 120))"""


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, str]]:
    """`navtex serve` on the demo's database: its address, and the one that makes the first administrator."""
    program = [sys.executable, "-m", "notifier.cli"]
    subprocess.run([*program, "demo", "--dir", str(folder)], check=True, stdout=subprocess.DEVNULL)
    config = folder / "navtex.toml"
    config.write_text('[due]\ncritical = "1d"\nhigh = "30d"\n', encoding="utf-8")
    environment = {"NAVTEX_DATABASE_URL": f"sqlite:///{folder / 'navtex.db'}", "NAVTEX_CONFIG": str(config)}
    with subprocess.Popen(
        [*program, "serve", "--listen", "127.0.0.1:0", "--insecure-http"],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        lines, found = "", None
        try:
            while not ((base := re.search(r"Serving (http://[^/]+)/", lines)) and found):
                line = process.stdout.readline()
                assert line, f"navtex serve ended: {lines}"
                lines += line
                found = found or re.search(r"http://\S+/setup/\S+", lines)
            yield base[1], found[0]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a server, and of the page for the first administrator."""
    with served(tmp_path_factory.mktemp("page") / "demo") as found:
        yield found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(scope="module")
def cookies(site: tuple[str, str], chromium: Any) -> Any:
    """The cookies of an administrator, who was made on the page with scripts off."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site[1])
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_label("Password again").fill("correct horse battery")
    page.get_by_role("button").click()
    assert page.get_by_text("ada").first.is_visible()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{site[0]}/login")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    assert page.get_by_role("heading", level=1).text_content() == "11 hosts are affected"
    return context.cookies()


@pytest.mark.parametrize(("scheme", "width"), VIEWS)
def test_every_page_is_accessible_and_fits(
    site: tuple[str, str], chromium: Any, cookies: Any, scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # axe is a script, which the pages' policy would not let in
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    context.add_cookies(cookies)
    page = context.new_page()
    faults = []
    for path in PAGES:
        page.goto(site[0] + path)
        found = axe.run(page).response["violations"]
        faults += [f"{path}: {v['id']} at {v['nodes'][0]['html'][:160]}" for v in found]
        if width < 400:
            page.set_viewport_size({"width": 320, "height": 800})
            faults += [f"{path} at 320 px: {html}" for html in page.evaluate(WIDE)[:2]]
            page.set_viewport_size({"width": width, "height": 800})
    context.close()
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(("scheme", "width"), VIEWS)
def test_pages_for_people_outside_are_accessible_and_fit(
    site: tuple[str, str], chromium: Any, cookies: Any, scheme: str, width: int
) -> None:
    assert cookies, "there is an administrator"
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    faults: list[str] = []

    def look(what: str) -> None:
        found = axe.run(page).response["violations"]
        faults.extend(f"{what}: {v['id']} at {v['nodes'][0]['html'][:160]}" for v in found)
        faults.extend(f"{what}: too wide: {html}" for html in page.evaluate(WIDE)[:2])

    for path in OUTSIDE:
        page.goto(site[0] + path)
        look(path)
    page.goto(f"{site[0]}/login")
    for attempt in range(6):
        page.get_by_label("Name").fill(f"somebody-{scheme}-{width}")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        if attempt in (0, 5):
            look(f"failed sign-in {attempt}")
    assert page.get_by_role("alert").text_content().strip().startswith("Too many attempts failed.")
    context.close()
    assert not faults, "\n".join(faults)


@pytest.fixture
def jobs_page(postgres: sa.URL) -> Iterator[dict[str, Reply]]:
    """The page of jobs with some that wait, run and failed, and its style, by their paths."""
    database = Database(fresh_postgres(postgres))
    user(database, "ann", Role.ADMIN)
    now = datetime.now(UTC)
    hosts = [deliver_job(f"mail-{n}.example.org") for n in range(5)]
    batch = collect_job("berlin", [f"web-{n}" for n in range(100)], now)
    with database.begin() as connection:
        jobs.enqueue(connection, [MATCH, *hosts, batch, *digest_jobs(range(60))])
        numbers = [one.id for one in jobs.listed(connection) if one.task == "deliver"]
        fail = sa.text("UPDATE jobs.procrastinate_jobs SET status = 'failed', attempts = 3 WHERE id = ANY(:n)")
        connection.execute(fail, {"n": numbers[:2]})
        connection.exec_driver_sql("UPDATE jobs.procrastinate_jobs SET status = 'doing' WHERE task_name = 'match'")
        connection.exec_driver_sql("UPDATE jobs.procrastinate_events SET at = now() - interval '1 hour'")
        connection.exec_driver_sql("INSERT INTO jobs.procrastinate_workers (last_heartbeat) VALUES (now())")
    reason = f"https://mail.example.org/{'long-' * 40}: the server closed the connection"
    note_failure(database, numbers[0], OSError(reason), now)
    with browser(database) as made, ThreadPoolExecutor(1) as thread:
        made.now = now
        signed_in(made, "ann")
        # the thread of the test has the event loop of Chromium's driver
        shown = thread.submit(made.get, "/jobs").result()
        style = re.search(r'<link rel="stylesheet" href="([^"]+)"', shown.text)
        assert style
        yield {"/jobs": shown, style[1]: thread.submit(made.get, style[1]).result()}
    database.close()


@pytest.mark.parametrize(("scheme", "width"), VIEWS)
def test_the_page_of_jobs_is_accessible_and_fits(
    jobs_page: dict[str, Reply], chromium: Any, scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()

    def answer(route: Any) -> None:
        found = jobs_page.get("/" + route.request.url.split("/", 3)[3])
        route.fulfill(
            status=found.status if found else 404,
            body=found.body if found else b"",
            content_type=found.header("content-type") if found else "text/plain",
        )

    page.route("**/*", answer)
    page.goto("http://navtex.example.org/jobs")
    assert page.get_by_role("heading", level=1).text_content() == "Jobs wait for a worker"
    assert page.get_by_role("button", name=re.compile("Retry job")).count() == 2
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/jobs-{scheme}-{width}.png", full_page=True)
    faults = [f"{v['id']} at {v['nodes'][0]['html'][:160]}" for v in axe.run(page).response["violations"]]
    for narrow in (width, min(width, 320)):
        page.set_viewport_size({"width": narrow, "height": 800})
        faults += [f"at {narrow} px: {html}" for html in page.evaluate(WIDE)[:2]]
    context.close()
    assert not faults, "\n".join(faults)


def test_the_tasks_are_done_with_scripts_off(site: tuple[str, str], chromium: Any, cookies: Any) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 360, "height": 780})
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto(site[0])
    first = page.get_by_role("heading", name="First: upgrade engine 19.03.15")
    assert first.is_visible()
    assert first.bounding_box()["y"] < 780
    assert page.locator("pre").first.bounding_box()["y"] < 780, "the command is not on the first screen"
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Tag").fill("team=api")
    page.get_by_role("button", name="Show").click()
    assert page.url.endswith("tag=team%3Dapi&product=&severity=&advisory=&verdict=")
    assert page.get_by_role("heading", level=1).text_content() == "2 hosts are affected"
    page.get_by_role("link", name=re.compile("tagged team=api")).click()
    assert page.get_by_role("heading", level=1).text_content() == "11 hosts are affected"
    page.get_by_role("link", name=NAME).first.click()
    assert page.get_by_text("4 hosts are affected").is_visible()
    page.get_by_text("engine 25.0.5").click()
    assert page.get_by_role("row", name=re.compile("decides")).nth(1).is_visible()
    page.get_by_label("Reason").fill("not reachable")
    page.get_by_role("button", name="Silence").click()
    assert page.get_by_role("status").text_content().strip().startswith("Silenced.")
    page.get_by_label("To", exact=True).fill("Bo")
    page.get_by_role("button", name="Assign").click()
    assert page.get_by_text("Assigned to Bo").is_visible()
    page.get_by_role("button", name="Remove the assignment").click()
    page.goto(f"{site[0]}/silences")
    page.get_by_role("button", name=f"End the silence of {NAME}").click()
    assert page.get_by_role("heading", name="Nothing is silenced").is_visible()
    page.goto(f"{site[0]}/subscriptions/demo")
    page.get_by_role("button", name="Pause").click()
    assert page.get_by_text("paused", exact=True).is_visible()
    page.get_by_role("button", name="Resume").click()
    context.close()


def test_the_first_upgrade_is_on_the_first_printed_page(site: tuple[str, str], chromium: Any, cookies: Any) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1000, "height": 700})
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto(site[0])
    page.emulate_media(media="print")
    assert page.get_by_role("heading", name="First: upgrade engine 19.03.15").bounding_box()["y"] < 300
    assert not page.get_by_role("button", name="Sign out").is_visible()
    assert not page.get_by_role("navigation", name="Pages").is_visible()
    context.close()

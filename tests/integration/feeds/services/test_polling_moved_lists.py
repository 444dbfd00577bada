"""Lists that lose entries in ways that are not one short list: at another address, and little by little in one day."""

from __future__ import annotations

import gzip
from datetime import timedelta

import pytest
from msgspec.structs import replace

from feeds import storage
from feeds.advisories.facts import Packages
from feeds.crawl.protocol import CrawlJob
from feeds.sources.base import RequestContext
from feeds.storage.database import Database
from tests.conftest import World
from tests.support.polling import MOBY, Poller, entries
from tests.support.unruly import Reply, Unruly

REPODATA = "download.docker.com/linux/centos/9/x86_64/stable/repodata"
VERSIONS = ("25.0.5", "26.1.4", "27.5.1", "28.5.2", "29.5.1", "29.5.3")


class ChannelPoller(Poller):
    """A poller for hosts that run Docker's packages on CentOS."""

    def job(self, *sources: str) -> CrawlJob:
        return replace(super().job(*sources), wanted=RequestContext(channels=frozenset({"centos/9"})))

    @property
    def packages(self) -> set[str]:
        with self.database.connect() as connection:
            found = storage.facts(connection)
        lists = [f for f in found if isinstance(f, Packages) and f.channel == "centos/9"]
        return {p.version for f in lists for p in f.packages}


@pytest.fixture
def poller(database: Database, site: Unruly) -> ChannelPoller:
    return ChannelPoller(database, site)


def index(world: World, name: str, *versions: str) -> None:
    """An RPM repository's index, which has another address with each change."""
    package = (
        '<package type="rpm"><name>docker-ce</name><arch>x86_64</arch><version epoch="3" ver="{}" rel="1"/></package>'
    )
    packages = "".join(map(package.format, versions))
    body = f'<metadata xmlns="http://linux.duke.edu/metadata/common">{packages}</metadata>'
    world.put(f"{REPODATA}/{name}-primary.xml.gz", gzip.compress(body.encode(), mtime=0))
    world.put(
        f"{REPODATA}/repomd.xml",
        '<repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary">'
        f'<location href="repodata/{name}-primary.xml.gz"/></data></repomd>',
    )


@pytest.mark.both
def test_an_index_that_is_cut_at_its_next_address_is_refused(poller: ChannelPoller, world: World) -> None:
    index(world, "a", *VERSIONS)
    assert poller("docker-packages").ok
    index(world, "bb", "25.0.5")
    poller("docker-packages")  # what its index led to before is asked for once more
    for _ in range(2):
        [state] = poller.a_day_later("docker-packages").failed
        assert "its list packages:centos/9 has 1 entries and lacks 5 of the 6 it had" in state.message
        assert poller.packages == {*VERSIONS}
    index(world, "ccc", *VERSIONS, "29.6.0")
    poller("docker-packages")
    assert poller("docker-packages").ok
    assert poller.packages == {*VERSIONS, "29.6.0"}
    index(world, "dddd", "29.6.0")
    poller("docker-packages")
    assert poller("docker-packages", accept="docker-packages").ok
    assert poller.packages == {"29.6.0"}


def test_a_package_that_leaves_an_index_counts_until_it_was_missed_for_a_day(
    poller: ChannelPoller, world: World
) -> None:
    index(world, "a", *VERSIONS)
    assert poller("docker-packages").ok
    index(world, "bb", *VERSIONS[1:])
    for _ in range(2):
        assert poller("docker-packages").ok
        assert poller.packages == {*VERSIONS}
    index(world, "ccc", *VERSIONS[1:], "29.6.0")
    poller("docker-packages")
    assert poller.packages == {*VERSIONS, "29.6.0"}
    assert poller.a_day_later("docker-packages").ok
    assert poller.packages == {*VERSIONS[1:], "29.6.0"}


def test_entries_that_leave_one_by_one_within_a_day_are_not_believed(poller: ChannelPoller, site: Unruly) -> None:
    many = [{**entries(1)[0], "ghsa_id": f"GHSA-2222-2222-2{a}{b}2", "cve_id": f"CVE-2031-2{a}{b}00"}
            for a in range(2, 6) for b in range(2, 8)]  # fmt: skip
    site.reply(MOBY, Reply(many))
    assert poller("moby-advisories").ok
    for left in (22, 20, 18):
        site.reply(MOBY, Reply([many[0], *many[25 - left :]]))
        poller.ahead += timedelta(hours=1)
        report = poller("moby-advisories")
    [state] = report.failed
    assert "entries are missing at once" in state.message
    poller.a_day_later("moby-advisories")
    assert sum(a.withdrawn is not None for a in poller.catalogue.advisories) <= 2

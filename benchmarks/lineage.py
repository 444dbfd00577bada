"""Image lineage at size: 10,000 images, 88,000 layers, 100,000 containers, each question beside its floor in one run.

images.py [--database sqlite|postgresql]... [--images N] [--containers N] [--rounds N]
"""

from __future__ import annotations

import argparse
import hashlib
import random
import resource
import sys
from datetime import UTC, datetime

import msgspec
from measure import ROUNDS, Ratio, compare
from scale import databases

from feeds import storage
from feeds.images.layers import ROOT
from feeds.images.records import Image
from feeds.storage import image_tables
from feeds.storage.database import Connection, Database
from notifier.config import ImageSettings
from notifier.domain.components import Host, Observed
from notifier.domain.filters import Scope
from notifier.domain.images import ImageUse
from notifier.services.snapshot.images import image_assessment
from notifier.storage import bulk, images, inventory

AT = datetime(2026, 11, 1, tzinfo=UTC)
_BASES = 100


def digest(*of: object) -> str:
    """A digest of some words."""
    return "sha256:" + hashlib.sha256(repr(of).encode()).hexdigest()


def fill(database: Database, number: int, containers: int) -> None:
    """Images on a hundred bases, and hosts that run them; ten containers a host."""
    chance = random.Random(1)  # noqa: S311 - a fleet, not a secret
    chains: list[tuple[int, int, str]] = []
    rows, names = [], []

    def chain(parent: int, layer: str) -> int:
        chains.append((len(chains) + 1, parent, layer))
        return len(chains)

    bases = []
    for base in range(_BASES):
        at = ROOT
        for layer in range(chance.randint(1, 6)):
            at = chain(at, digest("base", base, layer))
        bases.append(at)
    for image in range(number):
        at = bases[image % _BASES]
        if image >= _BASES:
            for layer in range(chance.randint(4, 13)):
                at = chain(at, digest("image", image, layer))
        config = digest("config", image)
        rows.append((config, at, True, msgspec.json.encode(Image(config, "linux/amd64", ())).decode()))
        names.append((config, f"r.example/{'base' if image < _BASES else 'app'}{image}:1"))
    with database.begin() as connection:
        bulk.insert_rows(connection, image_tables.image_chain, ("id", "parent", "layer"), chains)
        bulk.insert_rows(connection, image_tables.image, ("config", "chain", "read", "payload"), rows)
        bulk.insert_rows(connection, image_tables.image_name, ("image", "name"), names)
        hosts = [Host(f"host-{n:06}", (), view=Observed.RUNNING) for n in range(containers // 10)]
        inventory.take(connection, hosts, {}, AT)
        numbers = inventory.host_numbers(connection, [h.name for h in hosts])
        uses = {
            n: {ImageUse(names[i][1], names[i][0], "linux/amd64") for i in chance.sample(range(_BASES, number), 10)}
            for n in numbers.values()
        }
        images.replace_images(connection, uses, AT)
    print(f"      {number} images, {len(chains)} layers, {containers} containers")


def read(connection: Connection) -> object:
    """The rows that lineage is made of, as values."""
    return storage.image_facts(connection)


def bases(connection: Connection) -> object:
    """The nearest base of every image, with the rows read first."""
    found = list(image_assessment(connection, ImageSettings(), AT).known_bases)
    assert found
    return found


def scan(connection: Connection) -> object:
    """Every entry of the index on what runs."""
    return connection.exec_driver_sql("SELECT sum(host) FROM running_image").scalar()


def hosts_of_a_base(connection: Connection, uses: list[int]) -> object:
    """The hosts that run an image of one base."""
    return images.count_hosts(connection, Scope(), uses)


def measured(kind: str, connection: Connection, rounds: int) -> list[Ratio]:
    """The two questions, each beside its floor."""
    running = images.running(connection, Scope())
    of_base = [number for number, one in running if int(one.name.repository[3:]) % _BASES == 1]
    reading = f"{kind}: base of every image, beside reading its rows"
    scanning = f"{kind}: hosts of a base's images, beside a scan"
    return [
        compare(reading, lambda: bases(connection), lambda: read(connection), limit=1.6, rounds=rounds),
        compare(
            scanning, lambda: hosts_of_a_base(connection, of_base), lambda: scan(connection), limit=4, rounds=rounds
        ),
    ]


def main() -> None:
    """Measure and print; exit with 1 where a limit does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--containers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    held = True
    for kind in asked.database or ["sqlite", "postgresql"]:
        with databases(kind) as fresh:
            database = fresh()
            fill(database, asked.images, asked.containers)
            with database.connect() as connection:
                ratios = measured(kind, connection, asked.rounds)
            database.close()
        for ratio in ratios:
            print(ratio)
            held &= ratio.held
    print(f"peak of this program: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()

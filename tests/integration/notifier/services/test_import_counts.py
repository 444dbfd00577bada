from __future__ import annotations

from io import BytesIO

import pytest

from feeds.storage.database import Database
from notifier.cli.inventory_import import print_counts
from notifier.services.hosts.host_storing import ImportOptions
from notifier.services.hosts.importing import ReadOptions, import_text
from tests.support.samples import NOW

IMAGES = """\
host,image
web-1,registry.example.org/app:1
web-1,registry.example.org/app:2
web-2,registry.example.org/app:1
"""


def told(database: Database, text: str, capsys: pytest.CaptureFixture[str]) -> str:
    options = ReadOptions(), ImportOptions("hosts")
    print_counts(import_text(database, BytesIO(text.encode()), "hosts", options, NOW))
    return capsys.readouterr().err


def test_an_import_says_which_images_it_stored(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    stored = "3 images in use on 2 hosts stored"
    assert told(database, IMAGES, capsys) == f"2 hosts added, 0 changed, 0 unchanged; {stored}\n"
    assert told(database, IMAGES, capsys) == f"{stored}\n"
    assert told(database, f"{IMAGES}web-2,not a name\n", capsys) == f"{stored}; 1 row could not be read\n"


def test_an_import_without_images_counts_hosts_only(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(database, "host,product,version\nweb-1,engine,29.5.1\n", capsys)
    assert said == "1 host added, 0 changed, 0 unchanged\n"

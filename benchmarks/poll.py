"""`navtex poll` of sources that have not changed, beside a bare Scrapy spider with the same conditional requests.

    poll.py [MIRROR...]

Without a folder the demo's documents are polled. It prints the requests by host, too.
"""

from __future__ import annotations

import compileall
import json
import os
import sqlite3
import sys
import tempfile
from collections import Counter
from pathlib import Path

from measure import compare, program, report

from feeds.mirror.server import Mirror

_ROOT = Path(__file__).resolve().parent.parent
_SPIDER = """
import json, sys
import scrapy
from scrapy.crawler import CrawlerProcess

class Bare(scrapy.Spider):
    name = "bare"
    handle_httpstatus_list = [304, 404]
    async def start(self):
        for url, headers in json.load(open(sys.argv[1])):
            yield scrapy.Request(url, headers=headers, callback=self.parse, dont_filter=True)
    def parse(self, response):
        pass

process = CrawlerProcess({"LOG_ENABLED": False, "TELNETCONSOLE_ENABLED": False, "ROBOTSTXT_OBEY": False,
    "DOWNLOAD_DELAY": 0, "CONCURRENT_REQUESTS": 24, "CONCURRENT_REQUESTS_PER_DOMAIN": 24, "RETRY_ENABLED": False})
process.crawl(Bare)
process.start()
"""


def main() -> None:
    """Poll once, then measure polls in which nothing is new."""
    for package in ("feeds", "notifier"):  # as an installed wheel is
        compileall.compile_dir(_ROOT / package, quiet=1)
    folders = [Path(a) for a in sys.argv[1:]] or [_ROOT / "demo" / "day-1", _ROOT / "demo" / "day-2"]
    with tempfile.TemporaryDirectory() as home, Mirror(*folders) as mirror:
        database = f"{home}/poll.db"
        environment = {
            **os.environ,
            "HOME": home,
            "NAVTEX_MIRROR": mirror.url,
            "NAVTEX_DATABASE_URL": f"sqlite:///{database}",
        }
        poll = program([sys.executable, "-m", "notifier.cli", "poll"], environment)
        poll()
        mirror.requests.clear()
        poll()
        answers = Counter((path.split("/")[1], status) for path, status in mirror.requests)
        paths = [path for path, _ in mirror.requests if not path.endswith("/robots.txt")]
        tags = dict(sqlite3.connect(database).execute("SELECT url, etag FROM document"))
        asked = [
            [mirror.url + path, {"If-None-Match": tag} if (tag := tags.get(f"https:/{path}")) else {}] for path in paths
        ]
        Path(home, "requests.json").write_text(json.dumps(asked))
        Path(home, "bare.py").write_text(_SPIDER)
        bare = program([sys.executable, f"{home}/bare.py", f"{home}/requests.json"])
        unchanged = sum(bool(headers) for _, headers in asked)
        print(f"{len(asked)} requests, {unchanged} of them conditional; by host and answer:")
        for (host, status), count in sorted(answers.items()):
            print(f"      {host} {status}: {count}")
        report([compare("navtex poll, nothing new", poll, bare, limit=1.3)])


if __name__ == "__main__":
    main()

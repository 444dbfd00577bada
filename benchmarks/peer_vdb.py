"""The peer's side of peer.py: AppThreat's vulnerability database, in an environment of its own.

    peer_vdb.py RECORDS.json HOSTS.json

Loads OSV records, searches every host's CycloneDX document as its own command does, and prints, as JSON,
the seconds that took and what was found: [host, package, id].  Nothing of Navtex is imported.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Load, search, and print."""
    home = tempfile.mkdtemp()
    os.environ["VDB_HOME"] = home
    from vdb.lib import db, search
    from vdb.lib.osv import OSVSource

    db.get(f"{home}/data.vdb6", f"{home}/data.index.vdb6")
    source = OSVSource()
    for record in json.loads(Path(sys.argv[1]).read_text()):
        source.store(source.convert(record))
    hosts = json.loads(Path(sys.argv[2]).read_text())
    start = time.perf_counter()
    found: list[list[str]] = []
    for path in hosts:
        for hits in search.search_by_cdx_bom(path):
            found.extend([Path(path).stem, hit["purl_prefix"], hit["cve_id"]] for hit in hits)
    print(json.dumps({"seconds": time.perf_counter() - start, "found": found}))


if __name__ == "__main__":
    main()

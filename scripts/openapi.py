"""Write the OpenAPI document: `openapi.py FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from notifier.web.api.routes import document_text

if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(document_text())

"""Write the published JSON Schemas: `schemas.py FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from notifier.schemas.published import PUBLISHED, schema


def texts() -> dict[str, str]:
    """The text of each schema by the name of its file."""
    return {f"{name}.json": json.dumps(schema(*of), indent=2) + "\n" for name, of in PUBLISHED.items()}


def main(folder: Path) -> None:
    """Write every schema."""
    for name, text in texts().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Renew the digests that images are pinned to: `images.py FILE...`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

_PINNED = re.compile(r"(?P<image>[\w.-]+(?:/[\w.-]+)+:[\w.-]+)@(?P<digest>sha256:[0-9a-f]{64})")


def current(image: str) -> str:
    """The digest that the registry has for an image's tag: of the index of all platforms."""
    command = ["docker", "buildx", "imagetools", "inspect", image, "--format", "{{.Manifest.Digest}}"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", found):
        raise SystemExit(f"{image}: not a digest: {found[:80]!r}")
    return found


def main(files: list[Path]) -> None:
    """Ask for each image once, then write every file."""
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    images = {found["image"] for text in texts.values() for found in _PINNED.finditer(text)}
    digests = {image: current(image) for image in sorted(images)}
    for file, text in texts.items():
        new = _PINNED.sub(lambda found: f"{found['image']}@{digests[found['image']]}", text)
        if new != text:
            file.write_text(new, encoding="utf-8")
            print(f"{file}: renewed")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])

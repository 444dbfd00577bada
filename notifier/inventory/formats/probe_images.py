"""The sections of the probe that say which images a host runs and holds: their script and their reader. Pure.

`docker inspect` prints the fields that are named here and no others, so no environment and no command leaves the host.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from notifier.domain.images import HostImages
from notifier.inventory.formats.shared import image_objects

MOST_IMAGES = 1000
"""How many images of one host are read; those that run come first."""
_MOST_BYTES = 1_500_000
# `index` takes a key that is missing, as engines leave out what is empty; `.Key` does not
_CONTAINER = (
    '{"Id":{{json (index . "Id")}},"Image":{{json (index . "Image")}},'
    '"Config":{"Image":{{json (index . "Config" "Image")}}}}'
)
_OF_IMAGE = ("Id", "RepoTags", "RepoDigests", "RootFS", "Os", "Architecture", "Variant", "Created")
_IMAGE = "{" + ",".join(f'"{key}":{{{{json (index . "{key}")}}}}' for key in _OF_IMAGE) + "}"

SCRIPT = f"""\
inspect() {{ kind=$1; form=$2; shift 2; limited docker inspect --type "$kind" --format "$form" "$@" 2>/dev/null; }}
list() {{ limited docker "$@" --no-trunc 2>&1 || printf 'docker %s ended with status %s\\n' "$1" "$?"; }}
unique() {{ awk -v most="$1" '/^(sha256:)?[0-9a-f]+$/ && length($0) > 31 && !seen[$0]++ && ++n <= most'; }}
bounded() {{
  awk -v most={_MOST_BYTES} '{{ n += length($0) + 1; if (n <= most) print }} END {{ if (n > most) print "too long" }}'
}}
if [ "$up" ]; then
  mark containers
  used=
  said=$(list ps -q)
  case $said in
    *"ended with status "*) printf '%s\\n' "$said";;
    ?*) ids=$(printf '%s\\n' $said | unique 10000)
      said=$(inspect container '{_CONTAINER}' $ids)
      [ "$said" ] || said="docker inspect gave nothing"
      printf '%s\\n' "$said" | bounded
      used=$(printf '%s\\n' "$said" | sed -n 's/^{{"Id":"[0-9a-f]*","Image":"\\(sha256:[0-9a-f]*\\)".*/\\1/p');;
  esac
  mark images
  said=$(list images -aq)
  case $said in
    *"ended with status "*) printf '%s\\n' "$said";;
    ?*) ids=$(printf '%s\\n' $used $said | unique {MOST_IMAGES})
      said=$(inspect image '{_IMAGE}' $ids)
      [ "$said" ] || said="docker inspect gave nothing"
      printf '%s\\n' "$said" | bounded;;
  esac
fi
"""
"""Part of the probe's script. `up` is not empty where the daemon answered."""


class ProbedImages(NamedTuple):
    """What the sections say; None where they say nothing. `notes` tell, without the host's name, what is missing."""

    images: HostImages | None = None
    notes: tuple[str, ...] = ()


def probed_images(sections: Mapping[str, str], host: str) -> ProbedImages:
    """What the sections of one run say of the images of a host. A probe of an older release has no such sections."""
    if "containers" not in sections:
        return ProbedImages()
    containers, refused = _objects(sections["containers"])
    images, incomplete = _objects(sections.get("images", ""))
    notes = []
    if refused:
        notes.append(f"what runs by image is not known: {refused}")
    if incomplete:
        notes.append(f"its images are not known, or not all of them: {incomplete}")
    if len(images) >= MOST_IMAGES:
        notes.append(f"of its images {MOST_IMAGES} are read and no more")
    running = [c for c in containers if image_objects.is_container(c)]
    found = image_objects.of_host(host, [*running, *filter(image_objects.is_image, images)])
    uses = None if refused else found.uses or ()
    known = uses is not None or found.held
    return ProbedImages(HostImages(host, uses, found.held) if known else None, tuple(notes))


def _objects(text: str) -> tuple[list[Any], str]:
    """The JSON objects of a section, a line each, and the first line that is none."""
    found, complaint = [], ""
    for line in filter(None, map(str.strip, text.splitlines())):
        try:
            value = msgspec.json.decode(line) if line.startswith("{") else None
        except (msgspec.DecodeError, RecursionError):
            value = None
        if isinstance(value, dict):
            found.append(value)
        else:
            complaint = complaint or line[:200]
    return found, complaint

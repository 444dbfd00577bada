"""`docker container inspect $(docker ps -q)` and `docker image inspect $(docker image ls -aq)`, alone or together.

nerdctl's `inspect` has the same form. Images alone say what a host holds, not what it runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from notifier.domain.components import BadRow, Found, Note
from notifier.inventory.formats.shared import image_objects
from notifier.inventory.formats.shared.installed_packages import named
from notifier.inventory.text import Item, Text

NAME = "docker-containers"
SIGN = "its first object is an inspected container or image"


def recognises(text: Text) -> bool:
    """Whether its first object is an inspected container or image."""
    return image_objects.is_container(text.sample) or image_objects.is_image(text.sample)


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The images of one host, which `host` names; objects of another kind are bad rows."""
    objects = []
    for item in text.items():
        if not isinstance(item, Item):
            yield item
        elif image_objects.is_container(item.value) or image_objects.is_image(item.value):
            objects.append(item.value)
        else:
            yield BadRow(item.where, "it is neither an inspected container nor an inspected image")
    found = image_objects.of_host(named(host, "what `docker inspect` prints"), objects)
    if found.uses is None:
        yield Note("it holds images only, so it does not say which of them run")
    yield found

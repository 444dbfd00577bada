"""`file:///FOLDER`: a message as text, HTML and JSON in a folder."""

from __future__ import annotations

import json
from pathlib import Path

from feeds.core.errors import ChannelError
from feeds.core.files import private_folder, write
from feeds.core.text import json_text
from feeds.core.times import stamp
from notifier.domain.messages import Message


def send(folder: Path, message: Message) -> str:
    """Write a message into a folder; a repeat writes the same files again."""
    stem = f"navtex-{message.created_at:%Y-%m-%d}-{message.key}"
    try:
        private_folder(folder)
        write(folder / f"{stem}.txt", f"{message.subject}\n\n{message.text}")
        write(folder / f"{stem}.html", message.html)
        write(folder / f"{stem}.json", as_json(message))
    except OSError as error:
        raise ChannelError(f"cannot be written: {error.strerror}", where=str(folder)) from error
    return str(folder / f"{stem}.html")


def as_json(message: Message) -> str:
    """A message as a JSON document; docs/reference/schemas/files/digest.json describes it."""
    values = {
        "key": message.key,
        "thread": message.thread or None,
        "created_at": stamp(message.created_at),
        "subject": message.subject,
        "text": message.text,
        "digest": json.loads(message.data) if message.data else None,
    }
    return json_text(values, 2) + "\n"

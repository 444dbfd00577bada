"""Generic JSON: `json://` and `jsons://`, in the form that Apprise gives them, with the digest's key beside it."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

from feeds.core.text import json_text
from notifier.channels.http import HttpClient
from notifier.domain.messages import Message


def send(poster: HttpClient, parsed: Any, message: Message) -> str:
    """Post a message. Every byte follows from the message and the address, so a repeat is the same."""
    url = f"{'https' if parsed.secure else 'http'}://{_host(parsed)}{parsed.fullpath or '/'}"
    if parsed.params:
        url += f"?{urlencode(parsed.params)}"
    headers = {"Content-Type": "application/json", "Idempotency-Key": message.key}
    if parsed.user:
        login = base64.b64encode(f"{parsed.user}:{parsed.password or ''}".encode()).decode()
        headers["Authorization"] = f"Basic {login}"
    body = json_text(_payload(parsed, message)).encode()
    answer = poster.post(
        url,
        body,
        {**headers, **parsed.headers},
        method=parsed.method,
        verify=parsed.verify_certificate,
        who=f"the JSON service at {parsed.host}",
    )
    return f"accepted by {parsed.host}: {answer.status}"


def _host(parsed: Any) -> str:
    host = f"[{parsed.host}]" if ":" in parsed.host else parsed.host
    return f"{host}:{parsed.port}" if parsed.port else host


def _payload(parsed: Any, message: Message) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "version": parsed.json_version,
        "title": message.subject,
        "message": message.text,
        "attachments": [],
        "type": "info",
        "key": message.key,
    }
    if message.data:
        payload["digest"] = json.loads(message.data)
    # `:name=value` in the address renames a field, leaves it out, or adds one, as with Apprise
    for name, value in parsed.payload_extras.items():
        if name not in payload:
            payload[name] = value
        elif value:
            payload[value] = payload.pop(name)
        else:
            del payload[name]
    return payload

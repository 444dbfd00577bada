"""Asks the API without the adapter: the viewer is whom a test says."""

from __future__ import annotations

import json
import re
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from feeds.core.errors import NavtexError
from feeds.storage.database import Database
from notifier.config import Config
from notifier.domain.access import Role, Viewer, Way
from notifier.domain.filters import Scope
from notifier.rendering.pages import Pages
from notifier.web.answers import of_error
from notifier.web.api.operations import OPERATIONS, PREFIX
from notifier.web.handler_values import Answer, Call

ADMIN = Viewer("ann", Role.ADMIN, way=Way.TOKEN)


def limited(**tags: str) -> Viewer:
    """An operator who may see the hosts with some tags only."""
    return Viewer("tom", Role.OPERATOR, Scope(tags=tags), Way.TOKEN)


@dataclass(frozen=True)
class Api:
    """The API over a database at a moment."""

    database: Database
    now: datetime
    viewer: Viewer = ADMIN

    def __call__(self, asked: str, body: Any = None, **headers: str) -> Answer:
        """Ask "GET /hosts?limit=1" below the prefix; a body that is not bytes is sent as JSON."""
        method, _, address = asked.partition(" ")
        path, _, query = address.partition("?")
        for one in OPERATIONS:
            pattern = re.escape(one.path).replace(r"\{name\}", "(?P<name>.+)")
            if one.method == method and (found := re.fullmatch(pattern, path)):
                break
        else:
            raise LookupError(asked)
        values: dict[str, tuple[str, ...]] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            values[name] = (*values.get(name, ()), value)
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        call = Call(
            self.database,
            Config(),
            self.now,
            Pages(),
            self.viewer,
            method,
            PREFIX + unquote(path),
            {n: unquote(v) for n, v in found.groupdict().items()},
            values,
            body=sent,
            headers={"content-type": "application/json", **{n.replace("_", "-"): v for n, v in headers.items()}},
        )
        try:
            given = one.handle(call)
            return given.result(60) if isinstance(given, Future) else given
        except NavtexError as error:
            return of_error(call, error)

    def json(self, asked: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        """The JSON of an answer, whose status must be this one."""
        found = self(asked, body, **headers)
        assert isinstance(found.body, bytes)
        assert found.status == status, (asked, found.status, found.body)
        return json.loads(found.body) if found.body else None


def header(answer: Answer, name: str) -> str:
    """A header of an answer; "" if it is missing."""
    return next((value for n, value in answer.headers if n == name), "")

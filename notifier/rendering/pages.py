"""The web pages: templates/web, and the one stylesheet.

Text from sources is data: everything is escaped, and control characters are removed.  A name that a template asks for
and was not given is an error.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any, Final

import jinja2

import notifier
from feeds.core.errors import ConfigError
from feeds.core.resources import folder
from notifier.rendering.messages import FILTERS, clean, stylesheet
from notifier.rendering.page_frames import Frame

STYLE_PATH: Final = "/-/style.css"


class Pages:
    """Renders pages. One is made when the server starts, and used by all its threads."""

    def __init__(self) -> None:
        self._environment = _environment()
        self.style = stylesheet("web").encode()
        """The stylesheet that is served at `style_address`."""
        self.style_address = f"{STYLE_PATH}?{hashlib.sha256(self.style).hexdigest()[:16]}"
        """Its address, which changes with its content, so that browsers may keep it."""
        self.icon = (folder(notifier.__file__, "templates") / "web" / "icon.svg").read_bytes()

    def render(self, name: str, /, **values: Any) -> str:
        """Render templates/web/NAME; ConfigError if the template is wrong.

        `frame` is what stands around the content: without it, the page stands alone.
        """
        frame = values.pop("frame", Frame())
        try:
            template = self._environment.get_template(f"web/{name}")
            return template.render(values, frame=frame, style_address=self.style_address)
        except jinja2.TemplateError as error:
            raise ConfigError(f"the template fails: {error}", where=f"templates/web/{name}") from error


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder(notifier.__file__, "templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=clean,
        auto_reload=False,
    )
    made.filters |= FILTERS
    return made

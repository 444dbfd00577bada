"""Names of products as people write them.  Pure."""

from __future__ import annotations

from difflib import get_close_matches

from feeds.advisories.records import PRODUCTS
from feeds.versions.products import of_words
from notifier.domain.package_names import EVERYWHERE, OF_KIND

_PACKAGES = {name: product for names in (*OF_KIND.values(), EVERYWHERE) for name, product in names.items()}


def meant(name: str) -> str:
    """The product that a name most likely means: of a package or a program, or misspelt; "" if none is near.

    >>> meant("docker.io"), meant("dockerd"), meant("Docker Desktop"), meant("docker-ce-cli"), meant("contained")
    ('engine', 'engine', 'desktop', 'cli', 'containerd')
    """
    name = " ".join(name.lower().replace("_", " ").split())[:100]
    product = _PACKAGES.get(name.replace(" ", "-")) or of_words(name) or ""
    return product if product in PRODUCTS else "".join(get_close_matches(name, PRODUCTS, n=1))


def unknown_product(name: str) -> str:
    """Why a name is refused that is no product's, with the product that it may mean.

    >>> unknown_product("docker")
    "'docker' is not one of engine, cli, containerd, runc, buildkit, buildx, compose, desktop; did you mean 'engine'?"
    """
    return f"{name[:60]!r} is not one of {', '.join(PRODUCTS)}{hint(name)}"


def hint(name: str) -> str:
    """What to add to an error about such a name."""
    near = meant(name)
    return f"; did you mean {near!r}?" if near else ""

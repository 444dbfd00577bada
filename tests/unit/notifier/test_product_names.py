from __future__ import annotations

import pytest

from feeds.advisories.records import PRODUCTS
from notifier.domain.product_names import meant, unknown_product


@pytest.mark.parametrize(
    ("product", "names"),
    [
        ("engine", "docker Docker dockerd docker-ce docker_ce docker.io docker-engine moby moby-engine engin"),
        ("cli", "docker-cli docker-ce-cli clli"),
        ("compose", "docker-compose docker-compose-plugin docker-compose-v2 Compose"),
        ("buildx", "docker-buildx docker-buildx-plugin"),
        ("desktop", "docker-desktop docker_desktop"),
        ("containerd", "containerd.io contained"),
        ("buildkit", "buildkitd"),
    ],
)
def test_an_everyday_name_leads_to_its_product(product: str, names: str) -> None:
    assert {meant(name) for name in names.split()} == {product}
    assert {meant(name.replace("-", " ")) for name in names.split()} == {product}


@pytest.mark.parametrize("name", ["podman", "vim", "", "kubernetes", "docker scout", "x" * 10_000])
def test_what_is_no_product_leads_nowhere(name: str) -> None:
    assert meant(name) == ""
    assert unknown_product(name).endswith(", ".join(PRODUCTS))

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.advisories.records import PRODUCTS
from feeds.versions.products import ENGINE_MODULE, FOREIGN, mentions, numbering, of_field, of_module, of_words
from tests.support.depth import examples


@pytest.mark.parametrize(
    ("path", "product"),
    [
        ("github.com/docker/docker", "engine"),
        ("github.com/moby/moby", "engine"),
        ("github.com/docker/docker/daemon", "engine"),
        ("github.com/moby/moby/v2", ENGINE_MODULE),
        ("github.com/moby/moby/v2/daemon", ENGINE_MODULE),
        ("moby/moby/v2", ENGINE_MODULE),
        ("github.com/moby/moby/v20", "engine"),
        ("github.com/moby/moby/api", None),
        ("github.com/moby/moby/client", None),
        ("github.com/moby/moby/apiserver", "engine"),
        ("github.com/docker/cli", "cli"),
        ("github.com/containerd/containerd/v2", "containerd"),
        ("github.com/containerd/containerd/api", "containerd"),
        ("github.com/opencontainers/runc/libcontainer", "runc"),
        ("github.com/moby/buildkit", "buildkit"),
        ("github.com/docker/buildx", "buildx"),
        ("github.com/docker/compose/v2", "compose"),
        (" GitHub.com/Docker/Docker/ ", "engine"),
        ("github.com/docker/docker-credential-helpers", None),
        ("github.com/docker/distribution", None),
        ("github.com/containerd/nerdctl", None),
        ("example.org/github.com/docker/docker", None),
        ("", None),
    ],
)
def test_a_module_belongs_to_the_product_that_is_built_from_it(path: str, product: str | None) -> None:
    assert of_module(path) == product


@pytest.mark.parametrize(
    ("vendor", "name", "product"),
    [
        ("moby", "Docker Engine", "engine"),
        ("Docker", "Docker Engine", "engine"),
        ("Docker Inc.", "Docker Desktop", "desktop"),
        ("n/a", "Docker", "engine"),
        ("", "moby/v2/daemon", ENGINE_MODULE),
        ("moby", "moby", "engine"),
        ("moby", "buildkit", "buildkit"),
        ("opencontainers", "runc", "runc"),
        ("Linux Foundation", "containerd", "containerd"),
        ("docker", "docker/cli", "cli"),
        ("Docker", "Docker for Windows", "desktop"),
        ("docker", "Docker Enterprise", None),
        ("docker", "docker-py", None),
        ("docker", "Docker Desktop and Docker Engine", None),
        ("redhat", "docker", None),
        ("n/a", "n/a", None),
        ("docker", "", None),
        ("evil", "runc", None),
    ],
)
def test_fields_name_a_product_of_a_vendor_that_makes_it(vendor: str, name: str, product: str | None) -> None:
    assert of_field(vendor, name) == product


@pytest.mark.parametrize(
    ("words", "product"),
    [
        ("Docker", "engine"),
        ("docker-ce", "engine"),
        ("dockerd", "engine"),
        ("Moby (Docker Engine)", "engine"),
        ("docker-ce-cli", "cli"),
        ("the Docker command-line interface", "cli"),
        ("containerd.io", "containerd"),
        ("runC", "runc"),
        ("buildkitd", "buildkit"),
        ("docker buildx", "buildx"),
        ("docker-compose", "compose"),
        ("Docker Desktop for Mac", "desktop"),
        ("Docker Desktop Community Edition", "desktop"),
        ("moby v2", ENGINE_MODULE),
        ("Docker EE", None),
        ("Docker Hub", None),
        ("docker-credential-pass", None),
        ("Docker-in-Docker", None),
        ("a Dockerfile", None),
        ("boot2docker", None),
        ("my-docker-thing", None),
        ("Docker and runc", None),
        ("dockerize", None),
        ("a stevedore", None),
    ],
)
def test_words_name_one_product_or_none(words: str, product: str | None) -> None:
    assert of_words(words) == product


def test_every_product_of_a_text_is_found_where_it_stands() -> None:
    text = "Docker Desktop holds runc, Docker EE and Moby BuildKit; dockerd runs them."
    found = [(product, text[start:end]) for product, start, end in mentions(text)]
    assert found == [
        ("desktop", "Docker Desktop"),
        ("runc", "runc"),
        (FOREIGN, "Docker EE"),
        ("engine", "Moby"),
        ("buildkit", "BuildKit"),
        ("engine", "dockerd"),
    ]


@pytest.mark.parametrize(
    ("product", "version", "found"),
    [
        ("engine", "1.13.1", "engine"),
        ("engine", "17.03.2-ce", "engine"),
        ("engine", "29.5.1", "engine"),
        ("engine", "0.7.0", "engine"),
        ("engine", "2.0.0-beta.14", ENGINE_MODULE),
        ("engine", "16.0.0", ENGINE_MODULE),
        ("desktop", "4.71.0", "desktop"),
        ("desktop", "18.06.0-ce-win72", FOREIGN),
        ("containerd", "2.0.7", "containerd"),
        ("engine", "19.03.x", "engine"),
        ("engine", "no version", "engine"),
    ],
)
def test_a_number_tells_products_apart_that_share_a_name(product: str, version: str, found: str) -> None:
    assert numbering(product, version) == found


@given(st.text() | st.text(alphabet="docker -/v2mobyrunc.", max_size=60))
@settings(deadline=None, max_examples=examples(500))
def test_what_is_found_in_any_text_stands_there_in_order(text: str) -> None:
    end = 0
    for product, start, stop in mentions(text):
        assert product in (*PRODUCTS, ENGINE_MODULE, FOREIGN)
        assert end <= start < stop <= len(text)
        end = stop


@pytest.mark.parametrize(
    "text",
    ["a-" * 100_000, "a" * 300_000, "docker-" * 50_000, "-docker" * 50_000, "x-docker-" * 50_000],
    ids=lambda text: text[:9],
)
def test_a_long_text_is_searched_in_one_go(text: str) -> None:
    assert {product for product, _, _ in mentions(text)} <= {FOREIGN}

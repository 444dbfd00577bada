"""Names of images and digests as engines and Kubernetes write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.images.references import digest, reference

D = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("bitnami/redis", "docker.io/bitnami/redis:latest"),
        ("index.docker.io/library/nginx:1", "docker.io/library/nginx:1"),
        ("docker.io/nginx:1", "docker.io/library/nginx:1"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app:dev", "localhost:5000/app:dev"),
        ("127.0.0.1:5001/a/b:1", "127.0.0.1:5001/a/b:1"),
        ("[::1]:5000/app:1", "[::1]:5000/app:1"),
        ("Registry.Example.com/app:V1", "registry.example.com/app:V1"),
        (f"registry.example.com/app@{D}", f"registry.example.com/app@{D}"),
        (f"registry.example.com/app:1@{D}", f"registry.example.com/app:1@{D}"),
        (f"docker-pullable://nginx@{D}", f"docker.io/library/nginx@{D}"),
        ("docker://gcr.io/x/y:1", "gcr.io/x/y:1"),
    ],
)
def test_a_name_is_brought_into_one_form(text: str, expected: str) -> None:
    assert str(reference(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", D, "<none>", "<none>:<none>", "app/UPPER", "a//b", "a:b:c", "app@sha256:12", "app:" + "x" * 129, "-app",
     "app name", "app\x00", "a" * 2000, "registry.example.com/", "../../etc/passwd", "http://"],
)  # fmt: skip
def test_what_is_no_name_is_none(text: str) -> None:
    assert reference(text) is None


def test_a_digest_is_found_alone_and_behind_a_name() -> None:
    assert digest(D) == digest(f"nginx@{D}") == digest(f"docker-pullable://nginx@{D}") == D
    assert digest("nginx:1") == digest("sha256:12") == digest("sha256:" + "G" * 64) == ""


@given(st.text(max_size=60) | st.from_regex(r"[a-z.:/@-]{1,40}", fullmatch=True))
def test_reading_a_written_name_gives_the_same_name(text: str) -> None:
    found = reference(text)
    if found is not None:
        assert reference(str(found)) == found

"""A crawl of registries: what is asked, what is read, and who gets credentials."""

from __future__ import annotations

import base64
import gzip
import json

import msgspec
import pytest
from scrapy.http import Response

from feeds.core import limits
from feeds.crawl.protocol import CrawlJob, FetchResult
from feeds.crawl.registry_auth import _token
from feeds.images.records import RegistryItem
from feeds.sources.base import Document
from feeds.sources.registries import NAME, ImageQuestions, Registries, RegistryAccess
from tests.support import forked
from tests.support.registry import Registry, serving
from tests.support.samples import NOW

BASIC = "Basic " + base64.b64encode(b"navtex:secret").decode()


def crawl(*tags: str, access: RegistryAccess, seconds: float = 20, **more: object) -> list[FetchResult]:
    questions = msgspec.structs.replace(
        ImageQuestions((access,), tuple(f"{access.name}/{t}" for t in tags)),
        **more,
    )
    job = CrawlJob(sources=(NAME,), images=questions, host_seconds=seconds, poll_seconds=30)
    with forked.crawl() as child:
        return list(child.run(job))


def items(outcomes: list[FetchResult]) -> list[RegistryItem]:
    return [msgspec.json.decode(p.payload, type=RegistryItem) for o in outcomes for p in o.items]


def plain(registry: Registry, **more: object) -> RegistryAccess:
    return msgspec.structs.replace(RegistryAccess(registry.host, http=True), **more)


def test_a_tag_leads_to_its_manifest_and_its_config_and_then_to_nothing_more() -> None:
    with serving(Registry()) as registry:
        own = registry.push("app:1", ["a", "b"])
        found = items(crawl("app:1", access=plain(registry)))
        assert [i.tag.digest for i in found if i.tag] == [own]
        (image,) = [i.image for i in found if i.image]
        assert (len(image.layers), image.steps) == (2, "cc")
        assert [a.method for a in registry.asked] == ["HEAD", "GET", "GET"]
        known = frozenset({own, image.config})
        registry.asked.clear()
        again = items(crawl("app:1", access=plain(registry), known=known))
        assert [a.method for a in registry.asked] == ["HEAD"]
        assert [bool(i.tag) for i in again] == [True]


def test_the_base_that_an_annotation_names_is_asked_for_in_the_same_poll() -> None:
    with serving(Registry()) as registry:
        base = registry.push("base:1", ["a"])
        registry.push("app:1", ["a", "b"])
        manifest = msgspec.json.decode(registry.blobs[registry.tags["app:1"]])
        name = "org.opencontainers.image.base"
        manifest["annotations"] = {f"{name}.name": f"{registry.host}/base:1", f"{name}.digest": base}
        registry.tags["app:1"] = registry.put(manifest)
        found = items(crawl("app:1", access=plain(registry)))
        assert {i.tag.reference.rpartition("/")[2] for i in found if i.tag} == {"app:1", "base:1"}
        assert len([i for i in found if i.image]) == 2


@pytest.mark.parametrize(("heads", "digests"), [(False, True), (True, False), (False, False)])
def test_a_registry_without_head_or_without_the_digest_is_asked_once_more(heads: bool, digests: bool) -> None:
    with serving(Registry(heads=heads, digests=digests)) as registry:
        own = registry.push("app:1", ["a"])
        found = items(crawl("app:1", access=plain(registry)))
        assert [i.tag.digest for i in found if i.tag] == [own]


@pytest.mark.parametrize("refused", [(401, 403, 404), pytest.param((500,), marks=pytest.mark.long)], ids=str)
def test_a_tag_that_is_refused_is_named_and_the_others_are_read(refused: tuple[int, ...]) -> None:
    with serving(Registry(status={f"/bad{s}/": (s, {}) for s in refused})) as registry:
        registry.push("good:1", ["a"])
        outcomes = crawl("good:1", *(f"bad{s}:1" for s in refused), access=plain(registry))
    by_tag = {o.url.partition("/v2/")[2].partition("/")[0]: o for o in outcomes if "/manifests/1" in o.url}
    assert by_tag.pop("good").result == "read"
    assert {tag: (o.result, o.status) for tag, o in by_tag.items()} == {
        f"bad{s}": ("missing" if s == 404 else "failed", s) for s in refused
    }


def test_a_registry_that_limits_is_left_alone_until_it_says() -> None:
    with serving(Registry(status={"/app/": (429, {"Retry-After": "3600"})})) as registry:
        (only,) = crawl("app:1", access=plain(registry))
    assert (only.result, only.status) == ("failed", 429)
    assert only.retry_at is not None


def test_what_is_hostile_is_named_and_the_others_are_read() -> None:
    wrong = "sha256:" + "1" * 64
    with serving(Registry()) as registry:
        registry.push("good:1", ["a"])
        registry.tags["wrong:1"] = registry.put(b"{}", wrong)
        registry.tags["large:1"] = registry.put(b" " * (5 << 20))
        registry.tags["null:1"] = registry.put({"schemaVersion": 2, "config": None, "layers": None})
        registry.tags["packed:1"] = registry.put(gzip.compress(b"{}"))
        outcomes = crawl(*(t for t in registry.tags), access=plain(registry))
    failed = {o.url.partition("/v2/")[2].partition("/")[0]: o.reason for o in outcomes if o.result == "failed"}
    assert failed.keys() == {"wrong", "large", "null", "packed"}
    assert "not those of sha256:1111" in failed["wrong"]
    assert [i.image for i in items(outcomes) if i.image]


def test_a_registry_that_is_down_fails_alone() -> None:
    with serving(Registry()) as registry:
        access = plain(registry)
    (only,) = crawl("app:1", access=access, seconds=0.9)  # too few to try again after a second
    assert (only.result, only.status) == ("failed", 0)


def test_a_token_is_fetched_once_with_the_credentials_and_used() -> None:
    with serving(Registry(token="t0ken", credentials=BASIC)) as registry:
        registry.realm = f"http://{registry.host}/token"
        registry.push("app:1", ["a"])
        outcomes = crawl("app:1", access=plain(registry, username="navtex", password="secret"))
        assert all(o.result == "read" for o in outcomes)
        tokens = [a for a in registry.asked if a.path.startswith("/token")]
        assert [t.authorization for t in tokens] == [BASIC]
        assert "scope=repository:app:pull" in tokens[0].path
        assert {a.authorization for a in registry.asked if a not in tokens} == {"", "Bearer t0ken"}


def test_a_realm_on_another_host_gets_no_credentials() -> None:
    with serving(Registry(token="t0ken")) as elsewhere, serving(Registry(token="t0ken")) as registry:
        registry.realm = f"http://{elsewhere.host}/token"
        registry.push("app:1", ["a"])
        access = plain(registry, username="navtex", password="secret")
        outcomes = crawl("app:1", access=access)
        assert all(o.result == "read" for o in outcomes)
        assert [a.authorization for a in elsewhere.asked] == [""]
        elsewhere.asked.clear()
        elsewhere.credentials = BASIC
        allowed = msgspec.structs.replace(access, token_hosts=(elsewhere.host,))
        assert all(o.result == "read" for o in crawl("app:1", access=allowed))
        assert [a.authorization for a in elsewhere.asked] == [BASIC]


def test_an_identity_token_is_posted_and_never_put_into_an_address() -> None:
    with serving(Registry(token="t0ken")) as registry:
        registry.realm = f"http://{registry.host}/token"
        registry.push("app:1", ["a"])
        crawl("app:1", access=plain(registry, identity_token="refresh-me"))
        (post,) = [a for a in registry.asked if a.method == "POST"]
        assert "refresh_token=refresh-me" in post.path
        assert not [a for a in registry.asked if "refresh-me" in a.path and a.method != "POST"]


def test_a_plain_realm_of_a_registry_with_tls_is_not_asked() -> None:
    with serving(Registry(token="t0ken")) as elsewhere, serving(Registry(token="t0ken")) as registry:
        registry.realm = f"ftp://{elsewhere.host}/token"
        registry.push("app:1", ["a"])
        outcomes = crawl("app:1", access=plain(registry, username="navtex", password="secret"))
        assert [o.status for o in outcomes] == [401]
        assert elsewhere.asked == []


def test_authorization_never_crosses_a_redirect() -> None:
    with serving(Registry(token="t0ken", credentials=BASIC, redirects=True)) as registry:
        registry.realm = f"http://{registry.host}/token"
        registry.push("app:1", ["a"])
        found = items(crawl("app:1", access=plain(registry, username="navtex", password="secret")))
        assert [i.image for i in found if i.image]
        assert [a.authorization for a in registry.asked if a.path.startswith("/cdn/")] == [""]


def test_a_registry_that_counts_pulls_is_left_some() -> None:
    with serving(Registry()) as registry:
        for number in range(8):
            registry.push(f"app{number}:1", [f"layer {number}"])
        crawl(*registry.tags, access=plain(registry), pulls=3)
        assert registry.counted("HEAD") == 8
        assert sum("/manifests/sha256" in a.path for a in registry.asked) == 3


def test_registries_that_are_not_named_are_not_asked() -> None:
    with serving(Registry()) as other, serving(Registry()) as registry:
        registry.push("app:1", ["a"])
        manifest = msgspec.json.decode(registry.blobs[registry.tags["app:1"]])
        name = "org.opencontainers.image.base"
        manifest["annotations"] = {f"{name}.name": f"{other.host}/base:1", f"{name}.digest": "sha256:" + "2" * 64}
        registry.tags["app:1"] = registry.put(manifest)
        crawl("app:1", access=plain(registry))
        assert other.asked == []


def test_tags_are_listed_where_exact_versions_are_compared() -> None:
    with serving(Registry()) as registry:
        registry.push("base:1.2.3", ["a"])
        registry.push("base:1.2.4", ["b"])
        found = items(crawl(access=plain(registry), lists=(f"{registry.host}/base",)))
        assert [i.tags for i in found if i.tags] == [("1.2.3", "1.2.4")]


def test_a_registrys_list_of_tags_is_read_up_to_its_limits() -> None:
    access = RegistryAccess("r.example")
    source = Registries(NAME, "", "", questions=ImageQuestions((access,)))
    page = json.dumps({"tags": [f"1.{n}" for n in range(limits.TAGS + 5)]}).encode()
    document = Document(f"{access.url}base/tags/list", "tags", page, {"link": '</v2/x>; rel="next"'}, NOW)
    read = [source.parse(document) for _ in range(limits.TAG_PAGES)]
    assert {len(item.tags or ()) for parsed in read for item in parsed.items if isinstance(item, RegistryItem)} == {
        limits.TAGS
    }
    assert [len(parsed.follow) for parsed in read] == [1] * (limits.TAG_PAGES - 1) + [0]


def test_a_token_that_is_too_long_is_none() -> None:
    for length, taken in ((100, True), (limits.TOKEN, False)):
        body = json.dumps({"token": "t0ken", "more": "x" * length}).encode()
        assert bool(_token(Response("https://r.example/token", body=body))) is taken

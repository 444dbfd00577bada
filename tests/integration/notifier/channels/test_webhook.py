"""Webhooks: what is posted, what answers mean, and how long anything may take."""

from __future__ import annotations

import base64
import json
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feeds.core.errors import ChannelError
from feeds.mirror.server import Mirror
from notifier.channels import Limits, MessageSender
from notifier.domain.messages import Target
from notifier.rendering.messages import render
from tests.support.digests import NEWS
from tests.support.loopback import Answer, Receiver, hanging, over_http
from tests.support.unruly import Behaviour, Unruly, end_early, hang_up, reset

MESSAGE = render(NEWS)
QUICK = Limits(connect=5, idle=5, total=0.4)


def address(service: Receiver, rest: str = "/hook") -> str:
    return service.url.replace("http", "json", 1) + rest


def post(service: Receiver, rest: str = "/hook", times: int = 1) -> None:
    with MessageSender() as courier:
        for _ in range(times):
            courier.deliver(Target(address(service, rest)), MESSAGE)


def test_a_webhook_gets_title_text_key_and_the_digest_itself() -> None:
    with over_http() as service:
        post(service)
    sent = json.loads(service.bodies[0])
    assert sent["title"] == MESSAGE.subject
    assert sent["message"] == MESSAGE.text
    assert sent["key"] == MESSAGE.key == sent["digest"]["key"]
    assert sent["digest"]["items"][0]["advisory"] == "CVE-2026-41567"
    assert sent["digest"]["items"][0]["groups"][0]["hosts"] == {"count": 1, "names": ["lab-1"]}
    assert service.headers[0]["content-type"] == "application/json"
    assert service.headers[0]["idempotency-key"] == MESSAGE.key


def test_a_repeat_has_the_same_bytes_and_the_same_key() -> None:
    with over_http() as service:
        post(service, times=3)
    assert len(set(service.bodies)) == 1
    assert [h["idempotency-key"] for h in service.headers] == [MESSAGE.key] * 3


def test_an_address_says_login_headers_query_and_fields_as_with_apprise() -> None:
    with over_http() as service:
        url = address(service, "/hook/x?+X-Team=ops&-env=prod&:title=subject&:type=&:source=navtex")
        with MessageSender() as courier:
            courier.deliver(Target(url.replace("://", "://me:hunter2@")), MESSAGE)
    sent = json.loads(service.bodies[0])
    assert service.paths == ["/hook/x?env=prod"]
    assert service.headers[0]["x-team"] == "ops"
    assert service.headers[0]["authorization"] == f"Basic {base64.b64encode(b'me:hunter2').decode()}"
    assert (sent["subject"], sent["source"]) == (MESSAGE.subject, "navtex")
    assert not {"title", "type"} & sent.keys()


def test_many_messages_go_over_one_connection() -> None:
    with over_http() as service:
        post(service, times=20)
    assert len(service.clients) == 1


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        *((status, True) for status in (400, 401, 403, 404, 410, 413)),
        *((status, False) for status in (408, 409, 425, 429, 500, 502, 503)),
    ],
)
def test_a_status_says_whether_trying_again_can_help(status: int, permanent: bool) -> None:
    with (
        over_http(Answer(status, "because")) as service,
        pytest.raises(ChannelError, match=f"{status} because") as error,
    ):
        post(service)
    assert error.value.permanent is permanent
    assert error.value.retry_at is None


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_understood_in_seconds_and_as_a_date(status: int) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    for said in ("7200", until.strftime("%a, %d %b %Y %H:%M:%S GMT")):
        with over_http(Answer(status, "", {"Retry-After": said})) as service, pytest.raises(ChannelError) as error:
            post(service)
        assert error.value.retry_at is not None
        assert abs(error.value.retry_at - until) < timedelta(seconds=60)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_the_secrets_go_nowhere_else(status: int) -> None:
    with (
        over_http() as elsewhere,
        over_http(Answer(status, "", {"Location": f"{elsewhere.url}/x"})) as service,
        pytest.raises(ChannelError, match=r"with a redirect to 127\.0\.0\.1, which is not followed") as error,
    ):
        post(service)
    assert elsewhere.paths == []
    assert error.value.permanent is (status in (301, 308))


BEGUN = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


@pytest.mark.parametrize(
    ("says", "drips"),
    [(b"", b""), (b"HTTP/1.1 ", b""), (b"", b"H"), (BEGUN, b""), (BEGUN, b"x"), (b"", b"100 Wait\r\n")],
)
def test_a_server_that_hangs_or_drips_is_left_after_a_while(says: bytes, drips: bytes) -> None:
    with (
        hanging(says, drips) as port,
        MessageSender(limits=QUICK) as courier,
        pytest.raises(ChannelError, match=r"took longer than 0\.4 seconds|cannot be reached") as error,
    ):
        courier.deliver(Target(f"json://127.0.0.1:{port}/hook"), MESSAGE)
    assert error.value.unreachable
    assert not error.value.permanent


@pytest.mark.parametrize("behaviour", [reset, end_early, hang_up])
def test_a_server_that_breaks_off_is_a_temporary_error(tmp_path: Path, behaviour: Behaviour) -> None:
    with Mirror(tmp_path) as mirror, Unruly(mirror) as unruly, MessageSender() as courier:
        unruly.reply("hook", behaviour)
        with pytest.raises(ChannelError, match="cannot be reached") as error:
            courier.deliver(Target(f"{unruly.url.replace('http', 'json')}/hook?method=get"), MESSAGE)
    assert error.value.unreachable
    assert not error.value.permanent


def test_a_name_that_nobody_knows_and_a_closed_port_are_told_without_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for host, why in (("nowhere.invalid", "unknown host name"), (f"127.0.0.1:{port}", "was refused")):
        with MessageSender() as courier, pytest.raises(ChannelError, match=f"cannot be reached: .*{why}") as error:
            courier.deliver(Target(f"json://{host}/a-secret-path?-token=hunter2"), MESSAGE)
        assert "secret" not in str(error.value)
        assert "hunter2" not in str(error.value)


def test_of_a_long_answer_only_the_beginning_is_read_and_told() -> None:
    with over_http(Answer(500, "x" * (3 << 20))) as service, pytest.raises(ChannelError) as error:
        post(service)
    assert len(str(error.value)) < 400


def test_what_a_server_repeats_of_the_secrets_is_not_told() -> None:
    with over_http(Answer(400, "no such hook: T0PS3CRET for me:hunter2")) as service:
        url = address(service, "/hooks/T0PS3CRET").replace("://", "://me:hunter2@")
        with MessageSender() as courier, pytest.raises(ChannelError) as error:
            courier.deliver(Target(f"{url}?+X-Token=T0PS3CRET"), MESSAGE)
    assert "hunter2" not in str(error.value)
    assert "400" in str(error.value)


def test_certificates_are_verified_with_the_users_bundle(certificate: Path) -> None:
    with over_http(tls=certificate) as service:
        target = Target(address(service))
        with MessageSender() as courier, pytest.raises(ChannelError, match="TLS: self-signed certificate"):
            courier.deliver(target, MESSAGE)
        assert service.paths == []
        with MessageSender(ca_bundle=str(certificate)) as courier:
            courier.deliver(target, MESSAGE)
        with MessageSender() as courier:
            courier.deliver(Target(f"{target.address}?verify=no"), MESSAGE)
    assert service.paths == ["/hook", "/hook"]


def test_the_proxies_of_the_environment_are_used(certificate: Path) -> None:
    plain = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    with over_http(proxy=certificate) as proxy:
        environment = {**plain, "http_proxy": proxy.url.replace("://", "://me:pass@"), "HTTPS_PROXY": proxy.url}
        with MessageSender(environment=environment, ca_bundle=str(certificate)) as courier:
            courier.deliver(Target("json://hooks.example.org/one"), MESSAGE)
            courier.deliver(Target("jsons://discord.com/two"), MESSAGE)
        assert proxy.paths == ["http://hooks.example.org/one", "discord.com:443", "/two"]
        assert proxy.headers[0]["proxy-authorization"].startswith("Basic ")
        with over_http() as service, MessageSender(environment={**environment, "no_proxy": "127.0.0.1"}) as courier:
            courier.deliver(Target(address(service)), MESSAGE)
        assert service.paths == ["/hook"]

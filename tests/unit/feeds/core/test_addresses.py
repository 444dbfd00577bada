from __future__ import annotations

import pytest

from feeds.core.addresses import hostname, literal, public, web_address
from feeds.core.errors import ConfigError


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7F.1", "0177.0.0.1", "127.0.0.1.", "0", "0.0.0.1",
        "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "100.100.100.200", "169.254.169.254", "192.0.0.192",
        "168.63.129.16", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
        "::1", "[::1]", "::", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1",
        "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::",
        "2001:0:7f00:1::",
    ],
)  # fmt: skip
def test_what_is_no_address_of_the_internet_is_not_public_in_any_spelling(host: str) -> None:
    found = literal(host)
    assert found is not None
    assert not public(found)


@pytest.mark.parametrize(
    "host", ["140.82.121.6", "0x8c.82.31238", "2606:50c0:8000::153", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_what_is_one_is_public(host: str) -> None:
    found = literal(host)
    assert found is not None
    assert public(found)


@pytest.mark.parametrize(
    "host", ["example.org", "a.1", "", "1.2.3.4.5", "256.1.1.1", "08.1", "0x", "-1", "١٢٧.1", "1..1", "4294967296"]
)
def test_a_name_is_no_address(host: str) -> None:
    assert literal(host) is None


@pytest.mark.parametrize(("url", "name"), [("https://A.example.:8443/x", "a.example"), ("https://[", ""), ("x", "")])
def test_the_host_of_an_address(url: str, name: str) -> None:
    assert hostname(url) == name


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@a.example/x",
        "https://user@a.example/",
        "ftp://a.example/",
        "https://",
        "https://[",
        "https://a:x/",
    ],
)
def test_a_configured_address_is_a_web_address_without_a_password(url: str) -> None:
    with pytest.raises(ConfigError) as error:
        web_address(url, "sources.x.urls.api")
    assert "secret" not in str(error.value)

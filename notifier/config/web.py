"""`[web]`: the page and API, who may sign in, and who may subscribe."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta, field

from notifier.config.tables import SettingError, Table

SignInMethod = Literal["local", "oidc", "proxy"]
WebRole = Literal["", "viewer", "operator", "admin"]
MappedRole = Literal["viewer", "operator", "admin"]
_LISTEN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})")


def listen_address(text: str) -> tuple[str, int]:
    """The host and port of an address to listen on; ValueError if it is none.

    >>> listen_address("[::1]:8420")
    ('::1', 8420)
    """
    found = _LISTEN.fullmatch(text)
    if not found or int(found[2]) > 65535:
        raise ValueError(f"{text!r} is not HOST:PORT")
    return found[1].strip("[]"), int(found[2])


class WebAuth(Table, frozen=True):
    """`[web.auth]`: how people sign in, and what those may do who sign in elsewhere.

    `trusted_networks` are those of the proxies whose `user_header` and X-Forwarded-For count. With `roles`, the values
    of `roles_claim` decide which role people have who sign in by OIDC.
    """

    methods: tuple[SignInMethod, ...] = ("local",)
    trusted_networks: tuple[str, ...] = ()
    user_header: str = "X-Remote-User"
    default_role: WebRole = ""
    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    claim: str = "preferred_username"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    roles_claim: str = "groups"
    roles: dict[str, MappedRole] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from ipaddress import ip_network

        for text in self.trusted_networks:
            try:
                ip_network(text)
            except ValueError as error:
                raise SettingError("trusted_networks", f"has {text!r}: {error}") from None
        if not re.fullmatch(r"[A-Za-z0-9-]+", self.user_header):
            raise SettingError("user_header", f"is {self.user_header!r}, which is not the name of a header")
        if "proxy" in self.methods and not self.trusted_networks:
            raise SettingError("methods", "has `proxy`, which needs `trusted_networks`: the addresses of the proxies")
        if "oidc" in self.methods and not (self.issuer and self.client_id):
            raise SettingError("methods", "has `oidc`, which needs `issuer` and `client_id`")
        if self.issuer and not re.fullmatch(r"https?://[!-~]+", self.issuer):
            raise SettingError("issuer", f"is {self.issuer!r}, which is not an https:// address")
        if "openid" not in self.scopes or not all(re.fullmatch(r"[!#-\[\]-~]+", one) for one in self.scopes):
            raise SettingError("scopes", "must be names of scopes, `openid` among them")


class WebSubscribe(Table, frozen=True):
    """`[web.subscribe]`: within which domains people may subscribe themselves, how they get mail, and to which hosts.

    Without `domains` nobody may. `tags` limit people who are not signed in.
    """

    domains: tuple[str, ...] = ()
    server: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for domain in self.domains:
            if not re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", domain):
                raise SettingError("domains", f"has {domain!r}, which is not a domain, such as example.org")
        recipient = re.search(r"[?&](to|cc|bcc)=", self.server, re.IGNORECASE)
        if self.server and (recipient or not re.match(r"mailtos?://", self.server, re.IGNORECASE)):
            raise SettingError("server", "must be a mailto:// or mailtos:// address without a recipient")


class Web(Table, frozen=True):
    """`[web]`: the page and API of `navtex serve`: where people reach it, where it listens, and who may sign in."""

    url: str = ""
    listen: str = "127.0.0.1:8420"
    threads: Annotated[int, Meta(ge=1, le=256)] = 8
    allowed_hosts: tuple[str, ...] = ()
    auth: WebAuth = WebAuth()
    subscribe: WebSubscribe = WebSubscribe()

    def __post_init__(self) -> None:
        if self.url and not re.fullmatch(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?", self.url):
            raise SettingError("url", f"is {self.url!r}, which is not https://HOST or https://HOST:PORT")
        try:
            listen_address(self.listen)
        except ValueError as error:
            raise SettingError("listen", f"is wrong: {error}") from None
        for host in self.allowed_hosts:
            if not re.fullmatch(r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+", host):
                raise SettingError("allowed_hosts", f"has {host!r}, which is not the name of a host")

"""The configuration: a TOML file and the environment, made into one frozen Config.

Nothing needs a file.  The environment wins over it: NAVTEX_DATABASE_URL (or _FILE), NAVTEX_MIRROR,
NAVTEX_LOG_FORMAT and NAVTEX_LOG_LEVEL; NAVTEX_CONFIG says where the file is, when it is not in the user's
configuration folder.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from platformdirs import user_config_path, user_data_path

from feeds.core.addresses import sqlite_address, web_address
from feeds.core.errors import ConfigError
from feeds.core.secrets import from_environment

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


ZONE = r"[a-z0-9][a-z0-9-]{0,39}"
"""The name of a zone."""


class SourceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[sources.NAME]`: whether to ask it, other addresses of its forms, and entries that it must list."""

    enabled: bool = True
    urls: dict[str, str] = {}
    known: tuple[str, ...] = ()


class Polling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[poll]`: whom the sources may write to, the seconds that a host and a poll may take, and a mirror's age."""

    contact: str = ""
    host_seconds: float = 60.0
    poll_seconds: float = 120.0
    mirror_days: float = 7.0


class Collecting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[collect]`: whom `navtex inventory collect` asks, how many at a time, and the seconds that each may take.

    `ssh` holds hosts as the lines of a hosts file, and `ssh_hosts` names such a file. `zones` names a hosts file for
    each zone, whose hosts a worker of that zone asks.
    """

    local: bool = False
    contexts: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    ssh_hosts: str = ""
    jobs: int = 16
    timeout: float = 20.0
    zones: dict[str, str] = {}

    def __post_init__(self) -> None:
        for zone in self.zones:
            if not re.fullmatch(ZONE, zone):
                raise ValueError(f"the zone {zone!r} must consist of lower-case letters, digits and dashes")
        if not 1 <= self.jobs <= 256:
            raise ValueError(f"`jobs` is {self.jobs}, and must be 1 to 256")
        if not 0 < self.timeout <= 3600:
            raise ValueError(f"`timeout` is {self.timeout:g}, and must be more than 0 and at most 3600 seconds")


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[mail]`: the sender of mails whose address names none, and where one unsubscribes."""

    sender: str = ""
    unsubscribe: str = ""

    def __post_init__(self) -> None:
        from email.headerregistry import Address
        from email.utils import parseaddr

        if self.sender:
            try:
                Address(addr_spec=parseaddr(self.sender)[1])
            except (ValueError, IndexError):
                raise ValueError(f"`sender` is {self.sender!r}, which is not a mail address") from None
        if self.unsubscribe and not re.fullmatch(r"(mailto:|https?://)[!-;=?-~]+", self.unsubscribe):
            raise ValueError(f"`unsubscribe` is {self.unsubscribe!r}, which is not a mailto: or https:// address")


class Slack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[slack]`: addresses to use instead of those of Slack's webhooks and Web API, for gateways and tests."""

    hook: str = ""
    api: str = ""

    def __post_init__(self) -> None:
        for name, url in (("hook", self.hook), ("api", self.api)):
            if url:
                try:
                    web_address(url, "")
                except ConfigError as error:
                    raise ValueError(f"`{name}`: {error.what}") from None
                if re.search(r"[?#\s]", url):
                    raise ValueError(f"`{name}` is {url!r}, which must be only a host and a path")


class Operator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[operator]`: the channels that hear of what is wrong with Navtex itself."""

    to: tuple[str, ...] = ()


class Digests(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[digest]`: after how many days without an import a host counts as not seen, and how many hosts are named."""

    stale_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 14
    hosts: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    """The most hosts that a digest names of each version; the others are counted."""


class DueSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[due]`: how long a finding of each severity may stay open ("7d", "4w"), or one that is known exploited."""

    critical: str = ""
    high: str = ""
    unscored: str = ""
    medium: str = ""
    low: str = ""
    exploited: str = ""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            text = getattr(self, name)
            if text and not (re.fullmatch(r"[0-9]{1,4}[dw]", text) and 1 <= _days(text) <= 3650):
                raise ValueError(f'`{name}` is {text!r}, and must be a number of days or weeks such as "7d" or "4w"')

    @property
    def days(self) -> dict[str, int]:
        """The same in days, without those that are empty."""
        said = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: _days(text) for name, text in said.items() if text}


def _days(text: str) -> int:
    return int(text[:-1]) * (7 if text.endswith("w") else 1)


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[retention]`: after how many days `navtex run` forgets digests, deliveries, notices and what is of no use."""

    days: Annotated[int, msgspec.Meta(ge=30, le=36500)] = 400


class Log(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[log]`: how to write what happens (`text` or `json`), how much of it, and the file, otherwise standard error."""

    format: LogFormat = "text"
    level: LogLevel = "warning"
    file: str = ""


class Metrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[metrics]`: the file to which each run writes its metrics, for node_exporter's textfile collector."""

    textfile: str = ""


class MappingPaths(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[inventory.mapping.NAME]`: where the JSON of a tool holds what an inventory needs, as JMESPath expressions.

    `hosts` is looked up in the document, `host`, `id`, `distribution` and `components` in each host, and the others
    in each component, or in the host where there are no components.
    """

    hosts: str = "@"
    host: str = ""
    components: str = ""
    product: str = ""
    package: str = ""
    kind: str = ""
    version: str = ""
    distribution: str = ""
    id: str = ""

    def __post_init__(self) -> None:
        if not self.host or not self.version or not (self.product or self.package):
            raise ValueError("a mapping needs `host`, `version`, and `product` or `package`")


class InventorySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[inventory]`: readers of your own, by the name that `inventory import --from` calls them by."""

    mapping: dict[str, MappingPaths] = {}


class ImageBaseSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[images.base]]`: a base whose tag is asked for, with its line as endoflife.date names it ("debian 12")."""

    name: str
    line: str = ""


class RegistrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[images.registry."HOST"]`: how one registry is reached. Credentials may refer to secrets (`${NAME}`)."""

    ca: str = ""
    token_hosts: tuple[str, ...] = ()
    http: bool = False
    username: str = ""
    password: str = ""


class ImageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[images]`: the registries that are asked (no other is), what you build yourself, and the bases that you name."""

    registries: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    pulls: int = 40
    split_hours: float = 24.0
    base: tuple[ImageBaseSettings, ...] = ()
    registry: dict[str, RegistrySettings] = {}


SignInMethod = Literal["local", "oidc", "proxy"]
WebRole = Literal["", "viewer", "operator", "admin"]
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


class WebAuth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[web.auth]`: how people sign in, and what those may do who sign in elsewhere.

    `trusted_networks` are those of the proxies whose `user_header` and X-Forwarded-For count.
    """

    methods: tuple[SignInMethod, ...] = ("local",)
    trusted_networks: tuple[str, ...] = ()
    user_header: str = "X-Remote-User"
    default_role: WebRole = ""
    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    claim: str = "preferred_username"

    def __post_init__(self) -> None:
        from ipaddress import ip_network

        for text in self.trusted_networks:
            try:
                ip_network(text)
            except ValueError as error:
                raise ValueError(f"`trusted_networks` has {text!r}: {error}") from None
        if not re.fullmatch(r"[A-Za-z0-9-]+", self.user_header):
            raise ValueError(f"`user_header` is {self.user_header!r}, which is not the name of a header")
        if "proxy" in self.methods and not self.trusted_networks:
            raise ValueError("the method `proxy` needs `trusted_networks`: the addresses of the proxies")
        if "oidc" in self.methods and not (self.issuer and self.client_id):
            raise ValueError("the method `oidc` needs `issuer` and `client_id`")
        if self.issuer and not re.fullmatch(r"https?://[!-~]+", self.issuer):
            raise ValueError(f"`issuer` is {self.issuer!r}, which is not an https:// address")


class WebSubscribe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[web.subscribe]`: within which domains people may subscribe themselves, how they get mail, and to which hosts.

    Without `domains` nobody may. `tags` limit people who are not signed in.
    """

    domains: tuple[str, ...] = ()
    server: str = ""
    tags: dict[str, str] = {}

    def __post_init__(self) -> None:
        for domain in self.domains:
            if not re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", domain):
                raise ValueError(f"`domains` has {domain!r}, which is not a domain, such as example.org")
        recipient = re.search(r"[?&](to|cc|bcc)=", self.server, re.IGNORECASE)
        if self.server and (recipient or not re.match(r"mailtos?://", self.server, re.IGNORECASE)):
            raise ValueError("`server` must be a mailto:// or mailtos:// address without a recipient")


class Web(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[web]`: the page and API of `navtex serve`: where people reach it, where it listens, and who may sign in."""

    url: str = ""
    listen: str = "127.0.0.1:8420"
    threads: Annotated[int, msgspec.Meta(ge=1, le=256)] = 8
    allowed_hosts: tuple[str, ...] = ()
    auth: WebAuth = WebAuth()
    subscribe: WebSubscribe = WebSubscribe()

    def __post_init__(self) -> None:
        if self.url and not re.fullmatch(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?", self.url):
            raise ValueError(f"`url` is {self.url!r}, which is not https://HOST or https://HOST:PORT")
        try:
            listen_address(self.listen)
        except ValueError as error:
            raise ValueError(f"`listen`: {error}") from None
        for host in self.allowed_hosts:
            if not re.fullmatch(r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+", host):
                raise ValueError(f"`allowed_hosts` has {host!r}, which is not the name of a host")


class Workers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[worker]`: when workers poll, ask registries and collect from zones, as cron expressions in UTC."""

    poll: str = "17 * * * *"
    registries: str = "47 * * * *"
    collect: str = "37 * * * *"

    def __post_init__(self) -> None:
        from datetime import UTC, datetime

        from cronsim import CronSim, CronSimError

        for name in self.__struct_fields__:
            text = getattr(self, name)
            try:
                found = len(text.split()) == 5 and next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
            except (CronSimError, StopIteration):
                found = False
            if not found:
                raise ValueError(f"`{name}` is {text!r}, which is not a cron expression")


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting, with what is used when nothing is said."""

    database: str = ""
    mirror: str = ""
    ca_bundle: str = ""
    corrections: str = ""
    poll: Polling = Polling()
    mail: Mail = Mail()
    slack: Slack = Slack()
    collect: Collecting = Collecting()
    inventory: InventorySettings = InventorySettings()
    images: ImageSettings = ImageSettings()
    operator: Operator = Operator()
    digest: Digests = Digests()
    due: DueSettings = DueSettings()
    retention: Retention = Retention()
    templates: str = ""
    log: Log = Log()
    metrics: Metrics = Metrics()
    worker: Workers = Workers()
    web: Web = Web()
    sources: dict[str, SourceSettings] = {}

    @property
    def template_folder(self) -> Path | None:
        """The folder with the user's own templates, if there is one."""
        own = Path(self.templates).expanduser() if self.templates else default_path().parent / "templates"
        return own if self.templates or own.is_dir() else None

    @property
    def disabled(self) -> frozenset[str]:
        """The sources that are not asked."""
        return frozenset(name for name, s in self.sources.items() if not s.enabled)

    @property
    def urls(self) -> dict[str, dict[str, str]]:
        """The addresses that are replaced, by source and form."""
        return {name: s.urls for name, s in self.sources.items() if s.urls}


EXAMPLE = """\
# Navtex works without this file. Every setting is commented out and shows its default or an example.

# Database: SQLite, or PostgreSQL (install navtex[postgresql]).
# The environment variable NAVTEX_DATABASE_URL takes precedence.
# database = "sqlite:///{database}"
# database = "postgresql://navtex@db.example.org/navtex"

# Mirror to read the sources from: a URL (a request for https://HOST/PATH goes to MIRROR/HOST/PATH), or the absolute
# path of a folder filled by `navtex mirror fetch`. NAVTEX_MIRROR takes precedence.
# mirror = "http://mirror.example.org"

# PEM file with certificates to trust instead of the system's.
# ca_bundle = "/etc/ssl/company.pem"

# Your own corrections of wrong advisories, in addition to Navtex's (`navtex help corrections`).
# corrections = "/etc/navtex/corrections.toml"

# Folder with templates that replace Navtex's own (`navtex help own-templates`).
# templates = "/etc/navtex/templates"

[poll]
# Contact address, sent to the sources in the User-Agent.
# contact = "ops@example.org"
# Time limits in seconds: for each host, retries included, and for the whole poll.
# host_seconds = 60.0
# poll_seconds = 120.0
# Warn about a mirror that is older than this many days.
# mirror_days = 7.0

[mail]
# Sender of mails, if a subscription's mailto:// address has none.
# sender = "navtex@example.org"
# Address for the header List-Unsubscribe: mailto: or https://.
# unsubscribe = "mailto:ops@example.org?subject=unsubscribe"

[slack]
# Your gateway, to use instead of https://hooks.slack.com and https://slack.com/api. It receives the webhook secret or
# bot token.
# hook = "https://slack-gateway.example.org"
# api = "https://slack-gateway.example.org/api"

[operator]
# Channels for notices about Navtex itself: failing sources, and deliveries that were given up.
# to = ["mailto://mail.example.org?from=navtex@example.org&to=ops@example.org"]

[collect]
# What `navtex inventory collect` queries without options: this machine's engine, docker contexts ("all" for every
# context), hosts over SSH, and a file with one such host per line.
# local = false
# contexts = ["all"]
# ssh = ["web-1 env=prod", "ops@web-2"]
# ssh_hosts = "/etc/navtex/hosts"
# Number of parallel queries, and the time limit of each in seconds.
# jobs = 16
# timeout = 20.0
# Zones whose hosts a worker there queries over SSH (`navtex worker --zone berlin`), each with its hosts file.
# zones = {{ berlin = "/etc/navtex/berlin.hosts" }}

# Mapping for the JSON of another tool, used by `navtex inventory import --from cmdb` (`navtex help inventory-formats`).
# [inventory.mapping.cmdb]
# hosts = "result.records"
# host = "hostname"
# product = "'engine'"
# version = "docker.version"
# For a list of packages per host, set components, package and kind ("deb", "rpm", ...); optionally distribution and id.

[images]
# Registries to query for the tags of your images. No other registry is queried.
# registries = ["docker.io", "registry.example.org"]
# Images that you build yourself. * matches within a path segment, ** across segments.
# own = ["registry.example.org/**"]
# Manifests to read from a registry per poll; hours after which a tag that runs as several images is reported.
# pulls = 40
# split_hours = 24.0
# A base image, with its release line as on endoflife.date.
# [[images.base]]
# name = "docker.io/library/debian:12"
# line = "debian 12"
# Credentials, if not in Docker's config.json. They are sent only to the registry and to `token_hosts`.
# [images.registry."registry.example.org"]
# ca = "/etc/navtex/ca.pem"
# token_hosts = ["auth.example.org"]
# username = "navtex"
# password = "${{REGISTRY_PASSWORD}}"

[digest]
# Days without an import after which a host is stale.
# stale_days = 14
# How many hosts a digest names for each version and upgrade, 1 to 100; the others are counted.
# hosts = 5

[due]
# Time to fix a vulnerability, in days ("7d") or weeks ("4w"), from the day a host was first exposed to it. Without a
# value there is no due date. For a known exploited one, the shorter time applies.
# critical = "7d"
# high = "30d"
# unscored = "30d"
# medium = "90d"
# low = "180d"
# exploited = "3d"

[retention]
# Days to keep digests, deliveries and their log, ended silences, and versions no longer in use. The record of what was
# reported to whom is kept.
# days = 400

[log]
# Format (text, json), minimum level (debug, info, warning, error), and a file to use instead of standard error.
# NAVTEX_LOG_FORMAT and NAVTEX_LOG_LEVEL take precedence, and --log-format and --log-level over both.
# format = "text"
# level = "warning"
# file = "/var/log/navtex/navtex.log"

[metrics]
# File to write metrics to, for node_exporter's textfile collector.
# textfile = "/var/lib/prometheus/node-exporter/navtex.prom"

[web]
# `navtex serve`: the address under which people reach it, used in mails and to check requests.
# url = "https://navtex.example.org"
# Where it listens, and the number of threads that answer.
# listen = "127.0.0.1:8420"
# threads = 8
# Further host names that it answers for.
# allowed_hosts = ["navtex"]

[web.auth]
# How people sign in: "local" (passwords), "oidc", "proxy" (a proxy in front says who it is).
# methods = ["local"]
# Networks of the proxies in front. Only their X-Forwarded-For and `user_header` count.
# trusted_networks = ["10.0.0.0/24"]
# user_header = "X-Remote-User"
# Role (viewer, operator, admin) of people who sign in by OIDC or proxy and were not added. Default: they may not.
# default_role = "viewer"
# OpenID Connect: the provider, this client, and the claim that names the person.
# issuer = "https://login.example.org"
# client_id = "navtex"
# client_secret = "${{NAVTEX_OIDC_SECRET}}"
# claim = "preferred_username"

[web.subscribe]
# Domains of the mailboxes, and hosts of the webhooks, that people may subscribe themselves. Default: none, so nobody
# may.
# domains = ["example.org", "hooks.slack.com"]
# The mail server for them: a channel address without a recipient.
# server = "mailtos://navtex:${{SMTP_PASSWORD}}@mail.example.org?from=navtex@example.org"
# Tags of the hosts that people who are not signed in may subscribe to. Default: every host.
# tags = {{ env = "prod" }}

[worker]
# When workers poll, query registries and collect from zones (cron expressions, UTC).
# poll = "17 * * * *"
# registries = "47 * * * *"
# collect = "37 * * * *"

# Disable a source, or read it from another address. `navtex source list` shows the names.
# [sources.docker-blog]
# enabled = false
# Entries that must be listed. If one is missing, the source is degraded.
# [sources.moby-advisories]
# known = ["GHSA-v23v-6jw2-98fq"]
# [sources.moby-advisories.urls]
# api = "https://ghe.example.org/api/v3/repos/moby/moby/security-advisories?per_page=100"
"""


def default_path() -> Path:
    """The default path of the configuration file, used if NAVTEX_CONFIG is not set."""
    return user_config_path("navtex", appauthor=False) / "config.toml"


def default_database() -> str:
    """The SQLite file in the user's data folder."""
    return sqlite_address(user_data_path("navtex", appauthor=False) / "navtex.db")


def example() -> str:
    """A commented configuration file."""
    return EXAMPLE.format(database=default_database().removeprefix("sqlite:///"))


def config_path(environment: Mapping[str, str] | None = None) -> Path:
    """Where the configuration is, or would be."""
    named = (os.environ if environment is None else environment).get("NAVTEX_CONFIG")
    return Path(named) if named else default_path()


def load(environment: Mapping[str, str] | None = None) -> Config:
    """The configuration in force; ConfigError says which setting of which file is wrong."""
    environment = os.environ if environment is None else environment
    path = config_path(environment)
    config = read(path) if environment.get("NAVTEX_CONFIG") or path.exists() else Config()
    return msgspec.structs.replace(
        config,
        database=from_environment(environment, "NAVTEX_DATABASE_URL") or config.database or default_database(),
        mirror=_mirror(environment.get("NAVTEX_MIRROR", ""), "NAVTEX_MIRROR") or _mirror(config.mirror, str(path)),
        log=msgspec.structs.replace(config.log, **log_variables(environment)),
    )


def log_variables(environment: Mapping[str, str]) -> dict[str, Any]:
    """What the environment says of the log, by the names of `Log`."""
    said: dict[str, Any] = {}
    form, level = environment.get("NAVTEX_LOG_FORMAT"), environment.get("NAVTEX_LOG_LEVEL")
    for name, variable, value, known in (
        ("format", "NAVTEX_LOG_FORMAT", form, get_args(LogFormat)),
        ("level", "NAVTEX_LOG_LEVEL", level, get_args(LogLevel)),
    ):
        if value and value not in known:
            raise ConfigError(f"{value!r} is not one of {', '.join(known)}", where=variable)
        if value:
            said[name] = value
    return said


def table(path: Path) -> dict[str, Any]:
    """The values that a file holds, unchecked; ConfigError if it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}", where=str(path), remedy="See `navtex config init`"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not valid TOML: {error}", where=str(path)) from error


def read(path: Path) -> Config:
    """The configuration of one file."""
    try:
        return msgspec.convert(table(path), Config)
    except msgspec.ValidationError as error:
        raise ConfigError(
            str(error), where=str(path), remedy="`navtex config init` writes a file with every setting"
        ) from error


def _mirror(text: str, where: str) -> str:
    """A mirror's address or folder as it was configured; ConfigError if it is neither."""
    if not text or (text.startswith("/") and "\0" not in text):
        return text.rstrip("/") if text.strip("/") else text
    if not text.startswith(("http://", "https://")):
        raise ConfigError(f"the mirror {text!r} is not an http:// or https:// address or an absolute path", where=where)
    return web_address(text, where).rstrip("/")

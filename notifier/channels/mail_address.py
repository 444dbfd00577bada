"""Mail addresses: what a `mailto://` or `mailtos://` address says, read here and not by Apprise.

Apprise cuts `o'brien@example.org` to `brien@example.org`, takes part of a password for a host, and drops what it
does not know.  So the login, the sender and the recipients are read from the address itself, and whatever is
ambiguous is refused with the escape to write.  Apprise is asked one thing: which server, port and encryption a
provider's domain stands for (`mailto://user:password@gmail.com`).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from email.utils import getaddresses, parseaddr
from functools import lru_cache
from urllib.parse import quote, unquote

import idna

from feeds.core.errors import ChannelError
from feeds.core.text import one_line
from notifier.channels.apprise_parsing import parse

SCHEMES = ("mailto", "mailtos")
HELP = "See `navtex help channels`"
_WITHOUT_EFFECT = ("format", "overflow", "emojis", "tz", "retry", "wait", "optional", "store", "redirect", "rto", "cto")
"""Parameters that every address of Apprise may have, and that change nothing of a mail."""
PARAMETERS = ("to", "cc", "bcc", "from", "name", "reply", "smtp", "mode", "verify", "user", "pass", "password")
_PORTS = {"ssl": 465, "starttls": 587}
_NO = ("no", "false", "0", "off", "n")
_LOCAL = re.compile(r"[^\s<>()\[\]\\,;:\"@\x00-\x1f\x7f]+")
_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?"
)


@dataclass(frozen=True, slots=True)
class MailAddress:
    """A mail server, the login for it, and the addresses that a mail through it carries."""

    smtp_host: str
    port: int
    secure_mode: str
    """`insecure`, `starttls` or `ssl`."""
    verify_certificate: bool
    user: str
    password: str
    sender_name: str
    sender: str
    """The address that mails come from; "" if it is the configured one."""
    recipients: tuple[str, ...]
    """Each with its domain in ASCII."""
    reply_to: tuple[str, ...]

    def shown(self) -> str:
        """The address without its password."""
        scheme = "mailto" if self.secure_mode == "insecure" else "mailtos"
        login = f"{quote(self.user, safe='@')}{':****' if self.password else ''}@" if self.user else ""
        host = f"[{self.smtp_host}]" if ":" in self.smtp_host else self.smtp_host
        default = {"insecure": 25, "starttls": 587, "ssl": 465}[self.secure_mode]
        port = "" if self.port == default else f":{self.port}"
        mode = "?mode=ssl" if self.secure_mode == "ssl" else ""
        recipients = ",".join(quote(r, safe="@'+") for r in self.recipients)
        return f"{scheme}://{login}{host}{port}/{recipients}{mode}"

    def described(self) -> str:
        """In words, what was understood: the server, its encryption, and who gets the mail."""
        how = {"insecure": "without TLS", "starttls": "with STARTTLS", "ssl": "with TLS"}[self.secure_mode]
        login = f" as {self.user}" if self.user else ""
        unchecked = "" if self.verify_certificate or self.secure_mode == "insecure" else ", certificate not verified"
        return f"{self.smtp_host} port {self.port} {how}{unchecked}{login}, to {', '.join(self.recipients)}"


@lru_cache(maxsize=1024)
def mail_address(address: str) -> MailAddress:
    """What a mail address says; ChannelError, which shows no part of a login, where something in it is ambiguous."""
    scheme, rest = address.strip().split("://", 1)
    authority, path, query = _parts(rest)
    credentials, _, server = authority.rpartition("@")
    user, _, password = credentials.partition(":")
    fields = _fields(query)
    if path and not credentials and (fields.get("to") or fields.get("user")):
        raise _refused(
            "it has recipients both in the path and in `to`", "Put them in `to`, and write / in a login as %2F"
        )
    user = _decoded(user) or _decoded(fields.get("user", ""))
    password = _decoded(password) or _decoded(fields.get("pass", "") or fields.get("password", ""))
    host, port = _server(server)
    login, host, port, mode = _resolved(scheme.lower(), user, host, port, fields)
    name, sender = _sender(fields, login, _server(server)[0])
    recipients = [
        r for text in (*path.split("/"), *(fields.get(n, "") for n in ("to", "cc", "bcc"))) for r in _listed(text)
    ]
    if not sender and host != "localhost":
        raise _refused("it has no sender", "Write mailto://SERVER?from=ADDRESS&to=ADDRESS")
    if not (sender or recipients):
        raise _refused("it has no recipient", "Write mailto://SERVER?from=ADDRESS&to=ADDRESS")
    found = tuple(dict.fromkeys(checked(r) for r in recipients or [sender]))
    replies = tuple(checked(r) for r in _listed(fields.get("reply", "")))
    verify = _decoded(fields.get("verify", "yes")).lower() not in _NO
    return MailAddress(host, port, mode, verify, login, password, name, sender and checked(sender), found, replies)


def checked(address: str) -> str:
    """A mailbox with its domain in ASCII (IDNA 2008); ChannelError where it is not a mail address."""
    local, at, domain = address.strip().rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or ".." in local or local[0] == "." or local[-1] == "." or not domain:
        raise ChannelError(f"{one_line(address)!r} is not a mail address", remedy=HELP)
    try:
        ascii_domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        ascii_domain = ""
    literal = domain.startswith("[") and domain.endswith("]")
    if not literal and not _HOST.fullmatch(ascii_domain):
        raise ChannelError(
            f"{one_line(address)!r} is not a mail address: {one_line(domain)!r} is not a domain", remedy=HELP
        )
    return f"{local}@{ascii_domain}"


def _parts(rest: str) -> tuple[str, str, str]:
    """The server with its login, the path and the query, where it is certain which is which."""
    if any(c.isspace() or not c.isprintable() for c in rest):
        raise _refused("it contains a space or a control character", "Write a space as %20")
    if "#" in rest:
        raise _refused("it contains a #", "Write # as %23")
    if re.search(r"%(?![0-9A-Fa-f]{2})", rest):
        raise _refused("a % in it does not start an escape", "Write % as %25")
    before, _, query = rest.partition("?")
    authority, _, path = before.partition("/")
    if authority.count("@") > 1:
        raise _refused("it has more than one @ before the server", "Write @ in a login as %40")
    if "?" in query or any("@" in pair.partition("=")[0] for pair in query.split("&")):
        raise _refused("it has more than one ?, or an @ at the start of a parameter", "Write ? as %3F and & as %26")
    if any(sign in authority for sign in ";,\\'\"<>"):
        raise _refused("it contains a ; , \\ ' or \" in its login or server", "Write ; as %3B, , as %2C, ' as %27")
    return authority, path, query


def _fields(query: str) -> dict[str, str]:
    """The parameters of a query, still escaped; each may stand once, and only those that are known."""
    found: dict[str, str] = {}
    for pair in query.split("&"):
        name, equals, value = pair.partition("=")
        name = name.lower()
        if not pair:
            continue
        if not equals:
            raise _refused("one of its parameters has no value", "Write NAME=VALUE, and & in a value as %26")
        if name in _WITHOUT_EFFECT:
            continue
        if name not in PARAMETERS:
            shown = f" {name!r}" if re.fullmatch(r"[a-z]+", name) else ""
            raise _refused(
                f"the parameter{shown} is unknown",
                f"Known parameters: {', '.join(PARAMETERS)}; write & in a value as %26",
            )
        if name in found:
            raise _refused(f"the parameter {name!r} is given twice", "List several addresses with commas")
        if name in ("pass", "password", "user") and re.search("[;,/:@]", value):
            raise _refused(
                f"{name!r} contains a ; , / : or @", "Write ; as %3B, , as %2C, / as %2F, : as %3A, @ as %40"
            )
        found[name] = value
    return found


def _server(server: str) -> tuple[str, int]:
    """The host and the port of a server; "" and 0 where it names none."""
    bracketed = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::(\d+))?", server)
    host, port = bracketed.groups() if bracketed else (server.partition(":")[0], server.partition(":")[2])
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise _refused("its port is not a number from 1 to 65535", "Write : and @ in a login as %3A and %40")
    if not host:
        return "", int(port or 0)
    return _hostname(_decoded(host)), int(port or 0)


def _hostname(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        pass
    try:
        name = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        name = ""
    if not _HOST.fullmatch(name) or not re.search("[A-Za-z]", name):
        raise _refused(
            "its server is not a host name or an IP address", "Write mailto://SERVER?from=ADDRESS&to=ADDRESS"
        )
    return name


def _resolved(scheme: str, user: str, host: str, port: int, fields: dict[str, str]) -> tuple[str, str, int, str]:
    """The login, server, port and encryption: what the address says, completed by what Apprise knows of a provider."""
    smtp, mode = _decoded(fields.get("smtp", "")), _decoded(fields.get("mode", "")).lower()
    if mode and mode not in ("insecure", "starttls", "ssl"):
        raise _refused("its mode is unknown", "Write mode=insecure, mode=starttls or mode=ssl")
    if smtp and not (host or port):
        host = _hostname(smtp)
    if not host:
        raise _refused("it has no server", "Write mailto://SERVER?from=ADDRESS&to=ADDRESS")
    given = f"&smtp={_hostname(smtp)}" if smtp else ""
    given += f"&mode={mode}" if mode else ""
    login = f"{quote(user, safe='')}:x@" if user else ""
    shown = f"[{host}]" if ":" in host else host
    asked = f"{scheme}://{login}{shown}{f':{port}' if port else ''}?from=a@{_plain(host)}&to=a@example.org{given}"
    parsed = parse(asked)
    mode = str(parsed.secure_mode)
    login = str(parsed.user or "") if user else ""
    return login, str(parsed.smtp_host or host).strip("[]"), parsed.port or port or _PORTS.get(mode, 25), mode


def _plain(host: str) -> str:
    return host if re.search("[A-Za-z]", host) and "." in host else "example.org"


def _sender(fields: dict[str, str], user: str, host: str) -> tuple[str, str]:
    """The sender's name and address: as `from` and `name` say, else the user at the host of the address."""
    given = _decoded(fields.get("from", ""))
    name, sender = parseaddr(given) if "<" in given else ("", given)
    if sender and "@" not in sender:
        name, sender = sender, ""
    if not sender and user:
        sender = user if "@" in user else f"{user}@{host}"
    return one_line(_decoded(fields.get("name", "")) or name), sender


def _listed(text: str) -> list[str]:
    """Addresses between commas, semicolons or spaces; with names, as `Ops <ops@example.org>`, between commas."""
    listed = _decoded(text).replace(";", ",")
    if "<" not in listed:
        return [part for part in re.split(r"[,\s]+", listed) if part]
    return [address or listed for _, address in getaddresses([listed])]


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise _refused(
            "an escape in it is not UTF-8", "Write the bytes of a letter in UTF-8, as %C3%A4 for ä"
        ) from None


def _refused(what: str, remedy: str) -> ChannelError:
    return ChannelError(f"the mail address cannot be used: {what}", remedy=remedy)

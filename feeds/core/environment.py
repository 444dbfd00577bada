"""What a child process gets of the environment: no address of a database, and no key."""

from __future__ import annotations

from collections.abc import Mapping

_NAMES = frozenset(
    {
        "HOME",
        "HOSTALIASES",
        "LANG",
        "LANGUAGE",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "LOCALDOMAIN",
        "LOGNAME",
        "OPENSSL_CONF",
        "PATH",
        "RES_OPTIONS",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TEMP",
        "TMP",
        "TMPDIR",
        "TZ",
        "TZDIR",
        "USER",
    }
)
_OURS = ("NAVTEX_", "PG")
_TOKENS = frozenset({"GITHUB_TOKEN", "GH_TOKEN"})
_PREFIXES = ("COVERAGE_", "FAKETIME", "LC_", "MALLOC_", "PYTHON")
_ENDS = ("_ca_bundle", "_proxy")


def for_child(environment: Mapping[str, str], **more: str) -> dict[str, str]:
    """The variables that any Python program on the network needs, and those in `more` that are not empty.

    >>> for_child({"PATH": "/bin", "https_proxy": "http://p", "NAVTEX_SECRET_KEY": "s"}, SSL_CERT_FILE="")
    {'PATH': '/bin', 'https_proxy': 'http://p'}
    """
    kept = {name: value for name, value in environment.items() if _needed(name)}
    return kept | {name: value for name, value in more.items() if value}


def for_program(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables for a program of the operator's (ssh, a credential helper): all but those with secrets of Navtex.

    >>> for_program({"SSH_AUTH_SOCK": "/s", "AWS_PROFILE": "p", "NAVTEX_SECRET_KEY": "s", "PGPASSWORD": "s"})
    {'SSH_AUTH_SOCK': '/s', 'AWS_PROFILE': 'p'}
    """
    return {n: value for n, value in environment.items() if not n.startswith(_OURS) and n not in _TOKENS}


def _needed(name: str) -> bool:
    return name in _NAMES or name.startswith(_PREFIXES) or name.lower().endswith(_ENDS)

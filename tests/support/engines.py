"""Certificates of engines over TLS, and of those who may query them."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


def listening(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    """What an engine listens with that wants certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    return context


def files(folder: Path, authority: trustme.CA, *, trusted: trustme.CA | None = None) -> Path:
    """The files that docker keeps for an engine with TLS."""
    folder.mkdir(parents=True)
    client = authority.issue_cert("navtex@example.org")
    (trusted or authority).cert_pem.write_to_path(str(folder / "ca.pem"))
    client.private_key_pem.write_to_path(str(folder / "key.pem"))
    for part in client.cert_chain_pems:
        part.write_to_path(str(folder / "cert.pem"), append=True)
    return folder

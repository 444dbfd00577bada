"""Credentials for registries as Docker keeps them: `config.json`, and the helpers that it names.

A helper is run without a shell, with the registry on its standard input, as Docker does (docker-credential-helpers,
"protocol"). One that fails is a warning: the registry is then asked without credentials.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from feeds.core.environment import for_program
from feeds.images.references import HUB

_HELPER_SECONDS = 10
_LARGEST = 1 << 20
_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")


@dataclass(frozen=True, slots=True)
class Credential:
    """What a registry is signed in to with."""

    username: str = ""
    password: str = ""
    identity_token: str = ""


def credentials(
    registries: Iterable[str], environment: Mapping[str, str] = os.environ
) -> tuple[dict[str, Credential], list[str]]:
    """The credentials for some registries, and warnings about what could not be read. No network is used."""
    folder = environment.get("DOCKER_CONFIG") or str(Path.home() / ".docker")
    path = Path(folder) / "config.json"
    try:
        top = msgspec.json.decode(path.read_bytes()[:_LARGEST])
    except FileNotFoundError:
        return {}, []
    except (OSError, msgspec.DecodeError, RecursionError) as error:
        return {}, [f"{path} cannot be read, so registries are queried without credentials: {error}"]
    found: dict[str, Credential] = {}
    warnings: list[str] = []
    for registry in registries:
        try:
            credential = _credential(registry, top if isinstance(top, dict) else {}, environment)
        except _Failed as failed:
            warnings.append(f"no credentials for {registry}: {failed}")
            continue
        if credential is not None:
            found[registry] = credential
    return found, warnings


class _Failed(Exception):
    """A helper or an entry that gives nothing."""


def _credential(registry: str, top: dict[str, Any], environment: Mapping[str, str]) -> Credential | None:
    keys = _HUB_KEYS if registry == HUB else (registry, f"https://{registry}", f"http://{registry}")
    helpers, auths, store = top.get("credHelpers"), top.get("auths"), top.get("credsStore")
    for key in keys:
        if isinstance(helpers, dict) and isinstance(helper := helpers.get(key), str):
            return _helped(helper, key, environment)
    entries = auths if isinstance(auths, dict) else {}
    entry = next((e for key in keys for k, e in entries.items() if k.rstrip("/") == key.rstrip("/")), None)
    if isinstance(entry, dict) and (entry.get("auth") or entry.get("identitytoken") or entry.get("username")):
        return _entry(entry)
    if isinstance(store, str) and store:
        return _helped(store, keys[0], environment)
    return None


def _entry(entry: dict[str, Any]) -> Credential:
    token = entry.get("identitytoken")
    if isinstance(token, str) and token:
        return Credential(identity_token=token)
    if isinstance(auth := entry.get("auth"), str) and auth:
        try:
            username, colon, password = base64.b64decode(auth, validate=True).decode().strip("\0").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise _Failed("its entry in config.json is not base64 of NAME:PASSWORD") from None
        if not colon:
            raise _Failed("its entry in config.json is not base64 of NAME:PASSWORD")
        return Credential(username, password)
    return Credential(str(entry.get("username") or ""), str(entry.get("password") or ""))


def _helped(helper: str, key: str, environment: Mapping[str, str]) -> Credential | None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", helper):
        raise _Failed(f"{helper[:40]!r} is not the name of a credential helper")
    try:
        done = subprocess.run(  # noqa: S603 - a checked name, and no shell
            [f"docker-credential-{helper}", "get"],
            input=key.encode(),
            capture_output=True,
            timeout=_HELPER_SECONDS,
            check=False,
            env=for_program(environment),
        )
    except FileNotFoundError:
        raise _Failed(f"docker-credential-{helper} is not installed") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _Failed(f"docker-credential-{helper} failed: {type(error).__name__}") from None
    if done.returncode:
        if b"not found" in done.stdout + done.stderr:
            return None
        raise _Failed(f"docker-credential-{helper} ended with {done.returncode}")
    try:
        answer = msgspec.json.decode(done.stdout[:_LARGEST], type=dict[str, str])
    except msgspec.DecodeError:
        raise _Failed(f"docker-credential-{helper} gave no JSON") from None
    username, secret = answer.get("Username", ""), answer.get("Secret", "")
    # the protocol's word for a refresh token
    return Credential(identity_token=secret) if username == "<token>" else Credential(username, secret)

"""`navtex user`, `token` and `serve` as somebody types them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from feeds.core.errors import ConfigError
from feeds.storage.database import Database
from notifier.config import Config, Web, WebAuth
from notifier.services.people.sessions import SignedIn, sign_in
from notifier.web.server import check_reachable
from tests.conftest import Program
from tests.support.access import PASSWORD, user
from tests.support.samples import NOW


def test_users_and_tokens_are_made_listed_and_removed(program_with: Callable[..., Program]) -> None:
    navtex = program_with()
    refused = navtex("serve", "--listen", "0.0.0.0:0", status=2).stderr
    assert "nobody can sign in" in refused
    assert "navtex user add" in refused
    assert "needs 12" in navtex("user", "add", "ada", "--role", "admin", stdin="short\n", status=2).stderr
    assert "no password" in navtex("user", "add", "ada", status=2).stderr
    navtex("user", "add", "Ada", "--role", "admin", stdin=f"{PASSWORD}\n")
    navtex("user", "add", "bob", "--no-password", "--tag", "team=a")
    assert (
        "sees all hosts"
        in navtex("user", "add", "eve", "--role", "admin", "--tag", "a=b", "--no-password", status=2).stderr
    )
    navtex("user", "passwd", "ada", stdin="another long password\n")
    users = navtex.json("user", "list")["users"]
    assert [(u["user"], u["role"], u["tags"], u["password"]) for u in users] == [
        ("ada", "admin", {}, True),
        ("bob", "viewer", {"team": "a"}, False),
    ]
    made = navtex("token", "add", "reader", "--scope", "read", "--user", "bob", "--tag", "team=a").stdout.strip()
    assert made.startswith("nvx_")
    assert len(made) == len("nvx_") + 10 + 1 + 43
    assert (
        "needs the role operator"
        in navtex("token", "add", "x", "--scope", "silences:write", "--user", "bob", "--tag", "team=a", status=2).stderr
    )
    (token,) = navtex.json("token", "list")["tokens"]
    assert (token["owner"], token["scopes"], made.split("_")[1]) == ("bob", ["read"], token["token"])
    assert made not in navtex("token", "list").stdout
    navtex("user", "remove", "bob")
    assert navtex.json("token", "list")["tokens"] == [], "a user's tokens go with the user"
    assert "no token" in navtex("token", "remove", token["token"], status=2).stderr
    with_database = Database(f"sqlite:///{navtex.home / '.local/share/navtex/navtex.db'}")
    assert isinstance(sign_in(with_database, "ada", "another long password", "", NOW), SignedIn)
    with_database.close()


@pytest.mark.parametrize(
    ("listen", "auth", "password", "refused"),
    [
        ("0.0.0.0:8420", WebAuth(), False, True),
        ("[::]:8420", WebAuth(), False, True),
        ("0.0.0.0:8420", WebAuth(), True, False),
        ("0.0.0.0:8420", WebAuth(methods=("oidc",), issuer="https://a.example", client_id="x"), False, False),
        ("127.0.0.1:8420", WebAuth(), False, False),
        ("[::1]:8420", WebAuth(), False, False),
    ],
)
def test_others_reach_the_page_only_where_somebody_can_sign_in(
    sqlite_database: Database, listen: str, auth: WebAuth, password: bool, refused: bool
) -> None:
    user(sqlite_database, "ada", password=PASSWORD if password else "")
    config = msgspec.structs.replace(Config(), web=Web(listen=listen, auth=auth))
    if not refused:
        check_reachable(sqlite_database, config)
        return
    with pytest.raises(ConfigError, match="nobody can sign in"):
        check_reachable(sqlite_database, config)

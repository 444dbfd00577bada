"""The page of users, for administrators."""

from __future__ import annotations

from collections.abc import Callable

from feeds.core.errors import UsageProblem
from notifier.services.people import accounts
from notifier.web.access.fields import tags_of
from notifier.web.callers import actor_of
from notifier.web.handler_values import Answer, Call, Permission, Role, Route, page, redirect
from notifier.web.page_frame import frame_of

_DONE = {
    "added": "The user was added.",
    "changed": "The user was changed.",
    "password": "The password was changed, and the user's sessions ended.",
    "removed": "The user was removed, with their sessions and tokens.",
}


def show(call: Call, problem: str = "", status: int = 200) -> Answer:
    """The users."""
    html = call.templates.render(
        "users.html",
        frame=frame_of(call, _DONE.get(call.asked("done"), "")),
        problem=problem,
        users=accounts.list_users(call.database).users,
        me=call.viewer.name,
        roles=[(r.value, r.value) for r in Role],
    )
    return page(html, status)


def _add(call: Call) -> str:
    role, tags = _allowed(call)
    password = call.filled("password")
    accounts.add_user(call.database, actor_of(call), call.now, call.filled("user"), role, tags=tags, password=password)
    return "added"


def _change(call: Call) -> str:
    role, tags = _allowed(call)
    _not_oneself(call)
    accounts.change_user(call.database, actor_of(call), call.now, call.filled("user"), role=role, tags=tags)
    return "changed"


def _password(call: Call) -> str:
    _not_oneself(call)
    accounts.set_password(call.database, actor_of(call), call.now, call.filled("user"), call.filled("password"))
    return "password"


def _remove(call: Call) -> str:
    _not_oneself(call)
    accounts.remove_user(call.database, actor_of(call), call.now, call.filled("user"))
    return "removed"


def _allowed(call: Call) -> tuple[Role, dict[str, str]]:
    try:
        return Role(call.filled("role")), tags_of(call.filled("tags"))
    except ValueError:
        raise UsageProblem(f"{call.filled('role')[:50]!r} is not a role") from None


def _not_oneself(call: Call) -> None:
    """UsageProblem if administrators change themselves: the last one could not mend it."""
    if accounts.account_name(call.filled("user")) == call.viewer.name:
        raise UsageProblem("you cannot change your own account here", remedy="Ask another administrator")


def _done(change: Callable[[Call], str]) -> Callable[[Call], Answer]:
    def handler(call: Call) -> Answer:
        try:
            return redirect(f"/users?done={change(call)}")
        except UsageProblem as error:
            return show(call, str(error), 400)

    return handler


ROUTES = (
    Route("/users", show, needs=Permission.ADMINISTER, name="users"),
    Route("/users", _done(_add), ("POST",), Permission.ADMINISTER, "add_user"),
    Route("/users/change", _done(_change), ("POST",), Permission.ADMINISTER, "change_user"),
    Route("/users/password", _done(_password), ("POST",), Permission.ADMINISTER, "user_password"),
    Route("/users/remove", _done(_remove), ("POST",), Permission.ADMINISTER, "remove_user"),
)

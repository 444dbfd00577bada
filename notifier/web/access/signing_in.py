"""Signing in with a password, signing out, and the first administrator."""

from __future__ import annotations

from feeds.core.errors import UsageProblem
from notifier.domain.access import Actor
from notifier.security.passwords import digest, same
from notifier.services.people import accounts, sessions
from notifier.services.people.sessions import SignedIn, SignInProblem
from notifier.web.answers import failed
from notifier.web.callers import actor_of
from notifier.web.cookies import no_session, session_cookie, session_of
from notifier.web.handler_values import Answer, Call, Permission, Role, Route, TokenScope, Way, page, redirect
from notifier.web.origins import local_path
from notifier.web.page_frame import frame_of

_WORDS = {
    SignInProblem.WRONG: "The name or the password is wrong.",
    SignInProblem.TOO_MANY: "Too many attempts failed. Try again in 15 minutes.",
    SignInProblem.NO_ACCOUNT: "You have no account here. Ask an administrator to add you.",
}
_STATUS = {SignInProblem.WRONG: 401, SignInProblem.TOO_MANY: 429, SignInProblem.NO_ACCOUNT: 403}


def form(call: Call) -> Answer:
    """The page to sign in."""
    if call.viewer.role is not None:
        return redirect(local_path(call.asked("next")))
    return _form(call, local_path(call.asked("next")))


def sign_in(call: Call) -> Answer:
    """Sign in with a password."""
    to = local_path(call.filled("next"))
    if "local" not in call.config.web.auth.methods:
        return failed(call, 403, "Passwords are not used here.")
    found = sessions.sign_in(call.database, call.filled("name"), call.filled("password"), call.client, call.now)
    return refused(call, found, to) if isinstance(found, SignInProblem) else signed_in(call, found, to)


def signed_in(call: Call, made: SignedIn, to: str) -> Answer:
    """Give the browser its new session. One that it had before ends."""
    if old := session_of(call):
        sessions.sign_out(call.database, old, Actor(made.name, Way.SESSION, call.client), call.now)
    return redirect(to, (session_cookie(call, made.secret),))


def refused(call: Call, why: SignInProblem, to: str) -> Answer:
    """The page to sign in, with what went wrong."""
    again = (("retry-after", "900"),) if why is SignInProblem.TOO_MANY else ()
    return _form(call, to, _WORDS[why], _STATUS[why], again)


def sign_out(call: Call) -> Answer:
    """End the session."""
    sessions.sign_out(call.database, session_of(call), actor_of(call), call.now)
    return redirect("/login", (no_session(call), ("clear-site-data", '"cache"')))


def _form(
    call: Call, to: str, problem: str = "", status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> Answer:
    methods = call.config.web.auth.methods
    nobody = "local" in methods and not accounts.any_user(call.database)
    html = call.templates.render(
        "login.html",
        problem=problem,
        to=to,
        user=call.filled("name")[:200],
        local="local" in methods,
        oidc="oidc" in methods,
        proxy="proxy" in methods,
        nobody=nobody,
        setup=bool(call.setup),
    )
    return page(html, status, headers)


def first_form(call: Call) -> Answer:
    """The page that makes the first administrator, at the address that the server printed."""
    return _first(call) if _first_allowed(call) else failed(call, 404, "This address is not valid any more.")


def first(call: Call) -> Answer:
    """Make the first administrator, and sign them in."""
    if not _first_allowed(call):
        return failed(call, 404, "This address is not valid any more.")
    name, password = call.filled("name"), call.filled("password")
    try:
        _check_same(call)
        actor = Actor(accounts.account_name(name), Way.ANONYMOUS, call.client)
        accounts.add_user(call.database, actor, call.now, name, Role.ADMIN, password=password, first=True)
    except UsageProblem as error:
        return _first(call, str(error), 400)
    found = sessions.sign_in(call.database, name, password, call.client, call.now)
    return refused(call, found, "/") if isinstance(found, SignInProblem) else signed_in(call, found, "/")


def _first_allowed(call: Call) -> bool:
    given = same(digest(call.path["secret"]), call.setup) if call.setup else False
    return given and not accounts.any_user(call.database)


def _first(call: Call, problem: str = "", status: int = 200) -> Answer:
    return page(call.templates.render("setup.html", problem=problem, user=call.filled("name")[:200]), status)


def _check_same(call: Call) -> None:
    if call.filled("password") != call.filled("again"):
        raise UsageProblem("the two passwords differ")


def password_form(call: Call, problem: str = "", status: int = 200) -> Answer:
    """The page on which people change their own password."""
    return page(call.templates.render("password.html", frame=frame_of(call), problem=problem), status)


def change_password(call: Call) -> Answer:
    """Change one's own password. The former one is asked for, as when signing in."""
    name, new = call.viewer.name, call.filled("password")
    found = sessions.sign_in(call.database, name, call.filled("old"), call.client, call.now)
    if isinstance(found, SignInProblem):
        words = _WORDS[found] if found is SignInProblem.TOO_MANY else "The present password is wrong."
        return password_form(call, words, _STATUS[found])
    try:
        _check_same(call)
        accounts.set_password(call.database, actor_of(call), call.now, name, new)
    except UsageProblem as error:
        return password_form(call, str(error), 400)
    fresh = sessions.sign_in(call.database, name, new, call.client, call.now)
    return redirect("/login") if isinstance(fresh, SignInProblem) else signed_in(call, fresh, "/")


ROUTES = (
    Route("/login", form, needs=Permission.PUBLIC, name="login"),
    Route("/login", sign_in, ("POST",), Permission.PUBLIC, "sign_in"),
    Route("/logout", sign_out, ("POST",), Permission.PUBLIC, "logout"),
    Route("/setup/{secret}", first_form, needs=Permission.PUBLIC, name="setup"),
    Route("/setup/{secret}", first, ("POST",), Permission.PUBLIC, "set_up"),
    Route("/password", password_form, name="password", token=TokenScope.ADMIN),
    Route("/password", change_password, ("POST",), name="change_password", token=TokenScope.ADMIN),
)

"""The page of API tokens: one's own, and for an administrator everyone's."""

from __future__ import annotations

from feeds.core.errors import UsageProblem
from notifier.domain.access import TokenScope
from notifier.services.people import tokens
from notifier.services.people.tokens import MadeToken, NewToken
from notifier.web.access.fields import tags_of
from notifier.web.answers import failed
from notifier.web.callers import actor_of
from notifier.web.handler_values import Answer, Call, Role, Route, page, redirect
from notifier.web.page_frame import frame_of

_WORDS = {
    TokenScope.READ: "Read: everything that you may see",
    TokenScope.PUSH: "Push inventory: hosts report themselves",
    TokenScope.SUBSCRIPTIONS: "Change subscriptions",
    TokenScope.SILENCES: "Change silences and assignments",
    TokenScope.ADMIN: "Administer: everything",
}


def show(call: Call) -> Answer:
    """The tokens of the viewer."""
    return _page(call, done="The token was revoked." if call.asked("done") == "revoked" else "")


def make(call: Call) -> Answer:
    """Make a token, and show its secret this once."""
    if call.viewer.account is None:
        return failed(call, 403, "Only a user has tokens.")
    try:
        made = tokens.add_token(call.database, actor_of(call), call.now, _wanted(call), call.viewer)
    except UsageProblem as error:
        return _page(call, problem=str(error), status=400)
    return _page(call, made=made)


def revoke(call: Call) -> Answer:
    """Revoke a token."""
    owner = None if call.viewer.does(Role.ADMIN) else call.viewer.account
    if owner is None and not call.viewer.does(Role.ADMIN):
        return failed(call, 403, "Only a user has tokens.")
    tokens.remove_token(call.database, actor_of(call), call.now, call.filled("token"), owner)
    return redirect("/tokens?done=revoked")


def _wanted(call: Call) -> NewToken:
    try:
        days = int(call.filled("days", str(tokens.DAYS)))
        scopes = frozenset(map(TokenScope, call.form.get("scope", ())))
    except ValueError:
        raise UsageProblem("the form holds a value that is not among its choices") from None
    tags = {**tags_of(call.filled("tags")), **call.viewer.scope.tags}
    return NewToken(call.filled("name"), scopes, days, tags, call.filled("hosts").strip())


def _page(call: Call, done: str = "", problem: str = "", made: MadeToken | None = None, status: int = 200) -> Answer:
    everyone = call.viewer.does(Role.ADMIN)
    owner = None if everyone else call.viewer.account
    listed = tokens.list_tokens(call.database, call.now, owner).tokens if everyone or owner is not None else ()
    html = call.templates.render(
        "tokens.html",
        frame=frame_of(call, done),
        problem=problem,
        made=made,
        tokens=listed,
        everyone=everyone,
        scopes=[(s.value, _WORDS[s]) for s in TokenScope if call.viewer.does(s.role)],
        days=[(str(n), f"{n} days") for n in (7, 30, 90, 365)],
    )
    return page(html, status)


# an API token may not make others: it would outlive its own end
ROUTES = (
    Route("/tokens", show, name="tokens", token=TokenScope.ADMIN),
    Route("/tokens", make, ("POST",), name="make_token", token=TokenScope.ADMIN),
    Route("/tokens/revoke", revoke, ("POST",), name="revoke_token", token=TokenScope.ADMIN),
)

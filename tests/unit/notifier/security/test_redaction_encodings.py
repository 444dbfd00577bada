"""A known secret is hidden in every encoding in which it leaves."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

from notifier.channels import redacted
from notifier.security.redaction import HIDDEN, redact

SECRETS = ("Tr0ub4dor&3", "pä ss/w?rd", 'quo"te\\d', "abcd", "x>?>?>?y")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("user", ["", "u", "us", "user", "someone@example.org"])
def test_base64_of_logins(secret: str, user: str) -> None:
    for login in (f"{user}:{secret}", f"\0{user}\0{secret}", f"{user}:{secret}@example"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            said = encode(login.encode()).decode()
            shown = redact(f"the server said {said}!", [secret])
            assert said not in shown
            assert HIDDEN in shown


@pytest.mark.parametrize("secret", SECRETS)
def test_addresses_pages_and_json(secret: str) -> None:
    forms = (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
    partly = quote(secret, safe="+/&"), "".join(f"%{b:02x}" for b in secret.encode())
    nested = quote(quote(secret)), quote(quote(quote(secret, safe=""))), json.dumps(json.dumps(secret)[1:-1])[1:-1]
    pages = html.escape(secret), "".join(f"&#{ord(c)};" for c in secret), "".join(f"&#x{ord(c):04x};" for c in secret)
    others = repr(secret)[1:-1], secret.encode().hex(), secret.encode().hex().upper()
    for form in (*forms, *partly, *nested, *pages, *others, json.dumps(secret, ensure_ascii=False)[1:-1]):
        assert redact(f"said <{form}>", [secret]) == f"said <{HIDDEN}>"


def test_other_text_stays() -> None:
    assert redact("a word and another", ["abcd"]) == "a word and another"


@pytest.mark.parametrize("scheme", ["json", "mailto"])
def test_an_answer_that_repeats_the_login_is_kept_without_it(scheme: str) -> None:
    secret = "Tr0ub4dor&3-x"
    address = f"{scheme}://someone:{quote(secret, safe='')}@smtp.example.org/?to=ops@example.org"
    basic = base64.b64encode(f"someone:{secret}".encode()).decode()
    plain = base64.b64encode(f"\0someone\0{secret}".encode()).decode()
    for said in (basic, plain, secret, quote(secret, safe=""), json.dumps({"password": secret})):
        shown = redacted(f"535 rejected {said}", address)
        assert HIDDEN in shown
        assert said not in shown
        assert secret not in shown

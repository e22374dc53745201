"""The cookie of a sign-in, and forms that are ours."""

import pytest
from starlette.responses import Response

from app.signin import form_is_ours, form_token, sign_in_cookie

SECRET, OTHER = "a secret of one sign-in", "a secret of another"


def test_a_form_comes_back_with_the_token_it_was_given() -> None:
    first, second = form_token(SECRET), form_token(SECRET)
    assert first != second
    assert form_is_ours(SECRET, first)
    assert form_is_ours(SECRET, second)
    assert SECRET not in first


@pytest.mark.parametrize(
    "token",
    [None, "", "x", "é" * 96, form_token(OTHER), form_token(SECRET)[:-1], form_token("")],
    ids=["none", "empty", "short", "no-ascii", "another-session", "cut", "no-secret"],
)
def test_a_form_without_our_token_is_not_ours(token: str | None) -> None:
    assert not form_is_ours(SECRET, token)


def test_no_secret_makes_no_form_ours() -> None:
    assert not form_is_ours("", form_token(""))


def test_changing_any_character_of_a_token_spoils_it() -> None:
    token = form_token(SECRET)
    for place, character in enumerate(token):
        spoiled = token[:place] + ("0" if character != "0" else "1") + token[place + 1 :]
        assert not form_is_ours(SECRET, spoiled)


@pytest.mark.parametrize(
    ("address", "secure"),
    [
        ("https://jalon.chu.example", True),
        ("http://jalon.chu.example", True),
        ("https://127.0.0.1:8000", True),
        ("http://127.0.0.1:8000", False),
        ("http://[::1]:8000", False),
        ("http://localhost:8000", False),
        ("http://localhost.evil.example", True),
        ("http://127.0.0.1.evil.example", True),
        ("", True),
    ],
)
def test_the_cookie_is_secure_unless_it_never_leaves_the_machine(address: str, secure: bool) -> None:
    cookie = sign_in_cookie(address)
    assert (cookie["secure"], cookie["key"].startswith("__Host-")) == (secure, secure)


def test_scripts_and_other_sites_do_not_get_the_cookie() -> None:
    response = Response()
    response.set_cookie(value="t", **sign_in_cookie("https://jalon.chu.example"))
    said = {part.strip().lower() for part in response.headers["set-cookie"].split(";")}
    assert said >= {
        "__host-jalon=t",
        "httponly",
        "secure",
        "samesite=lax",
        "path=/",
        f"max-age={7 * 24 * 3600}",
    }
    assert not any(part.startswith("domain") for part in said)

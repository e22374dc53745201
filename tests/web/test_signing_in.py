"""Who gets in, who does not, and that a form from elsewhere does nothing."""

import pytest

from app.i18n import LANGUAGES
from store import accounts
from tests.web.cast import DAY, PASSWORD, Ward, form_of, text_of


def test_nobody_sees_a_page_without_signing_in(ward: Ward) -> None:
    pathway = ward.started()
    stranger = ward.browser()
    for address in ("/", "/?q=Marchand", "/referrals", "/mailbox", f"/pathways/{pathway}", "/banners"):
        answer = stranger.get(address, follow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")
        assert "Marchand" not in answer.text


def test_who_signs_in_lands_where_they_wanted_to_go(ward: Ward) -> None:
    ward.hire("nadia")
    pathway = ward.started()
    browser = ward.browser()
    door = browser.get(f"/pathways/{pathway}")
    form = form_of(door, "/sign-in")
    answer = browser.post("/sign-in", data={**form, "login": "nadia", "password": PASSWORD})
    assert answer.url.path == f"/pathways/{pathway}"
    assert "Marchand" in answer.text


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example"],
)
def test_nobody_is_sent_elsewhere_after_signing_in(lasting_ward: Ward, elsewhere: str) -> None:
    lasting_ward.hire("nadia")
    answer = lasting_ward.browser().post(
        "/sign-in", data={"login": "nadia", "password": PASSWORD, "next": elsewhere}, follow_redirects=False
    )
    assert answer.headers["location"] == "/"


def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(ward: Ward) -> None:
    ward.hire("nadia")
    wrong = ward.browser().post("/sign-in", data={"login": "nadia", "password": "non"})
    unknown = ward.browser().post("/sign-in", data={"login": "nemo", "password": "non"})
    assert wrong.status_code == unknown.status_code == 401
    assert "Identifiant ou mot de passe incorrect." in text_of(wrong)
    assert text_of(wrong) == text_of(unknown)
    assert 'value="nadia"' in wrong.text


def test_who_tries_too_often_is_told_until_when_to_wait(ward: Ward) -> None:
    ward.hire("nadia")
    browser = ward.browser()
    for _ in range(5):
        answer = browser.post("/sign-in", data={"login": "nadia", "password": "non"})
    assert answer.status_code == 429
    assert "Trop d’essais : réessayez à partir de 10:00:30." in text_of(answer)


def test_signing_out_ends_the_sign_in_itself(ward: Ward) -> None:
    browser = ward.browser("nadia")
    token = browser.cookies["jalon"]
    form = form_of(browser.get("/"), "/sign-out")
    assert browser.post("/sign-out", data=form).url.path == "/sign-in"
    browser.cookies.set("jalon", token)
    assert browser.get("/").url.path == "/sign-in"


def test_a_sign_in_ends_after_a_day_without_a_sign_of_life(ward: Ward) -> None:
    browser = ward.browser("nadia")
    ward.later(accounts.SIGNED_IN_FOR - DAY / 24)
    assert browser.get("/").url.path == "/"
    ward.later(DAY)
    assert browser.get("/").url.path == "/sign-in"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(ward: Ward) -> None:
    ward.hire("nadia")
    answer = ward.browser().post(
        "/sign-in", data={"login": "nadia", "password": PASSWORD}, follow_redirects=False
    )
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_a_form_without_our_token_does_nothing(ward: Ward) -> None:
    pathway = ward.started()
    browser = ward.browser("nadia")
    seq = ward.pathway(pathway).seq
    for token in ({}, {"csrf": ""}, {"csrf": "é"}, {"csrf": "0" * 96}):
        answer = browser.post(f"/pathways/{pathway}/start", data={"step": "triage", "seq": str(seq), **token})
        assert answer.status_code == 403
        assert "n’est plus valable" in text_of(answer)
    assert ward.pathway(pathway).seq == seq


def test_a_token_of_somebody_else_is_no_token(ward: Ward) -> None:
    pathway = ward.started()
    hers = form_of(ward.browser("nadia").get("/"), "/sign-out")["csrf"]
    answer = ward.browser("roux").post(f"/pathways/{pathway}/start", data={"step": "triage", "csrf": hers})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "sent_from", [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_form_sent_from_another_site_does_nothing(ward: Ward, sent_from: dict[str, str]) -> None:
    browser = ward.browser("nadia")
    form = form_of(browser.get("/"), "/sign-out")
    assert browser.post("/sign-out", data=form, headers=sent_from).status_code == 403
    login = {"login": "nadia", "password": PASSWORD}
    assert ward.browser().post("/sign-in", data=login, headers=sent_from).status_code == 403
    assert browser.get("/").url.path == "/"


def test_everybody_reads_the_pages_in_their_language(ward: Ward) -> None:
    assert set(LANGUAGES) == {"fr", "en"}
    stranger = ward.browser(language="en")
    assert "Sign in" in text_of(stranger.get("/sign-in"))
    answer = stranger.post("/language", data={"language": "fr", "back": "/sign-in"})
    assert "Se connecter" in text_of(answer)
    assert '<html lang="fr">' in answer.text
    assert "To do" in text_of(ward.browser("nadia", language="en").get("/"))

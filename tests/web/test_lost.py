"""A session or a token that was lost takes nothing away that was typed, and hands it to nobody."""

from __future__ import annotations

import re
from html import unescape
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mppcqa.inventory.models import Comment

PASSWORD = "finger-spectrum-9"
COMMENT = "/devices/GX-000/comment/"
TEXT = "scratched at\r\nchannel 7 <b>&"
OWN = {"HTTP_ORIGIN": "http://testserver"}


@pytest.fixture(autouse=True)
def _quick(settings: object) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def people(campaign: SimpleNamespace, operator: User) -> User:
    operator.set_password(PASSWORD)
    operator.save()
    return User.objects.create_superuser("ana", password=PASSWORD)


def token(client: Client) -> str:
    return re.search(r'csrfmiddlewaretoken" value="(\w+)"', client.get("/login/").content.decode())[
        1
    ]


def hidden(page: str) -> dict[str, str]:
    """Hidden fields of the form in the middle of a page."""
    main = page.split("<main")[1]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', main)
    return {name: unescape(value) for name, value in found}


def log_in(client: Client, name: str, **more: str) -> object:
    values = {"login": name, "password": PASSWORD, "csrfmiddlewaretoken": token(client), **more}
    return client.post("/login/", values)


def late(client: Client, name: str = "rosa", **fields: object) -> str:
    """The answer to a form of somebody whose session ended while it was typed."""
    log_in(client, name)
    sent = {"csrfmiddlewaretoken": token_of_page(client), **fields}
    Session.objects.all().delete()
    answer = client.post(COMMENT, sent)
    assert answer.status_code == 403
    page: str = answer.content.decode()
    assert "what you typed is kept" in page
    return page


def token_of_page(client: Client) -> str:
    page = client.get("/devices/GX-000/").content.decode()
    return re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)[1]


def test_who_logs_in_again_goes_on_with_what_was_typed(people: User) -> None:
    client = Client(enforce_csrf_checks=True)
    page = late(client, text=TEXT, tags=["a", "b"])
    wrong = client.post(
        "/login/", {**hidden(page), "login": "rosa", "password": "wrong"}
    ).content.decode()
    assert "is wrong" in wrong
    after = client.post("/login/", {**hidden(wrong), "login": "rosa", "password": PASSWORD})
    page = after.content.decode()
    assert "Not saved yet" in page
    assert "scratched at" in page
    assert "<b>&" not in page
    assert not Comment.objects.exists()
    assert f'action="{COMMENT}"' in page
    assert client.post(COMMENT, hidden(page)).status_code == 302
    assert Comment.objects.get().text == TEXT
    assert Comment.objects.get().author.username == "rosa"


def test_another_person_at_the_same_browser_never_sees_it(people: User) -> None:
    client = Client(enforce_csrf_checks=True)
    page = late(client, text=TEXT)
    after = client.post("/login/", {**hidden(page), "login": "ana", "password": PASSWORD})
    assert after.status_code == 302
    page = client.get("/").content.decode()
    assert "under another account" in page
    assert "scratched" not in page


def test_what_is_carried_can_not_be_made_up(people: User) -> None:
    client = Client(enforce_csrf_checks=True)
    kept = hidden(late(client, text=TEXT))["kept"]
    for wrong in (kept[:-2], "x" + kept, "{}", "²", "\0", "a:b:c"):
        answer = log_in(client, "rosa", kept=wrong)
        # What no text may hold is refused before any page sees it.
        assert answer.status_code == (400 if wrong == "\0" else 302)
        Session.objects.all().delete()


def test_passwords_are_never_carried_and_files_are_asked_for_again(people: User) -> None:
    client = Client(enforce_csrf_checks=True)
    file = SimpleUploadedFile("photo <1>.jpg", b"\xff\xd8")
    page = late(client, text="x", oldpassword="hunter-2-secret", file=file)
    page = client.post(
        "/login/", {**hidden(page), "login": "rosa", "password": PASSWORD}
    ).content.decode()
    assert "hunter-2" not in page
    assert "photo &lt;1&gt;.jpg must be chosen again" in page
    assert 'type="file"' in page
    assert 'enctype="multipart/form-data"' in page


def test_a_token_lost_by_a_log_in_elsewhere_keeps_the_text(people: User) -> None:
    client = Client(enforce_csrf_checks=True)
    log_in(client, "rosa")
    old = token_of_page(client)
    client.post("/logout/", {"csrfmiddlewaretoken": old})
    log_in(client, "rosa")
    answer = client.post(COMMENT, {"csrfmiddlewaretoken": old, "text": TEXT}, **OWN)
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "Not saved yet" in page
    assert client.post(COMMENT, hidden(page)).status_code == 302
    assert Comment.objects.get().text == TEXT


def test_a_log_in_in_another_tab_does_not_lose_what_this_one_carries(people: User) -> None:
    client = Client(enforce_csrf_checks=True)
    page = late(client, text=TEXT)
    log_in(client, "rosa")
    old = client.post(
        "/login/", {**hidden(page), "login": "rosa", "password": PASSWORD}, **OWN
    ).content.decode()
    assert "Not saved yet" in old
    assert client.post(COMMENT, hidden(old)).status_code == 302
    assert Comment.objects.get().text == TEXT


@pytest.mark.parametrize("origin", [{"HTTP_ORIGIN": "http://evil.example"}, {}])
def test_a_form_of_another_site_is_never_offered_to_be_sent(
    people: User, origin: dict[str, str]
) -> None:
    client = Client(enforce_csrf_checks=True)
    log_in(client, "rosa")
    answer = client.post(COMMENT, {"text": "by somebody else"}, **origin)
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "Not accepted" in page
    assert "by somebody else" not in page
    assert 'id="content"' in page


def test_what_is_too_long_to_be_carried_is_shown_to_be_copied(
    people: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mppcqa.web.accounts.kept.MOST_CHARACTERS", 100)
    client = Client(enforce_csrf_checks=True)
    log_in(client, "rosa")
    sent = {"csrfmiddlewaretoken": token_of_page(client), "text": TEXT}
    Session.objects.all().delete()
    page = client.post(COMMENT, sent).content.decode()
    assert "copy it" in page
    assert "scratched at" in page


def test_a_live_part_gets_no_log_in_inside_of_it(people: User) -> None:
    answer = Client().get("/notices/bell/", HTTP_HX_REQUEST="true")
    assert answer.status_code == 403
    assert answer.content == b""
    assert answer.headers["HX-Trigger"] == "mppcqa:logged-out"
    client = Client(enforce_csrf_checks=True)
    log_in(client, "rosa")
    answer = client.post(COMMENT, {"text": "x"}, HTTP_HX_REQUEST="true", **OWN)
    assert answer.headers["HX-Trigger"] == "mppcqa:logged-out"


def refusals(client: Client, settings: object) -> dict[int, object]:
    """An answer of each kind."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000
    guest = Client()
    guest.force_login(User.objects.create_user("guest"))
    guest.cookies.load({"django_language": client.cookies["django_language"].value})
    tries = [Client(HTTP_ORIGIN="http://evil.example").post("/login/") for _n in range(31)]
    return {
        400: client.get("/", HTTP_HOST="evil.example"),
        403: guest.get("/devices/register/"),
        404: client.get("/nowhere/"),
        405: client.get("/stations/pde-1/load/"),
        413: client.post(COMMENT, {"text": "x" * 20_000}),
        429: tries[-1],
    }


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Another address", "Not allowed", "Not found", "No page", "Too long", "Too many")),
        (
            "es",
            (
                "Otra dirección",
                "",
                "",
                "No es una página",
                "Demasiado largo",
                "Demasiados intentos",
            ),
        ),
    ],
)
def test_every_refusal_has_a_page_of_ours(
    browser_client: Client,
    campaign: SimpleNamespace,
    settings: object,
    language: str,
    words: tuple[str, ...],
) -> None:
    browser_client.cookies.load({"django_language": language})
    answers = refusals(browser_client, settings)
    for (status, answer), word in zip(answers.items(), words, strict=True):
        page = answer.content.decode()
        assert answer.status_code == status
        assert "app.css" in page, status
        if status != 429:  # nobody's language is known there
            assert f'<html lang="{language}">' in page, status
            assert word in page, status
    assert answers[405].headers["Allow"] == "POST"


def test_a_live_part_gets_words_and_no_page(browser_client: Client, operator: User) -> None:
    answer = browser_client.get("/nowhere/", HTTP_HX_REQUEST="true")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/plain")

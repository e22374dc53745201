"""The page of exchanges: what each hospital's server is owed and refuses, in words, and how it is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page
from sqlmodel import select

from pathway.refusal import Text
from store import destinations as exchanges
from store.resource_tables import ResourceRow
from store.tables import DeliveredRow, DeliveryRow
from tests.peers.browser import PageAt
from tests.web.cast import MONDAY, Ward, form_of, open_ward, text_of
from tests.web.served import serving, sign_in
from tests.web.test_accessibility import _judge

HOSPITALS = [
    {"name": "chu", "url": "http://127.0.0.1:9/fhir", "resources": ["Patient", "Task"]},
    {"name": "clinique", "url": "http://127.0.0.1:9/other", "mode": "hosted"},
]


@pytest.fixture
def ward(sqlite_url: str, tmp_path: Path) -> Iterator[Ward]:
    """A ward with a hospital it writes to and one that reads here."""
    opened = open_ward(sqlite_url, tmp_path, fhir_destinations=HOSPITALS)
    yield opened
    opened.service.close()


def troubled(ward: Ward) -> tuple[str, str]:
    """The hospital refuses a Task and then does not answer any more; the pathway, and the Task's id."""
    pathway = ward.started()
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "business-rule",
                "diagnostics": "No such service here",
                "expression": ["Task.owner"],
            }
        ],
    }
    with ward.service.db.write() as session:
        task = session.exec(select(ResourceRow).where(ResourceRow.type == "Task")).first()
        assert task is not None
        session.add(
            DeliveredRow(
                destination="chu",
                type="Task",
                id=task.id,
                pathway_id=pathway,
                refused=outcome,
                refused_version=task.version,
                refused_at=ward.now,
            )
        )
        exchanges.failed(
            session, "chu", until=ward.now + timedelta(minutes=5), reason="The FHIR server answered 503."
        )
        return pathway, task.id


def test_what_is_owed_refused_and_waited_for_is_said_in_words(ward: Ward) -> None:
    troubled(ward)
    said = text_of(ward.browser("nadia").get("/exchanges"))
    for words in (
        "nous y écrivons",
        "il lit ici",
        "Patient, Task",
        "1 parcours",
        "No such service here (Task.owner)",
        "The FHIR server answered 503.",
    ):
        assert words in said
    assert "No such service here" in text_of(ward.browser("roux", "en").get("/exchanges"))


def test_a_refused_resource_is_sent_again_by_a_person_and_it_is_recorded(ward: Ward) -> None:
    pathway, task = troubled(ward)
    browser = ward.browser("nadia")
    form = form_of(browser.get("/exchanges"), "/exchanges/chu/replay")
    answer = browser.post("/exchanges/chu/replay", data={**form, "type": "Task", "id": task})
    assert answer.status_code == 200
    assert "No such service here" not in text_of(answer)
    with ward.service.db.read() as session:
        assert session.get_one(DeliveryRow, ("chu", pathway)).wanted == 2
    troubled_again = browser.post("/exchanges/nobody/replay", data=form)
    assert troubled_again.status_code == 404


def test_a_destination_that_takes_no_writes_says_why_and_what_to_do(ward: Ward) -> None:
    with ward.service.db.write() as session:
        exchanges.looked_at(
            session, "chu", objection=Text(fr="il n’accepte pas cela", en="it takes none"), now=MONDAY
        )
    browser = ward.browser("nadia")
    assert "Rien n’y est écrit : il n’accepte pas cela." in text_of(browser.get("/exchanges"))
    assert "Nothing is written there: it takes none." in text_of(
        ward.browser("nadia", "en").get("/exchanges")
    )


@pytest.mark.parametrize("width", [1280, 320])
def test_the_page_shuts_nobody_out(ward: Ward, page_at: PageAt, width: int) -> None:
    troubled(ward)
    ward.hire("nadia")
    page: Page = page_at(width)
    with serving(ward) as address:
        sign_in(page, address, "nadia")
        page.goto(f"{address}/exchanges")
        assert _judge(page, "exchanges") == []

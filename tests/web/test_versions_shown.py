"""A patient moved onto another version of the protocol: the page stays whole, the history says who did it and why."""

from __future__ import annotations

from app import versions
from pathway import events as e
from pathway.state import Actor
from store import migrating
from tests.store.test_migrating import spare_step, variation, with_a_call, without
from tests.web.cast import Ward

ADMIN = Actor("root (command line)", "admin")


def test_a_move_and_the_way_back_stand_in_the_history(ward: Ward) -> None:
    id_, spare = ward.started(), spare_step()
    now = ward.service.protocol.protocol.version
    with ward.service.db.write() as session:
        other = variation("8.0.0", with_a_call, without(spare))
        versions.publish(session, other, by="Dr Rey", note="", now=ward.service.clock())
        onto = versions.find(session, "8.0.0")
        pathway, _ = ward.service.ledger.load(session, id_)
        event: e.Event = migrating.onto(pathway, onto, by=ADMIN, reason="le comité l’a décidé")
        ward.service.ledger.record(session, id_, event, at=ward.service.clock())
    page = ward.browser("nadia").get(f"/pathways/{id_}")
    assert page.status_code == 200
    assert "Passé à une autre version du protocole" in page.text
    assert f"{now} → 8.0.0" in page.text
    assert "le comité l’a décidé" in page.text
    with ward.service.db.write() as session:
        pathway, _ = ward.service.ledger.load(session, id_)
        event = migrating.back(pathway, by=ADMIN, reason="trop tôt")
        ward.service.ledger.record(session, id_, event, at=ward.service.clock())
    page = ward.browser("nadia").get(f"/pathways/{id_}")
    assert page.status_code == 200
    assert "Retour à la version précédente du protocole" in page.text
    assert f"8.0.0 → {now}" in page.text
    assert ward.browser("nadia").get("/").status_code == 200

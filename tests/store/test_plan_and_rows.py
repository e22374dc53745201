"""P2: after every event the live rows are the plan of the reloaded state, less what is settled. On real databases."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from pathway import events as e
from pathway.hold_plan import HeldDrug
from pathway.lifecycle import LIVE
from pathway.plan import Plan
from pathway.planned import Item, Kind
from pathway.protocol import Answer
from pathway.referral import Contact, Fact
from pathway.refusal import Refused
from pathway.state import Pathway
from store import owed
from store.tables import OwedRow
from tests.house import ANAESTHETIST, COORDINATOR, RADIOLOGIST, Clock, House, open_house, plain_settings

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def a_house(database_url: str, tmp_path: Path) -> House:
    """A service with nobody in it yet."""
    return open_house(plain_settings(database_url, tmp_path), Clock(MONDAY))


def rows(house: House, pathway_id: str) -> list[OwedRow]:
    """Every row of the pathway."""
    with house.service.db.read() as session:
        return owed.rows_of(session, pathway_id)


def agree(plan: Plan, all_rows: list[OwedRow]) -> None:
    """The live rows are the plan, less what is settled; what is withdrawn is not wanted; nothing lives twice."""
    latest = {row.key: row for row in all_rows}
    live = [row for row in all_rows if row.status in owed.LIVE]
    assert len({row.key for row in live}) == len(live), "one thing is owed twice"
    assert all(latest[row.key] is row for row in live), "an old generation lives"
    wanted = plan.by_key()
    for row in live:
        assert owed.planned_item(row) == wanted.get(row.key), f"{row.key} is owed otherwise than planned"
    for key in wanted:
        assert key in latest, f"{key} is planned and not owed"
        assert latest[key].status != "withdrawn", f"{key} is planned and withdrawn"


class Walk(RuleBasedStateMachine):
    """Random events, random time, a worker now and then; the database is the real one."""

    make: Callable[[], House]

    def __init__(self) -> None:
        super().__init__()
        self.house = self.make()
        self.refused = 0

    @initialize(mobile=st.booleans(), email=st.booleans())
    def refer(self, mobile: bool, email: bool) -> None:
        contact = Contact(
            "fr", "+33639980011" if mobile else None, "+33199000011", "o@example.org" if email else None
        )
        received = self.house.refer(next(NUMBERS), contact=contact)
        assert received.pathway_id
        self.id = received.pathway_id

    def let(self, event: e.Event) -> None:
        """An event that may be refused; then nothing may have changed."""
        before = self.house.load(self.id)[0]
        try:
            self.house.record(self.id, event)
        except Refused:
            assert self.house.load(self.id)[0] == before, "a refused event left a trace"

    def live(self) -> list[str]:
        """The steps that may be worked on."""
        return [step.key for step in self.house.load(self.id)[0].unsettled() if step.status in LIVE]

    @rule(hours=st.sampled_from([1, 7, 24, 72, 200]))
    def time_passes(self, hours: int) -> None:
        self.house.clock.wait(hours=hours)

    @rule()
    def the_worker_works(self) -> None:
        self.house.tick()

    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        if keys := self.live():
            step = self.house.service.protocol.protocol.step(data.draw(st.sampled_from(keys)))
            outcome = data.draw(st.sampled_from(step.outcomes))
            answers = {one.key: an_answer(one, self.house.clock.now) for one in step.answers}
            self.let(e.StepCompleted(by=RADIOLOGIST, step=step.key, outcome=outcome.key, data=answers))

    @rule(data=st.data(), days=st.integers(-1, 30), confirmed=st.booleans())
    def book(self, data: st.DataObject, days: int, confirmed: bool) -> None:
        if keys := self.live():
            key = data.draw(st.sampled_from(keys))
            start = self.house.clock.now + days * DAY
            self.let(e.VisitBooked(by=COORDINATOR, step=key, start=start, confirmed=confirmed))

    @rule(data=st.data(), kind=st.sampled_from([e.VisitCancelled, e.StepHeld, e.StepWaived, e.StepRejected]))
    def stop(self, data: st.DataObject, kind: Any) -> None:
        if keys := self.live():
            self.let(kind(by=COORDINATOR, step=data.draw(st.sampled_from(keys)), reason="test"))

    @rule(
        data=st.data(), kind=st.sampled_from([e.VisitMissed, e.StepStarted, e.StepReleased, e.VisitArrived])
    )
    def go_on(self, data: st.DataObject, kind: Any) -> None:
        keys = [step.key for step in self.house.load(self.id)[0].unsettled()]
        if keys:
            self.let(kind(by=RADIOLOGIST, step=data.draw(st.sampled_from(keys))))

    @rule(signed=st.sampled_from(["propose", "sign", "none", "reject"]), days=st.integers(0, 7))
    def hold(self, signed: str, days: int) -> None:
        drugs = (HeldDrug("apixaban", days, "B01AF02"),)
        by = ANAESTHETIST
        self.let(
            {
                "propose": e.HoldProposed(by=by, drugs=drugs),
                "sign": e.HoldSigned(by=by, drugs=drugs, text="Dernière prise indiquée par écrit."),
                "none": e.HoldNotRequired(by=by),
                "reject": e.HoldRejected(by=by, reason="test", revisit=date(2027, 12, 1)),
            }[signed]
        )

    @rule(
        value=st.sampled_from([[], [{"atc": "B01AF02", "text": "apixaban", "status": "active", "dose": ""}]])
    )
    def learn(self, value: list[Any]) -> None:
        fact = Fact("antithrombotics", value, self.house.clock.now, "Dr Rey", "test")
        self.let(e.FactsRecorded(by=RADIOLOGIST, facts=(fact,)))

    @rule(channel=st.sampled_from(["sms", "email"]), out=st.booleans())
    def opt(self, channel: str, out: bool) -> None:
        kind = e.ChannelOptedOut if out else e.ChannelOptedIn
        self.let(kind(by=COORDINATOR, channel=channel))

    @rule(pause=st.booleans())
    def pause(self, pause: bool) -> None:
        revisit = self.house.clock.now.date() + 3 * DAY
        self.let(
            e.PathwayHeld(by=RADIOLOGIST, reason="test", revisit=revisit)
            if pause
            else e.PathwayResumed(by=RADIOLOGIST)
        )

    @invariant()
    def the_rows_are_the_plan(self) -> None:
        if hasattr(self, "id"):
            pathway, plan = self.house.load(self.id)
            agree(plan, rows(self.house, self.id))
            nothing_for_the_gone(pathway, plan)

    def teardown(self) -> None:
        self.house.close()


def nothing_for_the_gone(pathway: Pathway, plan: Plan) -> None:
    """No message about a hold without a signature, and none to a patient of a silent end."""
    for item in plan.items:
        if item.kind is Kind.MESSAGE and item.data.get("about") == "hold":
            assert pathway.hold.status.value == "signed"
    if pathway.patient.deceased:
        assert not [item for item in plan.items if item.kind in (Kind.MESSAGE, Kind.CALL, Kind.LETTER)]


def an_answer(answer: Answer, now: datetime) -> Any:
    """An answer that fits and is good, so that gates open and the walk gets far."""
    return {
        "number": ((answer.at_least or 0) + (answer.at_most or 10)) / 2,
        "text": "test",
        "yes-no": answer.key not in BAD_NEWS,
        "date": now.date().isoformat(),
        "instant": now.isoformat(),
        "choice": answer.choice_keys[0] if answer.choices else "",
        "table": [],
    }[answer.kind]


BAD_NEWS = (
    "red_flag_infection",
    "red_flag_neurological",
    "procedure_allergy",
    "unfit_prone",
    "radiculopathy",
    "posterior_wall",
    "pregnancy",
)
"""Questions to which a good answer is no."""


NUMBERS = iter(range(1_000_000))


def test_after_every_event_the_live_rows_are_the_plan(database_url: str, tmp_path: Path) -> None:
    a_house(database_url, tmp_path).close()

    class Here(Walk):
        make = staticmethod(lambda: a_house(database_url, tmp_path))

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )


def to_the_procedure(house: House, start: datetime) -> str:
    """A patient whose indication is validated, with a procedure proposed and a review booked after it."""
    received = house.refer(next(NUMBERS))
    assert received.pathway_id
    acts = [
        e.StepCompleted(by=RADIOLOGIST, step="triage", outcome="accepted"),
        e.StepCompleted(by=RADIOLOGIST, step="radiologist_consult", outcome="seen", data=INDICATED),
        e.StepCompleted(by=RADIOLOGIST, step="indication", outcome="validated"),
        e.VisitBooked(by=COORDINATOR, step="anaesthesia_consult", start=start - 10 * DAY),
        e.VisitBooked(by=COORDINATOR, step="procedure", start=start, confirmed=False),
    ]
    for act in acts:
        house.record(received.pathway_id, act)
    return received.pathway_id


INDICATED = {
    "levels": "T12",
    "pain_nrs": 8,
    "analgesia_tried": "paracétamol",
    "exam_matches_imaging": True,
    "mri_date": "2027-02-25",
    "mri_oedema": True,
    "red_flag_infection": False,
    "red_flag_neurological": False,
    "procedure_allergy": False,
    "unfit_prone": False,
    "radiculopathy": False,
    "posterior_wall": False,
    "pregnancy": False,
}


def timeless(items: tuple[Item, ...]) -> dict[str, tuple[Any, ...]]:
    """The plan without the count of the slots' revisions."""
    return {re.sub(r"@[0-9.]+", "", item.key): (item.at, item.until, item.kind, item.live) for item in items}


@pytest.mark.parametrize("days", [9, -3, 1, 30])
def test_moving_the_procedure_and_back_leaves_what_never_moving_leaves(
    database_url: str, tmp_path: Path, days: int
) -> None:
    house = a_house(database_url, tmp_path)
    start = MONDAY + 20 * DAY + timedelta(hours=1)
    id_ = to_the_procedure(house, start)
    still = house.load(id_)[1]
    agree(still, rows(house, id_))
    away = house.record(
        id_, e.VisitBooked(by=COORDINATOR, step="procedure", start=start + days * DAY, confirmed=False)
    )
    moved = {change.what: change for change in away.changes}
    assert moved["procedure/1/visit"].old == start
    assert moved["procedure/1/visit"].new == start + days * DAY
    assert timeless(away.plan.items) != timeless(still.items), "nothing hung on the procedure's date"
    back = house.record(id_, e.VisitBooked(by=COORDINATOR, step="procedure", start=start, confirmed=False))
    assert timeless(back.plan.items) == timeless(still.items)
    agree(back.plan, rows(house, id_))
    house.close()

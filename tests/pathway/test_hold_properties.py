"""Whatever happens around a hold plan, in whatever order: what must always be so."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pathway import events as e
from pathway.codec import decode, encode
from pathway.ground import procedure_start
from pathway.hold_plan import HeldDrug, HoldPlan, HoldStatus
from pathway.planned import Kind
from pathway.referral import Fact
from pathway.refusal import Refused
from pathway.state import Pathway
from tests.pathway.tale import ANAESTHETIST, APIXABAN, NADIA, WARD, Tale

DABIGATRAN = {"atc": "B01AE07", "text": "dabigatran", "status": "active"}
ASPIRIN = {"atc": "B01AC06", "text": "aspirine", "status": "active"}
LISTS: list[list[dict[str, Any]]] = [[], [APIXABAN], [DABIGATRAN], [APIXABAN, ASPIRIN], [{"text": "?"}]]
PROFILES = ["FR-2026-ELEVE", "FR-2026-TRES-ELEVE", "SIR-2019", "GIHP-2015", "HAS-2008"]

held = st.builds(
    HeldDrug,
    st.sampled_from(["apixaban", "dabigatran", "aspirine"]),
    st.integers(0, 9),
    st.sampled_from(["B01AF02", "B01AE07", "B01AC06", ""]),
)
known: dict[str, st.SearchStrategy[Any]] = {
    "antithrombotics": st.sampled_from(LISTS),
    "creatinine_umol_l": st.sampled_from([58, 104, 152, None]),
    "weight_kg": st.sampled_from([52, 62, None]),
    "mi_date": st.sampled_from(["2027-01-20", "2020-01-01"]),
    "interacting_drug": st.booleans(),
}


def about_the_hold(draw: st.DrawFn, tale: Tale) -> e.Event:
    """Something that may happen to a hold plan now."""
    key = draw(st.sampled_from(sorted(known)))
    makers: list[Callable[[], e.Event]] = [
        lambda: e.HoldProposed(by=ANAESTHETIST, profile=draw(st.sampled_from(PROFILES))),
        lambda: e.HoldProposed(by=NADIA, drugs=tuple(draw(st.lists(held, min_size=1, max_size=2)))),
        lambda: e.HoldSigned(
            by=ANAESTHETIST, drugs=tuple(draw(st.lists(held, min_size=1, max_size=2))), text="x"
        ),
        lambda: e.HoldSigned(by=ANAESTHETIST, drugs=tale.pathway.hold.drugs, text="x"),
        lambda: e.HoldNotRequired(by=ANAESTHETIST),
        lambda: e.LastDoseDeclared(
            by=draw(st.sampled_from([WARD, ANAESTHETIST])),
            drug=draw(st.sampled_from(["apixaban", "B01AE07", "aspirine"])),
            taken=tale.now - timedelta(hours=draw(st.integers(-2, 120))),
        ),
        lambda: e.VisitBooked(
            by=NADIA,
            step="procedure",
            start=tale.now + timedelta(hours=draw(st.integers(24, 500))),
            confirmed=draw(st.booleans()),
        ),
        lambda: e.VisitCancelled(by=NADIA, step="procedure", reason="x"),
        lambda: e.FactsRecorded(by=NADIA, facts=(Fact(key, draw(known[key]), tale.now, "Nadia", "test"),)),
    ]
    likely = [makers[0], makers[3], makers[5]]  # propose, sign so, declare
    return draw(st.sampled_from([*makers, *likely, *likely]))()


def was_signed(plan: HoldPlan) -> bool:
    return plan.signed is not None and bool(plan.drugs)


def check(before: Pathway, after: Pathway, tale: Tale) -> None:
    hold = after.hold
    assert decode(Pathway, json.loads(json.dumps(encode(after)))) == after
    start = procedure_start(after, tale.ground.protocol)
    spoken = [i for i in tale.plan().items if i.kind is Kind.MESSAGE and "/hold/" in i.key]
    if spoken:
        assert hold.stands, "no message about a hold without a signature"
        assert hold.procedure_start == start
    signed = {one.signed for one in (*before.hold.earlier, before.hold) if was_signed(one)}
    still = {one.signed for one in (*hold.earlier, hold)}
    assert signed <= still, "nothing signed is forgotten"
    assert all(one.status is HoldStatus.SUPERSEDED for one in hold.earlier)
    assert hold.status is not HoldStatus.SUPERSEDED
    if hold.stands:
        assert hold.procedure_start == start, "signed for the slot that stands"
        assert all(dose.in_time for drug in hold.drugs if (dose := hold.dose(drug)))
    if hold.answer is not None and hold.answer.status in ("refused", "defer"):
        assert hold.status is not HoldStatus.PROPOSED or not hold.drugs
        assert hold.answer.sign_by is None
    if hold.answer is not None and hold.status is HoldStatus.PROPOSED:
        assert hold.answer.procedure == start, "computed for the slot that stands"


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_whatever_happens_to_a_hold_plan_leaves_it_true(data: st.DataObject) -> None:
    tale = Tale(antithrombotics=data.draw(st.sampled_from(LISTS)))
    tale.pathway = replace(tale.pathway, patient=replace(tale.pathway.patient, gender="female"))
    tale.until_anaesthesia("2027-02-23 09:30")
    for _ in range(data.draw(st.integers(1, 14))):
        tale.now += timedelta(hours=data.draw(st.integers(0, 120)))
        before = tale.pathway
        event = data.draw(st.composite(about_the_hold)(tale))
        try:
            tale.does(event)
        except Refused:
            assert tale.pathway is before
            continue
        assert e.from_data(json.loads(json.dumps(e.to_data(event)))) == event
        check(before, tale.pathway, tale)

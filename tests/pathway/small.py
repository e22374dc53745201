"""A protocol small enough to be read in one go, with one of everything that findings, rounds and notices can be."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from pathway import events as e
from pathway.calendar import Calendar
from pathway.decide import decide
from pathway.enrolment import enrol
from pathway.ground import Ground
from pathway.ladders import Alert, alerts
from pathway.plan import Plan, plan
from pathway.planned import Kind
from pathway.protocol import read_protocol
from pathway.referral import Contact, Fact, Fracture, Identifier, Party, Person, Referral
from pathway.state import Actor, Pathway, Step

DOCTOR = Actor("Dr Morel", "clinician", ("radiologist",))
SLEEP = Actor("Dr Klein", "clinician", ("anaesthetist",))
NURSE = Actor("Inès Petit", "clinician", ("ward",))
DESK = Actor("Nadia Roche", "coordinator", ("coordinator",))
CLOCK = Actor("clock")

START = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
T0 = datetime(2027, 3, 2, 9, 0, tzinfo=UTC)


def said(text: str) -> dict[str, str]:
    """One text for both languages."""
    return {"fr": text, "en": text}


def step(key: str, performer: str = "radiologist", **more: Any) -> dict[str, Any]:
    """A step that is due a day after it opens and ends in ``done``."""
    return {
        "key": key,
        "title": said(key),
        "performer": performer,
        "source": "test",
        "window": {"due": [{"from": "opened", "hours": 24}]},
        "outcomes": [{"key": "done", "title": said("Done")}],
        **more,
    }


SMALL: dict[str, Any] = {
    "protocol": "small",
    "version": "1",
    "url": "https://example.org/small",
    "title": said("Small"),
    "hours": {
        "zone": "Europe/Paris",
        "business_close": "17:00",
        "decent_from": "08:00",
        "decent_to": "20:00",
        "country": "FR",
    },
    "messaging": {
        "desk": "coordinator",
        "recovery_silence_hours": 12,
        "daily_budget": 1,
        "budget_free_hours": 48,
        "letter_lead_days": 10,
        "page_life_hours": 12,
        "source": "test",
    },
    "hold": {
        "step": "hold_plan",
        "signers": ["anaesthetist"],
        "assumed_max_offset_days": 7,
        "longest_offset_days": 60,
        "source": "test",
    },
    "procedure_step": "procedure",
    "roles": {
        key: {"title": said(key)}
        for key in ("coordinator", "radiologist", "anaesthetist", "ward", "surgeon", "bed_manager", "gp")
    },
    "tracks": {
        "main": said("Main"),
        "items": said("Asked for"),
        "complication": {**said("Complication"), "while_held": True},
    },
    "ends": {
        "deferred": {"title": said("Deferred"), "looks_again": True},
        "diverted": {
            "title": said("Diverted"),
            "opens": ["cultures"],
            "tells": [{"key": "infectious", "to": "gp", "by": "call", "text": said("Call today")}],
        },
        "withdrawn": {"title": said("Withdrawn"), "silent": True},
        "deceased": {"title": said("Deceased"), "silent": True},
    },
    "facts": {
        key: said(key) for key in ("antithrombotics", "infection", "stent_date", "crp", "inr", "weak_bone")
    },
    "gates": [
        {
            "key": "GO",
            "title": said("Go"),
            "both": [["radiologist"], ["anaesthetist"]],
            "needs": [{"when": {"fact": "inr", "rule": "drawn-for-procedure"}, "reason": said("INR"), "source": "t"}],
        },
        {
            "key": "OUT",
            "title": said("Discharge"),
            "needs": [
                {"when": {"rule": "observations-complete"}, "reason": said("Observations"), "source": "t"},
                {"when": {"rule": "no-red-alarm", "hours": 12}, "reason": said("Red sign"), "source": "t"},
            ],
        },
    ],
    "red_flags": [
        {
            "key": "C1",
            "title": said("Infection suspected"),
            "when": {"fact": "infection", "is": True},
            "effect": "divert",
            "end": "diverted",
            "decided_by": ["radiologist"],
            "stops": ["GO"],
            "never_override": True,
            "to": "radiologist",
            "source": "test",
        },
        {
            "key": "C12",
            "title": said("Recent stent"),
            "when": {"fact": "stent_date", "none_of": [{"fact": "stent_date", "older_than_months": 6}]},
            "effect": "defer",
            "stops": ["GO"],
            "never_override": True,
            "source": "test",
        },
        {
            "key": "WEAK",
            "title": said("Weak bone"),
            "when": {"fact": "weak_bone", "is": True},
            "effect": "warn",
            "opens": ["scan"],
            "source": "test",
        },
    ],
    "steps": [
        step(
            "triage",
            "coordinator",
            outcomes=[
                {"key": "done", "title": said("Done")},
                {
                    "key": "scanned",
                    "title": said("To be scanned"),
                    "opens": ["scan"],
                    "tells": [{"key": "gp", "to": "gp", "by": "secure-mail", "text": said("Tell the GP")}],
                },
            ],
        ),
        step("hold_plan", kind="hold", after=[{"step": "triage"}], outcomes=[
            {"key": key, "title": said(key)} for key in ("signed", "not_required", "rejected")
        ]),
        step("procedure", kind="visit", after=[{"step": "triage"}], start_gates=["GO"], answers=[
            {
                "key": "levels",
                "title": said("Levels"),
                "kind": "table",
                "columns": [
                    {"key": "level", "title": said("Level"), "kind": "choice", "choices": ["T12", "L1"]},
                    {"key": "cement_ml", "title": said("Cement"), "kind": "number", "at_least": 0, "at_most": 20},
                ],
            },
        ]),
        step("watch", "ward", after=[{"step": "procedure"}]),
        step("leave", "ward", after=[{"step": "watch"}], outcomes=[
            {"key": "done", "title": said("Done"), "gates": ["OUT"]}
        ]),
        step("scan", on_demand=True, track="items", window={
            "due": [{"from": "asked", "days": 0, "at": "18:00"}], "otherwise": {"from": "opened", "hours": 24},
        }, ladder=[{"key": "late", "at": {"from": "due"}, "to": "coordinator", "level": "overdue"}]),
        step("cultures", on_demand=True, track="items", ladder=[
            {
                "key": "late", "at": {"from": "due"}, "to": "gp", "also": ["radiologist"], "level": "overdue",
                "by": "letter", "text": said("Cultures not taken"),
            },
        ]),
        step("urgent_scan", on_demand=True, track="complication", ladder=[
            {"key": "late", "at": {"from": "opened", "hours": 1}, "to": "radiologist", "level": "red"},
        ]),
    ],
    "surveillance": {
        "step": "watch",
        "charge": "ward",
        "source": "test",
        "items": [
            {"key": "motor", "title": said("Motor"), "kind": "number", "at_least": 0, "at_most": 5},
            {"key": "spo2", "title": said("SpO2"), "kind": "number", "unit": "%", "at_least": 0, "at_most": 100},
            {"key": "temperature", "title": said("Temperature"), "kind": "number"},
            {"key": "voided", "title": said("Voided"), "kind": "yes-no"},
            {"key": "saddle", "title": said("Saddle"), "kind": "yes-no"},
        ],
        "rounds": [
            {"key": "hourly", "title": said("Hourly"), "start": 0, "every": 60, "count": 3,
             "items": ["motor", "spo2"], "amber": 15, "red": 30, "source": "test"},
            {"key": "last", "title": said("Last"), "start": 240, "every": 60, "count": 1,
             "items": ["motor", "voided"], "amber": 30, "red": 60, "source": "test"},
        ],
        "alarms": [
            {"key": "neuro", "title": said("New deficit"), "level": "red", "acknowledge_minutes": 5,
             "to": ["radiologist", "anaesthetist", "surgeon"], "last_to": ["bed_manager"], "holds": True,
             "opens": ["urgent_scan"], "source": "test",
             "any_of": [{"item": "motor", "falls_by": 1}, {"item": "saddle", "is_new": True}]},
            {"key": "oxygen", "title": said("Oxygen"), "level": "red", "acknowledge_minutes": 5,
             "to": ["anaesthetist"], "source": "test",
             "any_of": [{"item": "spo2", "at_most": 91}, {"item": "spo2", "falls_by": 4}]},
            {"key": "fever", "title": said("Fever"), "level": "overdue", "acknowledge_minutes": 60,
             "to": ["ward"], "source": "test",
             "any_of": [{"item": "temperature", "at_least": 38.5},
                        {"item": "temperature", "at_least": 38.0, "times": 2}]},
            {"key": "retention", "title": said("Not voided"), "level": "overdue", "acknowledge_minutes": 30,
             "to": ["ward"], "source": "test",
             "any_of": [{"item": "voided", "is": False, "from_minutes": 180}]},
        ],
    },
}  # fmt: skip


class Small:
    """A pathway on the small protocol, with a clock that fires what is due on the way."""

    def __init__(self, data: dict[str, Any] | None = None, **facts: Any) -> None:
        calendar = Calendar("Europe/Paris", frozenset(), time(17), time(8), time(20))
        self.ground = Ground(read_protocol(data or SMALL), calendar)
        self.now = START
        known = {"antithrombotics": [], **facts}
        referral = Referral(
            key="urn:x|1",
            identifier=Identifier("urn:x", "1"),
            requester=Party("Dr Adresse"),
            patient=Person(
                (Identifier("urn:ipp", "42"),), "Exemple", "Jeanne", date(1947, 5, 2), contact=Contact()
            ),
            fracture=Fracture(onset=date(2027, 2, 1), level="T12", cause="osteoporotic"),
            facts=tuple(Fact(key, value, START, "Dr Adresse", "referral") for key, value in known.items()),
            authored=START,
        )
        self.pathway: Pathway = enrol("p1", "42", referral, self.ground, at=START)

    def at(self, when: datetime) -> Small:
        """Let time pass; every deadline on the way fires."""
        while True:
            due = [
                item
                for item in self.plan().items
                if item.kind is Kind.RUNG and item.at is not None and max(item.at, self.now) <= when
            ]
            if not due:
                break
            item = due[0]
            assert item.at is not None
            self.now = max(self.now, item.at)
            self.does(e.RungFired(by=CLOCK, key=item.key, person="on call"))
        self.now = max(self.now, when)
        return self

    def does(self, event: e.Event) -> Small:
        """Something happens now. Raises Refused as the door would."""
        self.pathway = decide(self.pathway, event, self.ground, at=self.now)
        return self

    def completes(self, key: str, outcome: str = "done", by: Actor = DOCTOR, **data: Any) -> Small:
        return self.does(e.StepCompleted(by=by, step=key, outcome=outcome, data=data))

    def learns(self, by: Actor = DESK, **facts: Any) -> Small:
        known = tuple(Fact(key, value, self.now, by.name, "told") for key, value in facts.items())
        return self.does(e.FactsRecorded(by=by, facts=known))

    def sees(self, when: datetime, round_: str = "", reason: str = "", **values: Any) -> Small:
        self.at(when)
        return self.does(e.ObservationsRecorded(by=NURSE, values=values, round=round_, reason=reason))

    def operated(self) -> Small:
        """The procedure ended at T0."""
        self.completes("triage").does(e.HoldNotRequired(by=SLEEP))
        self.does(e.VisitBooked(by=DESK, step="procedure", start=T0))
        self.at(T0).learns(inr=1.1)
        return self.completes("procedure")

    def plan(self) -> Plan:
        return plan(self.pathway, self.ground)

    def alerts(self) -> tuple[Alert, ...]:
        return alerts(self.pathway, self.ground)

    def step(self, key: str) -> Step:
        found = self.pathway.last(key)
        assert found is not None
        return found

    def owed(self, *kinds: Kind) -> dict[str, str]:
        """What is owed of these kinds: keys and the role it is owed to."""
        return {item.key: item.data.get("to", "") for item in self.plan().items if item.kind in kinds}

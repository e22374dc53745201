"""One fact or time changed in each acceptance story, and the expectations that must then fail; no others may."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Altered:
    """``old``, which stands once in the story, becomes ``new``.

    ``fails`` are the ids of expectations, and what is refused because of the change, like ``complete preop_check``.
    """

    story: str
    old: str
    new: str
    fails: frozenset[str]


ALTERED = (
    # Broken a day earlier: whatever counts from the fracture is due a day earlier.
    Altered(
        "p01",
        "onset: 2027-01-20",
        "onset: 2027-01-19",
        frozenset({"P01-dxa-fracture-90", "P01-treatment-fracture-112", "P01-52-weeks"}),
    ),
    # Ordered for half a day later: the confirmation and the INR move with the first intake.
    Altered(
        "p02",
        "first_intake: 2027-03-16 20:00",
        "first_intake: 2027-03-17 08:00",
        frozenset({"P02-resumption-within-24-h", "P02-INR-on-day-5"}),
    ),
    # What is enough at 1.2 is not at 1.3: the same check, refused.
    Altered(
        "p02-tres-eleve",
        "outcome: within, answers: {inr: 1.2}",
        "outcome: above, answers: {inr: 1.3}",
        frozenset({"complete preop_check", "P02T-only-the-INR-stood-in-the-way"}),
    ),
    # Eight kilograms more, and Cockcroft-Gault is another while CKD-EPI, which asks for no weight, is the same.
    Altered(
        "p03",
        "weight_kg: 52",
        "weight_kg: 60",
        frozenset({"P03-Cockcroft-Gault-35", "P03-weight-kept-with-its-day"}),
    ),
    # Confirmed at the last hour but one: nobody is alarmed.
    Altered(
        "p03-unconfirmed",
        "  - at: 2027-03-26 23:58\n",
        "  - {at: 2027-03-26 21:00, by: coordinator, complete: resumption_done, outcome: resumed}\n"
        "  - at: 2027-03-26 23:58\n",
        frozenset(
            {
                "P03U-not-red-before",
                "P03U-red-at-23-59",
                "P03U-coordinator-too",
                "P03U-called-at-once",
                "complete resumption_done",
            }
        ),
    ),
    # A level of 25 does not stand in the way.
    Altered("p04", "doac_level_ng_ml: 40", "doac_level_ng_ml: 25", frozenset({"P04-40-is-too-much"})),
    Altered(
        "p05", "revisit: 2027-08-23", "revisit: 2027-08-24", frozenset({"P05-looked-at-again-on-23-August"})
    ),
    # Booked for the day after: it is not on 4 March.
    Altered(
        "p06",
        "start: 2027-03-04 10:00",
        "start: 2027-03-05 10:00",
        frozenset({"P06-review-still-booked"}),
    ),
    # No fever and a low CRP: nothing stands in the way until the radiologist says infection.
    Altered(
        "p07",
        "{temperature_c: 38.4, crp_mg_l: 96}",
        "{temperature_c: 37.2, crp_mg_l: 6}",
        frozenset({"P07-fever-seen-at-triage"}),
    ),
    # Another cause of the cancellation is counted as another.
    Altered(
        "p08",
        "cancel_code: anticoagulant_failure",
        "cancel_code: laboratory",
        frozenset({"P08-counts-as-cancelled-on-the-day", "P08-for-an-antithrombotic"}),
    ),
    # Answered only after the third round.
    Altered(
        "p09",
        "at: 2027-04-20 14:37, by: radiologist, acknowledge",
        "at: 2027-04-20 14:41, by: radiologist, acknowledge",
        frozenset({"P09-no-third-round", "P09-time-of-the-answer"}),
    ),
    # The second offer is for an hour later.
    Altered("p10", "start: 2027-03-30 10:00", "start: 2027-03-30 11:00", frozenset({"P10-second-offer"})),
    # Pain of 3 at the review, at another level all the same: the MRI, and no call.
    Altered(
        "p11",
        "{pain_nrs: 7, new_pain_level: yes",
        "{pain_nrs: 3, new_pain_level: yes",
        frozenset({"P11-radiologist-calls-the-same-day", "complete radiologist_call"}),
    ),
    # Broken a day earlier: the limits of the bone indicators are a day earlier.
    Altered(
        "p12",
        "onset: 2027-03-08",
        "onset: 2027-03-07",
        frozenset({"P12-DXA-limit", "P12-treatment-limit", "P12-KPI11-check"}),
    ),
)

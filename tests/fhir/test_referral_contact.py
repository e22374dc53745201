"""How a patient can be reached: numbers as people write them, and what is never texted."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.telecom import e164, is_french_mobile
from pathway.referral import Contact
from tests.fhir.referral_cast import accepted, bundle, only, read


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("06 39 98 14 52", "+33639981452"),
        ("06.12.34.56.78", "+33612345678"),
        ("+33 (0)6 12 34 56 78", "+33612345678"),
        ("0033612345678", "+33612345678"),
        ("+330612345678", "+33612345678"),
        ("tel:+33-1-99-00-11-22", "+33199001122"),
        ("0692 12 34 56", "+262692123456"),
        ("0639 12 34 56", "+262639123456"),
        ("0690 12 34 56", "+590690123456"),
        ("+32 470 12 34 56", "+32470123456"),
        ("06 12 34 56", None),
        ("+33 12", None),
        ("555-175-3568", None),
        ("15", None),
        ("demander à sa fille", None),
        ("", None),
    ],
)
def test_a_number_is_brought_to_e164_or_left_alone(written: str, number: str | None) -> None:
    assert e164(written) == number


def test_french_mobiles_are_told_from_landlines_by_the_numbering_plan() -> None:
    assert all(map(is_french_mobile, ("+33612345678", "+33712345678", "+262692123456", "+590690123456")))
    assert not any(map(is_french_mobile, ("+33112345678", "+33912345678", "+262262123456", "+32470123456")))


def reached(*telecom: dict[str, Any], language: list[dict[str, Any]] | None = None) -> Contact:
    """The contact read from these ContactPoints."""
    sent = bundle()
    patient = only(sent, "Patient")
    del patient["telecom"], patient["communication"]
    patient |= ({"telecom": list(telecom)} if telecom else {}) | (
        {"communication": language} if language else {}
    )
    return accepted(sent).patient.contact


def phone(value: str, **more: Any) -> dict[str, Any]:
    """A telephone ContactPoint."""
    return {"system": "phone", "value": value, **more}


def test_a_number_that_cannot_be_understood_is_kept_for_a_person_and_never_texted() -> None:
    contact = reached(phone("555-175-3568", use="mobile"))
    assert contact == Contact("fr", None, "555-175-3568", None)


def test_a_landline_called_mobile_is_still_a_landline() -> None:
    assert reached(phone("01 99 00 11 22", use="mobile")).mobile is None


def test_a_mobile_called_home_is_still_a_mobile() -> None:
    assert reached(phone("06 39 98 00 01", use="home")) == Contact("fr", "+33639980001", None, None)


def test_a_foreign_number_is_texted_only_when_it_is_said_to_be_a_mobile() -> None:
    assert reached(phone("+32 470 12 34 56")).mobile is None
    assert reached(phone("+32 470 12 34 56", use="mobile")).mobile == "+32470123456"


def test_old_and_ended_numbers_are_not_used_and_the_best_ranked_comes_first() -> None:
    contact = reached(
        phone("06 39 98 00 01", use="old"),
        phone("06 39 98 00 02", period={"end": "2026-12-31"}),
        phone("06 39 98 00 03", use="work"),
        phone("06 39 98 00 04", rank=2),
        phone("06 39 98 00 05", rank=1),
    )
    assert contact.mobile == "+33639980005"


def test_only_what_looks_like_an_address_is_one() -> None:
    assert reached({"system": "email", "value": "mailto:odile@example.org"}).email == "odile@example.org"
    assert reached({"system": "email", "value": "odile chez example"}).email is None


def test_the_preferred_language_counts_and_french_is_assumed() -> None:
    def spoken(code: str, **more: Any) -> dict[str, Any]:
        return {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": code}]}, **more}

    assert reached().language == "fr"
    assert reached(language=[spoken("pt-PT")]).language == "pt"
    assert reached(language=[spoken("fr"), spoken("en-GB", preferred=True)]).language == "en"


def test_a_patient_with_no_way_to_be_reached_is_accepted_and_asked_about() -> None:
    sent = bundle()
    del only(sent, "Patient")["telecom"]
    assert [question.key for question in read(sent).missing] == ["contact"]

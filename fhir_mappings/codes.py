"""The codes we recognise, as tables: procedures, fractures, measurements with their units, antithrombotics.

From the protocol reference §2.8. Codes are matched whatever the system says when they cannot be anything else
(CCAM), and with their system where they could.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

ATC = "http://www.whocc.no/atc"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
SNOMED = "http://snomed.info/sct"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
CCAM = "https://smt.esante.gouv.fr/terminologie-ccam"
RPPS = "https://rpps.esante.gouv.fr"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
ENCOUNTER_CLASS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
NO_KNOWN = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"

# --- the procedure asked for ------------------------------------------------------------------------------

VERTEBROPLASTY = {
    "LHMH002": "Spondyloplastie d'une vertèbre, avec guidage radiologique",
    "LHMH005": "Spondyloplastie d'une vertèbre, avec guidage scanographique",
    "LHMH444": "Spondyloplastie de 2 ou 3 vertèbres, avec guidage radiologique",
    "LHMH182": "Spondyloplastie de 2 ou 3 vertèbres, avec guidage scanographique",
}
KYPHOPLASTY = ("LHMH228", "LHMH027", "LHMH140", "LHMH454")

PROCEDURE_CODES = frozenset([*VERTEBROPLASTY, *KYPHOPLASTY])
"""CCAM version 81 (2026), vertebroplasty and cyphoplasty."""

PROCEDURE_WORDS = re.compile(r"vert[eé]bro-?plast|cimento-?plast|[kc]ypho-?plast", re.IGNORECASE)

# --- fractures --------------------------------------------------------------------------------------------

FRACTURE_ICD10: Mapping[str, str] = {
    "M485": "unknown",
    "M495": "unknown",
    "M844": "unknown",
    "M80": "osteoporotic",
    "S220": "traumatic",
    "S320": "traumatic",
}
"""ICD-10 prefix (without the dot) of a vertebral or pathological fracture -> its cause."""

ELSEWHERE_ICD10 = re.compile(r"M(?:80|84)\d[1-7]")
"""The same with a fifth character that places it in a limb or the pelvis (M80.05: hip): not a vertebra."""

NEOPLASTIC_ICD10 = ("C795", "C900", "M820")
"""ICD-10 prefixes that make a fracture neoplastic when given with it: metastasis of bone, myeloma."""

FRACTURE_SNOMED: Mapping[str, str] = {"42942008": "unknown", "443165006": "osteoporotic"}
NEOPLASTIC_SNOMED = ("109989006", "94222008")

FRACTURE_WORDS = re.compile(
    r"(?:fracture|tassement|collapse|compression)\b.{0,40}(?:vert[eé]br|rachis|spin|lombaire|lumbar|thora|dorsal"
    r"|\b[TDL]\d{1,2}\b)|vertebral (?:compression )?fracture",
    re.IGNORECASE,
)

SPINE_MRI = frozenset(["LHQN001", "LHQJ001", "LHQN002", "LHQJ002"])
"""CCAM: MRI of the spine, without and with contrast, 1–2 segments and more."""

MRI_WORDS = re.compile(r"\b(?:IRM|MRI|magnetic resonance)\b", re.IGNORECASE)
SPINE_WORDS = re.compile(
    r"rachis|spin[ae]|vert[eé]br|colonne|lombaire|lumbar|dorsal|thora(?:c|x)|\b[TDL]\d{1,2}\b", re.IGNORECASE
)

# --- measurements -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measure:
    """One fact that is a number: its LOINC codes (the first is the one we write), and its units.

    `units` maps each accepted unit to the factor that brings it to `unit`, the one of the fact; `low` and
    `high` bound what can be true of a living patient, so that a misplaced decimal point is questioned and not
    believed.
    """

    key: str
    loinc: tuple[str, ...]
    unit: str
    units: Mapping[str, float]
    low: float
    high: float


_SCORE = {"{score}": 1, "1": 1, "": 1, "/10": 1, "mm": 0.1, "cm": 1}
_RATIO = {"{INR}": 1, "INR": 1, "1": 1, "": 1, "{ratio}": 1}

MEASURES = (
    Measure("pain_nrs", ("72514-3", "38214-3"), "{score}", _SCORE, 0, 10),
    Measure("weight_kg", ("29463-7", "3141-9"), "kg", {"kg": 1, "g": 0.001, "[lb_av]": 0.45359237}, 20, 350),
    Measure("height_cm", ("8302-2",), "cm", {"cm": 1, "m": 100, "mm": 0.1, "[in_i]": 2.54}, 80, 250),
    Measure(
        "creatinine_umol_l",
        ("14682-9", "2160-0"),
        "umol/L",
        {"umol/L": 1, "µmol/L": 1, "μmol/L": 1, "mmol/L": 1000, "mg/dL": 88.42, "mg/L": 8.842},
        10,
        3000,
    ),
    Measure("inr", ("6301-6", "38875-1", "34714-6"), "{INR}", _RATIO, 0.5, 30),
    Measure(
        "platelets_g_l",
        ("777-3", "26515-7"),
        "10*9/L",
        {"10*9/L": 1, "10*3/uL": 1, "G/L": 1, "10^9/L": 1, "/uL": 0.001, "/mm3": 0.001},
        1,
        3000,
    ),
    Measure("haemoglobin_g_l", ("718-7",), "g/L", {"g/L": 1, "g/dL": 10, "g/100mL": 10}, 20, 260),
    Measure("crp_mg_l", ("1988-5",), "mg/L", {"mg/L": 1, "mg/dL": 10}, 0, 1000),
    Measure("temperature_c", ("8310-5",), "Cel", {"Cel": 1, "°C": 1, "C": 1}, 25, 45),
)
"""The facts that a referral may bring as an Observation. A creatinine in mg/dL is brought to µmol/L by
88.42."""

MEASURE_OF = {code: measure for measure in MEASURES for code in measure.loinc}
MEASURE_FOR = {measure.key: measure for measure in MEASURES}

# --- antithrombotics --------------------------------------------------------------------------------------

ANTITHROMBOTIC_CLASS = "B01"
"""ATC prefix of every antithrombotic: a code here that no profile knows still counts (§2.8, safety net)."""

ANTITHROMBOTIC_NAMES: tuple[tuple[str, str | None], ...] = (
    (r"warfarin|coumadin", "B01AA03"),
    (r"ac[eé]nocoumarol|sintrom", "B01AA07"),
    (r"fluindione|pr[eé]viscan", "B01AA12"),
    (r"ph[eé]nindione", "B01AA02"),
    (r"apixaban|eliquis", "B01AF02"),
    (r"rivaroxaban|xarelto", "B01AF01"),
    (r"edoxaban|lixiana", "B01AF03"),
    (r"dabigatran|pradaxa", "B01AE07"),
    (r"[eé]noxaparin|lovenox", "B01AB05"),
    (r"tinzaparin|innohep", "B01AB10"),
    (r"dalt[eé]parin|fragmin", "B01AB04"),
    (r"nadroparin|fraxiparin|fraxodi", "B01AB06"),
    (r"fondaparinux|arixtra", "B01AX05"),
    (r"calciparin|h[eé]parin", "B01AB01"),
    (r"duoplavin", "B01AC30"),
    (r"clopidogrel|plavix", "B01AC04"),
    (r"prasugrel|efient", "B01AC22"),
    (r"ticagrelor|brilique", "B01AC24"),
    (r"dipyridamole|persantine", "B01AC07"),
    (r"cilostazol", "B01AC23"),
    (r"kard[eé]gic|aspirin|ac[eé]tylsalicylique|acetylsalicylic|asp[eé]gic", "B01AC06"),
    (r"anti-?coagulant|anti-?vitamine k|\bAVK\b|\bAOD\b|\bDOAC\b", None),
    (r"anti-?agr[eé]gant|anti-?plaquettaire|anti-?platelet|anti-?thrombo", None),
)
"""Names that say an antithrombotic where no ATC code does, with the ATC code they stand for. Uncoded aspirin
counts: which aspirin it is, is a question for a person and not a reason to overlook it."""

ANTITHROMBOTIC_RXNORM: Mapping[str, str] = {
    "11289": "B01AA03",
    "1364430": "B01AF02",
    "1114195": "B01AF01",
    "1599538": "B01AF03",
    "1037042": "B01AE07",
    "67108": "B01AB05",
    "5224": "B01AB01",
    "321208": "B01AX05",
    "1191": "B01AC06",
    "32968": "B01AC04",
    "613391": "B01AC22",
    "1116632": "B01AC24",
}
"""RxNorm ingredients (confidence B and C+ in the reference: enough to raise a question, not to compute
with)."""

NOTHING_TAKEN_WORDS = re.compile(
    r"\W*(?:aucun|pas d[e']|sans|no|not on(?: any)?|ne prend (?:aucun|pas d[e']))\s?"
    r"(?:traitement |m[eé]dicament |agent )?anti-?thrombo(?:tique|tic)s?"
    r"(?: (?:treatment|therapy|drug|agent|medication)s?)?\W*",
    re.IGNORECASE,
)
"""The whole of a statement that says none is taken: "pas de changement de l'antithrombotique" is not one."""

NEGATED = re.compile(
    r"\b(?:aucune?|pas d[e']?|sans|non|no|not|without|ne prend)(?!\w)[^,;.]{0,20}$", re.IGNORECASE
)
"""What stands before a word and takes it back, up to a comma."""

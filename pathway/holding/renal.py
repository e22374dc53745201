"""How well the kidneys clear a drug: Cockcroft–Gault and CKD-EPI 2009, side by side, because they disagree.

In a light woman of 84 they differ by half (35 against 53), which is why both are kept and shown. Nothing is
rounded here: bands compare what these functions answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sex = Literal["female", "male"]
Metric = Literal["cockcroft_gault", "ckd_epi"]

UMOL_L_PER_MG_DL = 88.42
"""Creatinine: 1 mg/dL is 88.42 µmol/L (molar mass 113.12 g/mol), as the referral's Observations are read too."""


@dataclass(frozen=True, slots=True)
class Kidneys:
    """Both estimates of one patient, unrounded: mL/min, and mL/min/1.73 m²."""

    cockcroft_gault: float
    ckd_epi: float

    def by(self, metric: Metric) -> float:
        """The estimate by that equation."""
        return self.cockcroft_gault if metric == "cockcroft_gault" else self.ckd_epi


def umol_l(creatinine_mg_dl: float) -> float:
    """Creatinine in mg/dL as µmol/L."""
    return creatinine_mg_dl * UMOL_L_PER_MG_DL


def cockcroft_gault(age: int, weight_kg: float, creatinine_umol_l: float, sex: Sex) -> float:
    """Creatinine clearance in mL/min; age in whole years, weight in kg, creatinine in µmol/L.

    Source: Cockcroft DW, Gault MH. Nephron 1976;16:31-41: (140 - age) x weight / (72 x creatinine in mg/dL),
    x 0.85 in women. LOINC 35591-7.
    """
    mg_dl = creatinine_umol_l / UMOL_L_PER_MG_DL
    men = (140 - age) * weight_kg / (72 * mg_dl)
    return men * 0.85 if sex == "female" else men


def ckd_epi_2009(age: int, creatinine_umol_l: float, sex: Sex) -> float:
    """Estimated filtration in mL/min/1.73 m²; age in whole years, creatinine in µmol/L.

    Source: Levey AS et al. Ann Intern Med 2009;150:604-612, without its coefficient for ethnicity, which French
    laboratories do not apply. LOINC 62238-1.
    """
    kappa, alpha, factor = (0.7, -0.329, 1.018) if sex == "female" else (0.9, -0.411, 1.0)
    ratio = creatinine_umol_l / UMOL_L_PER_MG_DL / kappa
    estimate: float = 141 * min(ratio, 1) ** alpha * max(ratio, 1) ** -1.209 * 0.993**age * factor
    return estimate


def kidneys(age: int, weight_kg: float, creatinine_umol_l: float, sex: Sex) -> Kidneys:
    """Both estimates."""
    return Kidneys(
        cockcroft_gault(age, weight_kg, creatinine_umol_l, sex), ckd_epi_2009(age, creatinine_umol_l, sex)
    )

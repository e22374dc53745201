"""Stories: a patient's months as a clinician would write them, played on the real engine by a virtual clock."""

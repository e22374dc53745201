"""What should happen to a patient: protocol, events, decide, gates, plan. Pure, standard library only."""

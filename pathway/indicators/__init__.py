"""Quality indicators: what is counted, of whom, since when, computed from the pathways' own histories. Pure."""

"""Why: for every date, block and message of a pathway, the rule, what it was told, and the source of its numbers."""

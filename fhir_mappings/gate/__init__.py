"""The R4 gate: what every resource passes that we say or hear. Definitions, formats, rules, and the walk."""

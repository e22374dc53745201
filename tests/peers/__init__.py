"""Jalon is tested with peers that are not ours: databases, a FHIR server, a mail server, a browser."""

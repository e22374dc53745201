"""How people and systems reach Jalon: API, FHIR facade, pages, command line, settings, and the root that joins all."""

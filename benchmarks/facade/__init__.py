"""The FHIR facade over real HTTP, beside plain SQL behind the same HTTP server and beside another FHIR server."""

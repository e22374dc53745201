"""The peers Jalon is tested with: databases, a foreign FHIR server, a mail server, a browser; none of them ours."""

"""Whom do we talk to? Mail servers, SMS providers and hospital FHIR servers, and nothing of ours."""

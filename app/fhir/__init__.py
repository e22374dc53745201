"""Our own ``/fhir``, R4 (4.0.1): what is served is one table; routes, searches and CapabilityStatement follow it."""

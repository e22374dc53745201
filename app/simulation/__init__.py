"""Synthetic patients through a protocol, on a virtual clock: the same ``enrol``, ``decide`` and ``plan`` as in service.

Nothing here knows a database or a network. What people do, and how often, is the cohort file's to say
(``protocols/simulation/cohort.yaml``); what the service does is the protocol's.
"""

"""What we follow on hospitals' servers, joined from the settings; and the addresses at which they tell us.

Each address holds a secret of its own, made from the installation's key: whoever knows it may say that something has
changed, and nothing more.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta, tzinfo

from app.settings import HospitalSettings
from fhir_mappings.site import Site
from scheduler.destination import Destination
from scheduler.fetched import Following
from scheduler.ground import Works


def secret_of(installation_key: bytes, destination: str, type_: str) -> str:
    """What stands at the end of the address at which a destination tells us of a type."""
    words = f"jalon notify\0{destination}\0{type_}".encode()
    return hmac.new(installation_key, words, hashlib.sha256).hexdigest()[:40]


def following(
    works: Works,
    site: Site,
    hospital: HospitalSettings,
    destination: Destination,
    *,
    public_url: str,
    installation_key: bytes,
    zone: tzinfo,
) -> Following:
    """What is followed there, as the settings say."""

    def endpoint(type_: str) -> str:
        secret = secret_of(installation_key, hospital.name, type_)
        return f"{public_url.rstrip('/')}/fhir/notify/{hospital.name}/{secret}"

    return Following(
        works,
        site,
        destination,
        tuple(dict.fromkeys(hospital.listen.types)),
        hospital.listen.by,
        timedelta(seconds=hospital.listen.every_seconds),
        zone,
        endpoint,
        hospital.listen.topic,
    )

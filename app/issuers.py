"""Who may issue tokens to the systems that speak to us: the settings, with the keys that sign."""

from __future__ import annotations

from dataclasses import dataclass

from app.settings import IssuerSettings, Settings
from gateways.jwks import PublicKeys


@dataclass(frozen=True, slots=True)
class Issuer:
    """Somebody whose tokens we take, what their ``aud`` must hold, and the keys that sign them."""

    says: IssuerSettings
    audience: str
    keys: PublicKeys


def issuers(settings: Settings) -> dict[str, Issuer]:
    """The issuers of the settings, by name. Nothing is fetched yet."""
    ours = f"{settings.public_url.rstrip('/')}/fhir"
    return {
        one.issuer: Issuer(one, one.audience or ours, PublicKeys(one.jwks_url, one.jwks_file))
        for one in settings.fhir_issuers
    }


def holder_id(issuer: str, client: str) -> str:
    """By what name the client of an issuer is remembered here."""
    return f"{issuer}#{client}"

"""What an installation may set: environment variables ``JALON_…``; a secret may come from a file ``…_FILE``."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from gateways.reach import Reach
from gateways.wire import is_safe

_HTTP = ("http://", "https://")
_DATABASES = ("sqlite://", "postgresql+psycopg://")
_NOT_JSON = {  # the settings that are JSON
    "fhir_destinations": '[] or [{"name": "chu", "url": "https://…/fhir", "token_file": "…"}]',
    "fhir_issuers": '[] or [{"issuer": "https://…", "jwks_url": "https://…", "clients": {"…": {"name": "…"}}}]',
    "subscriber_networks": '[] or ["hooks.chu.example", "10.12.0.0/16"]',
}


class SmartSettings(BaseModel):
    """How we prove to a hospital's authorisation server who we are (SMART Backend Services, ``private_key_jwt``)."""

    client_id: str
    key_file: Path | None = None
    """Our private keys for this server (JWK or JWK Set); without it those of ``JALON_SMART_KEYS_FILE``."""
    scope: str = "system/*.read system/*.write"
    token_url: str = ""
    """Without it, what the server's ``.well-known/smart-configuration`` says."""

    @model_validator(mode="after")
    def _well_said(self) -> Self:
        if self.token_url and not is_safe(self.token_url):
            raise ValueError("token_url: write https://… (http only on this machine)")
        return self


class SystemSettings(BaseModel):
    """A system that shows tokens of an issuer, and as whom it acts here."""

    name: str
    owner: str | None = None
    """The organisation in whose name it moves Tasks."""
    requester: bool = False
    """Whether it may speak as their requester."""
    functions: list[str] = []
    """The queues it may claim Tasks from."""


class IssuerSettings(BaseModel):
    """An authorisation server whose access tokens (JWT) we take."""

    issuer: str
    audience: str = ""
    """What ``aud`` must hold; without it, our own FHIR address."""
    jwks_url: str = ""
    jwks_file: Path | None = None
    token_url: str = ""
    """Where its clients get their tokens: said in our ``.well-known/smart-configuration``."""
    single_use: bool = False
    """Whether each of its tokens is taken once only."""
    clients: dict[str, SystemSettings] = {}
    """By client id; a client that is not here is nobody."""

    @model_validator(mode="after")
    def _well_said(self) -> Self:
        if bool(self.jwks_url) is (self.jwks_file is not None):
            raise ValueError("jwks_url: say where its keys are, by jwks_url or jwks_file, one of the two")
        if self.jwks_url and not is_safe(self.jwks_url):
            raise ValueError("jwks_url: write https://… (http only on this machine)")
        if self.token_url and not is_safe(self.token_url):
            raise ValueError("token_url: write https://… (http only on this machine)")
        return self


class ListenSettings(BaseModel):
    """What we listen to on a hospital's server, and how we hear that something has changed there."""

    types: list[str] = []
    """Resource types to follow; none: we hear only what is written to us, or found when we speak."""
    by: Literal["poll", "subscription", "subscription-r5"] = "poll"
    every_seconds: float = Field(default=60.0, gt=0)
    """Between two polls; with a subscription, the heartbeat after which silence is looked into."""
    topic: str = ""
    """The topic of theirs that numbered subscriptions are made by; none where the server takes a search instead."""


class HospitalSettings(BaseModel):
    """A FHIR server that is to hear of every pathway, or that comes to read here (``hosted``)."""

    name: str
    url: str
    mode: Literal["push", "hosted"] = "push"
    """``push``: we write there. ``hosted``: it takes no writes; we keep the Tasks here and it polls or subscribes."""
    resources: list[str] = []
    """The types it wants; none: all that we say."""
    per_second: float | None = Field(default=None, gt=0)
    """The most requests a second that it allows."""
    token: SecretStr | None = None
    token_file: Path | None = None
    smart: SmartSettings | None = None
    listen: ListenSettings = ListenSettings()
    schedules: list[str] = []
    """Its Schedules whose Slots we may book, such as ``Schedule/bloc-1``."""

    @model_validator(mode="after")
    def _well_said(self) -> Self:
        if not re.fullmatch(r"[a-z0-9-]{1,40}", self.name):
            raise ValueError("name: write at most 40 of a-z, 0-9 and -")
        if not self.url.startswith(_HTTP):
            raise ValueError("url: write http://… or https://…")
        if self.smart is not None and (self.token is not None or self.token_file is not None):
            raise ValueError("smart: choose a fixed token or SMART, not both")
        if self.smart is not None and not is_safe(self.url):
            raise ValueError("url: with smart, write https://… (http only on this machine)")
        return self


class Misconfigured(Exception):
    """A setting is wrong: one sentence that names it and the remedy."""


class Settings(BaseSettings):
    """Every setting with what it means. Without any, Jalon is embedded: SQLite, one process, nothing leaves."""

    model_config = SettingsConfigDict(env_prefix="JALON_", extra="ignore")

    database_url: str = "sqlite:///var/jalon.sqlite"
    instance: str = ""
    """A fixed name for this installation, where machine and file cannot tell it from a copy (containers)."""
    public_url: str = "http://127.0.0.1:8000"
    protocol: Path | None = None
    """A protocol file; without it the one that the centre's file names, else the built-in vertebroplasty protocol."""
    centre: Path | None = None
    """The centre's file (name, phone, place, and what it chose of the protocol); the example centre without it."""
    system: str = "https://jalon.example/fhir"
    """Base of our FHIR identifier systems and canonical URLs."""

    secret_key: SecretStr | None = None
    secret_key_file: Path | None = None

    smtp_host: str = ""
    """Without it, e-mail goes to the mailbox page and nothing leaves the machine."""
    smtp_port: int = 587
    smtp_starttls: bool = True
    smtp_login: str = ""
    smtp_password: SecretStr | None = None
    smtp_password_file: Path | None = None
    mail_from: str = "ne-pas-repondre@jalon.example"

    sms_url: str = ""
    """Without it, SMS go to the mailbox page and nothing leaves the machine."""
    sms_token: SecretStr | None = None
    sms_token_file: Path | None = None
    sms_sender: str = ""
    sms_timeout_seconds: float = 20.0
    sms_search_delay_seconds: float = 30.0

    test_identities: bool = False
    """Whether national identities made for tests (INS .10 and .11) are taken. Never where a patient is real."""
    mailbox: Path = Path("var/mailbox")
    fhir_destinations: list[HospitalSettings] = []
    fhir_issuers: list[IssuerSettings] = []
    """Who may issue tokens to the systems that speak to our ``/fhir``, beside the tokens we make ourselves."""
    subscriber_networks: list[str] = []
    """Hosts and networks where a subscriber may be, beside public addresses."""
    smart_keys_file: Path | None = None
    """Our private keys (``jalon keys new``); their public halves are served at ``/.well-known/jwks.json``."""
    lease_slack_seconds: float = Field(default=30.0, gt=0)
    worker: bool = True
    """Whether ``jalon serve`` works too; off where ``jalon work`` runs beside it."""

    @model_validator(mode="after")
    def _well_said(self) -> Self:
        if not self.database_url.startswith(_DATABASES):
            raise ValueError(
                "JALON_DATABASE_URL is no address of a database; write sqlite:///var/jalon.sqlite"
                " or postgresql+psycopg://user:password@host/name"
            )
        if not self.public_url.startswith(_HTTP):
            raise ValueError("JALON_PUBLIC_URL: write http://… or https://…")
        if self.sms_url and not self.sms_url.startswith(_HTTP):
            raise ValueError("JALON_SMS_URL: write http://… or https://…, or leave it out")
        try:
            Reach.of(self.subscriber_networks)
        except ValueError as problem:
            raise ValueError(f"JALON_SUBSCRIBER_NETWORKS: {problem}") from problem
        names = [hospital.name for hospital in self.fhir_destinations]
        if len(names) != len(set(names)):
            raise ValueError("JALON_FHIR_DESTINATIONS: two destinations have the same name")
        issuers = [one.issuer for one in self.fhir_issuers]
        if len(issuers) != len(set(issuers)):
            raise ValueError("JALON_FHIR_ISSUERS: the same issuer twice")
        for hospital in self.fhir_destinations:
            if hospital.smart and hospital.smart.key_file is None and self.smart_keys_file is None:
                raise ValueError(
                    f"JALON_SMART_KEYS_FILE: {hospital.name} asks for a signature and there is no key;"
                    " make one with `jalon keys new` and set its file"
                )
        if self.smtp_port == 465:
            raise ValueError("JALON_SMTP_PORT: implicit TLS (465) is not spoken; use 587 with STARTTLS")
        return self

    @property
    def lease_slack(self) -> timedelta:
        """What a lease has beyond the gateway's own time-out and search delay."""
        return timedelta(seconds=self.lease_slack_seconds)


def secret(value: SecretStr | None, file: Path | None, name: str) -> str:
    """A secret from its setting or its file; empty when neither is given. Misconfigured when it cannot be read."""
    if value is not None:
        return value.get_secret_value()
    if file is None:
        return ""
    try:
        return file.read_text().strip()
    except OSError as error:
        raise Misconfigured(f"JALON_{name}_FILE: {file} cannot be read ({error.strerror})") from error


def load() -> Settings:
    """The settings of this process. Misconfigured with one line per wrong setting."""
    try:
        return Settings()
    except ValidationError as error:
        raise Misconfigured("; ".join(_sentence(each) for each in error.errors())) from error
    except SettingsError as error:
        raise Misconfigured(_not_json(str(error))) from error


def _not_json(said: str) -> str:
    """The settings library names the field in its sentence and nowhere else."""
    for name, example in _NOT_JSON.items():
        if f'"{name}"' in said:
            return f"JALON_{name.upper()}: is no JSON; write {example}"
    return f"a setting cannot be read: {said}"


def _sentence(each: ErrorDetails) -> str:
    said = each["msg"].removeprefix("Value error, ")
    if not each["loc"]:
        return said
    setting, *inside = each["loc"]
    return f"JALON_{setting}".upper() + "".join(f"[{part}]" for part in inside) + f": {said}"

"""What an installation may set: environment variables ``JALON_…``; a secret may come from a file ``…_FILE``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class HospitalSettings(BaseModel):
    """A FHIR server that is to hear of every pathway."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    url: str
    token: SecretStr | None = None
    token_file: Path | None = None


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
    """A protocol file; the built-in vertebroplasty protocol without it."""
    centre: Path | None = None
    """The centre's file (name, phone, place); the example centre without it."""
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

    mailbox: Path = Path("var/mailbox")
    fhir_destinations: list[HospitalSettings] = []
    lease_slack_seconds: float = Field(default=30.0, gt=0)
    worker: bool = True
    """Whether ``jalon serve`` works too; off where ``jalon work`` runs beside it."""

    @model_validator(mode="after")
    def _one_name_each(self) -> Self:
        names = [hospital.name for hospital in self.fhir_destinations]
        if len(names) != len(set(names)):
            raise ValueError("JALON_FHIR_DESTINATIONS: two destinations have the same name")
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
        lines = [
            f"JALON_{'_'.join(str(part) for part in each['loc']).upper()}: {each['msg']}"
            if each["loc"]
            else each["msg"].removeprefix("Value error, ")
            for each in error.errors()
        ]
        raise Misconfigured("; ".join(lines)) from error

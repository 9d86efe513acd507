"""Settings of one service, read once from the environment."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ClaimRule(BaseModel):
    """A value of a claim that stands for a role.

    `value` may end in `@{unit}`: `data_provider@{unit}` matches `data_provider@RF4` and gives the role for RF4.
    """

    claim: str
    value: str
    role: str
    unit: str | None = None


class Issuer(BaseModel):
    """A source of tokens this service trusts."""

    issuer: str
    jwks_url: str
    audience: str
    algorithms: list[str] = ["ES256", "RS256"]
    typ: list[str] = ["at+jwt"]
    local: bool = False
    """Made by deploy/local; refused unless STEWARD_ENV is local."""
    claims: list[ClaimRule] = []


class ServiceSettings(BaseSettings):
    """What the three services have in common; each subclasses it for its own database variable."""

    model_config = SettingsConfigDict(env_prefix="STEWARD_", env_nested_delimiter="__", extra="ignore")

    env: str = "production"
    database_url: SecretStr
    events: str = "feed"
    """`feed`, or `kafka://host:port[,host:port]`."""
    feeds: dict[str, str] = {}
    """Base URL of each service whose log this one may follow."""
    issuers: list[Issuer] = []
    token_url: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    metrics_port: int | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    links: Annotated[dict[str, str], Field(description="Public address of each service, for links between pages")] = {}

"""Settings of the goals service."""

from pydantic import Field, SecretStr

from shared.settings import ServiceSettings


class GoalsSettings(ServiceSettings):
    """Settings of the goals service; the database variable is GOALS_DATABASE_URL."""

    database_url: SecretStr = Field(validation_alias="GOALS_DATABASE_URL")

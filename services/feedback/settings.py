"""Settings of the feedback service."""

from pydantic import Field, SecretStr

from shared.settings import ServiceSettings


class FeedbackSettings(ServiceSettings):
    """Settings of the feedback service; the database variable is FEEDBACK_DATABASE_URL."""

    database_url: SecretStr = Field(validation_alias="FEEDBACK_DATABASE_URL")

"""Settings of the feedback service."""

from datetime import timedelta

from pydantic import Field, SecretStr

from shared.settings import ServiceSettings


class FeedbackSettings(ServiceSettings):
    """Settings of the feedback service; the database variable is FEEDBACK_DATABASE_URL."""

    database_url: SecretStr = Field(validation_alias="FEEDBACK_DATABASE_URL")
    older_version_grace: timedelta = timedelta(days=30)
    """How long answers to a version are still taken once a newer one is published."""
    final_grace: timedelta = timedelta(days=3)
    """How long after the end of its period a score becomes final."""

"""Settings of the reporting service."""

from pydantic import Field, SecretStr

from shared.settings import ServiceSettings


class ReportingSettings(ServiceSettings):
    """Settings of the reporting service; the database variable is REPORTING_DATABASE_URL."""

    database_url: SecretStr = Field(validation_alias="REPORTING_DATABASE_URL")

"""The one clock: UTC, aware, and movable by a file when Steward runs locally."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class ClockSettings(BaseSettings):
    """Where the offset is read from, honoured only when STEWARD_ENV is local."""

    model_config = SettingsConfigDict(env_prefix="STEWARD_")

    env: str = "production"
    clock_file: Path | None = None


@lru_cache(maxsize=1)
def _offset_file() -> Path | None:
    settings = ClockSettings()
    return settings.clock_file if settings.env == "local" else None


def _offset() -> timedelta:
    file = _offset_file()
    if file is None:
        return timedelta()
    try:
        return timedelta(seconds=float(file.read_text()))
    except (FileNotFoundError, ValueError):
        return timedelta()


def current_time() -> datetime:
    """Now, in UTC; the edges call this once and pass it down."""
    return datetime.now(UTC) + _offset()  # noqa: TID251 - the one place that asks the machine for the time

"""Where the event path is cut."""

from typing import Literal, get_args

from pydantic_settings import BaseSettings

Point = Literal[
    "between log commit and send",
    "between acknowledgement and cursor",
    "between consumer commit and offset",
    "never",
]
BEFORE_SEND: Point = "between log commit and send"
POINTS: tuple[Point, ...] = tuple(point for point in get_args(Point) if point != "never")


class ChaosSettings(BaseSettings):
    """What a doomed worker is told besides the settings of the services."""

    chaos_prefix: str

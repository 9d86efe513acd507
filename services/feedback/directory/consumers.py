"""What the directory learns from goals."""

from services.feedback.directory.operations import keep_bodies, keep_indicators, keep_units
from shared.contracts import BodyChanged, IndicatorChanged, UnitChanged
from shared.messaging.handlers import Handlers, by_version

HANDLERS: Handlers = {
    BodyChanged: by_version(keep_bodies),
    UnitChanged: by_version(keep_units),
    IndicatorChanged: by_version(keep_indicators),
}

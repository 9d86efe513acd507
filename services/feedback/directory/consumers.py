"""What goals says about the body, units and indicators, kept as copies."""

from collections.abc import Sequence

from services.feedback.directory.operations import keep
from services.feedback.directory.tables import Body, Indicator, Unit
from shared.contracts import BodyChanged, IndicatorChanged, UnitChanged
from shared.database import AsyncSession
from shared.messaging.handlers import Handlers, Received


async def on_body_changed(session: AsyncSession, events: Sequence[Received[BodyChanged]]) -> None:
    """Keep the body as it now stands."""
    await keep(
        session,
        [
            Body(
                id=event.data.body_id,
                slug=event.data.slug,
                name=event.data.name,
                default_language=event.data.default_language,
                time_zone=event.data.time_zone,
                root_unit_id=event.data.root_unit_id,
                version=event.subject_version,
            )
            for event in events
        ],
    )


async def on_unit_changed(session: AsyncSession, events: Sequence[Received[UnitChanged]]) -> None:
    """Keep the units as they now stand."""
    await keep(
        session,
        [
            Unit(
                id=event.data.unit_id,
                code=event.data.code,
                name=event.data.name,
                parent_id=event.data.parent_id,
                level=event.data.level,
                valid_from=event.data.valid_from,
                valid_to=event.data.valid_to,
                version=event.subject_version,
            )
            for event in events
        ],
    )


async def on_indicator_changed(session: AsyncSession, events: Sequence[Received[IndicatorChanged]]) -> None:
    """Keep of each indicator what a survey that feeds it must know."""
    await keep(
        session,
        [
            Indicator(
                id=event.data.indicator_id,
                code=event.data.code,
                name=event.data.name,
                disclosure_class=event.data.disclosure_class,
                frequency=event.data.frequency,
                decimals=event.data.decimals,
                is_ratio=event.data.ratio is not None,
                version=event.subject_version,
            )
            for event in events
        ],
    )


HANDLERS: Handlers = {
    BodyChanged: on_body_changed,
    UnitChanged: on_unit_changed,
    IndicatorChanged: on_indicator_changed,
}

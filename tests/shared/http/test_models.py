"""A change keeps apart what was not sent from what was sent as null; a day is a day."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.days import Day
from tests.shared.http.tiny import ThingChange


class TestChange:
    def test_what_was_not_sent_is_not_given(self) -> None:
        assert ThingChange.model_validate({}).given() == {}
        assert ThingChange.model_validate({"size": None}).given() == {"size": None}
        assert ThingChange.model_validate({"code": "A"}).given() == {"code": "A"}

    def test_nothing_else_is_accepted(self) -> None:
        with pytest.raises(ValidationError):
            ThingChange.model_validate({"version": 9})

    def test_its_description_promises_no_default(self) -> None:
        described = ThingChange.model_json_schema()

        assert "default" not in described["properties"]["code"]
        assert "required" not in described


class TestDay:
    def test_it_is_an_iso_day(self) -> None:
        assert TypeAdapter(Day).validate_python("2026-04-01") == date(2026, 4, 1)

    @pytest.mark.parametrize(
        "sent", [0, "0", "20260401", "2026-04-01T00:00:00Z", "2026-04-31", datetime(2026, 4, 1, tzinfo=UTC), None]
    )
    def test_it_is_nothing_else(self, sent: Any) -> None:
        with pytest.raises(ValidationError):
            TypeAdapter(Day).validate_python(sent)

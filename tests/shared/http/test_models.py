"""A change keeps apart what was not sent from what was sent as null."""

import pytest
from pydantic import ValidationError

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

"""The one form of an answer."""

from decimal import Decimal, localcontext
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.feedback.responses.domain import Content, Submission, checked
from services.feedback.surveys.domain import PublishedVersion, Question, Questionnaire

ID = uuid4()
NUMBER = Question("n", "number", {"en": "?"})
VERSION = PublishedVersion(1, uuid4(), "RF4", None, Questionnaire((NUMBER,), ("en",)), None)
DECIMALS = st.from_regex(r"\A-?[0-9]{1,18}(\.[0-9]{1,12})?\Z")


def content(number: str) -> Content:
    return checked(Submission(ID, 1, "en", {"n": number}), VERSION)


@given(DECIMALS)
def test_a_decimal_keeps_its_value_to_the_last_digit(number: str) -> None:
    with localcontext(prec=60):
        assert Decimal(content(number).answers["n"]) == Decimal(number)


@given(DECIMALS, DECIMALS)
def test_two_decimals_are_the_same_exactly_if_their_values_are(one: str, other: str) -> None:
    with localcontext(prec=60):
        assert content(one).says_the_same_as(content(other)) == (Decimal(one) == Decimal(other))


@given(DECIMALS)
def test_the_one_form_of_the_one_form_is_itself(number: str) -> None:
    once = content(number).answers["n"]

    assert content(once).answers["n"] == once

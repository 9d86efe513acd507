"""Which languages a caller reads."""

import pytest

from shared.http.languages import MOST, languages_in


@pytest.mark.parametrize(
    ("header", "languages"),
    [
        ("cy-GB", ("cy-GB", "cy")),
        ("en;q=0.5, fr, de;q=0.9", ("fr", "de", "en")),
        ("*, en", ("en",)),
        ("fr;q=0, en", ("en",)),
        ("fr;q=often, en;q=0.1", ("en",)),
        ("", ()),
    ],
)
def test_the_best_comes_first_and_what_cannot_be_read_is_passed_over(header: str, languages: tuple[str, ...]) -> None:
    assert languages_in(header) == languages


def test_a_header_without_end_costs_little() -> None:
    assert len(languages_in(",".join(f"l{number}" for number in range(100_000)))) == MOST

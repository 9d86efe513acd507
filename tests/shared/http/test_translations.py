"""Problems in the reader's language: every title, the common sentences, and English where there is nothing else."""

import ast
import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any

import httpx
import pytest
from pydantic import BaseModel, Field, ValidationError

from deploy.postgres.bootstrap import SERVICES
from shared import http, messaging
from shared.http.problems import all_errors
from shared.http.translations import HERE, pattern_of, translation_for, translations
from tests.architecture.test_routes import application
from tests.shared.http.conftest import Token

ROOT = Path(__file__).parents[3]
OTHERS = sorted(set(translations()) - {"en"})
_PLACEHOLDER = re.compile(r"\{\w*\}")


def bare(template: str) -> str:
    """A sentence with what it tells of left out."""
    return _PLACEHOLDER.sub("{}", template)


def sentences_of(language: str) -> dict[str, str]:
    sentences: dict[str, str] = json.loads((HERE / f"{language}.json").read_text("utf-8"))["sentences"]
    return sentences


def said_in_the_code() -> Iterator[str]:
    """Every text in our code, with what an f-string fills in left out."""
    for file in [*ROOT.glob("shared/**/*.py"), *ROOT.glob("services/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield bare(node.value)
            elif isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


@pytest.mark.parametrize("language", OTHERS)
def test_every_problem_has_a_title_in_each_language(language: str) -> None:
    for service in SERVICES:
        application(service)
    for package in (http, messaging):
        for module in iter_modules(package.__path__, f"{package.__name__}."):
            import_module(module.name)  # some are for commands or for «steward serve» alone
    codes = {error.code for error in all_errors() if error.__module__.startswith(("services.", "shared."))}

    assert set(translations()[language].titles) == codes


@pytest.mark.parametrize("language", OTHERS)
def test_a_sentence_tells_of_the_same_things_in_each_language(language: str) -> None:
    for english, words in sentences_of(language).items():
        assert sorted(_PLACEHOLDER.findall(english)) == sorted(_PLACEHOLDER.findall(words))


def test_each_language_has_the_same_sentences() -> None:
    first, *others = [list(sentences_of(language)) for language in OTHERS]

    assert all(other == first for other in others)


def test_every_sentence_that_is_translated_is_still_said() -> None:
    said, checked = set(said_in_the_code()), said_by_pydantic()

    for english in sentences_of(OTHERS[0]):
        assert bare(english) in said or any(pattern_of(english).fullmatch(each) for each in checked), english


class Wrong(BaseModel):
    """One field for each thing that pydantic says of an input."""

    text: str
    whole: int
    parsed: int
    flag: bool
    parsed_flag: bool
    many: list[int]
    by_name: dict[str, int]
    above: Annotated[int, Field(gt=1)]
    at_least: Annotated[int, Field(ge=1)]
    below: Annotated[int, Field(lt=1)]
    at_most: Annotated[int, Field(le=1)]
    one_character: Annotated[str, Field(min_length=1)]
    two_characters: Annotated[str, Field(min_length=2)]
    most_one: Annotated[str, Field(max_length=1)]
    most_two: Annotated[str, Field(max_length=2)]
    shaped: Annotated[str, Field(pattern="^a$")]
    one_item: Annotated[list[int], Field(min_length=1)]
    two_items: Annotated[list[int], Field(min_length=2)]
    most_items: Annotated[list[int], Field(max_length=2)]


def said_by_pydantic() -> list[str]:
    wrong: list[Any] = [1, None, "x", [], "x", 1, 1, 0, 0, 2, 2, "", "a", "abc", "abc", "b", [], [1], [1, 2, 3]]
    with pytest.raises(ValidationError) as refused:
        Wrong.model_validate(dict(zip(Wrong.model_fields, wrong, strict=True)))
    return [each["msg"].removeprefix("Input should be ") for each in refused.value.errors()]


async def test_a_problem_is_told_in_the_first_language_that_we_have(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/things", headers={"Accept-Language": "cy, fr-CA;q=0.8, es;q=0.5"})

    told = answer.json()
    assert (told["title"], told["code"]) == ("Connectez-vous d’abord", "not_signed_in")
    assert told["detail"].startswith("Un jeton d’accès est nécessaire")
    assert answer.headers["content-language"] == "fr"
    assert "Accept-Language" in answer.headers["vary"]


async def test_every_field_is_told_in_the_reader_s_language(client: httpx.AsyncClient, bearer: Token) -> None:
    headers = {**bearer("writer"), "Accept-Language": "es"}

    answer = await client.post("/v1/things", json={"size": 1.5, "colour": "red"}, headers=headers)

    told = answer.json()
    assert told["detail"] == "3 elementos de los datos no se pueden aceptar."
    assert {each["where"]: each["accepted"].split()[0] for each in told["errors"]} == {
        "/code": "un",
        "/size": "un",
        "/colour": "nada:",
    }
    assert answer.headers["content-language"] == "es"


async def test_what_has_no_translation_stays_english_and_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/things", headers={"Accept-Language": "fr", "Authorization": "Bearer nonsense"})

    assert answer.json()["title"] == "Le jeton n’est pas accepté"
    assert "three parts" in answer.json()["detail"]
    assert answer.headers["content-language"] == "fr, en"


async def test_without_a_language_of_ours_a_problem_is_english(client: httpx.AsyncClient) -> None:
    for accepted in ({}, {"Accept-Language": "cy"}, {"Accept-Language": "en-GB, fr"}):
        answer = await client.get("/v1/things", headers=accepted)

        assert (answer.json()["title"], answer.headers["content-language"]) == ("Sign in first", "en")


async def test_the_page_of_a_problem_speaks_the_reader_s_language(client: httpx.AsyncClient) -> None:
    page = await client.get("/problems/not_found", headers={"Accept-Language": "fr"})

    assert '<html lang="fr">' in page.text
    assert "<h1>Introuvable</h1>" in page.text
    assert page.headers["content-language"] == "fr"


def test_the_best_language_comes_first() -> None:
    assert translation_for(("de", "es", "fr")).language == "es"

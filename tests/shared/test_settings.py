"""What is made for trying out does not run for real."""

import pytest

from shared.settings import ServiceSettings, UnsafeSettings

SOUND = {"database_url": "postgresql://goals:4tQz-9v.Kd@db/goals", "tls": "proxy"}


def settings(**given: object) -> ServiceSettings:
    return ServiceSettings.model_validate({**SOUND, **given})


def test_sound_settings_are_taken() -> None:
    settings().refuse_unsafe(serves=True)


def test_plain_http_without_a_proxy_that_speaks_tls_is_refused() -> None:
    with pytest.raises(UnsafeSettings, match="STEWARD_TLS=proxy"):
        settings(tls="none").refuse_unsafe(serves=True)


def test_a_worker_serves_nobody_and_needs_no_proxy() -> None:
    settings(tls="none").refuse_unsafe()


@pytest.mark.parametrize("password", ["", "dev", "Postgres", "goals", "steward"])
def test_a_password_that_everybody_knows_is_refused_and_not_repeated(password: str) -> None:
    known = settings(database_url=f"postgresql://goals:{password}@db/goals")

    with pytest.raises(UnsafeSettings, match="login goals is one that everybody knows"):
        known.refuse_unsafe()


def test_a_login_by_certificate_needs_no_password() -> None:
    settings(database_url="postgresql://goals@db/goals").refuse_unsafe()


def test_a_local_run_takes_all_of_it() -> None:
    settings(env="local", tls="none", database_url="postgresql://goals:dev@db/goals").refuse_unsafe(serves=True)

"""PostgreSQL and Kafka are reached over TLS that is verified, and Kafka by name and password, as the manifests say."""

import asyncio
import os
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka.errors import KafkaError
from sqlalchemy import text

from deploy.local.kafka import Kafka, make_topics, missing_tools
from deploy.local.places import make_enterable, unprivileged
from deploy.local.postgres import UNSAFE_AND_QUICK, Postgres
from deploy.local.processes import Child, free_port
from shared.database import engine_for, pool_for
from shared.messaging.kafka import Connection, KafkaSettings, Record, Sender, connection_for, end_of
from tests.fixtures.certificates import Certificates, make_certificates
from tests.fixtures.lanes import fifteen, leave_out

_IS_ENCRYPTED = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
TOPIC = "goals.events"
SECURED = """
listeners=SASL_SSL://127.0.0.1:{port},PLAINTEXT://127.0.0.1:{inside},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_SSL://127.0.0.1:{port},PLAINTEXT://127.0.0.1:{inside}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
    user_goals="of-goals";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={store}
"""


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """A place where PostgreSQL's account may enter, too."""
    directory = Path(tempfile.mkdtemp(prefix="steward-tls-"))
    make_enterable(directory)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def certificates(directory: Path) -> Certificates:
    """Of the servers here, by an authority that nobody else trusts."""
    made = make_certificates(directory)
    if account := unprivileged():
        os.chown(made.key, account.uid, account.gid)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(directory: Path, certificates: Certificates) -> AsyncIterator[str]:
    """A PostgreSQL that speaks TLS."""
    speaks = {"ssl": "on", "ssl_cert_file": str(certificates.certificate), "ssl_key_file": str(certificates.key)}
    server = Postgres(
        directory / "postgres",
        port=free_port(),
        password="x",
        settings=UNSAFE_AND_QUICK | speaks,
        binaries=fifteen(),
    )
    child = Child(server.programme(directory / "postgres.log"))
    try:
        await asyncio.to_thread(server.prepare)
        await child.start(attempts=3)
        yield server.url
    finally:
        await child.stop()


async def test_both_ways_into_the_database_verify_the_server(database: str, certificates: Certificates) -> None:
    verified = f"{database}?sslmode=verify-full&sslrootcert={certificates.authority}"
    engine = engine_for(verified, schema="public")

    async with engine.connect() as connection, pool_for(verified, schema="public", size=1) as pool:
        assert (await connection.execute(text(_IS_ENCRYPTED))).scalar_one() is True
        assert await pool.fetchval(_IS_ENCRYPTED) is True
    await engine.dispose()


async def test_a_database_server_of_another_authority_is_refused(database: str, tmp_path: Path) -> None:
    other = make_certificates(tmp_path)
    engine = engine_for(f"{database}?sslmode=verify-full&sslrootcert={other.authority}", schema="public")

    with pytest.raises(ssl.SSLCertVerificationError):
        await engine.connect()
    await engine.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def broker(directory: Path, certificates: Certificates) -> AsyncIterator[str]:
    """A broker that speaks TLS only, and lets nobody in without a password."""
    if missing := missing_tools():
        leave_out(missing)
    port, controller_port = free_port(), free_port()
    store = directory / "broker.pem"
    store.write_text(certificates.key.read_text() + certificates.certificate.read_text())
    broker = Kafka(
        directory / "kafka",
        port=port,
        controller_port=controller_port,
        more=SECURED.format(port=port, inside=free_port(), controller=controller_port, store=store),
        users=[f"SCRAM-SHA-{bits}=[name=goals,password=of-goals]" for bits in (256, 512)],
    )
    child = Child(broker.programme(directory / "kafka.log"))
    try:
        await asyncio.to_thread(broker.prepare)
        await child.start()
        yield broker.address
    finally:
        await child.stop()


def connection(broker: str, authority: Path, password: str, mechanism: str = "SCRAM-SHA-512") -> Connection:
    given = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": mechanism,
        "username": "goals",
        "password": password,
        "ca_file": authority,
    }
    return connection_for(f"kafka://{broker}", env="production", settings=KafkaSettings.model_validate(given))


@pytest.mark.kafka
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
async def test_what_is_sent_with_a_password_over_tls_is_there(
    broker: str, certificates: Certificates, mechanism: str
) -> None:
    reached = connection(broker, certificates.authority, "of-goals", mechanism)
    await make_topics(broker, **reached.options)
    sender = Sender(reached, TOPIC)

    await sender.send([Record(b"key", mechanism.encode(), ())], within=15)
    await sender.close()

    assert (await end_of(reached, TOPIC, last=1)).last == (mechanism.encode(),)


@pytest.mark.kafka
async def test_another_password_or_authority_gets_nowhere(
    broker: str, certificates: Certificates, tmp_path: Path
) -> None:
    for refused in (
        connection(broker, certificates.authority, "of-somebody"),
        connection(broker, make_certificates(tmp_path).authority, "of-goals"),
    ):
        with pytest.raises((KafkaError, TimeoutError)):
            await end_of(refused, TOPIC, last=1)

"""Logs are JSON without people's answers; traces go on; metrics are served apart."""

import json
import logging
import re
import urllib.request
from collections.abc import Iterator
from urllib.error import HTTPError

import pytest
import structlog
from pydantic import TypeAdapter, ValidationError

from deploy.local.processes import free_port
from shared.telemetry import configure_logging, continued, in_short, metrics_server

GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


class TestTrace:
    def test_a_received_trace_goes_on_under_a_span_of_ours(self) -> None:
        made = continued(GIVEN)

        assert made.startswith("00-0af7651916cd43dd8448eb211c80319c-")
        assert made.endswith("-00")
        assert "b7ad6b7169203331" not in made

    @pytest.mark.parametrize(
        "received",
        [
            None,
            "",
            "nonsense",
            GIVEN.upper(),
            GIVEN + "-x",
            GIVEN.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
        ],
    )
    def test_anything_else_begins_a_new_one(self, received: str | None) -> None:
        made = continued(received)

        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", made)
        assert "0af7651916cd43dd8448eb211c80319c" not in made


class TestLogs:
    @pytest.fixture(autouse=True)
    def restored(self) -> Iterator[None]:
        """What a test captures is closed after it: nobody may go on writing there."""
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        yield
        structlog.reset_defaults()
        root.handlers, root.level = handlers, level

    def test_a_line_of_ours_and_one_of_a_library_are_both_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logging("tiny")

        with structlog.contextvars.bound_contextvars(request_id="r-1"):
            structlog.get_logger().info("thing_made", code="A")
            logging.getLogger("library").warning("watch out: %s", "x")

        ours, theirs = (json.loads(line) for line in capsys.readouterr().out.splitlines())
        assert (ours["event"], ours["code"], ours["service"], ours["request_id"]) == ("thing_made", "A", "tiny", "r-1")
        assert (theirs["event"], theirs["logger"], theirs["level"]) == ("watch out: x", "library", "warning")
        assert theirs["request_id"] == "r-1"

    @pytest.mark.parametrize("logger", ["ours", "library"])
    def test_neither_local_variables_nor_refused_rows_are_written(
        self, capsys: pytest.CaptureFixture[str], logger: str
    ) -> None:
        configure_logging("tiny")
        answer = "I was treated badly"

        try:
            raise ValueError(f"duplicate key\nDETAIL:  Key (text)=({answer}) already exists.")
        except ValueError:
            if logger == "ours":
                structlog.get_logger().exception("failed")
            else:
                logging.getLogger("library").exception("failed")

        written = capsys.readouterr().out
        assert answer not in written
        assert json.loads(written)["exception"][0]["exc_value"] == "duplicate key"

    def test_an_input_that_does_not_fit_is_not_written(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logging("tiny")

        try:
            TypeAdapter(int).validate_python("I was treated badly")
        except ValidationError as error:
            structlog.get_logger().exception("failed", error=in_short(error))

        written = capsys.readouterr().out
        assert "treated badly" not in written
        assert "unable to parse string as an integer" in json.loads(written)["error"]

    def test_a_row_that_a_database_refuses_is_not_told_in_short(self) -> None:
        refused = ValueError("new row violates a check\nDETAIL:  Failing row contains (17, 3.9).")

        assert in_short(refused) == "ValueError: new row violates a check"

    def test_an_error_without_words_is_told_by_its_name(self) -> None:
        assert in_short(TimeoutError()) == "TimeoutError: "

    def test_what_is_below_the_level_is_left_out(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logging("tiny", "warning")

        structlog.get_logger().info("quiet")

        assert capsys.readouterr().out == ""


class TestMetrics:
    def test_they_are_served_on_a_port_of_their_own_while_the_block_runs(self) -> None:
        port = free_port()

        with metrics_server(port):
            told = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()

        assert "steward_request_seconds" in told
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics")

    def test_probes_are_answered_beside_them(self) -> None:
        port = free_port()
        wrong = ["It is stuck."]

        with metrics_server(port, probes={"/livez": lambda: wrong.pop() if wrong else None}):
            with pytest.raises(HTTPError) as first:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/livez")
            then = urllib.request.urlopen(f"http://127.0.0.1:{port}/livez").read()

        assert (first.value.code, first.value.read(), then) == (503, b"It is stuck.\n", b"ok\n")

"""Recording measurements."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from services.goals.measurements.queries.vintages import list_measurements
from shared.database import transaction
from shared.http.auth import UnitScope
from shared.http.pages import PageSettings
from tests.goals.service import PROVIDER, Goals, codes, visits, waits

NORTH = f"{PROVIDER}@north"
ROWS_READ: Any = text(
    "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relid = 'goals.measurement'::regclass"
)


async def vintages(goals: Goals, **filters: str) -> list[tuple[int, str | None]]:
    listed = (await goals.get("/v1/measurements", vintages="all", **filters)).json()["items"]
    return [(one["vintage"], one["value"]) for one in listed]


class TestRecordMeasurement:
    async def test_a_ratio_is_read_back_with_what_it_was_made_of(self, goals: Goals) -> None:
        made = await goals.made("/v1/measurements", waits(numerator="2", denominator="3"), PROVIDER)

        (listed,) = (await goals.get("/v1/measurements")).json()["items"]
        assert listed == made == (await goals.get(f"/v1/measurements/{made['id']}")).json()
        assert (made["value"], made["numerator"], made["denominator"]) == ("66.666666666667", "2", "3")
        assert made["period"] == {"frequency": "month", "start": "2019-03-01", "label": "March 2019"}
        assert (made["unit"], made["unit_id"]) == ("a", str(await goals.unit_id("a")))

    async def test_trailing_zeros_are_kept(self, goals: Goals) -> None:
        assert (await goals.made("/v1/measurements", visits(value="1.50"), PROVIDER))["value"] == "1.50"

    async def test_units_and_indicators_are_named_by_id_too(self, goals: Goals) -> None:
        by_id = {"unit": str(await goals.unit_id("a")), "indicator": str(await goals.indicator_id("visits"))}

        assert (await goals.made("/v1/measurements", visits(**by_id), PROVIDER))["unit"] == "a"

    async def test_a_correction_leaves_two_vintages_and_so_does_a_resend(self, goals: Goals) -> None:
        for value in ("10", "11", "11"):
            await goals.made("/v1/measurements", visits(value=value), PROVIDER)

        assert await vintages(goals) == [(1, "10"), (2, "11"), (3, "11")]
        (latest,) = (await goals.get("/v1/measurements")).json()["items"]
        assert latest["vintage"] == 3

    async def test_a_retry_with_its_key_records_nothing_new(self, goals: Goals) -> None:
        first = await goals.post("/v1/measurements", visits(), PROVIDER, Idempotency_Key="k")
        again = await goals.post("/v1/measurements", visits(), PROVIDER, Idempotency_Key="k")
        other = await goals.post("/v1/measurements", visits(value="2"), PROVIDER, Idempotency_Key="k")

        assert (again.status_code, again.json()) == (201, first.json())
        assert other.status_code == 422
        assert await vintages(goals) == [(1, "1.50")]

    async def test_it_is_told_by_its_series_whose_version_is_what_was_written(self, goals: Goals) -> None:
        answer = await goals.post("/v1/measurements", waits(), PROVIDER)

        (told,) = await goals.told("measurement.recorded")
        assert answer.headers["steward-written"] == f"goals/{answer.json()['series_id']}/1"
        assert (str(told["subject"]), told["subject_version"]) == (answer.json()["series_id"], 1)
        (value,) = json.loads(told["data"])["values"]
        assert (value["measurement_id"], value["vintage"], value["value"]) == (answer.json()["id"], 1, "80")
        (row,) = await goals.rows("select event_id from goals.measurement")
        assert row["event_id"] == told["event_id"]

    async def test_it_marks_its_period_with_the_event_that_told_it(self, goals: Goals) -> None:
        await goals.made("/v1/measurements", waits(), PROVIDER)

        assert await goals.dirty() == [("waits", "a", "2019-03-01")]
        (told,) = await goals.told("measurement.recorded")
        (mark,) = await goals.rows("select cause_event_id, disaggregation from goals.dirty")
        assert (mark["cause_event_id"], mark["disaggregation"]) == (told["event_id"], "{}")

    async def test_a_unit_need_not_be_assigned(self, goals: Goals) -> None:
        assert (await goals.get("/v1/assignments")).json()["items"] == []
        await goals.made("/v1/measurements", waits("north"), PROVIDER)

    async def test_nothing_to_count_is_said_with_a_reason(self, goals: Goals) -> None:
        refused = await goals.post("/v1/measurements", waits(numerator="0", denominator="0"), PROVIDER)
        told = visits(value=None, indicator="waits", obs_status="M", missing_reason="closed")
        made = await goals.made("/v1/measurements", told, PROVIDER)

        assert "obs_status M" in codes(refused.json())["/denominator"]
        assert (made["value"], made["obs_status"], made["missing_reason"]) == (None, "M", "closed")

    async def test_a_period_that_has_not_begun_where_the_body_is_is_refused(self, goals: Goals) -> None:
        # One in the morning of the first of April in London, still March in UTC.
        goals.clock.now = datetime(2026, 3, 31, 22, 59, tzinfo=UTC)
        before = await goals.post("/v1/measurements", visits(period="2026-04"), PROVIDER)
        goals.clock.now = datetime(2026, 3, 31, 23, 1, tzinfo=UTC)
        after = await goals.post("/v1/measurements", visits(period="2026-04"), PROVIDER)

        assert (before.status_code, after.status_code) == (422, 201)

    async def test_a_period_before_the_unit_began_is_refused(self, goals: Goals) -> None:
        unit = {"code": "new", "name": {"en": "New"}, "parent": "north", "level": "organisation"}
        await goals.made("/v1/units", unit | {"valid_from": "2019-04-01"})
        before = await goals.post("/v1/measurements", visits("new", "2019-03"), PROVIDER)
        since = await goals.post("/v1/measurements", visits("new", "2019-04"), PROVIDER)

        assert (before.status_code, since.status_code) == (422, 201)
        assert "ends on 2019-04-01" in codes(before.json())["/period/start"]

    @pytest.mark.parametrize("start", ["0001-01", "0219-03", "1899-12"])
    async def test_a_year_before_anything_is_measured_is_refused(self, goals: Goals, start: str) -> None:
        # It would be past the calendar's own beginning, or make every period since then a missing one.
        answer = await goals.post("/v1/measurements", visits(period=start), PROVIDER)

        assert list(codes(answer.json())) == ["/period/start"]

    async def test_a_json_number_is_refused_with_a_hint(self, goals: Goals) -> None:
        answer = await goals.post("/v1/measurements", {**visits(), "value": 12345678901234567.89}, PROVIDER)

        assert "in quotes" in codes(answer.json())["/value"]

    async def test_an_unknown_field_is_refused(self, goals: Goals) -> None:
        answer = await goals.post("/v1/measurements", visits(vintage=7), PROVIDER)

        assert list(codes(answer.json())) == ["/vintage"]

    async def test_two_writers_of_one_series_leave_vintages_without_gaps(self, goals: Goals) -> None:
        answers = await asyncio.gather(
            *(goals.post("/v1/measurements", visits(value=str(n)), PROVIDER) for n in range(12))
        )

        assert {answer.status_code for answer in answers} == {201}
        assert [vintage for vintage, _ in await vintages(goals)] == list(range(1, 13))
        assert [told["subject_version"] for told in await goals.told("measurement.recorded")] == list(range(1, 13))


class TestScope:
    async def test_a_foreign_unit_in_the_body_is_not_there(self, goals: Goals) -> None:
        answer = await goals.post("/v1/measurements", waits("c"), NORTH)

        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_unit")

    async def test_nor_by_its_id(self, goals: Goals) -> None:
        assert (await goals.post("/v1/measurements", waits(str(await goals.unit_id("c"))), NORTH)).status_code == 404

    async def test_a_foreign_measurement_is_not_there(self, goals: Goals) -> None:
        made = await goals.made("/v1/measurements", waits("c"), PROVIDER)

        assert (await goals.get(f"/v1/measurements/{made['id']}", NORTH)).status_code == 404
        assert (await goals.get("/v1/measurements", NORTH)).json()["items"] == []
        assert (await goals.get("/v1/measurements", NORTH, unit="c")).status_code == 404

    async def test_a_foreign_item_is_not_there_and_harms_no_other(self, goals: Goals) -> None:
        results = await goals.batch("/v1/measurements:batch", [waits("c"), waits("a"), waits("b")], NORTH)

        assert [result["status"] for result in results] == [404, 201, 201]

    async def test_an_analyst_may_read_and_not_record(self, goals: Goals) -> None:
        assert (await goals.post("/v1/measurements", waits(), "analyst")).status_code == 403
        assert (await goals.get("/v1/measurements", "analyst")).status_code == 200

    async def test_nobody_is_not_asked_in(self, goals: Goals) -> None:
        assert (await goals.post("/v1/measurements", waits(), None)).status_code == 401


class TestRecordMeasurements:
    async def test_a_bad_item_harms_no_good_one(self, goals: Goals) -> None:
        results = await goals.batch(
            "/v1/measurements:batch",
            [
                waits("a", id="first"),
                waits("a", denominator="0"),
                waits("nowhere"),
                waits("b", indicator="nothing"),
                waits("b", numerator=80, id="float"),
                "not an item",
                waits("b"),
            ],
            PROVIDER,
        )

        assert [result["status"] for result in results] == [201, 422, 404, 404, 422, 422, 201]
        assert [results[0]["id"], results[4]["id"]] == ["first", "float"]
        assert codes(results[1]["problem"]).keys() == {"/denominator"}
        assert codes(results[4]["problem"]).keys() == {"/numerator"}
        assert {unit for _, unit, _ in await goals.dirty()} == {"a", "b"}

    async def test_each_good_item_says_what_it_has_written(self, goals: Goals) -> None:
        first, second = await goals.batch("/v1/measurements:batch", [waits("a"), waits("b")], PROVIDER)

        subjects = {str(told["subject"]) for told in await goals.told("measurement.recorded")}
        assert {first["written"], second["written"]} == {f"goals/{subject}/1" for subject in subjects}

    async def test_values_of_one_series_are_one_event_in_period_order(self, goals: Goals) -> None:
        months = ["2019-03", "2018-12", "2019-01"]

        await goals.batch("/v1/measurements:batch", [visits(period=period) for period in months], PROVIDER)

        (told,) = await goals.told("measurement.recorded")
        starts = [value["period"]["start"] for value in json.loads(told["data"])["values"]]
        assert starts == ["2018-12-01", "2019-01-01", "2019-03-01"]

    async def test_a_period_sent_twice_has_two_vintages_the_last_one_newest(self, goals: Goals) -> None:
        results = await goals.batch("/v1/measurements:batch", [visits(value="1"), visits(value="2")], PROVIDER)

        assert [result["result"]["vintage"] for result in results] == [1, 2]
        assert await vintages(goals) == [(1, "1"), (2, "2")]

    async def test_very_many_values_of_a_series_are_several_events(self, goals: Goals) -> None:
        months = [f"{year}-{month:02}" for year in range(1960, 2010) for month in range(1, 13)]

        await goals.batch("/v1/measurements:batch", [visits(period=period) for period in months], PROVIDER)

        told = await goals.told("measurement.recorded")
        assert [row["subject_version"] for row in told] == [1, 2]
        assert [len(json.loads(row["data"])["values"]) for row in told] == [500, 100]
        (series,) = await goals.rows("select version from goals.series")
        assert series["version"] == 2

    async def test_more_than_a_thousand_are_too_many(self, goals: Goals) -> None:
        answer = await goals.post("/v1/measurements:batch", {"items": [visits()] * 1001}, PROVIDER)

        assert answer.status_code == 422

    async def test_writers_of_the_same_series_in_any_order_do_not_block_each_other(self, goals: Goals) -> None:
        there = [waits(unit) for unit in ("a", "b", "c", "north", "south")]

        answers = await asyncio.gather(
            *(
                goals.post("/v1/measurements:batch", {"items": there if n % 2 else there[::-1]}, PROVIDER)
                for n in range(10)
            )
        )

        statuses = {item["status"] for answer in answers for item in answer.json()["items"]}
        assert statuses == {201}
        counts = await goals.rows("select count(*), max(vintage) from goals.measurement group by series_id")
        assert [(row["count"], row["max"]) for row in counts] == [(10, 10)] * 5

    async def test_many_values_take_as_many_statements_as_few(self, goals: Goals) -> None:
        units = [
            {"code": f"u{n}", "name": {"en": f"Unit {n}"}, "parent": "south", "level": "organisation"}
            for n in range(200)
        ]
        await goals.batch("/v1/units:batch", units)
        await goals.get("/v1/measurements", PROVIDER)  # what is known of the caller is kept for a while

        with goals.statements() as for_few:
            await goals.batch("/v1/measurements:batch", [waits(f"u{n}") for n in range(5)], PROVIDER)
        with goals.statements() as for_many:
            await goals.batch("/v1/measurements:batch", [waits(f"u{n}") for n in range(5, 200)], PROVIDER)

        # Beside both the service looks at what waits, each second, and at times at who calls.
        assert len(for_few) < 20
        assert abs(len(for_many) - len(for_few)) < 5


class TestListMeasurements:
    async def test_it_is_filtered_by_period(self, goals: Goals) -> None:
        months = ["2018-12", "2019-01", "2019-02", "2019-03"]
        await goals.batch("/v1/measurements:batch", [visits(period=period) for period in months], PROVIDER)

        listed = await goals.get("/v1/measurements", period_from="2019-01-01", period_to="2019-02-01")

        assert [one["period"]["label"] for one in listed.json()["items"]] == ["January 2019", "February 2019"]

    async def test_a_walk_meets_each_vintage_once(self, goals: Goals) -> None:
        items = [visits(unit, period) for unit in "abc" for period in ("2019-01", "2019-02")]
        await goals.batch("/v1/measurements:batch", items + items[:2], PROVIDER)
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await goals.get("/v1/measurements", vintages="all", limit=3, sort="-period", **cursor)).json()
            seen += [one["id"] for one in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}

        assert len(seen) == len(set(seen)) == 8

    async def test_the_last_page_reads_as_little_as_the_first(self, goals: Goals) -> None:
        await goals.rows(
            """
            with series as (
                insert into goals.series (id, indicator_id, unit_id, disaggregation, version)
                select gen_random_uuid(), i.id, u.id, jsonb_build_object('n', n::text), 1
                from goals.indicator i, goals.unit u, generate_series(1, 100) n where i.code = 'visits' and u.code = 'a'
                returning id
            )
            insert into goals.measurement (id, series_id, frequency, period_start, vintage, value, obs_status, source,
                recorded_at, recorded_by, event_id)
            select gen_random_uuid(), id, 'month', date '2019-01-01' + m * interval '1 month', 1, 1, 'A', 'reported',
                now(), 'x', gen_random_uuid()
            from series, generate_series(0, 39) m
            """
        )
        await goals.rows("analyze goals.series, goals.measurement")
        seen, cursor = 0, None
        read: list[int] = []
        while cursor or not read:
            async with transaction(goals.sessions) as session:
                asked = PageSettings(limit=200, cursor=cursor)
                before = (await session.exec(ROWS_READ)).scalar_one()
                rows, cursor = await list_measurements(session, asked, UnitScope(everywhere=True), newest_only=False)
                seen += len(rows)
                read.append((await session.exec(ROWS_READ)).scalar_one() - before)

        assert (seen, len(read)) == (4000, 20)
        assert max(read) <= 250

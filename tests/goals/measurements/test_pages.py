"""The pages on which numbers are entered, asked for as a browser without a script does."""

import re
from collections.abc import AsyncIterator
from html import unescape

import pytest
import pytest_asyncio

from tests.fixtures.signing_in import Browser, BrowserFor, LocalIssuer
from tests.goals.service import Goals, visits, waits

MARCH = "/measurements/a/month/2019-03-01"


@pytest_asyncio.fixture
async def office(goals: Goals, local_issuer: LocalIssuer, browser_for: BrowserFor) -> AsyncIterator[Browser]:
    """A browser with the data provider of Trust A signed in; A is to report both indicators since January 2019."""
    items = [
        {"indicator": indicator, "unit": unit, "valid_from": "2019-01-01", "valid_to": "2019-03-31"}
        for unit in ("a", "c")
        for indicator in ("waits", "visits")
    ]
    assert {one["status"] for one in await goals.batch("/v1/assignments:batch", items)} == {201}
    await goals.forget()  # what was told at the clock of the tests seems to have waited for long
    app = local_issuer.service_on(goals.database)
    browser = await browser_for(app)
    await browser.sign_in("data_provider@a")
    yield browser
    await app.state.engine.dispose()


def fields(page: str) -> dict[str, str]:
    """The form of a page as a browser would send it."""
    form = page[page.index('<form method="post" action="/measurements') :]
    form = form[: form.index("</form>")]
    inputs = re.findall(r"<input[^>]*>", form)
    found = {}
    for each in inputs:
        name = re.search(r'name="([^"]*)"', each)
        value = re.search(r'value="([^"]*)"', each)
        if name:
            found[name[1]] = unescape(value[1]) if value else ""
    for select in re.findall(r"<select.*?</select>", form, re.DOTALL):
        name = re.search(r'name="([^"]*)"', select)
        chosen = re.search(r'<option value="([^"]*)" selected', select)
        assert name
        found[name[1]] = chosen[1] if chosen else "A"
    return found


async def filled(office: Browser, **values: str) -> dict[str, str]:
    """The form of March, filled in: `waits_numerator="80"`."""
    page = await office.get(MARCH)
    assert page.status_code == 200, page.text
    return fields(page.text) | {name.replace("_", ":", 1): value for name, value in values.items()}


class TestWhatWaits:
    async def test_signing_in_leads_there(
        self, goals: Goals, local_issuer: LocalIssuer, browser_for: BrowserFor
    ) -> None:
        browser = await browser_for(local_issuer.service_on(goals.database))

        assert await browser.sign_in("data_provider@a") == "/measurements"

    async def test_own_periods_wait_newest_first_and_no_others(self, office: Browser) -> None:
        page = (await office.get("/measurements?before=2019-04-02,,")).text

        found = re.findall(r"/measurements/(\w+)/month/(\d{4}-\d\d)-01\"", page)
        assert found == [("a", "2019-03"), ("a", "2019-02"), ("a", "2019-01")]

    async def test_what_was_reported_waits_no_longer(self, office: Browser, goals: Goals) -> None:
        await goals.made("/v1/measurements", waits("a", "2019-03"))
        page = (await office.get("/measurements?indicator=waits&before=2019-04-02,,")).text

        assert re.findall(r"/month/(\d{4}-\d\d)-01\"", page) == ["2019-02", "2019-01"]

    async def test_what_waits_from_long_ago_is_found_by_going_further_back(self, office: Browser) -> None:
        address, pages = "/measurements", []
        while address:
            pages.append(unescape((await office.get(address)).text))
            address = "".join(re.findall(r'<a href="([^"]+)">Further back', pages[-1]))

        assert "Nothing waits in the last three years." in pages[0]
        assert re.findall(r"/month/(\d{4}-\d\d)-01\"", "".join(pages)) == ["2019-03", "2019-02", "2019-01"]
        assert len(pages) < 5


class TestEntering:
    async def test_a_number_is_recorded_and_leads_to_the_scorecard_of_reporting(
        self, office: Browser, goals: Goals, local_issuer: LocalIssuer
    ) -> None:
        answer = await office.post(MARCH, await filled(office, waits_numerator="1 234", waits_denominator="2000"))

        assert answer.status_code == 303, answer.text
        (row,) = await goals.rows(
            "select s.id, s.version, m.* from goals.measurement m join goals.series s on s.id = m.series_id"
        )
        assert (str(row["value"]), row["vintage"], row["obs_status"]) == ("61.7", 1, "A")
        assert answer.headers["location"] == f"{MARCH}/recorded?after=goals/{row['series_id']}/1"
        led = (await office.get(answer.headers["location"])).text
        there = unescape(re.findall(r'url=([^"]*)"', led)[0])
        assert there.startswith(
            f"{local_issuer.services['reporting']}/sign-in?next=%2Fscorecards%2Fa%3Fperiod%3D2019-03"
        )
        assert there.endswith("login_hint=data_provider%40a")

    @pytest.mark.parametrize(
        ("typed", "field", "told"),
        [
            ({"waits:numerator": "1,234", "waits:denominator": "2000"}, "waits-numerator", "a point and no comma"),
            ({"waits:numerator": "80"}, "waits-denominator", "Write the number; or choose"),
            ({"waits:numerator": "80", "waits:denominator": "0"}, "waits-denominator", "Write more than 0"),
            ({"waits:obs_status": "O"}, "waits-missing_reason", "Give the reason as a short code"),
            ({"waits:missing_reason": "lost"}, "waits-missing_reason", "Leave this empty, or choose"),
            ({"waits:missing_reason": "It got lost"}, "waits-missing_reason", "a short code in small letters"),
            (
                {"visits:value": "12", "visits:obs_status": "M", "visits:missing_reason": "closed"},
                "visits-value",
                "Leave",
            ),
            ({}, "visits-value", "Enter at least one number"),
        ],
    )
    async def test_what_is_wrong_is_told_beside_its_field_and_at_the_top(
        self, typed: dict[str, str], field: str, told: str, office: Browser, goals: Goals
    ) -> None:
        right = {"visits:value": "7"} if typed and not any(name.startswith("visits") for name in typed) else {}
        answer = await office.post(MARCH, await filled(office) | right | typed)

        page = unescape(answer.text)
        assert answer.status_code == 422
        summary = page[page.index("govuk-error-summary") : page.index("<h1>")]
        assert f'href="#{field}"' in summary
        assert told in summary
        assert not typed or told in page[page.index(f'id="{field}-error"') :]
        assert fields(answer.text) == fields(answer.text) | right | typed
        assert await goals.rows("select 1 from goals.measurement") == []

    async def test_a_form_sent_twice_is_one_vintage(self, office: Browser, goals: Goals) -> None:
        form = await filled(office, visits_value="7")

        first, again = await office.post(MARCH, form), await office.post(MARCH, form)

        assert (first.status_code, again.headers["location"]) == (303, first.headers["location"])
        assert len(await goals.rows("select 1 from goals.measurement")) == 1

    async def test_who_corrects_what_somebody_else_has_corrected_is_told_what_stands(
        self, office: Browser, goals: Goals
    ) -> None:
        form = await filled(office, visits_value="7")
        await goals.made("/v1/measurements", visits(value="8"))

        refused = await office.post(MARCH, form)
        assert refused.status_code == 422
        assert "Somebody else has recorded a number" in refused.text
        assert "<strong>8 people</strong>" in refused.text
        assert fields(refused.text)["visits:value"] == "7"
        again = await office.post(MARCH, fields(refused.text))

        assert again.status_code == 303
        rows = await goals.rows("select value::text, vintage from goals.measurement order by vintage")
        assert [tuple(row) for row in rows] == [("8", 1), ("7", 2)]

    async def test_a_number_left_as_it_stands_is_no_vintage(self, office: Browser, goals: Goals) -> None:
        await office.post(MARCH, await filled(office, visits_value="7", waits_numerator="1", waits_denominator="2"))

        await office.post(MARCH, await filled(office, visits_value="8"))

        rows = await goals.rows(
            "select i.code, max(m.vintage) as newest from goals.measurement m join goals.series s on s.id = m.series_id"
            " join goals.indicator i on i.id = s.indicator_id group by 1 order by 1"
        )
        assert [tuple(row) for row in rows] == [("visits", 2), ("waits", 1)]

    @pytest.mark.parametrize("path", ["/measurements/c/month/2019-03-01", "/measurements/open?unit=c&month=2019-03"])
    async def test_a_foreign_unit_is_not_there(self, path: str, office: Browser) -> None:
        assert (await office.get(path)).status_code == 404

    async def test_nobody_enters_numbers_of_a_foreign_unit(self, office: Browser, goals: Goals) -> None:
        form = await filled(office, visits_value="7")

        answer = await office.post("/measurements/c/month/2019-03-01", form)

        assert answer.status_code == 404
        assert await goals.rows("select 1 from goals.measurement") == []

    async def test_any_month_of_an_own_unit_can_be_opened(self, office: Browser) -> None:
        answer = await office.get("/measurements/open?unit=a&month=2019-02")

        assert answer.headers["location"] == "/measurements/a/month/2019-02-01"

"""The first answer to an Idempotency-Key comes again only to whoever could still make the request."""

from tests.goals.service import PROVIDER, Goals, visits

NORTH = f"{PROVIDER}@north"
KEY = {"Idempotency_Key": "k"}


async def moved_south(goals: Goals) -> None:
    answer = await goals.patch("/v1/units/a", {"parent": "south"}, '"1"')
    assert answer.status_code == 200, answer.text


async def test_not_once_its_unit_has_moved_out_of_reach(goals: Goals) -> None:
    assert (await goals.post("/v1/measurements", visits(), NORTH, **KEY)).status_code == 201
    await moved_south(goals)

    again = await goals.post("/v1/measurements", visits(), NORTH, **KEY)

    assert (again.status_code, again.json()["code"]) == (403, "answer_withheld")
    assert "It was done before, and stays so" in again.json()["detail"]
    assert "value" not in again.json()


async def test_nor_where_it_moved_for_one_item_of_a_batch(goals: Goals) -> None:
    body = {"items": [visits("b"), visits("a"), visits("nowhere")]}
    first = await goals.post("/v1/measurements:batch", body, NORTH, **KEY)
    before = await goals.post("/v1/measurements:batch", body, NORTH, **KEY)
    await moved_south(goals)

    after = await goals.post("/v1/measurements:batch", body, NORTH, **KEY)

    assert [item["status"] for item in first.json()["items"]] == [201, 201, 404]
    assert (before.status_code, before.content) == (207, first.content)
    assert (after.status_code, after.json()["code"]) == (403, "answer_withheld")
    assert "refused: 1." in after.json()["detail"]


async def test_asking_for_it_leaves_nothing_behind(goals: Goals) -> None:
    await goals.post("/v1/measurements", visits(), NORTH, **KEY)
    await goals.forget()

    again = await goals.post("/v1/measurements", visits(), NORTH, **KEY)

    assert again.headers["idempotency-replayed"] == "true"
    assert await goals.dirty() == []
    assert await goals.told("measurement.recorded") == []
    assert len(await goals.rows("select 1 from goals.measurement")) == 1


async def test_what_would_be_a_conflict_now_is_answered_again(goals: Goals) -> None:
    body = {"code": "d", "name": {"en": "Trust D"}, "parent": "north", "level": "organisation"}
    first = await goals.post("/v1/units", body, **KEY)

    again = await goals.post("/v1/units", body, **KEY)

    assert (again.status_code, again.content) == (201, first.content)
    assert (again.headers["etag"], again.headers["location"]) == (first.headers["etag"], first.headers["location"])

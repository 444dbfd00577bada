"""What requests wait for together: tokens that are looked up in one query, and answers that wake the loop once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from notifier.domain.access import Viewer
from notifier.web.thread_results import Arrivals
from notifier.web.token_checks import TokenChecks

ANN, BEN = Viewer("ann"), Viewer("ben")


class Tokens:
    """Tokens that can be revoked; a lookup waits until it is let go."""

    def __init__(self, known: dict[str, Viewer]) -> None:
        self.known = known
        self.asked: list[list[str]] = []
        self.began = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def __call__(self, given: Collection[str]) -> Mapping[str, Viewer]:
        self.asked.append(sorted(given))
        found = {secret: self.known[secret] for secret in given if secret in self.known}
        self.began.release()
        assert self.go.acquire(timeout=20)
        if "broken" in given:
            raise OSError("no database")
        return found


def test_tokens_that_come_together_are_one_lookup_and_none_is_answered_by_an_earlier_one() -> None:
    tokens = Tokens({"a": ANN, "b": BEN})

    async def asked() -> None:
        with ThreadPoolExecutor(2) as pool:
            checks = TokenChecks(pool, tokens)
            first = asyncio.create_task(checks.viewer("a"))
            await asyncio.to_thread(tokens.began.acquire)
            del tokens.known["a"]  # revoked, while the first is looked up
            later = [asyncio.create_task(checks.viewer(secret)) for secret in ("a", "b", "b", "unknown")]
            await asyncio.sleep(0)
            later[2].cancel()
            tokens.go.release(2)
            assert await first == ANN
            found = await asyncio.gather(*later, return_exceptions=True)
            assert [found[0], found[1], found[3]] == [None, BEN, None]
            assert isinstance(found[2], asyncio.CancelledError)

    asyncio.run(asked())
    assert tokens.asked == [["a"], ["a", "b", "unknown"]]


def test_a_lookup_that_fails_fails_for_those_that_wait_and_the_next_one_is_tried() -> None:
    tokens = Tokens({"a": ANN})
    tokens.go.release(2)

    async def asked() -> None:
        with ThreadPoolExecutor(2) as pool:
            checks = TokenChecks(pool, tokens)
            both = await asyncio.gather(checks.viewer("broken"), checks.viewer("a"), return_exceptions=True)
            assert [type(one) for one in both] == [OSError, OSError]
            assert await checks.viewer("a") == ANN

    asyncio.run(asked())


def test_answers_of_another_thread_arrive_each_where_it_is_waited_for() -> None:
    given: list[Future[int]] = [Future() for _ in range(50)]

    def finish() -> None:
        for number, one in enumerate(given):
            if number == 1:
                one.set_exception(KeyError("x"))
            elif number != 2:
                one.set_result(number)

    async def waited() -> list[object]:
        arrivals = Arrivals(asyncio.get_running_loop())
        tasks = [asyncio.create_task(arrivals.of(one)) for one in given]
        await asyncio.sleep(0)
        tasks[2].cancel()
        await asyncio.sleep(0)
        threading.Thread(target=finish).start()
        return await asyncio.gather(*tasks, return_exceptions=True)

    found = asyncio.run(waited())
    assert isinstance(found[1], KeyError)
    assert isinstance(found[2], asyncio.CancelledError)
    assert given[2].cancelled(), "what nobody waits for is not stored if it did not begin"
    assert [one for n, one in enumerate(found) if n not in (1, 2)] == [0, *range(3, 50)]


def test_waiting_in_a_new_loop_works_after_one_has_ended() -> None:
    async def once() -> int:
        done: Future[int] = Future()
        done.set_result(7)
        return await Arrivals(asyncio.get_running_loop()).of(done)

    assert [asyncio.run(once()), asyncio.run(once())] == [7, 7]


@pytest.mark.parametrize("secret", ["", "x" * 100])
def test_nothing_is_looked_up_before_somebody_asks(secret: str) -> None:
    tokens = Tokens({})
    tokens.go.release()

    async def asked() -> Viewer | None:
        with ThreadPoolExecutor(1) as pool:
            checks = TokenChecks(pool, tokens)
            assert tokens.asked == []
            return await checks.viewer(secret)

    assert asyncio.run(asked()) is None

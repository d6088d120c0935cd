"""The driver: whatever thread a command comes from, it is carried out on the loop, one after the other."""

from __future__ import annotations

import asyncio
import threading

from k8snb.widgets.driver import INTERVAL, Driver


def test_without_a_loop_a_command_is_carried_out_at_once() -> None:
    done: list[str] = []
    driver = Driver(lambda command: done.append(command["do"]))
    driver.submit({"do": "step"})
    assert done == ["step"]
    assert driver.play(lambda: True) is False


def test_commands_of_other_threads_run_on_the_loops_thread() -> None:
    async def story() -> list[tuple[str, int]]:
        done: list[tuple[str, int]] = []
        driver = Driver(lambda command: done.append((command["do"], threading.get_ident())))
        threads = [threading.Thread(target=driver.submit, args=({"do": f"step {i}"},)) for i in range(5)]
        for thread in threads:
            thread.start()
            thread.join()
        assert done == []  # nothing happens while a cell runs
        await asyncio.sleep(0.01)
        return done

    done = asyncio.run(story())
    assert [what for what, _ in done] == [f"step {i}" for i in range(5)]
    assert {thread for _, thread in done} == {threading.get_ident()}


def test_play_ticks_until_it_is_told_that_nothing_is_left() -> None:
    async def story() -> int:
        ticks: list[int] = []
        driver = Driver(lambda command: None)
        driver.rate = 1000
        driver.play(lambda: (ticks.append(1), len(ticks) < 3)[1])
        driver.play(lambda: True)  # a second play changes nothing
        await asyncio.sleep(5 * INTERVAL)
        assert not driver.playing
        return len(ticks)

    assert asyncio.run(story()) == 3


def test_pause_stops_play() -> None:
    async def story() -> int:
        ticks: list[int] = []
        driver = Driver(lambda command: None)
        driver.rate = 1000
        driver.play(lambda: (ticks.append(1), True)[1])
        await asyncio.sleep(0)
        driver.pause()
        await asyncio.sleep(3 * INTERVAL)
        assert not driver.playing
        return len(ticks)

    assert asyncio.run(story()) == 1


def test_many_changes_in_a_moment_are_one_update() -> None:
    async def story() -> tuple[int, int]:
        sent: list[int] = []
        driver = Driver(lambda command: None)
        for i in range(100):
            driver.pace(lambda i=i: sent.append(i))
        at_once = len(sent)
        await asyncio.sleep(2 * INTERVAL)
        return at_once, len(sent)

    assert asyncio.run(story()) == (1, 2)  # the first at once, the last state a little later


def test_without_a_loop_early_updates_are_dropped_and_nobody_waits() -> None:
    sent: list[int] = []
    driver = Driver(lambda command: None)
    for i in range(100):
        driver.pace(lambda i=i: sent.append(i))
    assert sent == [0]

"""Templates and events that mean harm: bounded in time and memory, and the next row is rendered."""

import asyncio
import os
import resource
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from hub.templates.fault import TemplateFault
from hub.templates.press import ChildLost, Press
from hub.templates.renderer import Renderer
from tests.hub.templates.examples import an_event, faults
from tests.waiting import until

pytestmark = pytest.mark.timeout(120)

BOUND_SECONDS = 12
MEMORY_KIB = 400 * 1024
XS = {"xs": list(range(1000)), "s": "x" * 1000}

LOOPS = {
    "nested loops": "{{#each xs}}" * 6 + "x" + "{{/each}}" * 6,
    "loops over all": "{{#each xs}}{{#each ../xs}}{{#each ../../xs}}{{/each}}{{/each}}{{/each}}",
    "recursion": '{{#*inline "a"}}{{> a}}{{> a}}{{/inline}}{{> a}}',
    "recursion with blocks": '{{#*inline "a"}}{{#each xs}}{{> a}}{{/each}}{{/inline}}{{> a this}}',
    "growing text": "{{#each xs}}{{#each ../xs}}{{../../s}}{{/each}}{{/each}}",
    "padding of padding": '{{#each xs}}{{#each ../xs}}{{padLeft "x" 1000}}{{/each}}{{/each}}',
    "joining joins": '{{join (split (join xs s) "x") (join xs s)}}',
    "deep expressions": "{{upper " + "(upper " * 3000 + "s" + ")" * 3000 + "}}",
    "deep blocks": "{{#if s}}" * 4000 + "{{/if}}" * 4000,
    "a million braces": "{{s}}" * 10_000,
}


@pytest.mark.parametrize("template", LOOPS.values(), ids=LOOPS.keys())
async def test_a_template_without_end_is_ended(renderer: Renderer, template: str) -> None:
    before = worked(renderer)

    (made,) = await renderer.render(template, [an_event(XS)])

    assert isinstance(made, TemplateFault)
    assert worked(renderer) - before < BOUND_SECONDS
    assert await renderer.render('{"s": "{{length s}}"}', [an_event(XS)]) == ['{"s": "1000"}']
    assert all(memory(press.pid) < MEMORY_KIB for press in presses(renderer) if press.pid)


async def test_one_bad_event_does_not_take_the_others_with_it(renderer: Renderer) -> None:
    template = '{"n": "{{#if bad}}' + LOOPS["loops over all"] + '{{/if}}"}'
    events = [an_event(XS | {"bad": number == 57}, number=number) for number in range(120)]

    made = await renderer.render(template, events)

    assert faults(made) == [57]


async def test_a_template_that_is_always_too_much_is_given_up_soon(renderer: Renderer) -> None:
    events = [an_event(XS, number=number) for number in range(50)]
    before = worked(renderer)

    made = await renderer.render(LOOPS["loops over all"], events)

    assert faults(made) == list(range(50))
    assert worked(renderer) - before < 2 * BOUND_SECONDS


@pytest.mark.parametrize(
    "expression",
    [
        "{{constructor.name}}",
        "{{constructor.constructor}}",
        "{{__proto__.polluted}}",
        '{{lookup this "constructor"}}',
        '{{lookup (lookup this "__proto__") "constructor"}}',
        "{{#with constructor}}{{name}}{{/with}}",
        "{{#with __proto__}}{{toString}}{{/with}}",
        "{{toString}}{{valueOf}}{{hasOwnProperty}}",
        "{{__defineGetter__}}{{__lookupGetter__}}",
        "{{xs.constructor}}{{xs.map}}{{s.sub}}{{s.constructor.name}}",
        "{{@root.constructor}}{{@event.constructor.name}}",
        "{{this.[constructor].[constructor]}}",
    ],
)
async def test_prototypes_cannot_be_reached(renderer: Renderer, expression: str) -> None:
    (made,) = await renderer.render(f'{{"a": "{expression}"}}', [an_event(XS)])

    assert made == '{"a": ""}'


@pytest.mark.parametrize(
    "data",
    [
        '{"__proto__": {"polluted": 1}}',
        '{"constructor": {"prototype": {"polluted": 1}}}',
        "[]",
        "7",
    ],
)
async def test_data_changes_nothing_for_the_next_event(renderer: Renderer, data: str) -> None:
    events = [an_event(data), an_event({"a": {}})]

    made = await renderer.render('{"a": "{{polluted}}{{a.polluted}}"}', events)

    assert made == ['{"a": ""}', '{"a": ""}']


@pytest.mark.parametrize(
    "source", ["eval('1')", "{{eval '1'}}", "{{Function 'x'}}", "{{require 'os'}}", "{{process}}"]
)
async def test_a_template_is_no_program(renderer: Renderer, source: str) -> None:
    (made,) = await renderer.render(f'{{"a": "{source}"}}', [an_event({})])

    assert isinstance(made, TemplateFault) or made in ('{"a": ""}', f'{{"a": "{source}"}}')


async def test_a_template_of_a_megabyte_is_refused(renderer: Renderer) -> None:
    template = '{"a": "' + "x" * 1_000_000 + '"}'

    assert (await renderer.check(template)) == (TemplateFault("must have at most 65536 characters"))
    assert faults(await renderer.render(template, [an_event({}), an_event({})])) == [0, 1]


async def test_a_row_is_bounded(renderer: Renderer) -> None:
    (made,) = await renderer.render('{"s": "{{s}}"}', [an_event({"s": "x" * 300_000})])

    assert made == TemplateFault("makes a row of more than 262144 characters")


async def test_large_and_deep_data_is_rendered(renderer: Renderer) -> None:
    deep = '{"a":' * 90 + '"x"' + "}" * 90
    events = [an_event({"s": "x" * 5_000_000, "n": 1}), an_event(deep)]

    made = await renderer.render('{"n": "{{n}}"}', events)

    assert made == ['{"n": "1"}', '{"n": ""}']


async def test_a_row_with_marks_of_ours_is_refused(renderer: Renderer) -> None:
    (made,) = await renderer.render('{"a": "\x1e{}\x1e"}', [an_event({})])

    assert made == TemplateFault("makes a row with control characters in it")


async def test_rendering_goes_on_when_the_child_was_killed(renderer: Renderer) -> None:
    await renderer.render("{}", [an_event({})])
    for press in presses(renderer):
        if press.pid:
            os.kill(press.pid, signal.SIGKILL)

    assert await renderer.render("{}", [an_event({})]) == ["{}"]


async def test_a_child_that_is_stopped_is_replaced() -> None:
    renderer = Renderer(within=timedelta(seconds=1))
    await renderer.render("{}", [an_event({})])
    (pid,) = [press.pid for press in presses(renderer) if press.pid]
    os.kill(pid, signal.SIGSTOP)

    assert await renderer.render("{}", [an_event({})]) == ["{}"]

    await renderer.close()
    assert not is_running(pid)


async def test_a_child_that_never_answers_leaves_a_fault_for_the_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/cat")
    renderer = Renderer(within=timedelta(seconds=0.2))

    made = await renderer.render("{}", [an_event({}), an_event({})])

    assert faults(made) == [0, 1]
    await renderer.close()


async def test_who_goes_away_leaves_no_answer_for_the_next(renderer: Renderer) -> None:
    slow = asyncio.create_task(renderer.render(LOOPS["loops over all"], [an_event(XS)]))
    await until(lambda: any(press.pid for press in presses(renderer)), what="a child")
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow

    assert await renderer.render('{"a": 1}', [an_event({})]) == ['{"a": 1}']


async def test_a_child_ends_with_its_parent() -> None:
    script = (
        "import asyncio\n"
        "from datetime import timedelta\n"
        "from hub.templates.press import Press\n"
        "async def main():\n"
        "    press = Press()\n"
        '    await press.ask(b\'{"template": ""}\', timedelta(seconds=10))\n'
        "    print(press.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())

    parent.kill()
    await parent.wait()

    await until(lambda: not is_running(child), within=10, what="the end of the child")


async def test_a_child_has_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_SECRET_KEYS", "very-secret")
    async with Press() as press:
        await press.ask(b'{"template": ""}', timedelta(seconds=10))
        environ = environ_of(press.pid)

    assert b"very-secret" not in environ
    with pytest.raises(ChildLost):
        async with Press() as press:
            await press.ask(b"no question", timedelta(seconds=10))


def presses(renderer: Renderer) -> list[Press]:
    return renderer._presses  # noqa: SLF001 - to look at the children, which are nobody else's business


def worked(renderer: Renderer) -> float:
    """Give the seconds of CPU that the children took, those that have ended too.

    Not those of a clock on the wall, which the other work of a machine would lengthen.
    """
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 0
    for press in presses(renderer):
        if press.pid is not None and is_running(press.pid):
            told = Path(f"/proc/{press.pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(told[11]) + int(told[12])
    return ended.ru_utime + ended.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> int:
    """Give the most memory that a process has had, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def environ_of(pid: int | None) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False

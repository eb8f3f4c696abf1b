"""The four scenarios of the documents, as golden files: map and events in, rows out."""

import json
from pathlib import Path

import pytest

from hub.templates.renderer import Renderer
from hub.templates.template_map import read
from tests.hub.templates.examples import an_event

GOLDEN = Path(__file__).parent / "golden"
SCENARIOS = sorted(path.stem for path in GOLDEN.glob("*.json"))


def test_all_four_scenarios_are_there() -> None:
    assert len(SCENARIOS) == 4


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_scenario_makes_its_rows(renderer: Renderer, scenario: str) -> None:
    told = json.loads((GOLDEN / f"{scenario}.json").read_text())
    templates = read(told["LbApiPayloadTemplate"])
    made: dict[str, list[str]] = {}

    for written in told["events"]:
        event = an_event(written["PublisherEventData"], category=written["PublisherEventCategory"])
        if entry := templates.entry_for(written["PublisherEventCategory"]):
            (row,) = await renderer.render(entry.template, [event])
            made.setdefault(entry.import_process_id, []).append(str(row))

    expected = {
        process: (GOLDEN / f"{scenario}.{process}.jsonl").read_text().splitlines()
        for process in told["importProcessIds"]
    }
    assert made == expected

"""What README shows of the demo is what the demo prints."""

import re

import pytest

from coordinator.demo.run import DemoOptions, play
from coordinator.demo.story import story
from coordinator.demo.tally import tally

SHOWN = re.compile(r"^```\n(adl demo, seed .*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.anvil
@pytest.mark.long
async def test_the_readme_shows_what_the_demo_prints(pages):
    (shown,) = SHOWN.findall(pages["README.md"])
    async with play(DemoOptions(), tell=lambda _: None) as played:
        printed = iter(story(tally(played)).splitlines())
    # In order: each search goes on where the last one ended.
    missing = [line for line in shown.splitlines() if line != "..." and line not in printed]
    assert missing == []

"""Rasa's understanding alone, in a process of its own: the counterpart of probe.py, run by Rasa's Python.

`.venv-rasa/bin/python benchmarks/rasa_probe.py MODEL < texts.json` reads a JSON list of messages and prints one JSON object. It imports
nothing of Refdesk, which that environment does not have.
"""

import asyncio
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

from rasa.core.agent import Agent

_WARM = 200


def resident_mb() -> float:
    """Resident memory of this process, MB of 1,000,000 bytes."""
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{os.getpid()}/status").read_text(encoding="ascii"), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024 / 1e6


async def times(agent: Any, texts: list[str]) -> list[float]:
    """Milliseconds of the processor, all threads together, for each message."""
    took = []
    for text in texts:
        start = time.process_time()
        await agent.parse_message(text)
        took.append((time.process_time() - start) * 1000)
    return took


async def main(model: str) -> None:
    """Load, then parse every message once."""
    texts = json.load(sys.stdin)
    start = time.process_time()
    agent = Agent.load(model)
    loaded = time.process_time() - start
    await times(agent, texts[:_WARM])
    begun = time.perf_counter()
    took = await times(agent, texts[_WARM:])
    elapsed = time.perf_counter() - begun
    sys.stdout.write(json.dumps({"load_s": loaded, "took": took, "elapsed_s": elapsed, "after_mb": resident_mb()}) + "\n")


asyncio.run(main(sys.argv[1]))

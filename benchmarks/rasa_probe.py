"""Rasa's understanding alone, in a process of its own: the counterpart of probe.py, run by Rasa's Python.

`.venv-rasa/bin/python benchmarks/rasa_probe.py MODEL SECONDS < texts.json` reads a JSON list of messages and prints one JSON object. It
imports nothing of Refdesk, which that environment does not have.
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


async def speed(agent: Any, texts: list[str], seconds: float) -> float:
    """Messages a second by the clock on the wall, numbered, asked for so long."""
    asked, begun, elapsed = 0, time.perf_counter(), 0.0
    while elapsed < seconds:
        await agent.parse_message(f"{texts[asked % len(texts)]} {asked}")
        asked += 1
        elapsed = time.perf_counter() - begun
    return asked / elapsed


async def main(model: str, seconds: float) -> None:
    """Load, parse every message once, then for so many seconds."""
    texts = json.load(sys.stdin)
    start = time.process_time()
    agent = Agent.load(model)
    loaded = time.process_time() - start
    await times(agent, texts[:_WARM])
    took = await times(agent, texts[_WARM:])
    told = {"load_s": loaded, "took": took, "per_second": await speed(agent, texts, seconds), "after_mb": resident_mb()}
    sys.stdout.write(json.dumps(told) + "\n")


asyncio.run(main(sys.argv[1], float(sys.argv[2])))

"""A real Chromium for tests: people with cookies of their own, pictures for the eye, and axe-core for what eyes miss."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WHERE_TO_GET = "no Chromium: on Debian run `apt-get install chromium`"
AXE = ROOT / ".cache" / "axe.min.js"
WHERE_TO_GET_AXE = "no axe-core: `make axe` gets it; it needs npm (Debian: apt-get install npm)"
PICTURES = ROOT / "test-artefacts"
PHONE = {"width": 390, "height": 844}
TABLET = {"width": 1024, "height": 768}
DESK = {"width": 1440, "height": 900}
_PATIENCE = 30_000  # milliseconds: a busy machine takes its time
expect.set_options(timeout=_PATIENCE / 2)
_QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def missing(what: str) -> None:
    """What a test needs is not there: a failure in CI, elsewhere the test is left out."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium without a screen."""
    if CHROMIUM is None:
        missing(WHERE_TO_GET)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=_QUIET)
        yield running
        running.close()


@contextmanager
def visit(browser: Browser, address: str, *, forgive: tuple[str, ...] = (), **options: Any) -> Iterator[Page]:
    """A person of their own: new cookies; errors in the console fail the test, but for those that are forgiven."""
    context: BrowserContext = browser.new_context(base_url=address, locale="zh-CN", **options)
    page = context.new_page()
    page.set_default_timeout(_PATIENCE)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(f"{message.text} ({page.url})") if message.type == "error" else None)
    try:
        yield page
    except Exception as error:
        if not page.is_closed():
            error.add_note(f"{page.url} showed:\n{page.locator('body').aria_snapshot()}")
        raise
    context.close()
    left = [fault for fault in faults if not any(each in fault for each in forgive)]
    assert not left, left


def picture(page: Page, name: str, *, whole: bool = True) -> None:
    """Keep a screenshot for the eye."""
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=whole)


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with a page, each with its rule and the elements."""
    if not AXE.exists():
        missing(WHERE_TO_GET_AXE)
    # Through the debugger, which a page's Content-Security-Policy does not bind.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{each['id']}: {each['help']} {[node['target'] for node in each['nodes']]}" for each in found["violations"]]

"""What the tests of maps and reports ask of a page in the browser."""

from __future__ import annotations

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

LOCAL = ("file:", "data:")


def visit(page: Page, path: Path) -> list[str]:
    """Open a file; the list fills with remote requests, console messages and exceptions."""
    faults: list[str] = []
    page.on("request", lambda request: request.url.startswith(LOCAL) or faults.append(request.url))
    page.on("console", lambda message: faults.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(path.as_uri())
    return faults


def broken_rules(page: Page) -> list[str]:
    """Accessibility rules that the page breaks."""
    return [violation["id"] for violation in Axe().run(page).response["violations"]]

"""What several test files need: the published data, a browser, and one set of Hypothesis rules."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

# The same examples on every machine, and no deadline: a busy machine is no fault of the code.
settings.register_profile("project", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


@pytest.fixture(scope="session")
def root() -> Path:
    """Folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the published data, kept beside the project and never inside it."""
    shared = Path(os.environ.get("EQUITY_SCREEN_SHARED") or ROOT.parent / "shared")
    if not (shared / "data").is_dir():
        pytest.skip(
            f"no published data: {shared.name}/data is neither beside the project nor named by EQUITY_SCREEN_SHARED"
        )
    return shared / "data"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium of this machine."""
    program = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if program is None:
        pytest.skip("no browser: install chromium to run the browser tests")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Blank page without a network."""
    context = browser.new_context(offline=True)
    yield context.new_page()
    context.close()

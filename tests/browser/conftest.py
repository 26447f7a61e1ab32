"""A real Chromium before the real site: one browser, one server with the demo content, for all
tests here.

Where there is no Chromium they are skipped, unless FOI_REQUIRE holds the word `chromium`: then
they fail.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.serving import listening_site

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def _executable() -> str | None:
    """Give the browser that CHROMIUM names, or the first one that is on the path."""
    found = (shutil.which(name) for name in (os.environ.get("CHROMIUM", ""), *NAMES) if name)
    return next((path for path in found if path), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one browser of this test process."""
    executable = _executable()
    if executable is None:
        said = "Chromium is not installed (or name it in CHROMIUM): no page was looked at"
        if "chromium" in os.environ.get("FOI_REQUIRE", "").split():
            pytest.fail(said)
        pytest.skip(said)
    # Its sandbox refuses root, which tests in a container often run as.
    arguments = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def address(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, demo_folder: Path, migrated: bytes
) -> Iterator[str]:
    """Where the site with the demo content listens."""
    folder = shutil.copytree(demo_folder, tmp_path_factory.mktemp("browser") / "site")
    with listening_site(folder, migrated) as made:
        yield made.site.settings.site_url


@pytest.fixture
def context(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """A fresh profile; paths are the site's."""
    made = browser.new_context(base_url=address)
    yield made
    made.close()

"""Every kind of page as people meet it: accessible, still, narrow enough for a telephone, without
scripts, by keyboard, on paper.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT as AXE
from playwright.sync_api import Browser, BrowserContext, Page
from pypdf import PdfReader

from foi.pages import help as helping

REQUEST = "/request/nether_callan_library_the_option"
PAGES = {
    "front": "/",
    "requests": "/list",
    "a view that is empty": "/body/university_of_northmere/overdue",
    "authorities": "/body/list",
    "authority": "/body/harrowmere_county_council",
    "authorities of a letter without any": "/body/list/q",
    "request that succeeded": REQUEST,
    "request that waits": "/request/heating_of_the_ferry_waiting_roo",
    "request that is long overdue": "/request/reliability_of_bus_route_41_betw",
    "request that was refused": "/request/use_of_live_facial_recognition_a",
    "request with parts withheld": "/request/correspondence_about_the_definit",
    "request outside the lists": "/request/gritting_routes_winter_202526_se",
    "details": f"{REQUEST}/details",
    "similar requests": f"{REQUEST}/similar",
    "person": "/user/margaret_oyelaran",
    "search": "/search/council/all",
    "search that finds nothing": "/search/zyxwvut/all",
    "search without words": "/search",
    "advanced search": "/advancedsearch",
    "events": "/events",
    "not found": "/request/there_is_no_such_request",
    **{f"help: {name}": f"/help/{name}" for name in helping.TITLES},
}

SHAPE = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]
"""The rules of axe-core that a colour scheme or a width can break."""

_SHIFTS = """() => new Promise(resolve => {
  let sum = 0;
  new PerformanceObserver(list => list.getEntries().forEach(entry => sum += entry.value))
    .observe({type: "layout-shift", buffered: true});
  setTimeout(() => resolve(sum), 50);
})"""
_FOCUS = """() => {
  const element = document.activeElement, style = getComputedStyle(element);
  const place = element.getBoundingClientRect();
  return {
    words: (element.getAttribute("aria-label") || element.name || element.innerText).trim(),
    id: element.id, tag: element.tagName, href: element.getAttribute("href"),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    shown: place.width > 0 && place.height > 0 && place.top >= 0,
  };
}"""


class Watched:
    """A page, what its browser complained of, and what it asked for."""

    def __init__(self, page: Page, own: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        page.on("console", lambda message: self._hear(message.type, message.text))
        page.on("pageerror", lambda error: self._hear("error", str(error)))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(own) else self.elsewhere.append(asked.url),
        )

    def _hear(self, kind: str, text: str) -> None:
        # That a page which is not there answers 404 is what was asked for.
        if kind in ("error", "warning") and "status of 404" not in text:
            self.complaints.append(text)


@pytest.fixture(scope="module")
def watched(browser: Browser, address: str) -> Iterator[Watched]:
    """One tab for all kinds of pages, under the site's own Content-Security-Policy."""
    context = browser.new_context(base_url=address)
    yield Watched(context.new_page(), address)
    context.close()


def _violations(page: Page, options: dict[str, Any]) -> list[str]:
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [
        f"{one['id']}: {node['target']} {node['html'][:200]}"
        for one in found
        for node in one["nodes"]
    ]


def _visit(watched: Watched, path: str) -> None:
    """See a page light and wide, then dark and narrow; nothing may be wrong with either."""
    page = watched.page
    watched.complaints.clear()
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(path)
    assert round(page.evaluate(_SHIFTS), 3) == 0
    page.evaluate(AXE)
    assert _violations(page, {"resultTypes": ["violations"]}) == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert _violations(page, {"resultTypes": ["violations"], "runOnly": SHAPE}) == []
    assert watched.complaints == []
    assert watched.elsewhere == []


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES.keys())
def test_a_page_is_accessible_still_and_narrow_enough(watched: Watched, path: str) -> None:
    _visit(watched, path)


def test_an_attachment_that_is_read_as_a_page(watched: Watched) -> None:
    watched.page.goto(REQUEST)
    path = watched.page.locator("a.view").first.get_attribute("href")
    assert path is not None
    _visit(watched, path)


@pytest.mark.parametrize("width", [320, 1280])
def test_the_words_of_pictures_are_large_enough(context: BrowserContext, width: int) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 800})
    for path in (
        "/request/reliability_of_bus_route_41_betw",
        "/request/heating_of_the_ferry_waiting_roo",
        "/body/harrowmere_county_council",
    ):
        page.goto(path)
        words = page.locator("main svg text").evaluate_all(
            """texts => texts.map(text => {
              const place = text.getBoundingClientRect();
              const size = parseFloat(getComputedStyle(text).fontSize);
              return [text.textContent, size, place.left, place.right];
            })"""
        )
        assert len(words) >= 3
        for said, size, left, right in words:
            assert size >= 11, said
            assert left >= 0, said
            assert right <= width, said


def test_everything_works_without_javascript(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("searchbox").fill("saltimbocca")
    page.get_by_role("searchbox").press("Enter")
    page.locator(".line-title a").first.click()
    assert "Gritting routes" in page.get_by_role("heading", level=1).inner_text()
    assert page.get_by_role("img", name="Timeline from").is_visible()
    steps = page.locator(".timeline li time").last
    assert not steps.is_visible()
    page.get_by_text("The same in words").click()
    assert steps.is_visible()
    context.close()


def test_the_keyboard_alone_reaches_everything(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(REQUEST)
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        focus = page.evaluate(_FOCUS)
        assert focus["outlined"], focus
        assert focus["shown"], focus
        seen.append(focus["words"])
    assert seen[0] == "Skip to the content"
    assert seen.index("query") < seen.index("Requests") < seen.index("Authorities")


def test_the_skip_link_leads_past_the_head_of_the_page(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(REQUEST)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate(_FOCUS)["id"] == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_what_is_folded_opens_by_the_keyboard(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(REQUEST)
    for summary in page.locator("main summary").all():
        folded = summary.locator("xpath=..")
        assert folded.get_attribute("open") is None
        summary.focus()
        page.keyboard.press("Enter")
        assert folded.get_attribute("open") is not None
    assert page.locator("main details[open]").count() >= 2


def test_a_link_to_a_message_leads_to_it(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(REQUEST)
    link = page.locator("article .when a").last
    link.click()
    target = page.locator(":target")
    assert target.count() == 1
    assert target.evaluate("element => element.getBoundingClientRect().top") < 720


def test_on_paper_there_is_the_correspondence_and_not_the_menu(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(REQUEST)
    letter = page.locator(".letter p").nth(1).inner_text()
    read = PdfReader(BytesIO(page.pdf(format="A4")))
    text = " ".join(" ".join(sheet.extract_text() for sheet in read.pages).split())
    assert " ".join(letter.split())[:60] in text
    assert re.search(r"due \d+ \w+ \d{4}", text)
    assert "Authorities" not in text
    assert "Follow in your feed reader" not in text


def test_the_dark_scheme_is_dark(context: BrowserContext) -> None:
    page = context.new_page()
    grounds = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto("/")
        grounds[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light, dark = (
        sum(int(part) for part in re.findall(r"\d+", grounds[scheme])[:3])
        for scheme in ("light", "dark")
    )
    assert light > 3 * 200
    assert dark < 3 * 60


def test_reading_a_page_asks_for_few_things(context: BrowserContext) -> None:
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(REQUEST)
    assert len(asked) <= 5, asked

"""The page of ``luisy graph --format html`` in a real browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

from luisy.model import Outcome
from luisy.visualize.colours import colours_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.system

CHROMIUM = "/usr/bin/chromium"  # Debian's
NASTY = "<img src=x onerror=document.title='broken'>\"'&日本</script>"

TASKS = f"""
import luisy


class Words(luisy.ExternalTask):
    name = luisy.Parameter(default="x")


@luisy.requires(Words)
class Upper(luisy.Task):
    def run(self):
        self.write(self.input().read().upper())


class Lost(luisy.ExternalTask):
    pass


class Report(luisy.Task):
    title = luisy.Parameter(default={NASTY!r})

    def requires(self):
        return [Upper(), Words(), Lost()]


class Deep(luisy.Task):
    level = luisy.IntParameter(default=60)

    def requires(self):
        return [Deep(level=self.level - 1)] if self.level else [Words(name=str(n)) for n in range(40)]
"""


class Pages:
    """Draws pages of one pipeline and opens them; notes what each asks of the network and complains about."""

    def __init__(self, folder: Path, browser: Browser) -> None:
        self.folder = folder
        self.browser = browser
        self.requests: list[str] = []
        self.complaints: list[str] = []
        (folder / "pipe.py").write_text(TASKS, encoding="utf-8")
        self.luisy("-c", "import pipe; pipe.Words().write('words')", module=())

    def luisy(self, *words: str, module: tuple[str, ...] = ("-m", "luisy")) -> None:
        environment = {**os.environ, "WORKING_DIR": str(self.folder / "data"), "LUISY_MODULE": "pipe"}
        subprocess.run([sys.executable, *module, *words], cwd=self.folder, env=environment, check=True)

    def open(self, *task: str, **options: Any) -> Page:
        """The page of *task*; *options* are those of a new page."""
        self.luisy("graph", *task, "--format", "html", "-o", "graph.html")
        page = self.browser.new_page(viewport={"width": 1200, "height": 800}, **options)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.goto((self.folder / "graph.html").as_uri())
        return page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def pages(tmp_path: Path, browser: Browser) -> Pages:
    """A pipeline of which one task has run and one file is missing."""
    pages = Pages(tmp_path, browser)
    pages.luisy("run", "Upper")
    return pages


def box(page: Page, family: str) -> Any:
    return page.locator("g.box", has=page.locator(f"text.family:text-is('{family}')"))


def test_it_asks_nothing_and_complains_of_nothing(pages: Pages) -> None:
    """The page is one file: no request but for itself, no error, whatever stands in a parameter."""
    page = pages.open("Report")
    box(page, "Report").click()
    assert pages.requests == [(pages.folder / "graph.html").as_uri()]
    assert pages.complaints == []
    assert page.title().startswith("Report(title=")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_boxes_have_the_colours_of_their_outcomes(pages: Pages, scheme: Any) -> None:
    """What is there, what is missing and what waits look different, and say it in words, by day and by night."""
    page = pages.open("Report", color_scheme=scheme)
    for family, outcome in (("Upper", Outcome.LOCAL), ("Lost", Outcome.MISSING), ("Report", Outcome.BLOCKED)):
        drawn = box(page, family)
        red, green, blue = (int(colours_of(outcome).fill[n : n + 2], 16) for n in (1, 3, 5))
        fill = drawn.locator("rect").evaluate("rect => getComputedStyle(rect).fill")
        assert fill == f"rgb({red}, {green}, {blue})"
        assert drawn.locator("text.outcome").inner_html() == outcome.value


def test_a_click_tells_everything(pages: Pages) -> None:
    """Parameters, outcome and reason stand beside the picture as they are, and what the task is made of is shown."""
    page = pages.open("Report")
    box(page, "Report").click()
    told = page.locator("#told").inner_text()
    assert "waits for a task that failed or is missing" in told
    assert NASTY in told
    box(page, "Upper").click()
    assert "far" in str(box(page, "Lost").get_attribute("class"))
    assert "far" not in str(box(page, "Words").get_attribute("class"))


def test_the_keyboard_suffices(pages: Pages) -> None:
    """A box can be reached and chosen without a mouse."""
    page = pages.open("Report")
    box(page, "Lost").focus()
    page.keyboard.press("Enter")
    assert "missing-file" not in page.locator("#told").inner_text()
    assert "not there: " in page.locator("#told").inner_text()


def test_outcomes_and_names_can_be_picked(pages: Pages) -> None:
    """A button of the legend, or a search, leaves the others pale; a second click takes it back."""
    page = pages.open("Report")
    pale = page.locator("g.box.far")
    button = page.locator(".legend button", has_text="missing")
    button.click()
    assert pale.count() == 3
    button.click()
    assert pale.count() == 0
    page.fill("#search", "upper")
    assert pale.count() == 3


def test_nothing_covers_anything(pages: Pages) -> None:
    """Boxes do not overlap, and their texts stay inside them."""
    page = pages.open("Deep")
    measured = page.evaluate(
        """() => [...document.querySelectorAll("g.box")].map(box => {
            const edge = box.querySelector("rect").getBBox();
            const texts = [...box.querySelectorAll("text")].map(text => text.getBBox());
            return {x: edge.x, y: edge.y, right: edge.x + edge.width, bottom: edge.y + edge.height,
                    inside: texts.every(t => t.x >= edge.x && t.x + t.width <= edge.x + edge.width &&
                                             t.y >= edge.y && t.y + t.height <= edge.y + edge.height)};
        })"""
    )
    assert len(measured) == 101
    assert all(one["inside"] for one in measured)
    for number, one in enumerate(measured):
        for other in measured[:number]:
            apart = one["right"] <= other["x"] or other["right"] <= one["x"]
            assert apart or one["bottom"] <= other["y"] or other["bottom"] <= one["y"]


def test_a_wide_picture_can_be_fitted(pages: Pages) -> None:
    """``fit`` makes the picture as wide as the window; ``+`` makes it larger again."""
    page = pages.open("Deep")
    page.click("#fit")
    fitted, room = page.evaluate(
        '() => [document.querySelector("svg").clientWidth, document.getElementById("view").clientWidth]'
    )
    assert fitted <= room
    page.click("#larger")
    assert page.evaluate('() => document.querySelector("svg").clientWidth') > fitted


def test_the_table_says_the_same(pages: Pages) -> None:
    """Who cannot see the picture finds each task with outcome and reason in a table."""
    page = pages.open("Report")
    page.click("summary")
    rows = page.locator("tbody tr").all_inner_texts()
    data = json.loads(page.locator("#tasks").text_content() or "")
    assert len(rows) == len(data["tasks"]) == 4
    for row, task in zip(rows, data["tasks"], strict=True):
        assert row.startswith(task["family"])
        assert task["reason"]["text"] in row

"""The viewer where there is little room, no WebGL or no script."""

from __future__ import annotations

import re

import pytest
from report.browser import browser, wait

pytestmark = pytest.mark.slow


def test_a_phone_shows_everything_without_scrolling_sideways(viewer_page, tmp_path):
    with browser(tmp_path, size=(500, 900)) as window:
        window.get(viewer_page.as_uri())
        width = window.execute_script("return [innerWidth, document.scrollingElement.scrollWidth]")
        assert width[1] <= width[0]
        right = window.execute_script(
            "return Math.max(...[...document.querySelectorAll('button, canvas, li, input, p')]"
            ".map((e) => e.getBoundingClientRect().right))"
        )
        assert right <= width[0]


def test_without_webgl_it_says_so_shows_the_pictures_and_can_be_signed(viewer_page, tmp_path):
    with browser(tmp_path, webgl=False) as window:
        window.get(viewer_page.as_uri())
        wait(lambda: window.find_element("id", "trouble").is_displayed(), "the explanation")
        assert "no WebGL 2" in window.find_element("id", "trouble").text
        assert not window.find_element("id", "scene").is_displayed()
        shown = window.find_element("css selector", "#pictures img")
        assert shown.is_displayed()
        assert window.execute_script("return arguments[0].naturalWidth", shown) == 600
        window.find_element("css selector", "[data-vertebra=L3] input[value=accept]").click()
        assert window.find_element("id", "count").text.startswith("1 accepted")


def test_without_scripts_it_says_so(viewer_page, tmp_path):
    with browser(tmp_path, scripts=False) as window:
        window.get(viewer_page.as_uri())
        assert re.search(r"runs no scripts", window.find_element("tag name", "body").text)

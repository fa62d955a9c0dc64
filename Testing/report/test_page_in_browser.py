"""The report on a screen, on a phone and on paper, in a real browser."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
from report.browser import browser
from report.test_page import report
from spine_ctmr.quality.flags import flag_vertebra
from spine_ctmr.report.page import write_report
from spine_ctmr.report.pictures import PlanePictures, as_jpeg

pytestmark = pytest.mark.slow


def write(path, count, height, width):
    """A report of `count` vertebrae whose sagittal pictures have that size in pixels."""
    tall, flat = np.full((height, width, 3), 90, np.uint8), np.full((430, 430, 3), 90, np.uint8)
    planes = {"Sagittal": tall, "Coronal": tall, "Axial": flat}
    names = [f"{'CTL'[i // 7]}{i % 7 + 1}" for i in range(count)]
    write_report(
        path,
        report(
            rows=[flag_vertebra(name, i + 1, visible_share=0.4) for i, name in enumerate(names)],
            planes={name: PlanePictures(*[picture] * 4) for name, picture in planes.items()},
            strip=dict.fromkeys(names, as_jpeg(np.full((482, 300, 3), 60, np.uint8))),
            volume_change=planes,
            overall={"SD": 0.1},
            notes=["One sentence.", "Another one."],
        ),
    )
    return path


@pytest.mark.parametrize(("count", "height", "width"), [(3, 560, 450), (5, 560, 450), (17, 900, 220)])
def test_prints_on_two_pages_and_shows_every_picture_on_a_phone(tmp_path, count, height, width):
    page = write(tmp_path / "report.html", count, height, width)
    with browser(tmp_path, size=(500, 900)) as window:
        window.get(page.as_uri())
        inner, wide = window.execute_script("return [innerWidth, document.scrollingElement.scrollWidth]")
        assert wide <= inner
        right = window.execute_script(
            "return Math.max(...[...document.querySelectorAll('img, td, p')].map((e) => "
            "e.getBoundingClientRect().right))"
        )
        assert right <= inner
        shares = window.execute_script(
            "return [...document.querySelectorAll('.panels img')].map((e) => e.width / e.naturalWidth)"
        )
        assert np.ptp(shares[:12]) < 0.01  # one scale
        pdf = window.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
    assert len(re.findall(rb"/Type\s*/Page\b", base64.b64decode(pdf))) == 2

"""The report as a browser's parser reads it."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from spine_ctmr.quality.flags import flag_vertebra
from spine_ctmr.report.histogram import bin_shares, bone_histogram
from spine_ctmr.report.page import write_report


class Page(HTMLParser):
    """Collects tags, attributes and visible text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def picture():
    buffer = io.BytesIO()
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    rows = [
        flag_vertebra("L3", 22, visible_share=0.9),
        flag_vertebra("L4", 23, visible_share=0.5),
        flag_vertebra("<i>L5</i>", 24, visible_share=0.1),
    ]
    write_report(
        path,
        {"Before & after <b>": picture(), "Volume": picture()},
        rows,
        {"Folds": 0, "SD": 0.123456, "None": float("nan")},
        ['Read /data/Doe^Jane/ct.nii "quickly" <script>alert(1)</script>'],
        {"Library": "0.1.0"},
        strip={"L3": picture(), "L4": picture()},
        determinants=np.array([1.0, 1.0, 1.0, 1.02]),
        failure="It failed & was kept.",
    )
    text = path.read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    return text, page


def test_says_what_it_must(written):
    text = " ".join(written[1].text.split())
    assert "The network is trained on synthetic patients." in text
    assert "For research use; not a medical device." in text
    assert "1 of 3 vertebrae good; check L4; do not use <i>L5</i>." in text


def test_flags_can_be_read_without_colour(written):
    for mark in ("✓good", "?check", "✕do not use"):
        assert mark in written[1].text


def test_is_self_contained_and_runs_nothing(written):
    text, page = written
    assert not {"script", "link", "iframe", "object", "b", "i"} & {tag for tag, _ in page.tags}
    assert not re.search(r"https?:|url\(|@import", text)
    sources = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert [base64.b64decode(source.split(",")[1]) for source in sources] == [picture()] * 4
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_texts_are_escaped_and_nameless(written):
    text, page = written
    assert "Doe" not in text
    assert "<script>alert(1)</script>" in page.text
    captions = [a["alt"] for t, a in page.tags if t == "img"]
    assert (captions[0], captions[-1]) == ("Before & after <b>", "Volume")


def test_numbers_are_rounded_and_gaps_are_marked(written):
    assert "0.123" in written[1].text
    assert "0.123456" not in written[1].text
    assert "not measured" in written[1].text
    assert "nan" not in written[1].text.lower()


def test_every_part_is_there(written):
    text, page = written
    for heading in ("det J in bone", "Overall", "What was done", "Versions"):
        assert heading in page.text
    assert "It failed & was kept." in page.text
    assert "verdict refuse" in text
    assert "L4 ? check" in page.text
    assert "mean 1.005, SD 0.009 over 4 bone voxels" in page.text
    bars = [a for t, a in page.tags if t == "rect"]
    assert len(bars) == 2
    assert float(bars[0]["height"]) == pytest.approx(3 * float(bars[1]["height"]), abs=0.2)


def test_histogram_counts_like_numpy():
    values = np.random.default_rng(1).normal(1, 0.03, 5000)
    edges = np.linspace(0.895, 1.105, 22)
    wanted = np.histogram(np.clip(values, 0.9, 1.1), edges)[0] / values.size
    np.testing.assert_allclose(bin_shares(values), wanted)
    assert bone_histogram(np.array([np.nan])) == ""


def test_a_report_without_anything_is_still_a_page(tmp_path):
    write_report(tmp_path / "r.html", {}, [], {}, [], {})
    assert "No vertebra was assessed." in (tmp_path / "r.html").read_text(encoding="utf-8")

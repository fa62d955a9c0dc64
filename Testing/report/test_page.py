"""The report as a browser's parser reads it."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from spine_ctmr.quality.flags import flag_vertebra
from spine_ctmr.report.histogram import bin_shares
from spine_ctmr.report.page import Report, write_report
from spine_ctmr.report.pictures import PlanePictures, as_jpeg


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


def jpeg():
    return as_jpeg(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))


def report(**values):
    empty = {
        "case": "",
        "made_on": "2026-11-29",
        "rows": [],
        "failure": None,
        "planes": {},
        "strip": {},
        "volume_change": {},
        "overall": {},
    }
    return Report(
        **{
            **empty,
            "determinants": np.empty(0),
            "notes": [],
            "versions": {},
            "viewer": "viewer.html",
            **values,
        }
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    rows = [
        flag_vertebra("L3", 22, visible_share=0.9, moved_mm=1.26),
        flag_vertebra("L4", 23, visible_share=0.5, stretch_mm=0.31),
        flag_vertebra("<i>L5</i>", 24, visible_share=0.1),
    ]
    square = np.full((4, 4, 3), 9, np.uint8)
    write_report(
        path,
        report(
            rows=rows,
            case="Case <7> of /data/Doe^Jane",
            failure="It failed & was kept.",
            planes={"Before & after <b>": PlanePictures(square, square, square, square)},
            strip={"L3": jpeg(), "L4": jpeg()},
            volume_change={"Axial": square},
            determinants=np.array([1.0, 1.0, 1.0, 1.02, np.nan]),
            overall={"Folds": 0, "SD": 0.123456, "None": float("nan")},
            notes=['Read /data/Doe^Jane/ct.nii "quickly" <script>alert(1)</script>'],
            versions={"Library": "0.1.0"},
        ),
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


def test_says_which_case_and_when(written):
    text = " ".join(written[1].text.split())
    assert text.startswith("Case <7> of [file]: Spine CT-MR registration report")
    assert "Spine CT-MR registration: Case <7> of [file] 2026-11-29" in text


def test_flags_can_be_read_without_colour(written):
    for mark in ("✓good", "?check", "✕do not use"):
        assert mark in written[1].text


def test_is_self_contained_and_runs_nothing(written):
    text, page = written
    assert not {"script", "link", "iframe", "object", "b"} & {tag for tag, _ in page.tags}
    assert not re.search(r"https?:|url\(|@import", text)
    sources = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert len(sources) == 4 + 2 + 1 + 1
    assert [base64.b64decode(source.split(",")[1]) for source in sources[4:6]] == [jpeg()] * 2
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_texts_are_escaped_and_nameless(written):
    text, page = written
    assert "Doe" not in text
    assert "<script>alert(1)</script>" in page.text
    captions = [a["alt"] for t, a in page.tags if t == "img"]
    assert captions[0] == "Before & after <b>: MR"


def test_numbers_are_rounded_and_gaps_are_marked(written):
    assert "0.123" in written[1].text
    assert "0.123456" not in written[1].text
    assert "not measured" in written[1].text
    assert "nan" not in written[1].text.lower()


def test_every_part_is_there(written):
    text, page = written
    for heading in ("Volume change", "Overall", "What was done", "Versions", "Figures for experts"):
        assert heading in page.text
    assert "It failed & was kept." in page.text
    assert "verdict refuse" in text
    assert "L4 ? check" in page.text
    assert "mean 1.005, SD 0.009 over 4 bone voxels" in page.text


def test_the_order_is_verdict_pictures_table_and_the_figures_of_experts_are_folded(written):
    text, page = written
    marks = ('class="verdict', "<img", 'class="rows"', "What was done", "<details>", "SDlogJ")
    places = [text.find(mark) for mark in marks[:-1]]
    assert places == sorted(places)
    assert min(places) > 0
    folded = text[text.index("<details>") : text.index("</details>")]
    for word in ("Stretch", "0.3", "Versions", "Folds", "Histogram of det J"):
        assert word in folded
    assert [a for t, a in page.tags if t == "details"] == [{}]


def test_the_table_has_at_most_six_columns(written):
    text, _ = written
    head = text[text.index('class="rows"') :]
    assert head[: head.index("</thead>")].count("<th ") == 6
    assert "1.3\N{NO-BREAK SPACE}mm" in written[1].text
    assert "90\N{NO-BREAK SPACE}%" in written[1].text


def test_the_histogram_has_a_bar_for_every_bin(written):
    heights = [a["style"] for t, a in written[1].tags if t == "i"]
    assert len(heights) == 21
    assert [i for i, style in enumerate(heights) if style != "height:0.0%"] == [10, 12]
    assert (heights[10], heights[12]) == ("height:100.0%", "height:33.3%")


def test_histogram_counts_like_numpy():
    values = np.random.default_rng(1).normal(1, 0.03, 5000)
    edges = np.linspace(0.895, 1.105, 22)
    wanted = np.histogram(np.clip(values, 0.9, 1.1), edges)[0] / values.size
    np.testing.assert_allclose(bin_shares(values), wanted)


def test_a_report_without_anything_is_still_a_page(tmp_path):
    write_report(tmp_path / "r.html", report(viewer=""))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "No vertebra was assessed." in text
    assert "<img" not in text.replace('<img class="bar"', "")
    assert "viewer" not in text

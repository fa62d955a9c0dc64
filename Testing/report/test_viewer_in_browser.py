"""The viewer as its user meets it: opened from a file in a real browser, by clicks and keys."""

from __future__ import annotations

import base64
import io
import re
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from report.browser import browser, wait
from report.known_spine import AXES, CENTERS, CT_END_MM, EXTREME, MOTION, START
from spine_ctmr.report.jacobian_colors import FOLD_RGB
from spine_ctmr.results.sign_off import fingerprint, read_sign_off, require_match

pytestmark = pytest.mark.slow

EXTREME_NAMES = [name for name, _ in EXTREME.values()]


@pytest.fixture(scope="module")
def opened(viewer_page, tmp_path_factory):
    with showing(viewer_page, tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture(scope="module")
def extreme(extreme_page, tmp_path_factory):
    with showing(extreme_page, tmp_path_factory.mktemp("extreme_browser")) as page:
        yield page


@pytest.fixture(scope="module")
def short(short_page, tmp_path_factory):
    with showing(short_page, tmp_path_factory.mktemp("short_browser")) as page:
        yield page


@contextmanager
def showing(page, folder):
    with browser(folder) as window:
        window.get(page.as_uri())
        ready(window)
        yield SimpleNamespace(window=window, downloads=folder, canvas=window.find_element("id", "canvas"))


def ready(window) -> None:
    wait(lambda: window.execute_script("return document.body.dataset.ready"), "the images")


def press(opened, key: str) -> None:
    opened.window.find_element("tag name", "body").send_keys(key)


def click(opened, selector: str) -> None:
    opened.window.find_element("css selector", selector).click()


def text(opened, name: str) -> str:
    return opened.window.find_element("id", name).text


def cross_lps(opened) -> np.ndarray:
    """Where the cross is, LPS mm, as NiiVue says."""
    place = "return [...scene.viewer.frac2mm(scene.viewer.scene.crosshairPos, 0, true)]"
    return np.array(opened.window.execute_script(place)[:3]) * (-1, -1, 1)


def put_cross(opened, lps) -> None:
    go = "scene.jump([...scene.viewer.mm2frac(arguments[0], 0, true)])"
    opened.window.execute_script(go, [float(v) for v in np.multiply(lps, (-1, -1, 1))])


def picture(opened) -> np.ndarray:
    """Pixels (rows, columns, 3) of the planes, without the texts over them."""
    hide = "for (const p of document.querySelectorAll('.stage p')) p.style.visibility = arguments[0]"
    opened.window.execute_script(hide, "hidden")
    png = opened.canvas.screenshot_as_png
    opened.window.execute_script(hide, "visible")
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def sagittal(opened) -> SimpleNamespace:
    """The sagittal plane on the canvas, pixels: its edges, the cross (column, row), pixels per mm."""
    left, top, width, height, size_mm, *cross = opened.window.execute_script(
        "const tile = scene.viewer.screenSlices.find((one) => one.axCorSag === 2).leftTopWidthHeight;"
        "return [...tile, ABOUT.size[2] * ABOUT.step_mm, ...scene.viewer.scene.crosshairPos]"
    )
    return SimpleNamespace(
        right=left + width,
        middle=(round(left + width / 2), round(top + height / 2)),
        cross=(left + width * (1 - cross[1]), top + height * (1 - cross[2])),
        per_mm=height / size_mm,
    )


def from_the_middle(opened) -> list[int]:
    """Steps from the canvas's middle to that of the sagittal plane, as selenium wants them."""
    halves = opened.canvas.size["width"] // 2, opened.canvas.size["height"] // 2
    return [place - half for place, half in zip(sagittal(opened).middle, halves, strict=True)]


def test_opens_without_a_network_and_without_complaint(opened):
    asked = opened.window.execute_script("return performance.getEntriesByType('resource').map((r) => r.name)")
    assert [name for name in asked if not name.startswith(("data:", "blob:"))] == []
    log = [line["message"] for line in opened.window.get_log("browser")]
    assert [line for line in log if "GPU stall due to ReadPixels" not in line] == []


def test_begins_at_the_vertebra_in_doubt(opened):
    click(opened, "#reset")
    assert opened.window.find_element("css selector", "li.here").get_attribute("data-vertebra") == "L4"


@pytest.mark.parametrize(("name", "number"), [("L3", 22), ("L5", 24), ("L4", 23)])
def test_a_click_on_a_row_leads_to_the_vertebra(opened, name, number):
    click(opened, f"[data-vertebra={name}] .name button")
    np.testing.assert_allclose(cross_lps(opened), MOTION.apply(CENTERS[number]), atol=0.1)
    assert text(opened, "place").startswith(f"{name} · CT 700 HU")


def test_before_and_registered_differ_where_the_bone_was(opened):
    click(opened, "[data-vertebra=L4] .name button")
    click(opened, "[data-overlay=ct]")
    registered = picture(opened)
    press(opened, "b")
    assert text(opened, "state") == "CT at the rigid start"
    before = picture(opened)
    press(opened, "b")
    assert text(opened, "state") == "CT registered"
    assert np.abs(picture(opened) - registered).max() <= 2
    plane = sagittal(opened)
    rows = slice(round(plane.cross[1] - 13.7 * plane.per_mm), round(plane.cross[1] + 9 * plane.per_mm))
    mine = rows, slice(0, int(plane.right))  # of this ball only
    bright = [
        np.argwhere((p > 150).all(-1) & (np.ptp(p, axis=-1) < 5)) for p in (registered[mine], before[mine])
    ]
    shifted = (bright[0][:, 0].mean() - bright[1][:, 0].mean()) / plane.per_mm
    superior = -AXES[:, 1]
    assert shifted == pytest.approx(superior @ (4.0, 0.0, 6.0), abs=0.5)


def test_the_readout_is_of_the_ct_that_is_shown(opened):
    click(opened, "[data-vertebra=L4] .name button")
    put_cross(opened, MOTION.apply(CENTERS[23]) - (3.0, 0.0, 4.5))
    registered = text(opened, "place")
    assert registered == "L4 · CT 700 HU · volume × 1.00"
    press(opened, "b")
    assert text(opened, "place") == "between the vertebrae · CT 40 HU"
    put_cross(opened, START.apply(CENTERS[24]))
    assert text(opened, "place") == "L5 · CT 700 HU"
    put_cross(opened, MOTION.apply(CENTERS[23]) - (3.0, 0.0, 4.5))
    click(opened, "#registered")
    assert text(opened, "place") == registered


def test_clipped_values_and_folds_are_not_read_as_measurements(extreme):
    click(extreme, "[data-vertebra=T13] .name button")
    assert text(extreme, "place") == "T13 · CT ≥ 1025 HU · volume × ≥ 2.00"
    click(extreme, "[data-vertebra=L1] .name button")
    assert text(extreme, "place") == "L1 · CT ≥ 1025 HU · volume × ≤ 0.50"
    click(extreme, "[data-vertebra=L2] .name button")
    assert text(extreme, "place") == "L2 · CT ≥ 1025 HU · folded"
    put_cross(extreme, np.add(MOTION.apply(CENTERS[24]), (11.0, 0.0, 0.0)))
    assert text(extreme, "place") == "between the vertebrae · CT ≤ −245 HU · folded"


def test_beyond_the_border_of_the_ct_shown_nothing_is_measured(short):
    put_cross(short, MOTION.apply((-3.0, 0.0, CT_END_MM - 2)))
    assert text(short, "place") == "L3 · CT 700 HU · volume × 1.41"
    put_cross(short, MOTION.apply((-3.0, 0.0, CT_END_MM + 2)))
    assert text(short, "place") == "outside the CT"
    press(short, "b")
    assert text(short, "place") == "L3 · CT 700 HU"
    put_cross(short, START.apply((-3.0, 0.0, CT_END_MM + 2)))
    assert text(short, "place") == "outside the CT"
    press(short, "b")


def test_the_volume_change_ends_with_the_ct(short):
    press(short, "o")
    press(short, "4")
    put_cross(short, MOTION.apply((-3.0, 0.0, CT_END_MM)))
    plane, shown = sagittal(short), picture(short)
    press(short, "1")
    press(short, "o")
    rows = np.argwhere(shown[:, : int(plane.right), 0] - shown[:, : int(plane.right), 2] > 60)[:, 0]
    higher_mm = (plane.cross[1] - rows) / plane.per_mm
    assert len(rows) > 1000
    assert np.quantile(higher_mm, 0.9) < 3


def test_folds_are_as_yellow_as_in_the_report(extreme):
    press(extreme, "o")
    press(extreme, "4")
    extreme.window.execute_script("strength(1)")
    shades = []
    for name in EXTREME_NAMES:
        click(extreme, f"[data-vertebra={name}] .name button")
        column, row = (round(v + away) for v, away in zip(sagittal(extreme).cross, (12, -12), strict=True))
        shades.append(picture(extreme)[row, column])
    press(extreme, "1")
    press(extreme, "o")
    red, blue, folded = shades
    assert red[0] > red[2] + 40
    assert blue[2] > blue[0] + 40
    np.testing.assert_allclose(folded, FOLD_RGB, atol=3)


def test_outlines_of_neighbours_have_two_colours(extreme):
    click(extreme, "[data-overlay=none]")
    blue = []
    for name in EXTREME_NAMES:
        click(extreme, f"[data-vertebra={name}] .name button")
        plane, shown = sagittal(extreme), picture(extreme)
        rows, columns = np.indices(shown.shape[:2])
        away = np.hypot(columns - plane.cross[0], rows - plane.cross[1]) / plane.per_mm
        ring = shown[(away > 6.5) & (away < 9.5)]
        coloured = ring[np.ptp(ring, axis=-1) > 80]
        blue.append((coloured[:, 2] > coloured[:, 0]).mean() > 0.5)
    click(extreme, "[data-overlay=bone]")
    assert blue == [False, True, False]


def test_opacity_blends_mr_and_ct(opened):
    click(opened, "[data-vertebra=L4] .name button")
    click(opened, "[data-overlay=ct]")
    click(opened, "#outlines")
    column, row = (round(v + away) for v, away in zip(sagittal(opened).cross, (12, -12), strict=True))
    greys = []
    for share in (0, 50, 100):
        opened.window.execute_script(
            "const s = byId('strength'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))", share
        )
        greys.append(picture(opened)[row, column].mean())
    click(opened, "#outlines")
    # the MR is black in bone; 700 HU in the window -200 to 1000 is three quarters of white
    np.testing.assert_allclose(greys, [0, 0.75 * 255 / 2, 0.75 * 255], atol=6)


def test_outlines_run_where_the_balls_end(opened):
    click(opened, "[data-vertebra=L4] .name button")
    click(opened, "[data-overlay=none]")
    with_lines = picture(opened)
    press(opened, "o")
    without = picture(opened)
    press(opened, "o")
    blue = np.argwhere((with_lines - without)[..., 2] - (with_lines - without)[..., 0] > 60)
    assert len(blue) > 100
    plane = sagittal(opened)
    mine = blue[blue[:, 1] < plane.right]
    radius = np.hypot(mine[:, 1] - plane.cross[0], mine[:, 0] - plane.cross[1]) / plane.per_mm
    assert np.median(radius) == pytest.approx(8, abs=0.5)
    assert np.all((radius > 6.5) & (radius < 9.5))


def test_lens_and_checkerboard_show_both_images(opened):
    click(opened, "[data-vertebra=L4] .name button")
    click(opened, "[data-overlay=ct]")
    whole = picture(opened)
    press(opened, "l")
    lens = picture(opened)
    press(opened, "c")
    board = picture(opened)
    press(opened, "c")
    assert np.abs(picture(opened) - whole).max() <= 2
    changed = [(np.abs(p - whole).max(-1) > 30).mean() for p in (lens, board)]
    assert changed[0] > 0.05
    assert changed[1] > 0.05


def test_volume_change_is_red_where_the_tissue_is_larger_in_the_ct(opened):
    click(opened, "[data-vertebra=L4] .name button")
    press(opened, "o")
    press(opened, "4")
    red = picture(opened)
    assert opened.window.find_element("id", "legend").is_displayed()
    press(opened, "1")
    press(opened, "o")
    assert not opened.window.find_element("id", "legend").is_displayed()
    plane = sagittal(opened)
    rows = np.argwhere(red[:, : int(plane.right), 0] - red[:, : int(plane.right), 2] > 60)[:, 0]
    assert len(rows) > 1000
    assert (rows < plane.cross[1] + 6 * plane.per_mm).mean() > 0.98


def test_the_wheel_scrolls_the_plane_under_it(opened):
    actions = pytest.importorskip("selenium.webdriver.common.action_chains")
    origin = pytest.importorskip("selenium.webdriver.common.actions.wheel_input").ScrollOrigin
    click(opened, "[data-vertebra=L4] .name button")
    before = cross_lps(opened)
    place = origin.from_element(opened.canvas, *from_the_middle(opened))
    actions.ActionChains(opened.window).scroll_from_origin(place, 0, 100).perform()
    wait(lambda: np.abs(cross_lps(opened) - before).max() > 0.3, "the next slice")
    step = cross_lps(opened) - before
    assert np.abs(step[0]) > 5 * np.abs(step[1:]).max() - 1
    assert 0.5 < np.linalg.norm(step) < 1.2


def test_a_dragged_distance_is_in_millimetres(opened):
    actions = pytest.importorskip("selenium.webdriver.common.action_chains")
    click(opened, "#measure")
    drag = actions.ActionChains(opened.window)
    drag.move_to_element_with_offset(opened.canvas, *from_the_middle(opened))
    drag.click_and_hold().move_by_offset(0, 60).move_by_offset(40, 0).release().perform()
    measured = opened.window.execute_script(
        "return scene.viewer.document.completedMeasurements.map((m) => m.distance)"
    )
    click(opened, "#measure")
    assert measured == pytest.approx([np.hypot(60, 40) / sagittal(opened).per_mm], rel=0.02)
    assert opened.window.execute_script("return scene.viewer.document.completedMeasurements.length") == 0


def test_a_signature_is_saved_as_the_file_that_the_command_reads(opened, viewer_page):
    click(opened, "[data-vertebra=L3] input[value=accept]")
    click(opened, "[data-vertebra=L4] input[value=reject]")
    opened.window.find_element("css selector", "[data-vertebra=L4] textarea").send_keys(
        "2 mm too high: b o n"
    )
    opened.window.find_element("id", "reviewer").send_keys("A. Reader")
    assert text(opened, "count") == "1 accepted, 1 rejected, 1 open; not saved yet"
    click(opened, "#save")
    saved = opened.downloads / "sign_off.json"
    wait(saved.exists, "the saved file")
    sign_off = read_sign_off(saved)
    require_match(viewer_page.parent, sign_off)
    assert sign_off.result == fingerprint(viewer_page.parent)
    assert [(one.vertebra, one.decision, one.remark) for one in sign_off.vertebrae] == [
        ("L3", "accept", ""),
        ("L4", "reject", "2 mm too high: b o n"),
        ("L5", "", ""),
    ]
    assert sign_off.reviewer == "A. Reader"
    assert text(opened, "count") == "1 accepted, 1 rejected, 1 open"
    assert text(opened, "state") == "CT registered"  # a typed b is a letter


@pytest.mark.parametrize("reset", [lambda page: click(page, "#reset"), lambda page: press(page, "r")])
def test_reset_shows_all_as_in_the_beginning_and_leaves_the_decisions(opened, reset):
    state = (
        "return JSON.stringify([scene.state, scene.measuring, scene.viewer.opts.dragModePrimary,"
        " [...scene.viewer.scene.pan2Dxyzmm], scene.viewer.volumes[0].cal_min, signOff().vertebrae,"
        " [...document.querySelectorAll('.bar button')].map((one) => one.ariaPressed),"
        " byId('strength').value, byId('state').textContent, byId('legend').hidden])"
    )
    reset(opened)
    beginning, cross = opened.window.execute_script(state), cross_lps(opened)
    assert '"before":false' in beginning
    assert '"decision":"reject","remark":"2 mm too high: b o n"' in beginning
    opened.window.execute_script(
        "overlay('change'); compare('lens'); toggle('before'); toggle('outlined'); strength(0.3);"
        "scene.zoom(2); measure(true); scene.viewer.volumes[0].cal_min = 50; scene.viewer.updateGLVolume()"
    )
    reset(opened)
    assert opened.window.execute_script(state) == beginning
    np.testing.assert_array_equal(cross_lps(opened), cross)
    assert text(opened, "state") == "CT registered"


def test_space_presses_what_the_keyboard_has_focused(opened):
    opened.window.execute_script("changed()")
    assert "not saved yet" in text(opened, "count")
    earlier = len(list(opened.downloads.glob("sign_off*.json")))
    opened.window.find_element("id", "reviewer").send_keys("\t")
    focused = opened.window.switch_to.active_element
    assert focused.get_attribute("id") == "save"
    focused.send_keys(" ")
    assert text(opened, "state") == "CT registered"
    assert "not saved yet" not in text(opened, "count")
    wait(lambda: len(list(opened.downloads.glob("sign_off*.json"))) > earlier, "the saved file")
    opened.window.find_element("css selector", ".help summary").send_keys(" ")
    assert opened.window.execute_script("return document.querySelector('.help').open")
    opened.window.execute_script("document.querySelector('.help').open = false")
    assert text(opened, "state") == "CT registered"


@pytest.mark.parametrize("selector", ["[data-overlay=ct]", "[data-vertebra=L3] .name button", "#save"])
def test_space_switches_the_ct_after_a_click_elsewhere(opened, selector):
    click(opened, selector)
    opened.window.switch_to.active_element.send_keys(" ")
    assert text(opened, "state") == "CT at the rigid start"
    opened.window.switch_to.active_element.send_keys(" ")
    assert text(opened, "state") == "CT registered"


def test_prints_the_decisions_with_the_pictures_and_all_that_must_be_said(opened):
    assert opened.window.execute_script("return document.getElementById('pictures').open") is False
    pdf = base64.b64decode(opened.window.execute_cdp_cmd("Page.printToPDF", {})["data"])
    pictures = len(opened.window.find_elements("css selector", "#pictures img"))
    assert len(re.findall(rb"/Subtype\s*/Image", pdf)) == pictures > 0
    opened.window.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = opened.window.find_element("tag name", "body").text
    opened.window.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    opened.window.execute_script("document.getElementById('pictures').open = false")
    assert "calibrated on synthetic patients" in shown
    assert "Signed by" in shown
    assert "Mouse and keys" not in shown


def test_a_signature_outlives_a_reload(opened):
    opened.window.refresh()
    wait(lambda: text(opened, "count").startswith("1 accepted, 1 rejected"), "the kept decisions")
    assert opened.window.find_element("id", "reviewer").get_attribute("value") == "A. Reader"
    assert "not saved yet" not in text(opened, "count")
    assert text(opened, "kept").startswith("Opened with the saved decisions of A. Reader, ")
    assert not warns_when_left(opened)


def test_a_draft_is_not_taken_for_saved_after_a_reload(opened):
    click(opened, "[data-vertebra=L5] input[value=accept]")
    now = opened.window.execute_script("return new Date().toLocaleDateString([], {dateStyle: 'medium'})")
    opened.window.refresh()
    ready(opened.window)
    assert text(opened, "count") == "2 accepted, 1 rejected, 0 open; not saved yet"
    assert text(opened, "kept").startswith(f"Opened with the unsaved draft of A. Reader, {now}")
    assert warns_when_left(opened)


def warns_when_left(opened) -> bool:
    return opened.window.execute_script(
        "const leaving = new Event('beforeunload', {cancelable: true});"
        "dispatchEvent(leaving); return leaving.defaultPrevented"
    )

"""What several tests of the report look at."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from report.known_spine import Spine, extreme_spine, known_spine, short_spine
from spine_ctmr.report.viewer import packed_images, write_viewer
from spine_ctmr.results.sign_off import fingerprint


@pytest.fixture(scope="session")
def spine() -> Spine:
    return known_spine()


@pytest.fixture(scope="session")
def viewer_page(spine: Spine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(spine, tmp_path_factory.mktemp("result"))


@pytest.fixture(scope="session")
def extreme_page(spine: Spine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(extreme_spine(spine), tmp_path_factory.mktemp("extreme"))


@pytest.fixture(scope="session")
def short_page(spine: Spine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(short_spine(spine), tmp_path_factory.mktemp("short"))


def written(spine: Spine, folder: Path) -> Path:
    """A viewer in a folder of results, with a picture of 600 by 300 pixels."""
    picture = io.BytesIO()
    quality = {"vertebrae": [{"name": row.name} for row in spine.rows]}
    (folder / "quality.json").write_text(json.dumps(quality))
    Image.new("RGB", (600, 300), (90, 60, 30)).save(picture, "JPEG")
    write_viewer(
        folder / "viewer.html",
        spine.shown,
        packed_images(spine.shown),
        spine.rows,
        None,
        fingerprint(folder),
        {"Before and after": picture.getvalue()},
    )
    return folder / "viewer.html"

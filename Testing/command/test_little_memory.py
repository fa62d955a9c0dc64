"""Too little memory is told at once; libraries that get none while they are loaded ask for it for ever."""

import pytest

resource = pytest.importorskip("resource", reason="limits of POSIX")


@pytest.mark.parametrize("limit", ["RLIMIT_AS", "RLIMIT_DATA"])
@pytest.mark.parametrize("megabytes", [90, 120, 300])
def test_too_little_to_load_the_libraries(real, limit, megabytes):
    size = megabytes << 20
    (real.folder / "sign_off.json").write_text('{"vertebrae": []}')

    def limited() -> None:
        resource.setrlimit(getattr(resource, limit), (size, size))

    ended = real("sign-off", "result", "sign_off.json", preexec_fn=limited)
    assert ended.code == 1
    assert "ran out of memory" in ended.sentence
    assert [path.name for path in real.folder.iterdir()] == ["sign_off.json"]

import pytest
from spine_ctmr.imaging.vertebra_names import (
    VERSE_NUMBERS,
    cranial_to_caudal,
    vertebra_list,
    vertebra_name,
    vertebra_number,
)

VERSE = {
    **{f"C{i}": i for i in range(1, 8)},
    **{f"T{i}": i + 7 for i in range(1, 13)},
    **{f"L{i}": i + 19 for i in range(1, 7)},
    "S1": 26,
    "T13": 28,
}


@pytest.mark.parametrize(("name", "number"), VERSE.items())
@pytest.mark.parametrize(
    "style", ["{}", "vertebrae_{}", "vertebra_{}", "{} vertebra", " {} ", "Vertebra-{}", "({})"]
)
def test_every_level_in_every_plain_style(name, number, style):
    assert vertebra_number(style.format(name)) == number
    assert vertebra_number(style.format(name).lower()) == number


def test_numbers_and_names_are_each_others_inverse():
    assert set(VERSE.values()) == VERSE_NUMBERS
    for name, number in VERSE.items():
        assert vertebra_name(number) == name
        assert vertebra_number(str(number)) == number


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("First lumbar vertebra", 20),
        ("fifth lumbar vertebra", 24),
        ("Twelfth thoracic vertebra", 19),
        ("7th cervical vertebra", 7),
        ("Lumbar vertebra 1", 20),
        ("lumbar vertebrae 2 (L2)", 21),
        ("Atlas (C1)", 1),
        ("C2 (axis)", 2),
        ("Bone structure of first lumbar vertebra", 20),
        ("First sacral vertebra", 26),
        ("Sacrum", 26),
        ("sacral bone", 26),
        ("vertebrae_S1", 26),
        ("Th1", 8),
        ("TH 12", 19),
        ("D12", 19),
        ("T01", 8),
        ("l_1", 20),
        ("LWK3", 22),
        ("BWK12", 19),
        ("BWK 1", 8),
        ("HWK5", 5),
        ("LW 5", 24),
        ("Lendenwirbel 2", 21),
        ("L3-1", 22),
        ("L3_1", 22),
        ("T12-4", 19),
        ("LWK3-1", 22),
        ("L3 (edited)", 22),
        ("L3 (1)", 22),
        ("L3 copy", 22),
        ("vertebrae_L3 final", 22),
    ],
)
def test_other_vocabularies(name, number):
    assert vertebra_number(name) == number


@pytest.mark.parametrize(
    "name",
    [
        "disc_L1_L2",
        "L1-L2 disc",
        "L1-L2",
        "L1/L2",
        "rib_left_1",
        "spinal_cord",
        "spinal_canal",
        "disc_L1",
        "intervertebral disc L1",
        "L1 left pedicle",
        "vertebrae_body",
        "Segment_1",
        "S2",
        "C8",
        "L7",
        "L0",
        "T14",
        "0",
        "27",
        "29",
        "99",
        "-20",
        "20.0",
        "",
        "vertebra",
        "lumbar spine",
        "hip_left",
        "costal 1",
        "L1 (L2)",
        "L1 (tumour)",
        "L3-4",
        "C5-6",
        "LWK3-4",
        "T12_13",
        "Segment_1_1",
        "copy",
        "L3 edited by A",
        "VL1x",
        "²",
        "T",
        "1 2",
    ],
)
def test_what_is_not_one_vertebra(name):
    assert vertebra_number(name) is None


def test_order_puts_t13_between_t12_and_l1():
    assert cranial_to_caudal([26, 20, 28, 1, 19]) == [1, 19, 28, 20, 26]
    assert vertebra_list({26, 20, 28, 19}) == "T12, T13, L1, S1"


def test_unknown_numbers_are_still_shown():
    assert vertebra_name(99) == "label 99"

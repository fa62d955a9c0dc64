"""The numbers of known programs, each against the list that it publishes."""

import pytest
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.given_scheme import given_scheme
from spine_ctmr.imaging.label_schemes import BY_NAME
from spine_ctmr.imaging.vertebra_names import vertebra_name

C, T, L = ([f"{region}{i}" for i in range(1, n + 1)] for region, n in (("C", 7), ("T", 12), ("L", 5)))
PUBLISHED = {
    "verse": dict(zip(range(1, 25), C + T + L, strict=True)) | {25: "L6", 26: "S1", 28: "T13"},
    "totalsegmentator": {25: "S1", 26: "S1", 27: "L5", 31: "L1", 32: "T12", 43: "T1", 44: "C7", 50: "C1"},
    "totalsegmentator-v1": {18: "L5", 22: "L1", 23: "T12", 34: "T1", 35: "C7", 41: "C1", 92: "S1"},
    "totalsegmentator-v3": {25: "S1", 26: "L6", 27: "L5"},
    "totalspineseg": {11: "C1", 17: "C7", 21: "T1", 32: "T12", 41: "L1", 45: "L5", 50: "S1"},
    "vertebrae-mr": {1: "S1", 2: "L5", 6: "L1", 7: "T12", 18: "T1", 19: "C7", 25: "C1"},
    "vertebrae-pp": {1: "C1", 7: "C7", 8: "T1", 19: "T12", 20: "L1", 24: "L5"},
    "spider": {1: "L5", 5: "L1", 6: "T12", 17: "T1", 18: "C7", 24: "C1", 101: "L5", 106: "T12"},
    "mrspineseg": {1: "S1", 2: "L5", 6: "L1", 7: "T12", 10: "T9"},
}
NOT_VERTEBRAE = {
    "verse": [27, 120, 219],
    "totalspineseg": [1, 2, 63, 71, 91, 100],
    "spider": [100, 201, 207],
    "mrspineseg": [11, 19],
    "totalsegmentator-v1": [*range(1, 18), 200, 202, 224],
    "totalsegmentator": [*range(1, 25), 51, 79, 117],
}


@pytest.mark.parametrize(("scheme", "names"), PUBLISHED.items())
def test_numbers_as_published(scheme, names):
    read = BY_NAME[scheme].reads(names)
    assert {label: vertebra_name(n) for label, n in read.items()} == names


@pytest.mark.parametrize(("scheme", "labels"), NOT_VERTEBRAE.items())
def test_other_structures_are_known(scheme, labels):
    one = next(iter(PUBLISHED[scheme]))
    assert BY_NAME[scheme].unknown([one, *labels]) == []
    assert BY_NAME[scheme].reads(labels) == {}


def test_a_few_organs_alone_are_something_else():
    assert BY_NAME["totalsegmentator-v1"].unknown([16, 17, 21]) == [16, 17]


def test_sacrum_and_coccyx_count_only_with_their_neighbours():
    assert BY_NAME["verse"].unknown([27, 28, 29]) == [27, 29]
    assert BY_NAME["verse"].unknown([24, 26, 27, 29, 33]) == []


def test_given_pairs():
    assert given_scheme("auto") is None
    assert given_scheme("1=L3, 2=vertebrae_L4,7 = sacrum").numbers == {1: 22, 2: 23, 7: 26}


@pytest.mark.parametrize(
    ("text", "words"), [("1=L3,2=hip", "'2=hip'"), ("3", "pairs such as"), ("veerse", "totalspineseg")]
)
def test_given_nonsense(text, words):
    with pytest.raises(InputError, match=words):
        given_scheme(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"labels": {"background": 0, "vertebrae_L3": 7, "disc": 8, "L4": 9}, "numTraining": 20}',
        '{"labels": {"0": "background", "7": "L3", "9": "vertebrae_L4"}}',
        "label,name\n7,L3\n8,disc\n9,L4 vertebra\n",
        "index\tname\n7\tL3\n9\tL4\n",
        "################\n# ITK-SnAP Label Description File\n"
        '    0     0    0    0        0  0  0    "Clear"\n'
        '    7   255    0    0        1  1  1    "L3"\n'
        '    9     0  255    0        1  1  1    "L4 vertebra"\n',
        "# Color table file\n7 L3 255 0 0 255\n9 vertebrae_L4 0 255 0 255\n",
        '{"segments": [{"name": "L3", "labelValue": 7}, {"name": "L4", "labelValue": 9}]}',
    ],
)
def test_given_file_of_names(tmp_path, text):
    (tmp_path / "names").write_text(text)
    found = given_scheme(str(tmp_path / "names"))
    assert found.numbers == {7: 22, 9: 23}
    assert given_scheme(found.name).numbers == found.numbers  # so a result says how it was read


def test_given_file_without_vertebrae(tmp_path):
    (tmp_path / "names.txt").write_text("7 liver")
    with pytest.raises(InputError, match="names no vertebra"):
        given_scheme(str(tmp_path / "names.txt"))

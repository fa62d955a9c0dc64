"""What pages say of networks: better, worse or no change, and against what."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from spine_ctmr.research.studies.networks.verdicts import (
    Claim,
    Result,
    against_weights,
    verdict,
    what_was_learned,
)

torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("change", "said"),
    [([-0.5, -0.4, -0.6], "better"), ([0.5, 0.4, 0.6], "worse"), ([-0.5, 0.4, 0.0], "no change")],
)
def test_verdicts_are_in_the_words_of_the_data(change: list[float], said: str) -> None:
    assert said in verdict(np.array(change))
    assert sum(word in verdict(np.array(change)) for word in ("better", "worse", "no change")) == 1
    words = {"better": "reproduced", "worse": "the opposite", "no change": "not beyond chance"}
    assert words[said] in Claim("x", np.array(change)).sentence()
    assert "cannot be said" in Claim("x", None).sentence()


def test_page_names_the_networks_that_did_not_learn() -> None:
    errors = np.array([2.0, 3.0, 4.0])
    gains, noise = np.array([0.9, 1.0, 1.1]), np.array([0.1, -0.1, 0.0])
    bone = {"start": errors, "able": errors - gains, "unable": errors + noise, "worse": errors + gains}
    bone["reference"] = errors - gains
    results = {
        name: Result(
            name, {"bone_mm": values, "dice": 1 - values / 10}, learned=name in ("able", "unable", "worse")
        )
        for name, values in bone.items()
    }
    said = what_was_learned(results, "start")
    assert "(error in bone): able. **Not better: unable.** **Worse beyond chance: worse.**" in said
    assert "reference" not in said


def test_networks_are_compared_with_the_weights_that_they_begin_with() -> None:
    """Better than no motion, and yet worse than the network that they began as."""

    def result(title: str, error: float) -> Result:
        return Result(title, {"bone_mm": error + 0.01 * np.arange(4) % 0.02}, learned=title != "rigid")

    titles = {"rigid": 4.0, "taught": 2.0, "baseline": 2.6, "oc": 1.5}
    said = against_weights({title: result(title, error) for title, error in titles.items()}, "taught")
    assert said.startswith("All networks but taught began with its weights.")
    assert "lower beyond chance: oc;" in said
    assert "higher: baseline (+0.6 ± 0 mm)." in said
    assert "rigid" not in said


def test_networks_are_compared_with_the_registration_that_they_begin_with() -> None:
    def result(title: str, error: float, learned: bool = False) -> Result:
        values = {"bone_mm": error + 0.01 * np.arange(4), "dice": 1 / error + 0.01 * np.arange(4)}
        return Result(title, values, learned=learned)

    results = {"rigid": result("rigid", 9), "affine": result("Affine", 4), "a": result("net", 5, True)}
    assert "Better than no motion beyond chance (error in bone): net." in what_was_learned(results, "rigid")
    said = what_was_learned(results, "affine", True)
    assert "Better than Affine, with which they begin, beyond chance (error in bone): none." in said

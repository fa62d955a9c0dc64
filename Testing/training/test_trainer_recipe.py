from __future__ import annotations

from pathlib import Path

import pytest
from SpineCTMRRegistrationLib import training
from SpineCTMRRegistrationLib.errors import InputError
from SpineCTMRRegistrationLib.training.recipe import Recipe, load_recipe, recipe_of

SHIPPED = sorted((Path(training.__file__).parent / "recipes").glob("*.toml"))


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_shipped_recipes_are_valid_and_named_like_their_file(path: Path) -> None:
    assert load_recipe(path).name == path.stem


def test_round_trip(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, 'name = "a"\ncrop = [32, 48, 64]\n[loss]\nsmoothness = 2'))
    assert recipe.crop == (32, 48, 64)
    assert recipe.loss.smoothness == 2
    assert recipe_of(recipe.to_dict()) == recipe


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "a"\nlearning_rat = 1', r"'learning_rat'; did you mean 'learning_rate'\?"),
        ('name = "a"\n[loss]\nsmoothnes = 1', r"'loss.smoothnes'; did you mean 'loss.smoothness'\?"),
        ("steps = 3", "no 'name'"),
        ('name = "a"\nsteps = 1.5', "'steps' must be int"),
        ('name = "a"\nsteps = true', "'steps' must be int"),
        ('name = "a"\nsteps = 0', "'steps' .* above 0"),
        ('name = "a"\ncrop = [64, 64, 100]', "'crop' .* multiples of 16"),
        ('name = "a"\ncrop = 64', "'crop' must be"),
        ('name = "a"\nprecision = "float16"', "'precision' .* float32 or bfloat16"),
        ('name = "a/b"', "'name'"),
        ('name = "a"\nloss = 3', r"write it as \[loss\]"),
        ('name = "a"\n[loss]\nmind = -1', "'loss.mind' .* 0 or more"),
        ('name = "a"\n[loss]\nmind = nan', "'loss.mind'"),
        ("name = ", "not a valid TOML"),
    ],
)
def test_unusable_recipe_names_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_recipe(written(tmp_path, text))
    assert "recipe.toml" in str(caught.value)


def test_missing_recipe(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_recipe(tmp_path / "none.toml")


def test_recipe_made_in_code_is_checked_too() -> None:
    with pytest.raises(InputError, match="'batch'"):
        Recipe("a", batch=0)

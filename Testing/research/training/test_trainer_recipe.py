from __future__ import annotations

from pathlib import Path

import pytest
from spine_ctmr.errors import InputError
from spine_ctmr.research import training
from spine_ctmr.research.training.recipe import Recipe, recipe_of
from spine_ctmr.research.training.recipe_file import find_recipe, load_recipe

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
    assert recipe.loss["smoothness"].weight == 2
    assert recipe_of(recipe.to_dict()) == recipe


def test_own_keys_replace_those_of_the_extended_recipe(tmp_path: Path) -> None:
    (tmp_path / "below.toml").write_text(
        'name = "below"\nsteps = 5\n[optimisation]\nlearning_rate = 1\nwarmup = 2\n[loss]\nmind = 1\ndice = 1'
    )
    text = 'extends = "below"\nname = "above"\n[optimisation]\nwarmup = 3\n[loss]\ndice = 0\nsmoothness = 0.5'
    recipe = load_recipe(written(tmp_path, text))
    assert (recipe.name, recipe.steps) == ("above", 5)
    assert (recipe.optimisation.learning_rate, recipe.optimisation.warmup) == (1.0, 3)
    assert {name: term.weight for name, term in recipe.loss.items()} == {"mind": 1.0, "smoothness": 0.5}


def test_a_recipe_cannot_extend_itself(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="extends itself"):
        load_recipe(written(tmp_path, 'extends = "recipe"\nname = "a"'))


def test_rigidity_terms_join_in_the_last_part(tmp_path: Path) -> None:
    text = 'name = "a"\nsteps = 10\nrigidity_from = 0.8\n[loss]\nmind = 1\n[rigidity]\nproperness = 0.01'
    recipe = load_recipe(written(tmp_path, text))
    assert list(recipe.terms_at(7)) == ["mind"]
    assert list(recipe.terms_at(8)) == ["mind", "properness"]


def test_rigidity_terms_that_would_never_join_are_refused(tmp_path: Path) -> None:
    text = 'name = "a"\nrigidity_from = 1\n[loss]\nmind = 1\n'
    assert load_recipe(written(tmp_path, text)).rigidity == {}
    with pytest.raises(InputError, match=r"'rigidity_from' .* below 1"):
        load_recipe(written(tmp_path, f"{text}[rigidity]\nproperness = 0.01"))


def test_options_of_a_loss_and_of_a_network(tmp_path: Path) -> None:
    text = 'name = "a"\n[network]\nhead = [8]\n[loss]\nmind = { weight = 2, radius = 1 }'
    recipe = load_recipe(written(tmp_path, text))
    assert recipe.loss["mind"].options == {"radius": 1}
    assert sum(p.numel() for p in recipe.network.build().head.parameters()) == 64 * 8 * 27 + 8
    assert recipe_of(recipe.to_dict()) == recipe


def test_recipe_is_found_by_name_or_path(tmp_path: Path) -> None:
    assert find_recipe("jian_baseline") == next(p for p in SHIPPED if p.stem == "jian_baseline")
    path = written(tmp_path, 'name = "a"')
    assert find_recipe(str(path)) == path
    with pytest.raises(InputError, match="did you mean 'jian_baseline'"):
        find_recipe("jian_basline")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'name = "a"\n[optimisation]\nlearning_rat = 1',
            r"'optimisation.learning_rat'; did you mean 'optimisation.learning_rate'\?",
        ),
        ('name = "a"\nstep = 1', r"'step'; did you mean 'steps'\?"),
        (
            'name = "a"\n[network]\nkind = "velocity_net"',
            "no known 'velocity_net'; did you mean 'velocity_unet'",
        ),
        ('name = "a"\n[network]\nhead = [0]', "'network.head' .* above 0"),
        ('name = "a"\n[network]\nheads = [3]', "'network.heads'; did you mean 'network.head'"),
        ('name = "a"\n[loss]\nmind = {radios = 1}', "'loss.mind.radios'; did you mean 'loss.mind.radius'"),
        ('name = "a"\n[loss]\nmind = {radius = 1.5}', "'loss.mind.radius' .* whole number"),
        ('name = "a"\n[loss]\nmind = {dilation = 0}', "'loss.mind.dilation' .* at least 1"),
        ('name = "a"\n[loss]\nmind = {radius = 32}', "'loss.mind' .* fit into the crop"),
        (
            'name = "a"\n[loss]\nmutual_information = {bins = 1}',
            "'loss.mutual_information.bins' .* least 2",
        ),
        (
            'name = "a"\n[loss]\nlocal_correlation = {window = 1}',
            "'loss.local_correlation.window'",
        ),
        ('name = "a"\n[loss]\nlocal_correlation = {window = 99}', "'loss.local_correlation' .* fit into"),
        ('name = "a"\n[loss]\nmind = 0', "'loss' .* at least one"),
        ('name = "a"\nextends = "none"', "recipe 'none' is neither"),
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

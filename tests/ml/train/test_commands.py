"""Each training command runs from images on disk to weights and a record, on a set small enough to watch."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import ml.train
from ml.bench import learner, reproduce, speed_episodes
from ml.commands import dispatch
from ml.errors import ConfigError
from ml.train import episodes, pmf, pretrain, selfsupervised
from ml.training.artefact import load_learner

CLASSES = {"train": 6, "val": 3, "test": 3}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve classes of eight 16×16 pictures: a class's pattern with noise."""
    rng = np.random.default_rng(0)
    rows = []
    for part, count in CLASSES.items():
        for index in range(count):
            pattern = rng.integers(0, 200, (16, 16, 3))
            for _ in range(8):
                buffer = io.BytesIO()
                pixels = (pattern + rng.integers(0, 55, pattern.shape)).astype(np.uint8)
                Image.fromarray(pixels).save(buffer, format="PNG")
                rows.append({"image": buffer.getvalue(), "label": f"{part} {index}", "part": part})
    path = tmp_path_factory.mktemp("pictures") / "pictures.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


class Commands:
    """Runs commands on the pictures and reads what they print."""

    def __init__(self, pictures: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.shared = f"--data {pictures} --split-column part --size 16 --out {out} --device cpu"
        self.out = out
        self.capsys = capsys

    def __call__(self, command, name: str, options: str) -> dict:
        code = command.main([*self.shared.split(), "--name", name, *options.split()])
        printed = self.capsys.readouterr()
        assert code == 0, printed.err
        return json.loads(printed.out)


@pytest.fixture
def run(pictures, tmp_path, capsys) -> Commands:
    return Commands(pictures, tmp_path, capsys)


EPISODES = (
    "--network conv4-32 --ways 3 --shots 2 --queries 2 --validation-queries 2 --validation-episodes 4 "
    "--evaluate-every 5 --test 3w1s --test-queries 4 --test-episodes 20"
)


def test_episodes_are_trained_scored_and_recorded(run):
    answer = run(episodes, "proto", f"{EPISODES} --steps 20 --curriculum ways --before")
    assert answer["steps"] == 20
    result = answer["results"][0]
    assert result["accuracy"] > 0.5  # chance is a third
    assert result["gain"] == pytest.approx(result["accuracy"] - result["before"], abs=1e-4)
    record = json.loads((run.out / "proto.json").read_text())
    assert record["options"]["seed"] == "0" and record["transductive"] is False
    trained, spec, _ = load_learner(run.out / "proto.safetensors")
    assert (trained.name, spec.network) == ("protonet", "conv4-32")


def test_a_stored_learner_scores_as_it_did_after_training(run):
    trained = run(episodes, "proto", f"{EPISODES} --steps 10")
    path = run.out / "proto.safetensors"
    again = run(learner, "again", f"--learner {path} --test 3w1s --queries 4 --episodes 20")
    assert again["results"] == trained["results"]


def test_a_finished_run_is_not_trained_again(run):
    options = f"{EPISODES} --steps 10 --resume"
    first, second = run(episodes, "proto", options), run(episodes, "proto", options)
    assert first["results"] == second["results"]
    assert (run.out / "proto.run.safetensors").exists()


def test_pretraining_meta_training_and_fine_tuning_follow_one_another(run):
    network = "--network conv4-32 --test 3w2s --test-queries 4"
    options = (
        f"{network} --steps 10 --batch-size 12 --evaluate-every 10 --validation-episodes 5 --test-episodes 10 "
        "--generations 2 --half --augment none --resume"
    )
    pre = run(pretrain, "pre", options)
    assert run(pretrain, "pre", options)["results"] == pre["results"]
    assert {result["transform"] for result in pre["results"]} == {"raw", "l2", "cl2n", "root-cl2n"}
    start = f"--init {run.out / 'pre.safetensors'}"
    run(episodes, "meta", f"{EPISODES} --method protonet-cosine --steps 5 {start}")
    # MAML's normalisation keeps no running statistics; everything else starts from what was trained.
    run(episodes, "maml", f"{EPISODES} --method maml --steps 1 --inner-steps 1 --test-episodes 4 {start}")
    again = f"--learner {run.out / 'maml.safetensors'} --test 3w1s --queries 2 --episodes 2 --statistics"
    assert not run(learner, "alone", f"{again} support")["transductive"]
    assert run(learner, "together", f"{again} queries")["transductive"]
    with pytest.raises(ConfigError, match="is for MAML and ANIL"):
        run(learner, "no-choice", f"{again} queries --learner {run.out / 'meta.safetensors'}")
    with pytest.raises(ConfigError, match="choose the same here"):
        run(episodes, "other", f"{EPISODES} --steps 1 --network conv4 {start}")
    tuned = run(
        pmf,
        "tuned",
        f"--learner {run.out / 'meta.safetensors'} --test 3w2s --test-queries 4 --episodes 4 --finetune-steps 2",
    )
    result = tuned["results"][0]
    assert result["episodes"] == 4 and sum(result["rates"].values()) == 4
    assert result["gain"] == pytest.approx(result["tuned"] - result["plain"], abs=1e-4)


def test_a_network_is_trained_without_labels(run):
    answer = run(
        selfsupervised,
        "free",
        "--task rotation --network conv4-32 --steps 8 --batch-size 12 --evaluate-every 4 --neighbours 3 --augment none",
    )
    assert set(answer["results"]) == {"pixels", "untrained", "trained"}
    assert load_learner(run.out / "free.safetensors")[1].method == "protonet-cosine"


def test_a_wrong_option_is_one_line_and_exit_code_one(run, capsys):
    code = dispatch(ml.train, ["episodes", *run.shared.split(), "--ways", "9", "--queries", "2", "--steps", "1"])
    assert code == 1
    assert "9-way episodes need 9 classes" in capsys.readouterr().err


def test_speed_is_measured_beside_easyfsl(capsys):
    pytest.importorskip("easyfsl")
    assert speed_episodes.main(["--episodes", "20", "--classes", "8", "--items", "20", "--dimension", "16"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert abs(figures["accuracy"] - figures["easyfsl_accuracy"]) < 0.15
    assert figures["times_faster"] > 0


def test_reproducing_nothing_new_leaves_results_alone(tmp_path, capsys):
    (tmp_path / "pages").mkdir()
    for name in ("cifar-matching-1", "cifar-matching-5"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"results": [], "device": "x"}))
    argv = ["--out", str(tmp_path), "--docs", str(tmp_path / "pages"), "--groups", "metric", "--device", "cpu"]
    for chosen, names in (
        ([], ["cifar-matching-1", "cifar-matching-5"]),
        (["--runs", "cifar-matching-5"], ["cifar-matching-5"]),
    ):
        assert reproduce.main([*argv, *chosen]) == 0
        outcome = json.loads(capsys.readouterr().out)
        assert [(run["name"], run["skipped"]) for run in outcome["runs"]] == [(name, True) for name in names]

"""Every training whose figures stand in `docs/methods`, with the published figures beside it.

`{data}` and `{out}` are replaced by the folders that the command is given. Minutes are limits for one modern
GPU that two or three runs share; most runs for one processor core (`-cpu`) have none, and end by their
steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

OMNIGLOT = (
    "--data {data}/omniglot.parquet --label-column alphabet --label-column character --split-column "
    "vinyals --size 28 --grey --invert --rotations --ways 5 --train-ways 60 --queries 5 --augment "
    "drawing --schedule cosine --validation-episodes 400 --evaluate-every 1000 --steps 20000 --test "
    "5w1s 5w5s 20w1s 20w5s --test-episodes 1000"
)
CIFAR_FS = (
    "--data {data}/cifar100.parquet --label-column fine_label --split-column cifar_fs --size 32 "
    "--augment photo --schedule cosine --evaluate-every 1000 --validation-episodes 600 --test 5w1s "
    "5w5s --test-episodes 600"
)
CIFAR_PRETRAIN = (
    "--data {data}/cifar100.parquet --label-column fine_label --split-column cifar_fs --size 32 "
    "--augment photo --network resnet12-slim --batch-size 128 --learning-rate 0.1 --precision "
    "bfloat16 --half"
)
META = (
    "--method protonet-cosine --network resnet12-slim --init {out}/pretrain.safetensors --precision "
    "bfloat16 --half --train-ways 10 --queries 10 --learning-rate 1e-4 --weight-decay 5e-4 --steps "
    "2000 --evaluate-every 250"
)
OMNIGLOT_CPU = (
    "--data {data}/omniglot.parquet --label-column alphabet --label-column character --split-column vinyals "
    "--size 28 --grey --invert --rotations --method protonet --network conv4 --augment drawing --ways 20 "
    "--queries 2 --schedule cosine --precision bfloat16 --validation-episodes 40 "
    "--test 5w1s 5w5s 20w1s 20w5s --test-episodes 1000"
)
CIFAR_CPU = (
    "--data {data}/cifar100.parquet --label-column fine_label --split-column cifar_fs --size 32 "
    "--augment photo-light --ways 5 --schedule cosine --precision bfloat16 --validation-episodes 100 "
    "--test-episodes 600"
)
METRIC_CPU = f"{CIFAR_CPU} --network conv4 --train-ways 20 --queries 5 --test 5w1s 5w5s"
FROM_PROTOTYPES = "--init {out}/cifar-protonet-1-cpu.safetensors"
PRETRAIN_CPU = (
    f"{CIFAR_PRETRAIN.replace('resnet12-slim', 'pooled')} --rotation-weight 1 --turned-share 0.375 "
    "--validation-episodes 300"
)
META_CPU = (
    "--data {data}/cifar100.parquet --label-column fine_label --split-column cifar_fs --size 32 --augment photo "
    "--schedule cosine --precision bfloat16 --method protonet-cosine --network pooled "
    "--init {out}/pretrain-cpu.safetensors --half --ways 5 --queries 5 --learning-rate 1e-4 --warmup 20 "
    "--weight-decay 5e-4 --evaluate-every 200 --validation-episodes 300 --before --test 5w1s 5w5s --test-episodes 600"
)
SHIFT = (
    "--data {data}/omniglot.parquet --label-column alphabet --label-column character --split-column "
    "vinyals --augment drawing --test 5w5s --episodes 300"
)


@dataclass(frozen=True, slots=True)
class Run:
    """One command. `page` names its page in docs/methods; `paper` has figures by "5w1s", in [0, 1]."""

    name: str
    group: str
    page: str
    command: str
    minutes: float | None
    paper: Mapping[str, float] = field(default_factory=dict)
    data: str = "CIFAR-FS"

    def argv(self, *, data: str, out: str, device: str, limits: bool) -> list[str]:
        """Arguments behind `python -m ml.train`."""
        words = [word.format(data=data, out=out) for word in self.command.split()]
        words += ["--name", self.name, "--out", out, "--device", device]
        if limits and self.minutes is not None:
            words += ["--minutes", str(self.minutes)]
        if words[0] in ("episodes", "pretrain"):
            words.append("--resume")
        if device == "cpu":
            words = [word for word in words if word != "--graph"]
        return words


def _omniglot(name: str, shots: int, more: str = "") -> Run:
    paper = {"5w1s": 0.988, "20w1s": 0.960} if shots == 1 else {"5w5s": 0.997, "20w5s": 0.989}
    command = f"episodes {OMNIGLOT} --method protonet --shots {shots} --graph {more}"
    return Run(name, "omniglot", "prototypical-networks", command, 2.5, paper, "Omniglot")


def _episodes(name: str, group: str, page: str, options: str, *, minutes: float, paper: Mapping[str, float]) -> Run:
    return Run(name, group, page, f"episodes {CIFAR_FS} {options} --graph", minutes, paper)


def _cpu(name: str, page: str, options: str, paper: Mapping[str, float]) -> Run:
    return Run(f"{name}-cpu", "cpu", page, f"episodes {options}", None, paper)


_PROTO = "--method protonet --train-ways 20 --queries 10 --steps 30000 --weight-decay 5e-4"
_MATCHING = "--train-ways 20 --queries 10 --steps 20000 --weight-decay 5e-4"
_RELATION = "--method relation --network conv4-maps --train-ways 5 --queries 10 --episodes-per-step 4 --steps 20000"
_MAML = "--train-ways 5 --queries 15 --episodes-per-step 8 --steps 20000 --inner-steps 5 --clip-norm 10"

RUNS: tuple[Run, ...] = (
    _omniglot("omniglot-1", 1),
    _omniglot("omniglot-5", 5),
    _episodes(
        "cifar-protonet-1",
        "prototypes",
        "prototypical-networks",
        f"{_PROTO} --shots 1",
        minutes=2.5,
        paper={"5w1s": 0.555},
    ),
    _episodes(
        "cifar-protonet-5",
        "prototypes",
        "prototypical-networks",
        f"{_PROTO} --shots 5",
        minutes=2.5,
        paper={"5w5s": 0.720},
    ),
    Run("pretrain", "best", "pmf", f"pretrain {CIFAR_PRETRAIN} --steps 24000 --evaluate-every 3000", 5.5),
    Run("meta-1", "best", "pmf", f"episodes {CIFAR_FS} {META} --shots 1", 0.8, {"5w1s": 0.843}),
    Run("meta-5", "best", "pmf", f"episodes {CIFAR_FS} {META} --shots 5", 0.8, {"5w5s": 0.922}),
    Run(
        "shift-conv4",
        "prototypes",
        "pmf",
        f"pmf {SHIFT} --learner {{out}}/cifar-protonet-5.safetensors",
        2.0,
        data="CIFAR-FS to Omniglot",
    ),
    Run(
        "shift-resnet12",
        "shift",
        "pmf",
        f"pmf {SHIFT} --learner {{out}}/meta-5.safetensors",
        4.0,
        data="CIFAR-FS to Omniglot",
    ),
    _episodes(
        "cifar-matching-1",
        "metric",
        "matching-networks",
        f"--method matching {_MATCHING} --shots 1",
        minutes=2.0,
        paper={},
    ),
    _episodes(
        "cifar-matching-5",
        "metric",
        "matching-networks",
        f"--method matching {_MATCHING} --shots 5",
        minutes=2.0,
        paper={},
    ),
    _episodes(
        "cifar-relation-1",
        "relation",
        "relation-networks",
        f"{_RELATION} --shots 1",
        minutes=4.0,
        paper={"5w1s": 0.550},
    ),
    _episodes(
        "cifar-relation-5",
        "relation",
        "relation-networks",
        f"{_RELATION} --shots 5",
        minutes=4.0,
        paper={"5w5s": 0.693},
    ),
    _episodes(
        "cifar-maml-1",
        "maml-1",
        "maml",
        f"--method maml {_MAML} --shots 1 --inner-rate 0.1",
        minutes=4.0,
        paper={"5w1s": 0.589},
    ),
    _episodes(
        "cifar-maml-1-transductive",
        "maml-1",
        "maml",
        f"--method maml {_MAML} --shots 1 --inner-rate 0.1 --transductive",
        minutes=4.0,
        paper={"5w1s": 0.589},
    ),
    _episodes(
        "cifar-maml-5",
        "maml-5",
        "maml",
        f"--method maml {_MAML} --shots 5 --inner-rate 0.1",
        minutes=4.0,
        paper={"5w5s": 0.715},
    ),
    _episodes(
        "cifar-anil-5",
        "maml-5",
        "maml",
        f"--method anil {_MAML} --shots 5 --inner-rate 0.1",
        minutes=2.0,
        paper={"5w5s": 0.683},
    ),
    Run(
        "omniglot-1-cpu",
        "cpu",
        "prototypical-networks",
        f"episodes {OMNIGLOT_CPU} --train-ways 60 --shots 1 --learning-rate 2e-3 --warmup 50 --evaluate-every 400 "
        "--steps 20000",
        None,
        {"5w1s": 0.988, "5w5s": 0.997, "20w1s": 0.960, "20w5s": 0.989},
        "Omniglot",
    ),
    _cpu(
        "cifar-protonet-5",
        "prototypical-networks",
        f"{METRIC_CPU} --method protonet --shots 5 --learning-rate 2e-3 --warmup 50 --steps 4000 --evaluate-every 500",
        {"5w1s": 0.555, "5w5s": 0.720},
    ),
    _cpu(
        "cifar-protonet-1",
        "prototypical-networks",
        f"{METRIC_CPU} --method protonet --shots 1 --learning-rate 1e-3 --steps 3000 --evaluate-every 500 "
        f"--init {{out}}/cifar-protonet-5-cpu.safetensors",
        {"5w1s": 0.555, "5w5s": 0.720},
    ),
    Run(
        "shift-cpu",
        "cpu",
        "pmf",
        f"pmf {SHIFT} --learner {{out}}/cifar-protonet-5-cpu.safetensors --episodes 40 --finetune-steps 20",
        None,
        data="CIFAR-FS to Omniglot",
    ),
    _cpu(
        "cifar-matching-5",
        "matching-networks",
        f"{METRIC_CPU} --method matching --shots 5 --learning-rate 2e-3 --warmup 50 --steps 2500 --evaluate-every 500",
        {},
    ),
    _cpu(
        "cifar-anil-5",
        "maml",
        f"{CIFAR_CPU} --method anil --network conv4-32 --shots 5 --queries 5 --episodes-per-step 4 --clip-norm 10 "
        "--inner-rate 0.1 --learning-rate 2e-3 --warmup 50 --steps 6000 --evaluate-every 500 --precision float32 "
        "--test 5w5s",
        {"5w5s": 0.683},
    ),
    _cpu(
        "cifar-maml-1-transductive",
        "maml",
        f"{CIFAR_CPU} --method maml --transductive --network conv4 --shots 1 --queries 5 --episodes-per-step 4 "
        "--clip-norm 10 --inner-rate 0.03 --learning-rate 1e-3 --warmup 20 --steps 1500 --evaluate-every 250 "
        f"--precision float32 --validation-queries 15 --test 5w1s {FROM_PROTOTYPES}",
        {"5w1s": 0.589},
    ),
    _cpu(
        "cifar-relation-5",
        "relation-networks",
        f"{CIFAR_CPU} --method relation --network conv4-maps --shots 5 --queries 5 --episodes-per-step 4 "
        "--learning-rate 1e-3 --warmup 50 --steps 6000 --evaluate-every 500 --test 5w1s 5w5s",
        {"5w1s": 0.550, "5w5s": 0.693},
    ),
    _cpu(
        "cifar-relation-1",
        "relation-networks",
        f"{CIFAR_CPU} --method relation --network conv4-maps --shots 1 --queries 5 --episodes-per-step 4 "
        "--learning-rate 1e-3 --warmup 50 --steps 2500 --evaluate-every 500 --test 5w1s 5w5s "
        "--init {out}/cifar-relation-5-cpu.safetensors",
        {"5w1s": 0.550, "5w5s": 0.693},
    ),
    Run("pretrain-cpu", "best-cpu", "pmf", f"pretrain {PRETRAIN_CPU} --steps 12000 --evaluate-every 1000", None),
    Run(
        "meta-5-cpu",
        "best-cpu",
        "pmf",
        f"episodes {META_CPU} --train-ways 15 --shots 5 --steps 400",
        None,
        {"5w5s": 0.922},
    ),
    Run(
        "meta-1-cpu",
        "best-cpu",
        "pmf",
        f"episodes {META_CPU} --train-ways 20 --shots 1 --steps 800",
        None,
        {"5w1s": 0.843},
    ),
)


def runs_of(groups: list[str]) -> dict[str, list[Run]]:
    """The runs of each group, in order."""
    return {group: [run for run in RUNS if run.group == group] for group in groups}


def group_names() -> list[str]:
    return list(dict.fromkeys(run.group for run in RUNS))

"""When a project trains by itself, what it trains, and what a candidate has to show: `Project.options["training"]`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from django.db import transaction

from server.core.errors import InvalidInput
from server.labeling.models import Evidence
from server.projects.models import Project
from server.training.models import Method

KEY = "training"
HEADS = ("default", "gda", "logistic", "lp++", "prototypes", "text-prototypes", "text-blend")
METRICS = ("accuracy", "macro_f1")


@dataclass(frozen=True)
class TrainingOptions:
    """Quiet defaults: a refit of the head after every 100 newly confirmed labels, promoted only when shown better.

    every: newly confirmed labels between runs, 0 for never; hours: time between runs, 0 for never; drift: also when the
    blind share says that the live head is no longer as good as it was judged. needed, metric, tolerance: the gate's.
    evidence: grades of labels that may teach, all where empty.
    """

    every: int = 100
    hours: int = 0
    drift: bool = True
    method: str = Method.HEAD.value
    head: str = "default"
    promote: bool = True
    metric: str = "accuracy"
    needed: int = 20
    tolerance: float = 0.0
    evidence: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require(0 <= self.every <= 1_000_000, "every", "a number of labels from 0 (never) to 1,000,000")
        _require(0 <= self.hours <= 24 * 365, "hours", "a number of hours from 0 (never) to 8,760")
        _require(self.method in Method.values, "method", f"one of {', '.join(Method.values)}")
        _require(self.head in HEADS, "head", f"one of {', '.join(HEADS)}")
        _require(self.metric in METRICS, "metric", f"one of {', '.join(METRICS)}")
        _require(10 <= self.needed <= 100_000, "needed", "a number of blind answers from 10 to 100,000")
        _require(0 <= self.tolerance <= 0.2, "tolerance", "a share from 0 to 0.2")
        _require(set(self.evidence) <= set(Evidence.values), "evidence", f"some of {', '.join(Evidence.values)}")


def training_options(project: Project) -> TrainingOptions:
    """What the project chose, over the defaults."""
    return options_from(project.options.get(KEY) or {})


def options_from(values: Mapping[str, Any]) -> TrainingOptions:
    """Options from JSON values.

    Raises:
        InvalidInput: A name that does not exist, or a value of another kind or outside its range.
    """
    kinds = {field.name: field.default for field in fields(TrainingOptions)}
    for name, value in values.items():
        if name not in kinds:
            raise InvalidInput(f"There is no training option {name!r}; there are {', '.join(kinds)}.")
        wanted = (int, float) if isinstance(kinds[name], float) else (type(kinds[name]), list)
        if not isinstance(value, wanted) or (isinstance(value, bool) and not isinstance(kinds[name], bool)):
            raise InvalidInput(f"{name}: expected a value like {kinds[name]!r}, got {value!r}.")
    clean: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return TrainingOptions(**clean)


@transaction.atomic
def training_options_set(*, project: Project, changes: Mapping[str, Any]) -> TrainingOptions:
    """Change some options and keep the others.

    Raises:
        InvalidInput: As `options_from`; nothing is changed then.
    """
    held = Project.objects.select_for_update().get(pk=project.pk)
    options = options_from({**options_out(training_options(held)), **changes})
    if options.method == Method.STUDENT:
        raise InvalidInput("A student is made by hand: start a run with this method. Choose what trains by itself.")
    Project.objects.filter(pk=project.pk).update(options={**held.options, KEY: options_out(options)})
    return options


def options_out(options: TrainingOptions) -> dict[str, Any]:
    """As JSON values."""
    return {**asdict(options), "evidence": list(options.evidence)}


def _require(right: bool, name: str, expected: str) -> None:
    if not right:
        raise InvalidInput(f"{name}: expected {expected}.", fields={name: [f"Expected {expected}."]})

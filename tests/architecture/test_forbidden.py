"""Words that mean danger, or that say too much of one machine. Looked for as syntax, so that prose may name them."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.tree import ROOT, tracked

SOURCES = tracked(".py", under="server/") + tracked(".py", under="ml/") + tracked(".py", under="scripts/")
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
CALLS = {"eval", "exec", "torch.load", "yaml.load", "os.system", "os.popen", "pickle.load", "joblib.load"}
HARMLESS_WITH = {"torch.load": "weights_only=True", "yaml.load": "Loader=yaml.SafeLoader"}
ARGUMENTS = {"shell=True", "trust_remote_code=True", "allow_pickle=True", "weights_only=False"}


def dangers(source: str) -> Iterator[str]:
    """What the code imports, calls or passes that may run what it was only meant to read."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            passed = {ast.unparse(keyword) for keyword in node.keywords}
            yield from sorted(passed & ARGUMENTS)
            name = ast.unparse(node.func)
            if name in CALLS and HARMLESS_WITH.get(name) not in passed:
                yield f"{name}()"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pickle", ["pickle"]),
        ("from joblib import load", ["joblib"]),
        ("eval('1')", ["eval()"]),
        ("model.eval()", []),
        ("torch.load(p)", ["torch.load()"]),
        ("torch.load(p, weights_only=True)", []),
        ("subprocess.run(c, shell=True)", ["shell=True"]),
        ("np.load(p, allow_pickle=True)", ["allow_pickle=True"]),
    ],
)
def test_the_search_finds_what_it_should(source: str, found: list[str]) -> None:
    assert list(dangers(source)) == found


def test_nothing_that_is_read_is_ever_run() -> None:
    found = {path: list(dangers((ROOT / path).read_text())) for path in SOURCES}
    assert {path: what for path, what in found.items() if what} == {}


UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError")


def test_nothing_is_shipped_unfinished() -> None:
    paths = SOURCES + tracked(".ts", ".tsx", under="frontend/src/")
    assert [path for path in paths if UNFINISHED.search((ROOT / path).read_text())] == []


TEXTS = (".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".json", ".ts", ".tsx", ".sh", "Makefile", "Dockerfile")
MACHINE = re.compile(
    r"(?<![\w.])/(?:home|root|Users|work|opt/(?:pypi|wheels))/[\w.]"
    r"|files\.pythonhosted\.org|(?:https?://|index-url\s*=?\s*)\S*(?:pypi|artifactory|nexus)\S*/simple"
)
ABOUT_THIS_RULE = "tests/architecture/test_forbidden.py"


def test_no_tracked_file_names_a_machine_or_a_package_host() -> None:
    found = {}
    for path in tracked(*TEXTS):
        hits = MACHINE.findall((ROOT / path).read_text(errors="replace"))
        if hits and path != ABOUT_THIS_RULE:
            found[path] = sorted(set(hits))
    assert found == {}

"""`python -m ml.bench looks` says what looking after every answer costs."""

import json

import pytest

from ml.bench.looks import main


def test_looks_that_are_meant_to_be_repeated_are_rarely_false(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--size", "600", "--audits", "100", "--looks", "150", "--lots", "40", "--wrong", "0.05", "0.3"]
    assert main([*arguments, "--json"]) == 0
    good, bad = json.loads(capsys.readouterr().out)["rows"]
    assert good["anytime_revokes"]["share"] < good["one_look_revokes"]["share"]
    assert good["anytime_revokes"]["interval_95"][0] <= 0.05
    assert (bad["anytime_revokes"]["share"], bad["proved"]["share"]) == (1.0, 0.0)

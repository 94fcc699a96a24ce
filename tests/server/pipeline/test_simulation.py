"""A play of the loop may hide from the encoder what the categories mean."""

from dataclasses import replace
from pathlib import Path

from server.pipeline.simulation import Play, called


def test_names_lose_their_underscores_and_numbers_tell_nothing() -> None:
    play = Play(images=Path("photographs"), encoder="demo")
    assert called(play, ["aquarium_fish", "bee"]) == ["aquarium fish", "bee"]
    assert called(replace(play, numbers=True), ["aquarium_fish", "bee"]) == ["Class 1", "Class 2"]

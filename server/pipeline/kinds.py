"""Every kind of job: the queue that it goes to, and what people read while it runs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """Where a kind of job runs and what people read while it does."""

    queue: str
    title: str


KINDS = {
    "draw_demo": Kind("default", "Drawing the demo's pictures"),
    "unpack": Kind("default", "Unpacking an archive"),
    "ingest": Kind("default", "Reading images"),
    "embed": Kind("ml", "Looking at images"),
    "predict": Kind("ml", "Predicting categories"),
    "acquire": Kind("ml", "Choosing what to label next"),
    "train": Kind("ml", "Training a better model"),
    "encode_text": Kind("interactive", "Reading a text"),
    "teach": Kind("interactive", "Learning from corrections"),
    "inject": Kind("interactive", "Taking new categories in"),
    "rehearse": Kind("default", "Learning to write new categories"),
    "try_words": Kind("interactive", "Trying a description"),
    "switch_encoder": Kind("ml", "Changing the encoder"),
    "plan_lot": Kind("ml", "Planning what could be accepted"),
    "judge_lot": Kind("default", "Judging audits"),
    "ask_opinions": Kind("default", "Choosing whom to ask for another opinion"),
    "measure_people": Kind("default", "Measuring how far people agree"),
    "fit_curve": Kind("ml", "Learning how much more it takes"),
    "find_label_errors": Kind("ml", "Looking for wrong labels"),
    "flip_encoder": Kind("ml", "Changing over to the new encoder"),
    "map": Kind("default", "Drawing the map"),
    "export": Kind("default", "Writing an export"),
    "purge": Kind("default", "Deleting a project"),
}

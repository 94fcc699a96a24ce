"""What to do next, in sentences: at most three, most useful first."""

from dataclasses import dataclass

THIN = 3
"""Below so many confirmed images a category is hardly known."""
MOST = 3


@dataclass(frozen=True)
class Advice:
    """One thing to do, and the page where it is done."""

    text: str
    href: str


def advice_for(
    *,
    project_id: int,
    counts: dict[str, int],
    unfit: int,
    thin: list[str],
    confused: tuple[str, str] | None,
    workers: dict[str, bool],
    working: bool,
    categories: int,
) -> list[Advice]:
    """Only what the figures say."""
    base = f"/p/{project_id}"
    found: list[Advice] = []

    def say(when: bool, text: str, page: str) -> None:
        if when:
            found.append(Advice(text, f"{base}{page}"))

    images, waiting = counts["images"], counts["need_eyes"]
    asleep = [queue for queue in ("default", "ml") if not workers.get(queue)]
    say(working and bool(asleep), "No worker is running, so work is waiting. Start one with `make run`.", "")
    say(
        not images and not counts["processing"] and not working,
        "Add images: drop files, a folder or an archive.",
        "/images",
    )
    say(images > 0 and not categories, "Type the names of the categories, one a line.", "/categories")
    say(
        counts["disputed"] > 0,
        f"{_some(counts['disputed'], 'image is', 'images are')} disputed: decide.",
        "/review",
    )
    say(waiting > 0 and categories > 0, _waiting(waiting, thin if counts["labeled"] else []), "/label")
    say(
        confused is not None and counts["labeled"] > 0,
        f"{confused[0]} and {confused[1]} are mixed up most: describe what tells them apart." if confused else "",
        "/categories",
    )
    say(
        counts["blind_drawn"] > counts["blind_answered"] and counts["blind_answered"] < 20 and counts["labeled"] >= 20,
        "A few more blind images, and the accuracy is known.",
        "/label",
    )
    say(
        unfit > 0,
        f"{_some(unfit, 'image', 'images')} could not be read by the encoder: look at the job's log.",
        "",
    )
    say(
        counts["flagged"] > 0,
        f"{_some(counts['flagged'], 'image was', 'images were')} flagged.",
        "/images?state=flagged",
    )
    say(
        images > 0 and waiting == 0 and counts["labeled"] > 0, "Every image is labeled: export the dataset.", "/exports"
    )
    return found[:MOST]


def _waiting(waiting: int, thin: list[str]) -> str:
    text = f"{_some(waiting, 'image waits', 'images wait')} for a label."
    if thin:
        names = ", ".join(thin[:3]) + (" and others" if len(thin) > 3 else "")
        text += f" {names} {'has' if len(thin) == 1 else 'have'} fewer than {THIN} confirmed images."
    return text


def _some(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"

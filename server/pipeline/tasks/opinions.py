"""Ask for further opinions where those so far leave it open."""

import numpy as np

from server.compute.opinions import opinions_wanted
from server.insights.agreement import images_reviewed, votes_independent
from server.insights.measurements import measurement_keep, sequence_last
from server.insights.models import Measured
from server.labeling.services.opinions import AT_ONCE, opinions_ask, opinions_most
from server.pipeline.handle import JobHandle
from server.pipeline.station import station
from server.projects.selectors import labelers_of


@station("ask_opinions")
def ask_opinions(handle: JobHandle) -> None:
    """Read independent votes, weigh everybody's confusions, ask who can tell. Safe to repeat."""
    project = handle.project
    last = sequence_last(project_id=project.pk)
    votes = votes_independent(project_id=project.pk)
    handle.progress(total=len(votes.image))
    asked = opinions_wanted(
        votes.image,
        votes.annotator,
        votes.category,
        most=opinions_most(project),
        people=np.array(labelers_of(project_id=project.pk), np.int64),
        settled=images_reviewed(project_id=project.pk),
        count=AT_ONCE,
    )
    with handle.commit(done=len(votes.image)):
        opinions_ask(project=project, asked=asked)
        content = {"images": len(asked), "people": len({person for people in asked.values() for person in people})}
        measurement_keep(project_id=project.pk, kind=Measured.OPINIONS, content=content, last_sequence=last)

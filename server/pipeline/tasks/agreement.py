"""Measure how far people agree."""

from server.compute.agreement import people_agree
from server.core.events import publish
from server.insights.agreement import votes_independent
from server.insights.measurements import measurement_keep, sequence_last
from server.insights.models import Measured
from server.pipeline.handle import JobHandle
from server.pipeline.station import station


@station("measure_people")
def measure_people(handle: JobHandle) -> None:
    """Read independent votes, measure, keep. What is said meanwhile counts as not yet measured."""
    last = sequence_last(project_id=handle.project_id)
    votes = votes_independent(project_id=handle.project_id)
    handle.progress(total=len(votes.image))
    content = people_agree(votes.image, votes.annotator, votes.category, seed=handle.project_id)
    with handle.commit(done=len(votes.image)):
        measurement_keep(project_id=handle.project_id, kind=Measured.PEOPLE, content=content, last_sequence=last)
    publish(handle.project_id, "insights")

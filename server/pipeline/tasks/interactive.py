"""Answers that somebody is waiting for: texts become vectors within a second."""

import base64

from server.compute.encoders import class_texts_encode
from server.core.errors import InvalidInput, Unavailable
from server.pipeline.handle import JobHandle
from server.pipeline.station import station


@station("encode_text")
def encode_text(handle: JobHandle) -> None:
    """The unit vector of one or more texts together, in the project's space."""
    space = handle.project.active_space
    if space is None:
        raise Unavailable("This project has no vectors yet.")
    texts = handle.params.get("texts")
    if not isinstance(texts, list) or not texts:
        raise InvalidInput("This job names no text.")
    vector = class_texts_encode(space.name, [[str(text) for text in texts]], fingerprint=space.fingerprint)[0]
    handle.result = {"space": space.pk, "vector": base64.b64encode(vector.astype("<f4").tobytes()).decode()}

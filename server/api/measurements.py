"""How old a measurement is, and whether it is being made anew: the same beside all of them."""

from typing import Any

from rest_framework import serializers

from server.insights.measurements import Reading


class MeasuringOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    done = serializers.IntegerField()
    total = serializers.IntegerField()


class ReadingOut(serializers.Serializer[Any]):
    at = serializers.DateTimeField(allow_null=True, help_text="Null before the first measurement.")
    since = serializers.IntegerField(help_text="Annotations that came after it.")
    job = MeasuringOut(allow_null=True)


def reading_out(reading: Reading) -> dict[str, Any]:
    job = reading.job
    return {
        "at": reading.at,
        "since": reading.since,
        "job": job and {"id": job.pk, "done": job.done, "total": job.total},
    }

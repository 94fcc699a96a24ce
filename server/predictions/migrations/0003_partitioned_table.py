"""The table of predictions, partitioned by run: a new run is filled by COPY, swapped in, and the old one dropped."""

from django.db import migrations

CREATE = """
CREATE TABLE predictions_prediction (
    run_id bigint NOT NULL,
    image_id bigint NOT NULL,
    category_id bigint NOT NULL,
    probability real NOT NULL,
    margin real NOT NULL,
    entropy real NOT NULL,
    top_categories bigint[] NOT NULL,
    top_probabilities real[] NOT NULL,
    PRIMARY KEY (run_id, image_id)
) PARTITION BY LIST (run_id);
CREATE INDEX predictions_prediction_category ON predictions_prediction (category_id, probability DESC);
CREATE INDEX predictions_prediction_margin ON predictions_prediction (margin);
"""


class Migration(migrations.Migration):
    dependencies = [("predictions", "0002_initial")]
    operations = [migrations.RunSQL(CREATE, "DROP TABLE predictions_prediction")]

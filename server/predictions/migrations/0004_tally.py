"""How many images of a run have each category, so that no page counts them."""

import django.db.models.deletion
from django.db import migrations, models

COUNT = """
INSERT INTO predictions_predictiontally (run_id, category_id, count)
SELECT p.run_id, p.category_id, count(*) FROM predictions_prediction p
JOIN predictions_predictionrun r ON r.id = p.run_id GROUP BY p.run_id, p.category_id
"""


class Migration(migrations.Migration):
    dependencies = [("predictions", "0003_partitioned_table")]
    operations = [
        migrations.CreateModel(
            name="PredictionTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="predictions.predictionrun",
                    ),
                ),
                ("category_id", models.BigIntegerField()),
                ("count", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("run", "category_id"), name="prediction_tally_once")
                ]
            },
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]

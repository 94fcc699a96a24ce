"""Labels that runs froze, from a row an image to one row a run."""

import django.db.models.deletion
from django.db import migrations, models

PAIRS = "string_agg(int8send(i.image_id) || int8send(i.category_id), ''::bytea ORDER BY i.image_id)"
PACK = f"""
INSERT INTO snapshots_packedlabels (snapshot_id, taught, asked)
SELECT s.id, COALESCE({PAIRS} FILTER (WHERE NOT i.blind), ''::bytea), COALESCE({PAIRS} FILTER (WHERE i.blind), ''::bytea)
FROM snapshots_snapshot s LEFT JOIN snapshots_snapshotitem i ON i.snapshot_id = s.id
WHERE s.filters ? 'purpose' GROUP BY s.id
"""
# Compressing them would take the database longer than writing them.
PLAIN = """
ALTER TABLE snapshots_packedlabels ALTER COLUMN taught SET STORAGE EXTERNAL, ALTER COLUMN asked SET STORAGE EXTERNAL
"""
CLEAR = """
DELETE FROM snapshots_snapshotitem i USING snapshots_snapshot s WHERE s.id = i.snapshot_id AND s.filters ? 'purpose'
"""


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0005_scope")]

    operations = [
        migrations.CreateModel(
            name="PackedLabels",
            fields=[
                (
                    "snapshot",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="packed",
                        serialize=False,
                        to="snapshots.snapshot",
                    ),
                ),
                ("taught", models.BinaryField()),
                ("asked", models.BinaryField()),
            ],
        ),
        migrations.RunSQL(PLAIN, migrations.RunSQL.noop),
        migrations.RunSQL(PACK, migrations.RunSQL.noop),
        migrations.RunSQL(CLEAR, migrations.RunSQL.noop),
    ]

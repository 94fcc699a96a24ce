"""The table of vectors, partitioned by space.

No foreign keys: rows come by COPY, millions at a time, and a space is dropped as one partition.
PLAIN storage keeps vectors in the row: out-of-line values made exact scans three to five times slower.
"""

from django.db import migrations

CREATE = """
CREATE TABLE embeddings_embedding (
    space_id bigint NOT NULL,
    image_id bigint NOT NULL,
    project_id bigint NOT NULL,
    vector halfvec NOT NULL,
    PRIMARY KEY (space_id, image_id)
) PARTITION BY LIST (space_id);
ALTER TABLE embeddings_embedding ALTER COLUMN vector SET STORAGE PLAIN;
CREATE INDEX embeddings_embedding_project ON embeddings_embedding (project_id, image_id);
"""


class Migration(migrations.Migration):
    dependencies = [("embeddings", "0002_initial")]
    operations = [migrations.RunSQL(CREATE, "DROP TABLE embeddings_embedding")]

"""How many images of a project are in each state, kept by the database; and their random order, as an index."""

from django.db import migrations, models

FOLLOW = """
CREATE FUNCTION images_imagetally_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO images_imagetally (project_id, state, count)
        SELECT project_id, state, count(*) FROM fresh GROUP BY 1, 2;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO images_imagetally (project_id, state, count)
        SELECT project_id, state, -count(*) FROM gone GROUP BY 1, 2;
    ELSE
        INSERT INTO images_imagetally (project_id, state, count)
        SELECT project_id, state, sum(moved) FROM (
            SELECT project_id, state, 1 AS moved FROM fresh UNION ALL SELECT project_id, state, -1 FROM gone) both_sides
        GROUP BY 1, 2 HAVING sum(moved) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER images_imagetally_in AFTER INSERT ON images_image
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION images_imagetally_follow();
CREATE TRIGGER images_imagetally_out AFTER DELETE ON images_image
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION images_imagetally_follow();
CREATE TRIGGER images_imagetally_over AFTER UPDATE ON images_image
    REFERENCING OLD TABLE AS gone NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION images_imagetally_follow();
INSERT INTO images_imagetally (project_id, state, count)
    SELECT project_id, state, count(*) FROM images_image GROUP BY 1, 2;
"""
# Every image has a fixed random number, which blind draws and random picks go by: see labeling.services.blind.
DRAW = """
CREATE INDEX image_draw ON images_image
    (project_id, (hashint8extended(id, 1464421966 + project_id) & 1073741823), id) WHERE state = 'ready'
"""
FORGET = """
DROP TRIGGER images_imagetally_in ON images_image;
DROP TRIGGER images_imagetally_out ON images_image;
DROP TRIGGER images_imagetally_over ON images_image;
DROP FUNCTION images_imagetally_follow();
"""


class Migration(migrations.Migration):
    dependencies = [("images", "0003_import_batches")]
    operations = [
        migrations.CreateModel(
            name="ImageTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("project_id", models.BigIntegerField(db_index=True)),
                ("state", models.CharField(max_length=10)),
                ("count", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(FOLLOW, FORGET),
        migrations.RunSQL(DRAW, "DROP INDEX image_draw"),
    ]

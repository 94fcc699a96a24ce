"""How many images stand where, kept by the database as sums of changes; and the way to the blind answers."""

from django.db import migrations, models

FOLLOW = """
CREATE FUNCTION labeling_consensustally_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO labeling_consensustally (project_id, category_id, state, evidence, blind, count)
        SELECT project_id, category_id, state, evidence, blind, count(*) FROM fresh GROUP BY 1, 2, 3, 4, 5;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO labeling_consensustally (project_id, category_id, state, evidence, blind, count)
        SELECT project_id, category_id, state, evidence, blind, -count(*) FROM gone GROUP BY 1, 2, 3, 4, 5;
    ELSE
        INSERT INTO labeling_consensustally (project_id, category_id, state, evidence, blind, count)
        SELECT project_id, category_id, state, evidence, blind, sum(moved) FROM (
            SELECT project_id, category_id, state, evidence, blind, 1 AS moved FROM fresh UNION ALL SELECT project_id, category_id, state, evidence, blind, -1 FROM gone) both_sides
        GROUP BY 1, 2, 3, 4, 5 HAVING sum(moved) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER labeling_consensustally_in AFTER INSERT ON labeling_consensus
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION labeling_consensustally_follow();
CREATE TRIGGER labeling_consensustally_out AFTER DELETE ON labeling_consensus
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION labeling_consensustally_follow();
CREATE TRIGGER labeling_consensustally_over AFTER UPDATE ON labeling_consensus
    REFERENCING OLD TABLE AS gone NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION labeling_consensustally_follow();
INSERT INTO labeling_consensustally (project_id, category_id, state, evidence, blind, count)
    SELECT project_id, category_id, state, evidence, blind, count(*) FROM labeling_consensus GROUP BY 1, 2, 3, 4, 5;
"""
FORGET = """
DROP TRIGGER labeling_consensustally_in ON labeling_consensus;
DROP TRIGGER labeling_consensustally_out ON labeling_consensus;
DROP TRIGGER labeling_consensustally_over ON labeling_consensus;
DROP FUNCTION labeling_consensustally_follow();
"""


class Migration(migrations.Migration):
    dependencies = [("labeling", "0005_blinddraw_lot")]
    operations = [
        migrations.AddIndex(
            model_name="consensus",
            index=models.Index(
                condition=models.Q(("blind", True)), fields=["project", "category"], name="consensus_blind"
            ),
        ),
        migrations.CreateModel(
            name="ConsensusTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("project_id", models.BigIntegerField(db_index=True)),
                ("category_id", models.BigIntegerField(null=True)),
                ("state", models.CharField(max_length=10)),
                ("evidence", models.CharField(max_length=10)),
                ("blind", models.BooleanField()),
                ("count", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(FOLLOW, FORGET),
    ]

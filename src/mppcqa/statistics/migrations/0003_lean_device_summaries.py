"""Summaries of devices carry nothing for their series: no index, no constraint."""

import django.db.models.deletion
from django.db import migrations, models

from mppcqa.testing.layout import cluster_on_sqlite


def cluster(apps, schema_editor):
    cluster_on_sqlite(schema_editor, "statistics_devicesummary")


class Migration(migrations.Migration):

    dependencies = [("statistics", "0002_clustered_summaries")]

    operations = [
        migrations.AlterField(
            model_name="devicesummary",
            name="series",
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="statistics.series"),
        ),
        migrations.RunPython(cluster, migrations.RunPython.noop),
    ]

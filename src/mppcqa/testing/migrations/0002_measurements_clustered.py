"""The big table lies in the order of its key on SQLite as well."""

from django.db import migrations

from mppcqa.testing.layout import cluster_on_sqlite


def forward(apps, schema_editor):
    cluster_on_sqlite(schema_editor, "testing_measurement")


class Migration(migrations.Migration):

    dependencies = [("testing", "0001_initial")]

    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]

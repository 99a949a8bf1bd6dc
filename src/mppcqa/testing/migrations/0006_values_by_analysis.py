"""The big table lies by analysis, then device: it is only appended to, and its pages stay full."""

from django.db import migrations, models

from mppcqa.testing.layout import key_by

NOW = ("analysis", "device", "quantity", "channel", "condition")


def forward(apps, schema_editor):
    columns = (name if name == "channel" else f"{name}_id" for name in NOW)
    key_by(schema_editor, "testing_measurement", tuple(columns))


class Migration(migrations.Migration):

    dependencies = [("testing", "0005_reference_devices")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(forward, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField(
                    "measurement",
                    "pk",
                    models.CompositePrimaryKey(
                        *NOW, blank=True, editable=False, primary_key=True, serialize=False
                    ),
                )
            ],
        )
    ]

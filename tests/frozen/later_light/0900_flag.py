from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("results", "0005_values_seal")]
    operations: ClassVar = [
        migrations.AddField("measurement", "flag", models.SmallIntegerField(null=True)),
        migrations.AddField("measurement", "weight", models.FloatField(default=1.0)),
        migrations.AddIndex("measurement", models.Index(fields=["value"], name="by_value")),
        migrations.RemoveField("measurement", "weight"),
    ]

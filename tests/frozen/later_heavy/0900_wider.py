from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("results", "0005_values_seal")]
    operations: ClassVar = [
        migrations.RunSQL("ALTER TABLE results_measurement MODIFY channel int NOT NULL"),
        migrations.RunSQL("UPDATE results_measurement SET value = value * 2"),
    ]

from django.db import migrations, models


def fill(apps, schema_editor):
    apps.get_model("web", "LastSave").objects.update(later=7)


class Migration(migrations.Migration):
    dependencies = [("web", "0001_initial")]

    operations = [
        migrations.AddField("lastsave", "later", models.IntegerField(null=True)),
        migrations.RunPython(fill),
    ]

"""A second waiver stands beside the first; what is signed knows its signatures."""

import django.db.models.deletion
from django.db import migrations, models


def count_those_there(apps, schema_editor):
    """Until now a verdict had one waiver, which counts."""
    verdicts = apps.get_model("limits", "Verdict")
    waivers = apps.get_model("limits", "Waiver")
    for pk, verdict in waivers.objects.order_by("pk").values_list("pk", "verdict").iterator():
        verdicts.objects.filter(pk=verdict).update(waiver=pk)


class Migration(migrations.Migration):
    dependencies = [
        ("limits", "0002_acceptance"),
        ("signing", "0001_initial"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="waiver",
            options={"ordering": ["-id"], "verbose_name": "waiver"},
        ),
        migrations.AlterField(
            model_name="waiver",
            name="verdict",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="waivers",
                to="limits.verdict",
            ),
        ),
        migrations.AddField(
            model_name="waiver",
            name="signed",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="signing.signedact",
            ),
        ),
        migrations.AddField(
            model_name="signoff",
            name="signed",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="signing.signedact",
            ),
        ),
        migrations.AddField(
            model_name="verdict",
            name="waiver",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="limits.waiver",
            ),
        ),
        migrations.RunPython(count_those_there, migrations.RunPython.noop),
    ]

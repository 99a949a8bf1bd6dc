"""Buckets by their own key, yields by week, failing quantities; summaries lie by their key."""

import datetime as dt
from collections import Counter

import django.db.models.deletion
from django.db import migrations, models

from mppcqa.testing.layout import cluster_on_sqlite

OUTCOMES = [('pass', 'pass'), ('warning', 'warning'), ('fail', 'fail'), ('incomplete', 'incomplete')]
GOOD = {"pass", "warning"}


def cluster(apps, schema_editor):
    for table in ("statistics_bucket", "statistics_devicesummary"):
        cluster_on_sqlite(schema_editor, table)


def count_verdicts(apps, schema_editor):
    """Weeks and failing quantities of the verdicts that are there already."""
    Verdict = apps.get_model("testing", "Verdict")
    Standing = apps.get_model("testing", "Standing")
    first = {}
    rows = Verdict.objects.order_by("id").values_list("device_id", "stage", "judged_at", "outcome")
    for device, stage, at, outcome in rows.iterator():
        first.setdefault((device, stage), (_monday(at), outcome in GOOD))
    weeks, quantities = {}, Counter()
    standing = Standing.objects.filter(verdict__isnull=False).values_list(
        "device_id", "stage", "outcome", "verdict__judged_at", "verdict__details"
    )
    for device, stage, outcome, at, details in standing.iterator():
        week, passed = first[device, stage]
        counts = weeks.setdefault((stage, week), [0, 0, 0])
        counts[0] += 1
        counts[1] += passed
        counts[2] += outcome in GOOD
        for detail in details:
            if detail["outcome"] != "pass":
                quantities[stage, _monday(at), detail["quantity"], detail["outcome"]] += 1
    apps.get_model("statistics", "WeekYield").objects.bulk_create(
        apps.get_model("statistics", "WeekYield")(
            stage=stage, week=week, judged=judged, first_passed=one, last_passed=last
        )
        for (stage, week), (judged, one, last) in weeks.items()
    )
    apps.get_model("statistics", "QuantityCount").objects.bulk_create(
        apps.get_model("statistics", "QuantityCount")(
            stage=stage, week=week, quantity=quantity, outcome=outcome, n=n
        )
        for (stage, week, quantity, outcome), n in quantities.items()
    )


def _monday(at):
    day = at.astimezone(dt.UTC).date()
    return day - dt.timedelta(days=day.weekday())


class Migration(migrations.Migration):

    dependencies = [
        ("statistics", "0001_initial"),
        ("testing", "0002_measurements_clustered"),
    ]

    operations = [
        migrations.CreateModel(
            name="NewBucket",
            fields=[
                ("pk", models.CompositePrimaryKey("series", "bucket", blank=True, editable=False, primary_key=True, serialize=False)),
                ("series", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="statistics.series")),
                ("bucket", models.IntegerField()),
                ("n", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.RunSQL(
            "INSERT INTO statistics_newbucket (series_id, bucket, n) "
            "SELECT series_id, bucket, n FROM statistics_bucket",
            migrations.RunSQL.noop,
        ),
        migrations.DeleteModel("Bucket"),
        migrations.RenameModel("NewBucket", "Bucket"),
        migrations.AlterField(
            model_name="bucket",
            name="series",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="buckets", to="statistics.series"),
        ),
        migrations.CreateModel(
            name="WeekYield",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stage", models.CharField(max_length=50)),
                ("week", models.DateField()),
                ("judged", models.BigIntegerField(default=0)),
                ("first_passed", models.BigIntegerField(default=0)),
                ("last_passed", models.BigIntegerField(default=0)),
            ],
            options={
                "ordering": ["stage", "week"],
                "constraints": [models.UniqueConstraint(fields=("stage", "week"), name="statistics_week_unique")],
            },
        ),
        migrations.CreateModel(
            name="QuantityCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stage", models.CharField(max_length=50)),
                ("week", models.DateField()),
                ("quantity", models.CharField(max_length=60)),
                ("outcome", models.CharField(choices=OUTCOMES, max_length=10)),
                ("n", models.BigIntegerField(default=0)),
            ],
            options={
                "ordering": ["stage", "week"],
                "constraints": [models.UniqueConstraint(fields=("stage", "week", "quantity", "outcome"), name="statistics_quantity_unique")],
            },
        ),
        migrations.RunPython(count_verdicts, migrations.RunPython.noop),
        migrations.RunPython(cluster, migrations.RunPython.noop),
    ]

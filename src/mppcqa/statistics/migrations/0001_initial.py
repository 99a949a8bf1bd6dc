import django.db.models.deletion
import mppcqa.results.conditions
from django.db import migrations, models

from mppcqa.database.clustering import cluster_on_sqlite


def cluster(apps, schema_editor):
    for table in ("statistics_bucket", "statistics_devicesummary"):
        cluster_on_sqlite(schema_editor, table)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('inventory', '0001_initial'),
        ('results', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='OutcomeCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(max_length=50)),
                ('week', models.DateField()),
                ('outcome', models.CharField(choices=[('pass', 'pass'), ('warning', 'warning'), ('fail', 'fail'), ('incomplete', 'incomplete')], max_length=10)),
                ('n', models.BigIntegerField(default=0)),
            ],
            options={
                'ordering': ['stage', 'week'],
                'constraints': [models.UniqueConstraint(fields=('stage', 'week', 'outcome'), name='statistics_outcome_unique')],
            },
        ),
        migrations.CreateModel(
            name='QuantityCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(max_length=50)),
                ('week', models.DateField()),
                ('quantity', models.CharField(max_length=60)),
                ('outcome', models.CharField(choices=[('pass', 'pass'), ('warning', 'warning'), ('fail', 'fail'), ('incomplete', 'incomplete')], max_length=10)),
                ('n', models.BigIntegerField(default=0)),
            ],
            options={
                'ordering': ['stage', 'week'],
                'constraints': [models.UniqueConstraint(fields=('stage', 'week', 'quantity', 'outcome'), name='statistics_quantity_unique')],
            },
        ),
        migrations.CreateModel(
            name='Series',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('at', mppcqa.results.conditions.ConditionField(help_text='The condition, as it is compared over the campaign.', max_length=250)),
                ('origin', models.FloatField()),
                ('width', models.FloatField(help_text="Width of a histogram bucket, in the quantity's unit.")),
                ('n', models.BigIntegerField(default=0)),
                ('total', models.FloatField(default=0.0)),
                ('squares', models.FloatField(default=0.0)),
                ('quantity', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='series', to='results.quantityrow')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='DeviceSummary',
            fields=[
                ('pk', models.CompositePrimaryKey('device', 'series', blank=True, editable=False, primary_key=True, serialize=False)),
                ('n', models.PositiveSmallIntegerField()),
                ('mean', models.FloatField()),
                ('uncertainty', models.FloatField(help_text='Whole standard uncertainty of the mean.', null=True)),
                ('lowest', models.FloatField()),
                ('highest', models.FloatField()),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='summaries', to='inventory.device')),
                ('series', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='statistics.series')),
            ],
        ),
        migrations.CreateModel(
            name='Bucket',
            fields=[
                ('pk', models.CompositePrimaryKey('series', 'bucket', blank=True, editable=False, primary_key=True, serialize=False)),
                ('bucket', models.IntegerField()),
                ('n', models.BigIntegerField(default=0)),
                ('series', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='buckets', to='statistics.series')),
            ],
        ),
        migrations.CreateModel(
            name='WeekYield',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(max_length=50)),
                ('week', models.DateField()),
                ('judged', models.BigIntegerField(default=0)),
                ('first_passed', models.BigIntegerField(default=0)),
                ('last_passed', models.BigIntegerField(default=0)),
            ],
            options={
                'ordering': ['stage', 'week'],
                'constraints': [models.UniqueConstraint(fields=('stage', 'week'), name='statistics_week_unique')],
            },
        ),
        migrations.AddConstraint(
            model_name='series',
            constraint=models.UniqueConstraint(fields=('quantity', 'at'), name='statistics_series_unique'),
        ),
        migrations.RunPython(cluster, migrations.RunPython.noop),
    ]

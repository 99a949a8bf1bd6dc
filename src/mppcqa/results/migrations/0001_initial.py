import django.db.models.deletion
import django.utils.timezone
import mppcqa.database.fields
import mppcqa.database.identity
import mppcqa.results.conditions
from django.conf import settings
from django.db import migrations, models

from mppcqa.database.clustering import cluster_on_sqlite


def cluster(apps, schema_editor):
    cluster_on_sqlite(schema_editor, "results_measurement")


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('inventory', '0001_initial'),
        ('queue', '0001_initial'),
        ('runs', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ConditionPoint',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('at', mppcqa.results.conditions.ConditionField(max_length=250, unique=True)),
            ],
            options={
                'verbose_name': 'condition',
            },
        ),
        migrations.CreateModel(
            name='Analysis',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('uuid', models.UUIDField(default=mppcqa.database.identity.uuid7, editable=False, unique=True, verbose_name='UUID')),
                ('stage', models.CharField(max_length=50, verbose_name='stage')),
                ('version', models.CharField(max_length=50, verbose_name='version of the analysis')),
                ('code_version', models.CharField(max_length=50, verbose_name='version of mppcqa')),
                ('parameters', models.JSONField(default=dict, verbose_name='parameters')),
                ('methods', models.JSONField(default=dict, help_text='Quantity -> how its value was had.')),
                ('problems', models.JSONField(default=list, help_text='What could not be measured.')),
                ('shared', models.JSONField(default=dict, help_text='Name -> what of the systematic uncertainties its values have in common.')),
                ('values', models.PositiveIntegerField(default=0, verbose_name='values')),
                ('counts', models.BooleanField(default=True, help_text='The analysis of its file that verdicts rest on.', verbose_name='counts')),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('run_file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='analyses', to='runs.runfile')),
                ('task', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='queue.task')),
            ],
            options={
                'verbose_name': 'analysis',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='QuantityRow',
            fields=[
                ('id', models.SmallAutoField(primary_key=True, serialize=False)),
                ('stage', models.CharField(max_length=50)),
                ('key', models.CharField(max_length=60)),
                ('title', models.CharField(max_length=100)),
                ('symbol', models.CharField(blank=True, max_length=30)),
                ('unit', models.CharField(blank=True, max_length=20)),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('stage', 'key'), name='results_quantity_unique')],
            },
        ),
        migrations.CreateModel(
            name='Measurement',
            fields=[
                ('pk', models.CompositePrimaryKey('analysis', 'device', 'quantity', 'channel', 'condition', blank=True, editable=False, primary_key=True, serialize=False)),
                ('channel', models.SmallIntegerField(help_text='From 0; -1 for the whole device.')),
                ('value', models.FloatField()),
                ('statistical', models.FloatField(help_text='Statistical standard uncertainty; NULL where unknown.', null=True)),
                ('systematic', mppcqa.database.fields.SingleField(default=0.0, help_text='Systematic standard uncertainty, what the analysis shares among it.')),
                ('analysis', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='results.analysis')),
                ('condition', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='results.conditionpoint')),
                ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='inventory.device')),
                ('quantity', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='results.quantityrow')),
            ],
            options={
                'verbose_name': 'measured value',
            },
        ),
        migrations.CreateModel(
            name='Standing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(max_length=50, verbose_name='stage')),
                ('outcome', models.CharField(blank=True, choices=[('pass', 'pass'), ('warning', 'warning'), ('fail', 'fail'), ('incomplete', 'incomplete')], default='', max_length=10, verbose_name='verdict')),
                ('changed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('analysis', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='results.analysis')),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='standings', to='inventory.device')),
            ],
            options={
                'verbose_name': 'standing',
                'indexes': [models.Index(fields=['stage', 'outcome', 'device'], name='results_standing_by')],
                'constraints': [models.UniqueConstraint(fields=('device', 'stage'), name='results_standing_unique')],
            },
        ),
        migrations.RunPython(cluster, migrations.RunPython.noop),
        migrations.CreateModel(
            name='SumsAt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', mppcqa.results.conditions.ConditionField(max_length=250)),
                ('analysis', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sums', to='results.analysis')),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.device')),
            ],
            options={
                'verbose_name': 'sums of what was done',
                'constraints': [models.UniqueConstraint(fields=('analysis', 'device'), name='results_sums_unique')],
            },
        ),
    ]

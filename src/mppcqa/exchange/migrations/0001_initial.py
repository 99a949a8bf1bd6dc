import django.db.models.deletion
import django.utils.timezone
import mppcqa.exchange.models
from django.conf import settings
from django.db import migrations, models


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
            name='Batch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=1000)),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('asked', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('new', 'to be looked at'), ('on', 'being taken in'), ('done', 'taken in')], default='new', max_length=10, verbose_name='state')),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='asked for')),
                ('done_at', models.DateTimeField(blank=True, null=True)),
                ('asked_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('task', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='queue.task')),
            ],
            options={
                'verbose_name': 'batch of files',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Export',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('what', models.CharField(max_length=10, verbose_name='list')),
                ('form', models.CharField(max_length=10, verbose_name='format')),
                ('filters', models.JSONField(default=dict)),
                ('rows', models.BigIntegerField(blank=True, null=True, verbose_name='rows')),
                ('size', models.BigIntegerField(blank=True, null=True)),
                ('file', models.FileField(blank=True, max_length=200, storage=mppcqa.exchange.models.export_storage, upload_to='')),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='asked for')),
                ('asked_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('task', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='queue.task')),
            ],
            options={
                'verbose_name': 'export',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='ForeignMapping',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60, unique=True, verbose_name='name')),
                ('document', models.JSONField(default=dict, verbose_name='mapping')),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'mapping of foreign files',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Import',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('devices', "devices and maker's data"), ('values', 'measurements')], max_length=10, verbose_name='rows are')),
                ('stage', models.CharField(blank=True, max_length=50, verbose_name='stage')),
                ('original_name', models.CharField(max_length=200, verbose_name='file')),
                ('size', models.BigIntegerField(default=0)),
                ('sha256', models.CharField(max_length=64)),
                ('reading', models.JSONField(default=dict)),
                ('mapping', models.JSONField(default=dict)),
                ('existing', models.CharField(choices=[('refuse', 'is a fault'), ('skip', 'is left as it is'), ('update', 'is updated')], default='refuse', max_length=10, verbose_name='what is there already')),
                ('counts_now', models.BooleanField(default=True, verbose_name='values count from now on')),
                ('leave_out', models.BooleanField(default=False, verbose_name='leave out rows with faults')),
                ('state', models.CharField(choices=[('new', 'columns to be mapped'), ('checking', 'being checked'), ('checked', 'checked'), ('importing', 'being imported'), ('done', 'imported'), ('failed', 'not imported')], default='new', max_length=10, verbose_name='state')),
                ('found', models.JSONField(default=dict)),
                ('faults', models.PositiveIntegerField(default=0, verbose_name='faults')),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='asked for')),
                ('done_at', models.DateTimeField(blank=True, null=True, verbose_name='imported')),
                ('asked_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='runs.run')),
                ('task', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='queue.task')),
            ],
            options={
                'verbose_name': 'import',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='SavedMapping',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('kind', models.CharField(choices=[('devices', "devices and maker's data"), ('values', 'measurements')], max_length=10, verbose_name='rows are')),
                ('content', models.JSONField(default=dict)),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'mapping of columns',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='BatchFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=400, verbose_name='file')),
                ('size', models.BigIntegerField(default=0)),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('taken', 'taken in'), ('twice', 'there already'), ('refused', 'not taken in')], default='waiting', max_length=10, verbose_name='state')),
                ('why', models.JSONField(default=list)),
                ('batch', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='exchange.batch')),
                ('device', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='inventory.device')),
                ('run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='runs.run')),
            ],
            options={
                'verbose_name': 'file of a batch',
                'ordering': ['id'],
                'indexes': [models.Index(fields=['batch', 'state'], name='file_of_batch_state')],
                'constraints': [models.UniqueConstraint(fields=('batch', 'name'), name='file_of_batch_once')],
            },
        ),
    ]

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import mppcqa.database.identity
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('inventory', '0001_initial'),
        ('queue', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=mppcqa.database.identity.uuid7, editable=False, unique=True, verbose_name='UUID')),
                ('campaign', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='inventory.campaign', verbose_name='campaign')),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='inventory.institute', verbose_name='owner')),
                ('stage', models.CharField(max_length=50, verbose_name='stage')),
                ('parameters', models.JSONField(default=dict, verbose_name='parameters')),
                ('note', models.TextField(blank=True, verbose_name='note')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created')),
                ('measured_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='measured')),
                ('operator', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL, verbose_name='operator')),
                ('task_group', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='runs', to='queue.taskgroup')),
            ],
            options={
                'verbose_name': 'run',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='RunFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sha256', models.CharField(max_length=64, unique=True)),
                ('file', models.FileField(max_length=200, upload_to='')),
                ('size', models.BigIntegerField()),
                ('original_name', models.CharField(max_length=200)),
                ('kind', models.CharField(choices=[('run', 'run file'), ('import', 'imported file')], default='run', max_length=10)),
                ('added_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='files', to='runs.run')),
            ],
            options={
                'verbose_name': 'run file',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='RunSlot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slot', models.PositiveSmallIntegerField(verbose_name='slot')),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='run_slots', to='inventory.device')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='slots', to='runs.run')),
            ],
            options={
                'ordering': ['slot'],
            },
        ),
        migrations.AddField(
            model_name='run',
            name='devices',
            field=models.ManyToManyField(related_name='runs', through='runs.RunSlot', to='inventory.device'),
        ),
        migrations.CreateModel(
            name='Station',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60, unique=True, verbose_name='name')),
                ('stage', models.CharField(max_length=50, verbose_name='stage')),
                ('slots', models.PositiveSmallIntegerField(default=4, verbose_name='slots')),
                ('program', models.JSONField(blank=True, default=list, help_text="Command and arguments; empty for the stage's simulated program.", verbose_name='test program')),
                ('make_safe', models.JSONField(blank=True, default=list, verbose_name='program that leaves the hardware safe')),
                ('remote', models.BooleanField(default=False, help_text='Programs are chosen from the list that its computer reports; no command is typed here.', verbose_name='its computer has an address and a token')),
                ('program_name', models.CharField(blank=True, help_text='Empty for the only one that its list has for the stage.', max_length=60, verbose_name='program of its list')),
                ('time_limit_s', models.PositiveIntegerField(default=7200, help_text='A test program that takes longer is stopped.', verbose_name='time limit of a run [s]')),
                ('calibrated_until', models.DateField(blank=True, null=True, verbose_name='calibrated until')),
                ('reference_every_days', models.PositiveSmallIntegerField(default=7, help_text='When more have gone by, people who look after stations are reminded.', validators=[django.core.validators.MinValueValidator(1)], verbose_name='days between its measurements')),
                ('device_type', models.ForeignKey(blank=True, help_text='The only type that fits its sockets; empty where any fits.', null=True, on_delete=django.db.models.deletion.PROTECT, to='inventory.devicetype', verbose_name='device type')),
                ('institute', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='inventory.institute', verbose_name='institute')),
                ('reference_device', models.ForeignKey(blank=True, help_text='Measured here now and then, to see whether the station drifts.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.device', verbose_name='reference device')),
            ],
            options={
                'verbose_name': 'station',
                'ordering': ['name'],
            },
        ),
        migrations.AddField(
            model_name='run',
            name='station',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='runs.station', verbose_name='station'),
        ),
        migrations.CreateModel(
            name='LoadedDevice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slot', models.PositiveSmallIntegerField(verbose_name='slot')),
                ('loaded_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('device', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='loaded_in', to='inventory.device')),
                ('loaded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('station', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='loaded', to='runs.station')),
            ],
            options={
                'ordering': ['slot'],
            },
        ),
        migrations.CreateModel(
            name='MeasuredFolder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('host', models.CharField(max_length=200)),
                ('size', models.BigIntegerField(null=True)),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('discarded_at', models.DateTimeField(null=True)),
                ('discarded_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('task', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='queue.task')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='folders', to='runs.run')),
                ('kept_as', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='runs.runfile')),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('run', 'name', 'host'), name='runs_folder_once')],
            },
        ),
        migrations.AddConstraint(
            model_name='runslot',
            constraint=models.UniqueConstraint(fields=('run', 'slot'), name='runs_run_slot_unique'),
        ),
        migrations.AddConstraint(
            model_name='runslot',
            constraint=models.UniqueConstraint(fields=('run', 'device'), name='runs_run_device_unique'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['stage', '-id'], name='runs_run_stage'),
        ),
        migrations.AddConstraint(
            model_name='loadeddevice',
            constraint=models.UniqueConstraint(fields=('station', 'slot'), name='runs_slot_holds_one'),
        ),
        migrations.CreateModel(
            name='StationContact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('agent', models.CharField(max_length=40)),
                ('since', models.DateTimeField()),
                ('heard_at', models.DateTimeField()),
                ('version', models.CharField(blank=True, max_length=50)),
                ('python', models.CharField(blank=True, max_length=50)),
                ('host', models.CharField(blank=True, max_length=200)),
                ('platform', models.CharField(blank=True, max_length=100)),
                ('programs', models.JSONField(default=list)),
                ('problem', models.CharField(blank=True, max_length=500)),
                ('clock_ahead_s', models.FloatField(default=0.0)),
                ('refused_at', models.DateTimeField(null=True)),
                ('refused_host', models.CharField(blank=True, max_length=200)),
                ('station', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='contact', to='runs.station')),
            ],
        ),
        migrations.CreateModel(
            name='StationToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sha256', models.CharField(max_length=64, unique=True)),
                ('begins', models.CharField(max_length=20)),
                ('note', models.CharField(blank=True, max_length=100)),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ends_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(null=True)),
                ('used_from', models.CharField(blank=True, max_length=60)),
                ('revoked_at', models.DateTimeField(null=True)),
                ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('revoked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('station', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tokens', to='runs.station')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='StationOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempt', models.PositiveSmallIntegerField()),
                ('agent', models.CharField(max_length=40)),
                ('messages_seen', models.PositiveIntegerField(default=0)),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ended_at', models.DateTimeField(null=True)),
                ('counted', models.BooleanField(null=True)),
                ('folder', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='runs.measuredfolder')),
                ('station', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='orders', to='runs.station')),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='queue.task')),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(fields=('task', 'attempt'), name='runs_order_once')],
            },
        ),
    ]

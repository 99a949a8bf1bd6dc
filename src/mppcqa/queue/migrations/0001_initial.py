import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Worker',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, unique=True)),
                ('host', models.CharField(max_length=200)),
                ('process_id', models.PositiveIntegerField()),
                ('lanes', models.JSONField(default=list)),
                ('concurrency', models.PositiveSmallIntegerField(default=1)),
                ('version', models.CharField(blank=True, max_length=50)),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('heartbeat_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('stopped_at', models.DateTimeField(blank=True, null=True)),
                ('load', models.FloatField(blank=True, help_text='Load average of its host.', null=True)),
                ('leaving', models.BooleanField(default=False)),
                ('drain', models.BooleanField(default=False, help_text='Asked to end once its running tasks have ended.')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Task',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('arguments', models.JSONField(default=dict)),
                ('lane', models.CharField(default='work', max_length=100)),
                ('priority', models.PositiveSmallIntegerField(default=5, help_text='0 is first, 9 is last.')),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('queued', 'queued'), ('running', 'running'), ('succeeded', 'succeeded'), ('failed', 'failed'), ('killed', 'killed'), ('timed_out', 'timed out'), ('lost', 'lost')], default='waiting', max_length=10)),
                ('about_model', models.CharField(blank=True, max_length=100)),
                ('about_id', models.CharField(blank=True, max_length=64)),
                ('key', models.CharField(blank=True, help_text='Equal open tasks are one.', max_length=200)),
                ('open_key', models.CharField(max_length=200, null=True, unique=True)),
                ('topic', models.CharField(blank=True, help_text='What its run times are compared by, as a stage.', max_length=50)),
                ('limit_s', models.FloatField(blank=True, help_text="Time limit; empty for the routine's own.", null=True)),
                ('served_by', models.CharField(blank=True, max_length=120)),
                ('attempt', models.PositiveSmallIntegerField(default=0)),
                ('worker', models.CharField(blank=True, max_length=200)),
                ('host', models.CharField(blank=True, max_length=200)),
                ('process_id', models.PositiveIntegerField(blank=True, null=True)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('lease_s', models.FloatField(null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('not_before', models.DateTimeField(blank=True, null=True)),
                ('queued_at', models.DateTimeField(blank=True, null=True)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('run_s', models.FloatField(blank=True, null=True)),
                ('tallied', models.BooleanField(null=True)),
                ('progress_done', models.PositiveIntegerField(default=0)),
                ('progress_total', models.PositiveIntegerField(default=0)),
                ('progress_text', models.CharField(blank=True, max_length=200)),
                ('result', models.JSONField(blank=True, null=True)),
                ('exit_status', models.IntegerField(blank=True, null=True)),
                ('error_class', models.CharField(blank=True, max_length=100)),
                ('error_text', models.TextField(blank=True)),
                ('traceback', models.TextField(blank=True)),
                ('peak_memory_bytes', models.BigIntegerField(blank=True, null=True)),
                ('kill_requested_at', models.DateTimeField(blank=True, null=True)),
                ('kill_reason', models.CharField(blank=True, max_length=200)),
                ('override', models.CharField(blank=True, help_text="Why it may start although the station's calibration has expired.", max_length=200)),
                ('supervisor_id', models.PositiveIntegerField(blank=True, help_text='Process that looks after the running program.', null=True)),
                ('hidden', models.BooleanField(default=False, help_text='Archived: left out of lists.')),
                ('after', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='followers', to='queue.task')),
                ('kill_requested_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('repeat_of', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='repeats', to='queue.task')),
                ('requested_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('text', models.CharField(max_length=500)),
                ('read_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='task_notices', to=settings.AUTH_USER_MODEL)),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='queue.task')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('level', models.CharField(choices=[('info', 'note'), ('warning', 'warning'), ('error', 'error')], default='info', max_length=10)),
                ('text', models.CharField(max_length=500)),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='queue.task')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Lane',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('exclusive', models.BooleanField(default=False)),
                ('dedicated', models.BooleanField(default=False, help_text='Only a worker started for this lane may run its tasks.')),
                ('remote', models.BooleanField(default=False, help_text='Its computer asks the server for tasks; no broker carries them.')),
                ('held_since', models.DateTimeField(blank=True, null=True)),
                ('maintenance', models.CharField(blank=True, help_text='Why nothing may start; empty when in use.', max_length=200)),
                ('make_safe', models.JSONField(blank=True, default=list, help_text='Program that leaves the hardware safe after a kill.')),
                ('reserved_until', models.DateTimeField(blank=True, null=True)),
                ('calibrated_until', models.DateField(blank=True, help_text='After this day nothing starts without an override.', null=True)),
                ('reserved_by', models.ForeignKey(blank=True, help_text="Only this person's tasks start until the reservation ends.", null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('holder', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='held_lane', to='queue.task')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='TaskGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=200)),
                ('chain', models.BooleanField(default=False)),
                ('about_model', models.CharField(blank=True, max_length=100)),
                ('about_id', models.CharField(blank=True, max_length=64)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('requested_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddField(
            model_name='task',
            name='group',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='queue.taskgroup'),
        ),
        migrations.CreateModel(
            name='TaskTally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('topic', models.CharField(blank=True, max_length=50)),
                ('lane', models.CharField(max_length=100)),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('queued', 'queued'), ('running', 'running'), ('succeeded', 'succeeded'), ('failed', 'failed'), ('killed', 'killed'), ('timed_out', 'timed out'), ('lost', 'lost')], max_length=10)),
                ('week', models.DateField()),
                ('bucket', models.SmallIntegerField()),
                ('n', models.PositiveIntegerField(default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('week', 'name', 'topic', 'lane', 'state', 'bucket'), name='queue_tally_once')],
            },
        ),
        migrations.CreateModel(
            name='LogPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempt', models.PositiveSmallIntegerField()),
                ('offset', models.BigIntegerField()),
                ('size', models.PositiveIntegerField()),
                ('data', models.BinaryField()),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='log_parts', to='queue.task')),
            ],
            options={
                'ordering': ['offset'],
                'constraints': [models.UniqueConstraint(fields=('task', 'attempt', 'offset'), name='queue_log_part_once')],
            },
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('worker', models.CharField(max_length=200)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('queued', 'queued'), ('running', 'running'), ('succeeded', 'succeeded'), ('failed', 'failed'), ('killed', 'killed'), ('timed_out', 'timed out'), ('lost', 'lost')], default='running', max_length=10)),
                ('error_text', models.TextField(blank=True)),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to='queue.task')),
            ],
            options={
                'ordering': ['number'],
                'constraints': [models.UniqueConstraint(fields=('task', 'number'), name='queue_attempt_once')],
            },
        ),
        migrations.AddIndex(
            model_name='taskgroup',
            index=models.Index(fields=['about_model', 'about_id'], name='queue_taskg_about_m_514353_idx'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['state', 'served_by', 'priority', 'id'], name='queue_task_next'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['state', '-id'], name='queue_task_state'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['tallied'], name='queue_task_tallied'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['about_model', 'about_id'], name='queue_task_about'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['key'], name='queue_task_key'),
        ),
    ]

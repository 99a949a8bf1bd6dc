import django.db.models.deletion
import django.utils.timezone
import mppcqa.database.identity
import mppcqa.results.conditions
import mppcqa.stages.conditions
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('inventory', '0001_initial'),
        ('results', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='LimitSet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(max_length=50, verbose_name='stage')),
                ('campaign', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='inventory.campaign', verbose_name='campaign')),
                ('version', models.PositiveIntegerField(verbose_name='version')),
                ('title', models.CharField(max_length=100, verbose_name='title')),
                ('reason', models.TextField(blank=True, verbose_name='why these limits')),
                ('active', models.BooleanField(default=False, verbose_name='in use')),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('device_type', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='inventory.devicetype', verbose_name='device type')),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'limit set',
                'ordering': ['stage', '-version'],
            },
        ),
        migrations.CreateModel(
            name='Limit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pass_low', models.FloatField(blank=True, null=True, verbose_name='pass from')),
                ('pass_high', models.FloatField(blank=True, null=True, verbose_name='pass to')),
                ('warn_low', models.FloatField(blank=True, null=True, verbose_name='warn from')),
                ('warn_high', models.FloatField(blank=True, null=True, verbose_name='warn to')),
                ('at', mppcqa.results.conditions.ConditionField(blank=True, default=mppcqa.stages.conditions.Condition, help_text='Judge the value nearest to this condition; empty judges all.', max_length=250, verbose_name='at')),
                ('reason', models.CharField(blank=True, max_length=300, verbose_name='reason')),
                ('quantity', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='results.quantityrow')),
                ('limit_set', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='limits', to='limits.limitset')),
            ],
            options={
                'verbose_name': 'limit',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='SignOff',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('outcomes', models.JSONField(default=dict, help_text='Stage -> verdict, as it was.')),
                ('note', models.TextField(blank=True, verbose_name='note')),
                ('signed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sign_offs', to='inventory.device')),
                ('signed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'sign-off',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Verdict',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=mppcqa.database.identity.uuid7, editable=False, unique=True, verbose_name='UUID')),
                ('stage', models.CharField(max_length=50, verbose_name='stage')),
                ('outcome', models.CharField(choices=[('pass', 'pass'), ('warning', 'warning'), ('fail', 'fail'), ('incomplete', 'incomplete')], max_length=10, verbose_name='verdict')),
                ('details', models.JSONField(default=list)),
                ('judged_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('analysis', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='verdicts', to='results.analysis')),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='verdicts', to='inventory.device')),
                ('limit_set', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='limits.limitset')),
            ],
            options={
                'verbose_name': 'verdict',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Waiver',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.TextField(verbose_name='reason')),
                ('granted_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_on', models.DateField(blank=True, null=True, verbose_name='holds until')),
                ('granted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('verdict', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='waiver', to='limits.verdict')),
            ],
            options={
                'verbose_name': 'waiver',
            },
        ),
        migrations.AddConstraint(
            model_name='limitset',
            constraint=models.UniqueConstraint(fields=('stage', 'version'), name='limits_set_version'),
        ),
        migrations.AddConstraint(
            model_name='verdict',
            constraint=models.UniqueConstraint(fields=('device', 'analysis', 'limit_set'), name='limits_verdict_unique'),
        ),
    ]

import django.db.models.deletion
import django.utils.timezone
import mppcqa.database.identity
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DeviceType',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('rows', models.PositiveSmallIntegerField(default=4, verbose_name='rows')),
                ('columns', models.PositiveSmallIntegerField(default=4, verbose_name='columns')),
                ('channel_order', models.JSONField(blank=True, default=list, help_text='Channel at each position, row by row; empty where it counts from 0.', verbose_name='channel order')),
                ('nominal_breakdown_v', models.FloatField(blank=True, null=True, verbose_name='nominal breakdown voltage [V]')),
                ('serial_pattern', models.CharField(blank=True, help_text='Regular expression that a whole serial number must match; empty takes all.', max_length=200, verbose_name='serial pattern')),
                ('serial_check', models.CharField(blank=True, choices=[('mod10', 'Luhn digit (mod 10)'), ('mod36', 'letter or digit (mod 36)')], max_length=10, verbose_name='check character')),
                ('serial_next', models.CharField(blank=True, help_text='Format of generated serial numbers, such as S12045-{number:05d}.', max_length=100, verbose_name='generated serials')),
                ('description', models.TextField(blank=True, verbose_name='description')),
            ],
            options={
                'verbose_name': 'device type',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Institute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('address', models.TextField(blank=True, verbose_name='address')),
            ],
            options={
                'verbose_name': 'institute',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Lot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('maker_values', models.JSONField(blank=True, default=dict, verbose_name="maker's values")),
            ],
            options={
                'verbose_name': 'lot',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Maker',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
            ],
            options={
                'verbose_name': 'maker',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=50, unique=True, verbose_name='name')),
            ],
            options={
                'verbose_name': 'tag',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Campaign',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('stages', models.JSONField(blank=True, default=list, verbose_name='stages')),
                ('conditions', models.JSONField(blank=True, default=dict, editable=False)),
                ('description', models.TextField(blank=True, verbose_name='description')),
                ('device_types', models.ManyToManyField(blank=True, help_text='The only types that it takes; none chosen takes all.', related_name='campaigns', to='inventory.devicetype', verbose_name='device types')),
                ('institutes', models.ManyToManyField(blank=True, help_text='The only owners whose devices it takes; none chosen takes all.', related_name='campaigns', to='inventory.institute', verbose_name='institutes')),
            ],
            options={
                'verbose_name': 'campaign',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Device',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('uuid', models.UUIDField(default=mppcqa.database.identity.uuid7, editable=False, unique=True, verbose_name='UUID')),
                ('serial', models.CharField(max_length=64, unique=True, verbose_name='serial number')),
                ('tray_row', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='row in the tray')),
                ('tray_column', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='column in the tray')),
                ('state', models.CharField(choices=[('registered', 'registered'), ('in_tray', 'in its tray'), ('at_rest', 'at rest'), ('loaded', 'loaded'), ('in_test', 'in test'), ('packed', 'packed'), ('shipped', 'on its way'), ('received', 'received'), ('on_hold', 'on hold'), ('installed', 'installed'), ('lost', 'lost'), ('retired', 'retired')], default='registered', max_length=10, verbose_name='state')),
                ('maker_values', models.JSONField(blank=True, default=dict, verbose_name="maker's values")),
                ('registered_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='registered')),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='inventory.device', verbose_name='part of')),
                ('registered_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('device_type', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='devices', to='inventory.devicetype', verbose_name='device type')),
                ('location', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='inventory.institute', verbose_name='location')),
                ('lot', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='inventory.lot', verbose_name='lot')),
                ('campaign', models.ForeignKey(db_index=False, default=1, on_delete=django.db.models.deletion.PROTECT, related_name='devices', to='inventory.campaign', verbose_name='campaign')),
                ('owner', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='owned_devices', to='inventory.institute', verbose_name='owner')),
                ('tags', models.ManyToManyField(blank=True, related_name='devices', to='inventory.tag', verbose_name='tags')),
            ],
            options={
                'verbose_name': 'device',
                'ordering': ['serial'],
            },
        ),
        migrations.CreateModel(
            name='Comment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField(verbose_name='comment')),
                ('written_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('author', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comments', to='inventory.device')),
            ],
            options={
                'verbose_name': 'comment',
                'ordering': ['written_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file', models.FileField(max_length=200, upload_to='')),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('original_name', models.CharField(max_length=200)),
                ('photograph', models.BooleanField(default=False)),
                ('added_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('added_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='inventory.device')),
            ],
            options={
                'verbose_name': 'attachment',
                'ordering': ['added_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='DeviceMove',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('move', models.CharField(choices=[('place', 'put into a tray'), ('take_out', 'taken out of its tray'), ('relocate', 'moved to another place'), ('join', 'put into another campaign'), ('own', 'given to another owner'), ('load', 'loaded into a station'), ('unload', 'unloaded'), ('start', 'put to the test'), ('pack', 'packed'), ('unpack', 'unpacked'), ('ship', 'sent'), ('receive', 'received'), ('miss', 'missing on arrival'), ('hold', 'put on hold'), ('release', 'released'), ('install', 'installed'), ('remove', 'removed from where it was installed'), ('retire', 'retired'), ('reinstate', 'reinstated'), ('lose', 'declared lost'), ('find', 'found again'), ('mend', 'set right by a check')], max_length=10)),
                ('former', models.CharField(choices=[('registered', 'registered'), ('in_tray', 'in its tray'), ('at_rest', 'at rest'), ('loaded', 'loaded'), ('in_test', 'in test'), ('packed', 'packed'), ('shipped', 'on its way'), ('received', 'received'), ('on_hold', 'on hold'), ('installed', 'installed'), ('lost', 'lost'), ('retired', 'retired')], max_length=10)),
                ('state', models.CharField(choices=[('registered', 'registered'), ('in_tray', 'in its tray'), ('at_rest', 'at rest'), ('loaded', 'loaded'), ('in_test', 'in test'), ('packed', 'packed'), ('shipped', 'on its way'), ('received', 'received'), ('on_hold', 'on hold'), ('installed', 'installed'), ('lost', 'lost'), ('retired', 'retired')], max_length=10)),
                ('why', models.CharField(blank=True, max_length=300, verbose_name='reason')),
                ('moved_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='moves', to='inventory.device')),
                ('moved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'move of a device',
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='lot',
            name='maker',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='inventory.maker', verbose_name='maker'),
        ),
        migrations.AddField(
            model_name='devicetype',
            name='maker',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='inventory.maker', verbose_name='maker'),
        ),
        migrations.CreateModel(
            name='Person',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=mppcqa.database.identity.uuid7, editable=False, unique=True, verbose_name='UUID')),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='person', to=settings.AUTH_USER_MODEL)),
                ('institute', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='inventory.institute')),
                ('campaign', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='inventory.campaign')),
            ],
            options={
                'verbose_name': 'person',
            },
        ),
        migrations.CreateModel(
            name='SerialAlias',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('serial', models.CharField(max_length=64, unique=True, verbose_name='former serial number')),
                ('reason', models.CharField(blank=True, max_length=200, verbose_name='reason')),
                ('changed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('changed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='aliases', to='inventory.device')),
            ],
            options={
                'verbose_name': 'former serial number',
            },
        ),
        migrations.CreateModel(
            name='Shipment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=mppcqa.database.identity.uuid7, editable=False, unique=True, verbose_name='UUID')),
                ('reference', models.CharField(blank=True, max_length=100, verbose_name='tracking number')),
                ('note', models.TextField(blank=True, verbose_name='note')),
                ('exempt', models.CharField(blank=True, choices=[('', 'must not go'), ('return', 'are returned to the maker'), ('allowed', 'may go, for the reason given')], default='', max_length=10, verbose_name='devices that fail or are on hold')),
                ('exempt_why', models.CharField(blank=True, max_length=300, verbose_name='reason why they may go')),
                ('packed_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='packed')),
                ('sent_at', models.DateTimeField(blank=True, null=True, verbose_name='sent')),
                ('received_at', models.DateTimeField(blank=True, null=True, verbose_name='received')),
                ('destination', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shipments_in', to='inventory.institute')),
                ('devices', models.ManyToManyField(related_name='shipments', to='inventory.device')),
                ('missing', models.ManyToManyField(blank=True, related_name='missing_in', to='inventory.device')),
                ('origin', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shipments_out', to='inventory.institute')),
                ('packed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('received_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('sent_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'shipment',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Tray',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('rows', models.PositiveSmallIntegerField(verbose_name='rows')),
                ('columns', models.PositiveSmallIntegerField(verbose_name='columns')),
                ('maker_values', models.JSONField(blank=True, default=dict, verbose_name="maker's values")),
                ('location', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='inventory.institute', verbose_name='location')),
                ('lot', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='inventory.lot', verbose_name='lot')),
            ],
            options={
                'verbose_name': 'tray',
                'ordering': ['name'],
            },
        ),
        migrations.AddField(
            model_name='device',
            name='tray',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='devices', to='inventory.tray', verbose_name='tray'),
        ),
        migrations.AddConstraint(
            model_name='lot',
            constraint=models.UniqueConstraint(fields=('name', 'maker'), name='inventory_lot_unique'),
        ),
        migrations.AddIndex(
            model_name='device',
            index=models.Index(fields=['state', 'serial'], name='inventory_device_state'),
        ),
        migrations.AddIndex(
            model_name='device',
            index=models.Index(fields=['campaign', 'serial'], name='inventory_device_campaign'),
        ),
        migrations.AddIndex(
            model_name='device',
            index=models.Index(fields=['owner', 'serial'], name='inventory_device_owner'),
        ),
        migrations.AddConstraint(
            model_name='device',
            constraint=models.UniqueConstraint(fields=('tray', 'tray_row', 'tray_column'), name='inventory_tray_position'),
        ),
        migrations.CreateModel(
            name='DeviceRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=mppcqa.database.identity.uuid7, editable=False, unique=True, verbose_name='UUID')),
                ('kind', models.CharField(max_length=40, verbose_name='kind')),
                ('done_at', models.DateTimeField(verbose_name='when')),
                ('facts', models.JSONField(default=dict)),
                ('uncertainty', models.FloatField(blank=True, null=True)),
                ('remark', models.CharField(blank=True, default='', max_length=300, verbose_name='remark')),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                ('withdrawn_why', models.CharField(blank=True, default='', max_length=300)),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='records', to='inventory.device')),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('withdrawn_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'record',
                'ordering': ['done_at', 'id'],
                'indexes': [models.Index(fields=['device', 'done_at'], name='inventory_record_at')],
            },
        ),
        migrations.CreateModel(
            name='ShipmentDifference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('what', models.CharField(choices=[('missing', 'missing'), ('unexpected', 'came along'), ('damaged', 'damaged')], max_length=10, verbose_name='difference')),
                ('serial', models.CharField(max_length=64, verbose_name='serial number')),
                ('note', models.CharField(blank=True, max_length=300, verbose_name='note')),
                ('noted_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('settled_at', models.DateTimeField(blank=True, null=True)),
                ('noted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('shipment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='differences', to='inventory.shipment')),
            ],
            options={
                'verbose_name': 'difference on arrival',
                'ordering': ['what', 'serial'],
                'constraints': [models.UniqueConstraint(fields=('shipment', 'what', 'serial'), name='inventory_difference_once')],
            },
        ),
        migrations.CreateModel(
            name='Mounting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=mppcqa.database.identity.uuid7, editable=False, unique=True, verbose_name='UUID')),
                ('place', models.JSONField(blank=True, default=dict)),
                ('since', models.DateField(blank=True, null=True, verbose_name='from')),
                ('until', models.DateField(blank=True, null=True, verbose_name='to')),
                ('why', models.CharField(blank=True, default='', max_length=300, verbose_name='reason')),
                ('told_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('ended_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('part', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mountings', to='inventory.device')),
                ('told_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('whole', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='held', to='inventory.device')),
            ],
            options={
                'verbose_name': 'mounting',
                'ordering': ['part', 'since', 'id'],
            },
        ),
    ]

"""Addresses of this area."""

from django.urls import path

from mppcqa.web.devices import assembly, decisions, edit, records, register, views

urlpatterns = [
    path("devices/", views.device_list, name="device_list"),
    path("devices/generate/", edit.generate, name="device_generate"),
    path("devices/<str:serial>/edit/", edit.edit, name="device_edit"),
    path("devices/<str:serial>/rename/", edit.rename, name="device_rename"),
    path("devices/<str:serial>/attach/", edit.add_attachment, name="device_attach"),
    path("attachments/<int:pk>/", edit.attachment, name="attachment"),
    path("attachments/<int:pk>/photograph/", edit.photograph, name="attachment_photograph"),
    path("attachments/<int:pk>/remove/", edit.remove_attachment, name="attachment_remove"),
    path("devices/records/add/", records.add, name="record_add"),
    path("devices/records/<int:pk>/withdraw/", records.take_back, name="record_withdraw"),
    path("devices/<str:serial>/course/", records.course, name="device_course"),
    path("devices/parts/", assembly.mount_devices, name="device_mount"),
    path("devices/parts/table/", assembly.from_table, name="assembly_table"),
    path("devices/register/", register.register, name="device_register"),
    path("devices/<str:serial>/", views.device, name="device"),
    path("devices/<str:serial>/comment/", views.comment, name="device_comment"),
    path("devices/<str:serial>/state/", views.move, name="device_move"),
    path("devices/<str:serial>/waive/<int:pk>/", decisions.waive, name="device_waive"),
    path("devices/<str:serial>/sign-off/", decisions.sign, name="device_sign_off"),
]

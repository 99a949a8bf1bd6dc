"""Addresses of this area."""

from django.urls import path

from mppcqa.web.exports import sending, views

urlpatterns = [
    path("exports/", views.export_list, name="export_list"),
    path("exports/<int:pk>/", views.export, name="export"),
    path("exports/<int:pk>/send/", sending.export_send, name="export_send"),
]

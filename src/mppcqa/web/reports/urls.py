"""Addresses of this area."""

from django.urls import path

from mppcqa.web.reports import views

urlpatterns = [
    path("devices/<str:serial>/report.pdf", views.device_now, name="report"),
    path("reports/<str:model>/<int:pk>/", views.card, name="report_card"),
    path("reports/<str:model>/<int:pk>/write/", views.write, name="report_write"),
    path("reports/<int:pk>/", views.kept, name="report_kept"),
]

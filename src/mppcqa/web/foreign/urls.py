"""Addresses of this area."""

from django.urls import path

from mppcqa.web.foreign import batches, views

urlpatterns = [
    path("runs/import/", views.foreign, name="foreign"),
    path("runs/import/batches/", batches.batch_list, name="batch_list"),
    path("runs/import/batches/<int:pk>/", batches.batch, name="batch"),
    path("runs/import/batches/<int:pk>/report.csv", batches.batch_report, name="batch_report"),
]

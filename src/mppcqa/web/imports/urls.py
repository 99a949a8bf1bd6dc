"""Addresses of this area."""

from django.urls import path

from mppcqa.web.imports import delivery, views

urlpatterns = [
    path("imports/", views.import_list, name="import_list"),
    path("deliveries/<path:box>/", delivery.delivery, name="delivery"),
    path("imports/<int:pk>/", views.import_, name="import"),
    path("imports/<int:pk>/faults.csv", views.import_faults, name="import_faults"),
    path("imports/mappings/<int:pk>/remove/", views.mapping_remove, name="mapping_remove"),
]

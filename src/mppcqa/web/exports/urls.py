"""Addresses of this area."""

from django.urls import path

from mppcqa.web.exports import views

urlpatterns = [
    path("exports/", views.export_list, name="export_list"),
    path("exports/<int:pk>/", views.export, name="export"),
]

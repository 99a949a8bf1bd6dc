"""Addresses of this area."""

from django.urls import path

from mppcqa.web.workbench import saved, views

urlpatterns = [
    path("workbench/", views.workbench, name="workbench"),
    path("workbench/save/", saved.save, name="workbench_save"),
    path("workbench/saved/<int:pk>/", saved.question, name="workbench_question"),
    path("workbench/saved/<int:pk>/remove/", saved.remove, name="workbench_remove"),
]

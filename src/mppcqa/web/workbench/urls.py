"""Addresses of this area."""

from django.urls import path

from mppcqa.web.workbench import board, saved, views

urlpatterns = [
    path("workbench/", views.workbench, name="workbench"),
    path("dashboard/", board.board, name="dashboard"),
    path("dashboard/arrange/", board.arrange, name="dashboard_arrange"),
    path("dashboard/<int:pk>/", board.tile, name="dashboard_tile"),
    path("workbench/save/", saved.save, name="workbench_save"),
    path("workbench/saved/<int:pk>/", saved.question, name="workbench_question"),
    path("workbench/saved/<int:pk>/remove/", saved.remove, name="workbench_remove"),
]

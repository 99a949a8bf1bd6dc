"""Addresses of this area."""

from django.urls import path

from mppcqa.web.explorer import take, views

urlpatterns = [
    path("runs/<int:pk>/explore/", views.explore, name="run_explore"),
    path("runs/<int:pk>/trends/", views.run_trends, name="run_trends"),
    path("runs/<int:pk>/monitor/", views.monitor, name="run_monitor"),
    path("runs/<int:pk>/compare/", views.compare_runs, name="run_compare"),
    path("runs/<int:pk>/cell/", views.cell, name="run_cell"),
    path("runs/<int:pk>/cell/fit/", views.cell_fit, name="run_cell_fit"),
    path("runs/<int:pk>/cell/waveforms/", views.cell_waveforms, name="run_cell_waveforms"),
    path("runs/<int:pk>/cell/iv/", views.cell_iv, name="run_cell_iv"),
    path("runs/<int:pk>/take/", take.take, name="run_take"),
]

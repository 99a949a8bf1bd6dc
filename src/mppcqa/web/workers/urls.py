"""Addresses of this area."""

from django.urls import path

from mppcqa.web.workers import views

urlpatterns = [
    path("workers/", views.worker_list, name="worker_list"),
    path("workers/<int:pk>/drain/", views.drain, name="worker_drain"),
    path("workers/<int:pk>/stop/", views.stop, name="worker_stop"),
]

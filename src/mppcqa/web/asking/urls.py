"""Addresses of this area."""

from django.urls import path

from mppcqa.web.asking import views

urlpatterns = [
    path("queue/new/", views.ask, name="task_new"),
    path("queue/<int:pk>/priority/", views.priority, name="task_priority"),
]

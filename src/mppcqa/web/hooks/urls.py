"""Addresses of this area."""

from django.urls import path

from mppcqa.web.hooks import views

urlpatterns = [
    path("webhooks/", views.hook_list, name="hook_list"),
    path("webhooks/<int:pk>/", views.hook, name="hook"),
]

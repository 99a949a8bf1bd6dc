"""Addresses of this area."""

from django.urls import path

from mppcqa.web.changes import views

urlpatterns = [path("changes/<str:label>/<int:number>/", views.changes, name="changes")]

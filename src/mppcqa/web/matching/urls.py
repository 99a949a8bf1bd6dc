"""Addresses of this area."""

from django.urls import path

from mppcqa.web.matching import looking, views

urlpatterns = [
    path("matching/", views.matching_list, name="matching_list"),
    path("matching/new/", looking.matching_new, name="matching_new"),
    path("matching/<int:pk>/", views.matching, name="matching"),
    path("matching/<int:pk>/undo/", views.matching_undo, name="matching_undo"),
]

"""Addresses of this area."""

from django.urls import path

from mppcqa.web.acceptance import planning, views

urlpatterns = [
    path("acceptance/", views.acceptance_list, name="acceptance_list"),
    path("acceptance/new/", planning.acceptance_new, name="acceptance_new"),
    path("acceptance/<int:pk>/", views.acceptance, name="acceptance"),
    path("acceptance/<int:pk>/decide/", views.acceptance_decide, name="acceptance_decide"),
    path("acceptance/<int:pk>/lift/", views.acceptance_lift, name="acceptance_lift"),
]

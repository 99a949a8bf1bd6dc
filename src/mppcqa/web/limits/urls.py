"""Addresses of this area."""

from django.urls import path

from mppcqa.web.limits import views

urlpatterns = [
    path("limits/", views.limit_sets, name="limit_sets"),
    path("limits/<int:pk>/", views.limit_set, name="limit_set"),
    path("limits/<int:pk>/preview/", views.limit_preview, name="limit_preview"),
    path("limits/<int:pk>/apply/", views.limit_apply, name="limit_apply"),
    path("limits/<int:pk>/withdraw/", views.limit_withdraw, name="limit_withdraw"),
    path("limits/new/<str:stage>/", views.limit_edit, name="limit_edit"),
]

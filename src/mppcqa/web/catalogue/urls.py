"""Addresses of this area."""

from django.urls import path

from mppcqa.web.catalogue import views

urlpatterns = [
    path("catalogue/", views.catalogue, name="catalogue"),
    path("catalogue/<str:kind>/", views.entry_list, name="catalogue_list"),
    path("catalogue/<str:kind>/new/", views.entry_edit, name="catalogue_new"),
    path("catalogue/<str:kind>/<int:pk>/", views.entry_edit, name="catalogue_edit"),
    path("catalogue/<str:kind>/<int:pk>/remove/", views.entry_delete, name="catalogue_delete"),
]

"""Addresses of this area."""

from django.urls import path

from mppcqa.web.fits import views

urlpatterns = [
    path("fits/", views.fit_list, name="fit_list"),
    path("fits/<int:pk>/", views.fits, name="fits"),
]

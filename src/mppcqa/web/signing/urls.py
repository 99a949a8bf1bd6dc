"""Addresses of this area."""

from django.urls import path

from mppcqa.web.signing import views
from mppcqa.web.signing.all import signature_list

urlpatterns = [
    path("signatures/", signature_list, name="signature_list"),
    path("signatures/<int:pk>/sign/", views.signature_more, name="signature_more"),
    path("signatures/<int:pk>/withdraw/", views.signature_drop, name="signature_drop"),
    path("signatures/<str:label>/<int:number>/", views.signatures, name="signatures"),
]

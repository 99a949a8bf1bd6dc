"""Addresses of this area."""

from django.urls import path

from mppcqa.web.shipments import picking, views

urlpatterns = [
    path("shipments/", views.shipment_list, name="shipment_list"),
    path("shipments/new/", views.shipment_new, name="shipment_new"),
    path("shipments/pick/", picking.shipment_pick, name="shipment_pick"),
    path("shipments/<int:pk>/", views.shipment, name="shipment"),
]

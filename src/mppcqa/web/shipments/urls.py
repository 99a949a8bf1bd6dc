"""Addresses of this area."""

from django.urls import path

from mppcqa.web.shipments import packing, picking, views

urlpatterns = [
    path("shipments/", views.shipment_list, name="shipment_list"),
    path("shipments/new/", views.shipment_new, name="shipment_new"),
    path("shipments/pick/", picking.shipment_pick, name="shipment_pick"),
    path("packing/", packing.packing, name="packing"),
    path("shipments/<int:pk>/", views.shipment, name="shipment"),
]

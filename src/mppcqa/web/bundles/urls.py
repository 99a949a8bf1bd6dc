"""Addresses of this area."""

from django.urls import path

from mppcqa.web.bundles import card, partners, views

urlpatterns = [
    path("bundles/", views.bundle_list, name="bundle_list"),
    path("bundles/<int:pk>/", views.bundle, name="bundle"),
    path("bundles/<int:pk>/file/", views.bundle_file, name="bundle_file"),
    path("bundles/partners/", partners.partner_list, name="partner_list"),
    path("bundles/partners/<int:pk>/revoke/", partners.revoke, name="key_revoke"),
    path("shipments/<int:pk>/bundles/", card.shipment_bundles, name="shipment_bundles"),
    path("devices/<str:serial>/partners/", partners.partner_results, name="partner_results"),
]

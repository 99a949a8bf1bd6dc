"""Addresses of this area."""

from django.urls import path

from mppcqa.web.home import find, views

urlpatterns = [
    path("", views.home, name="home"),
    path("find/", find.find, name="find"),
    path("password/done/", views.password_changed, name="password_change_done"),
]

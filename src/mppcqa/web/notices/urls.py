"""Addresses of this area."""

from django.urls import path

from mppcqa.web.notices import views, wanted

urlpatterns = [
    path("notices/", views.notice_list, name="notice_list"),
    path("notices/bell/", views.bell, name="bell"),
    path("notices/read/", views.read, name="notices_read"),
    path("notices/wanted/", wanted.wanted, name="wanted"),
]

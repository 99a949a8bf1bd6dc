"""Addresses of this area."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.i18n import set_language

from mppcqa.web.accounts import provider, screens, second, views, zone

urlpatterns = [
    path("login/", views.Login.as_view(), name="account_login"),
    path("login/code/", second.login_code, name="login_code"),
    path("login/elsewhere/", provider.go_there, name="login_elsewhere"),
    path("login/elsewhere/back/", provider.come_back, name="login_back"),
    path("login/badge/", screens.badge_login, name="badge_login"),
    path("stations/<str:name>/screen/", screens.bench_screen, name="bench_screen"),
    path("logout/", views.LogoutView.as_view(), name="account_logout"),
    path("password/", views.ChangePassword.as_view(), name="account_change_password"),
    path("password/first/", views.FirstPassword.as_view(), name="account_set_password"),
    path("time-zone/", zone.time_zone, name="time_zone"),
    path("language/", login_not_required(set_language), name="set_language"),
]

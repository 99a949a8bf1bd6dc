"""Addresses of this area."""

from django.urls import path

from mppcqa.web.cases import views

urlpatterns = [
    path("cases/", views.case_list, name="case_list"),
    path("cases/<int:pk>/", views.case, name="case"),
    path("cases/<int:pk>/hand-over/", views.hand_over, name="case_hand_over"),
    path("cases/<int:pk>/decide/", views.decide, name="case_decide"),
    path("devices/<str:serial>/case/", views.open_case, name="case_open"),
]

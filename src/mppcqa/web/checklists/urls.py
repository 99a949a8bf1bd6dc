"""Addresses of this area."""

from django.urls import path

from mppcqa.web.checklists import views

urlpatterns = [
    path("checklists/", views.checklist_list, name="checklist_list"),
    path("checklists/<str:stage>/", views.start, name="checklist_start"),
    path("checklists/<str:stage>/<str:serial>/", views.checklist, name="checklist"),
    path("runs/<int:pk>/checklist/", views.card, name="checklist_card"),
    path("pictures/<int:pk>/", views.picture, name="checklist_picture"),
]

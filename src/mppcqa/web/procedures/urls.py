"""Addresses of this area."""

from django.urls import path

from mppcqa.web.procedures import training, views

urlpatterns = [
    path("procedures/", views.procedure_list, name="procedure_list"),
    path("procedures/pictures/<int:pk>/", views.picture, name="procedure_picture"),
    path("procedures/<str:stage>/", views.procedure, name="procedure"),
    path("procedures/<str:stage>/card/", views.card, name="procedure_card"),
    path("procedures/<str:stage>/write/", views.write, name="procedure_write"),
    path("procedures/<str:stage>/pictures/", views.add_picture, name="procedure_pictures"),
    path("procedures/<str:stage>/training/", training.add, name="training_add"),
    path("trainings/<int:pk>/withdraw/", training.withdraw, name="training_withdraw"),
]

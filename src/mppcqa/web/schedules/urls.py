"""Addresses of this area."""

from django.urls import path

from mppcqa.web.schedules import views

urlpatterns = [
    path("schedules/", views.schedule_list, name="schedule_list"),
    path("schedules/add/", views.add, name="schedule_add"),
    path("schedules/clock/", views.clock, name="schedule_clock"),
    path("schedules/<int:pk>/", views.schedule, name="schedule"),
    path("schedules/<int:pk>/switch/", views.switch, name="schedule_switch"),
    path("schedules/<int:pk>/remove/", views.remove, name="schedule_remove"),
    path("schedules/<int:pk>/now/", views.now, name="schedule_now"),
]

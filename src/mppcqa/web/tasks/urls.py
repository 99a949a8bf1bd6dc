"""Addresses of this area."""

from django.urls import path

from mppcqa.web.tasks import history, views

urlpatterns = [
    path("queue/", views.task_list, name="task_list"),
    path("queue/<int:pk>/", views.task, name="task"),
    path("queue/<int:pk>/live/", views.live, name="task_live"),
    path("queue/<int:pk>/log/", views.log, name="task_log"),
    path("queue/<int:pk>/log/download/", views.log_download, name="task_log_download"),
    path("queue/<int:pk>/kill/", views.kill, name="task_kill"),
    path("queue/<int:pk>/again/", views.again, name="task_again"),
    path("queue/history/", history.history, name="task_history"),
    path("queue/groups/<int:pk>/", views.group, name="task_group"),
    path("queue/groups/<int:pk>/kill/", views.group_kill, name="task_group_kill"),
    path("queue/groups/<int:pk>/resume/", views.group_resume, name="task_group_resume"),
]

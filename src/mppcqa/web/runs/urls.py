"""Addresses of this area."""

from django.urls import path

from mppcqa.web.runs import files, views

urlpatterns = [
    path("runs/", views.run_list, name="run_list"),
    path("runs/<int:pk>/", views.run, name="run"),
    path("runs/<int:pk>/live/", views.live, name="run_live"),
    path("runs/<int:pk>/kill/", views.kill, name="run_kill"),
    path("runs/<int:pk>/resume/", views.resume, name="run_resume"),
    path("runs/<int:pk>/again/", views.again, name="run_again"),
    path("runs/<int:pk>/discard/<int:folder>/", views.discard_folder, name="run_discard"),
    path("files/<int:pk>/", files.run_file, name="run_file"),
    path("files/<int:pk>/fetch/", files.fetch_file, name="run_file_fetch"),
]

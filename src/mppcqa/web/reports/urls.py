"""Addresses of this area."""

from django.urls import path

from mppcqa.web.reports import look, schedule, sections, views

urlpatterns = [
    path("devices/<str:serial>/report.pdf", views.device_now, name="report"),
    path("reports/", views.report_list, name="report_list"),
    path("reports/choose/", views.choose, name="report_choose"),
    path("reports/looks/<int:number>/", look.look, name="report_look"),
    path("reports/looks/<int:number>/sections/", sections.sections, name="report_sections"),
    path("reports/looks/<int:number>/preview/", look.preview, name="report_look_preview"),
    path("reports/selection/<int:pk>/", views.selection, name="report_selection"),
    path("reports/<str:model>/<int:pk>/about/", views.about, name="report_about"),
    path("reports/<str:model>/<int:pk>/", views.card, name="report_card"),
    path("reports/<str:model>/<int:pk>/schedule/", schedule.schedule, name="report_schedule"),
    path("reports/<str:model>/<int:pk>/write/", views.write, name="report_write"),
    path("reports/<int:pk>/compare/", views.compare_kept, name="report_compare"),
    path("reports/<int:pk>/", views.kept, name="report_kept"),
]

"""Addresses of the pages."""

from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.i18n import set_language

from mppcqa.web.views import (
    devices,
    distributions,
    exports,
    files,
    find,
    home,
    imports,
    limits,
    register,
    runs,
    stations,
    tasks,
    trays,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("find/", find.find, name="find"),
    path("login/", auth_views.LoginView.as_view(template_name="web/login.html"), name="login"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path(
        "password/",
        auth_views.PasswordChangeView.as_view(
            template_name="web/password.html", success_url="/password/done/"
        ),
        name="password_change",
    ),
    path("password/done/", home.password_changed, name="password_change_done"),
    path("language/", login_not_required(set_language), name="set_language"),
    path("devices/", devices.device_list, name="device_list"),
    path("devices/register/", register.register, name="device_register"),
    path("devices/<str:serial>/", devices.device, name="device"),
    path("devices/<str:serial>/comment/", devices.comment, name="device_comment"),
    path("devices/<str:serial>/report.pdf", files.report, name="report"),
    path("exports/", exports.export_list, name="export_list"),
    path("exports/<int:pk>/", exports.export, name="export"),
    path("imports/", imports.import_list, name="import_list"),
    path("imports/<int:pk>/", imports.import_, name="import"),
    path("imports/<int:pk>/faults.csv", imports.import_faults, name="import_faults"),
    path("imports/mappings/<int:pk>/remove/", imports.mapping_remove, name="mapping_remove"),
    path("trays/", trays.tray_list, name="tray_list"),
    path("trays/<str:name>/", trays.tray, name="tray"),
    path("stations/", stations.station_list, name="station_list"),
    path("stations/<str:name>/", stations.station, name="station"),
    path("stations/<str:name>/load/", stations.load, name="station_load"),
    path("stations/<str:name>/unload/", stations.unload, name="station_unload"),
    path("stations/<str:name>/start/", runs.start, name="run_start"),
    path("runs/", runs.run_list, name="run_list"),
    path("runs/<int:pk>/", runs.run, name="run"),
    path("runs/<int:pk>/live/", runs.live, name="run_live"),
    path("runs/<int:pk>/kill/", runs.kill, name="run_kill"),
    path("files/<int:pk>/", files.run_file, name="run_file"),
    path("queue/", tasks.task_list, name="task_list"),
    path("queue/<int:pk>/", tasks.task, name="task"),
    path("queue/<int:pk>/live/", tasks.live, name="task_live"),
    path("queue/<int:pk>/log/", tasks.log, name="task_log"),
    path("queue/<int:pk>/log/download/", tasks.log_download, name="task_log_download"),
    path("queue/<int:pk>/kill/", tasks.kill, name="task_kill"),
    path("queue/<int:pk>/again/", tasks.again, name="task_again"),
    path("workers/", tasks.worker_list, name="worker_list"),
    path("distributions/", distributions.distribution, name="distribution"),
    path("limits/", limits.limit_sets, name="limit_sets"),
    path("limits/<int:pk>/", limits.limit_set, name="limit_set"),
]

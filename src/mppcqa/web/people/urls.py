"""Addresses of this area."""

from django.urls import path

from mppcqa.web.people import badges, second, tokens, views, welcome

urlpatterns = [
    path("people/", views.person_list, name="person_list"),
    path("people/invite/", views.person_invite, name="person_invite"),
    path("people/<int:pk>/", views.person_edit, name="person_edit"),
    path("people/<int:pk>/link/", views.person_link, name="person_link"),
    path("people/<int:pk>/access/", views.person_access, name="person_access"),
    path("people/<int:pk>/token/", tokens.person_token_revoke, name="person_token_revoke"),
    path("people/<int:pk>/badge/", badges.person_badge, name="person_badge"),
    path("people/<int:pk>/badge/revoke/", badges.person_badge_revoke, name="person_badge_revoke"),
    path("people/<int:pk>/second/", second.person_second_remove, name="person_second_remove"),
    path("second-factor/", second.second_factor, name="second_factor"),
    path("badges/", badges.own_badge, name="own_badge"),
    path("badges/revoke/", badges.own_badge_revoke, name="own_badge_revoke"),
    path("tokens/", tokens.own_tokens, name="own_tokens"),
    path("tokens/revoke/", tokens.own_token_revoke, name="own_token_revoke"),
    path("welcome/first/", welcome.first, name="first_administrator"),
    path("welcome/<str:account>/<str:token>/", welcome.come, name="person_comes"),
]

"""Log-in at an OpenID Connect provider, and once more there to sign.

`Authlib` (the extra ``oidc``) does the protocol: authorization code with PKCE, state, nonce, and
the ID token's signature, issuer, audience and age.
"""

from __future__ import annotations

import logging
import time
from functools import lru_cache
from typing import Any

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from mppcqa.people.models import Outside
from mppcqa.people.outside import NotDone, OutsideFault, Provider, admit, digest_of, elsewhere
from mppcqa.web.problems import problem

log = logging.getLogger("mppcqa.login")
BEGUN = "provider-begun"
"""Of the session: when a person went to the provider, why, and where to go afterwards."""
PROVEN = "provider-proven"
"""Of the session: who logged in again there to sign, and when."""
CAME = "provider-came"
"""Of the session: whose log-in it was."""
PROVEN_FOR_S = 120
BACKEND = "mppcqa.web.accounts.backend.Backend"
DIRECTORY = "mppcqa.web.accounts.directory.Directory"
WAIT_S = 10
CLOCKS_S = 60
"""By which the provider's clock may be wrong."""


def provider() -> Provider | None:
    """Where people log in elsewhere; None where nobody does."""
    try:
        return elsewhere().oidc
    except OutsideFault as error:
        log.error("%s", error)
        return None


def signs_there(user: Any) -> bool:
    """Whether a person has no password here, and proves who it is at the provider."""
    row = getattr(user, "outside", None)
    return row is not None and bool(row.source == Outside.Source.OIDC)


def take_proof(request: HttpRequest) -> bool:
    """Whether the person has just logged in there again; counts once."""
    proof = request.session.pop(PROVEN, None)
    if not isinstance(proof, list) or len(proof) != 2 or proof[0] != request.user.pk:
        return False
    return bool(0 <= time.time() - proof[1] < PROVEN_FOR_S)


def factor_is_theirs(request: HttpRequest, user: Any) -> bool:
    """Whether the place where the person logged in asks for a second factor, and not we."""
    try:
        found = elsewhere()
    except OutsideFault:
        return False
    if found.oidc is not None and request.session.get(CAME) == user.pk:
        return not found.oidc.second_factor
    came_by = getattr(user, "backend", None) or request.session.get(BACKEND_SESSION_KEY)
    return found.ldap is not None and came_by == DIRECTORY and not found.ldap.second_factor


@login_not_required
@never_cache
@require_GET
def go_there(request: HttpRequest) -> HttpResponse:
    """To the provider, to log in; with ``again`` to prove who signs."""
    found = provider()
    if found is None:
        return problem(request, 404, _("Not found"), _("Nobody logs in elsewhere here."))
    again = bool(request.GET.get("again")) and request.user.is_authenticated
    if request.user.is_authenticated and not again:
        return redirect("home")
    extra = {"prompt": "login", "max_age": 0} if again else {}
    here = settings.MPPCQA_URL or f"{request.scheme}://{request.get_host()}"
    try:
        answer: HttpResponse = _client(found).authorize_redirect(
            request, f"{here}{reverse('login_back')}", **extra
        )
    except Exception:
        # Of the library, of HTTP, of what the provider says: all of it is the other side's.
        log.exception("the provider %s can't be asked", found.issuer)
        text = _("%s does not answer. Try again later, or ask an administrator of this server.")
        return problem(request, 502, _("Not logged in"), text % found.title)
    request.session[BEGUN] = [time.time(), again, request.GET.get("next", "")[:2000]]
    return answer


@login_not_required
@never_cache
@require_GET
def come_back(request: HttpRequest) -> HttpResponse:
    """From the provider: who it is, if all that it says holds."""
    found = provider()
    begun = request.session.pop(BEGUN, None)
    if found is None or begun is None:
        log.warning("log-in by provider refused: this browser asked for none")
        return _refused(request, _("This browser asked for no log-in: begin at the log-in."))
    began, again, next_url = begun
    try:
        claims = _claims(request, found, since=began if again else None)
        subject = f"{found.issuer} {claims['sub']}"
        if again:
            return _proven(request, subject)
        name, groups = claims.get(found.name), claims.get(found.groups) or []
        if not isinstance(name, str) or not name:
            raise NotDone(_("%s did not say your user name.") % found.title)
        groups = [str(one) for one in groups] if isinstance(groups, list) else [str(groups)]
        email = claims.get("email") if claims.get("email_verified") else ""
        user: Any = admit(Outside.Source.OIDC, subject, name, groups, str(email or ""))
    except NotDone as error:
        log.warning("log-in by provider refused: %s", error)
        return _refused(request, str(error))
    user.backend = BACKEND
    request.session[CAME] = user.pk
    host = {request.get_host()}
    good = url_has_allowed_host_and_scheme(next_url, host, require_https=request.is_secure())
    login = Login(user=user, email_verification="none", redirect_url=next_url if good else None)
    answer: HttpResponse = perform_login(request, login)
    return answer


def _claims(request: HttpRequest, found: Provider, since: float | None) -> dict[str, Any]:
    """What the ID token says; of groups, where it is silent of them, what the provider tells.

    Raises `NotDone` for whatever does not hold.
    """
    client = _client(found)
    try:
        token = client.authorize_access_token(
            request,
            claims_options={
                "iss": {"essential": True, "value": found.issuer},
                "aud": {"essential": True, "value": found.client_id},
            },
            leeway=CLOCKS_S,
        )
        claims = dict(token["userinfo"])
        if not claims.get("nonce") or not claims.get("sub"):
            raise ValueError("no nonce or no subject")
        if since is not None and not claims.get("auth_time", 0) >= since - CLOCKS_S:
            raise ValueError("the person did not log in again")
        if found.groups not in claims and client.server_metadata.get("userinfo_endpoint"):
            more = dict(client.userinfo(token=token))
            if more.get("sub") != claims["sub"]:
                raise ValueError("told of somebody else")
            claims = {**more, **claims}
    except Exception as error:
        # Of the library, of HTTP, of what the provider says: whatever it is, nobody comes in.
        log.warning("an answer of %s does not hold: %r", found.issuer, error)
        text = _("What %s said of you does not hold, or took too long. Begin again.") % found.title
        raise NotDone(text) from None
    return claims


def _proven(request: HttpRequest, subject: str) -> HttpResponse:
    row = Outside.objects.filter(user=request.user.pk, source=Outside.Source.OIDC).first()
    if row is None or row.subject != digest_of(subject):
        raise NotDone(_("You logged in there as somebody else."))
    request.session[PROVEN] = [request.user.pk, time.time()]
    text = _("Go back to where you sign, and press Sign within two minutes. Close this one.")
    return problem(request, 200, _("It is you"), text)


def _refused(request: HttpRequest, text: str) -> HttpResponse:
    if request.user.is_authenticated:
        return problem(request, 403, _("Not accepted"), text)
    return problem(request, 403, _("Not logged in"), text)


@lru_cache(maxsize=2)
def _client(found: Provider) -> Any:
    from authlib.integrations.django_client import OAuth

    return OAuth().register(
        "provider",
        client_id=found.client_id,
        client_secret=found.client_secret or None,
        server_metadata_url=f"{found.issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": found.scope,
            "code_challenge_method": "S256",
            "default_timeout": WAIT_S,
        },
    )

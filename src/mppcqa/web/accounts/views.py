"""The pages on which people log in, log out and change their password."""

from __future__ import annotations

from typing import Any

from allauth.account.views import LoginView, LogoutView, PasswordChangeView, PasswordSetView
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _

from mppcqa.people.actions import logs_in_elsewhere
from mppcqa.web.accounts.kept import from_signed
from mppcqa.web.accounts.lost import send_again
from mppcqa.web.accounts.second import ask_code
from mppcqa.web.problems import problem

__all__ = ["ChangePassword", "FirstPassword", "Login", "LogoutView"]


@method_decorator(login_not_required, name="dispatch")
class Login(LoginView):
    """Name and password; the limits on wrong ones are those of `ACCOUNT_RATE_LIMITS`."""

    template_name = "web/accounts/login.html"

    def dispatch(self, request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        # Somebody who logged in with another page of this browser meanwhile.
        late = request.method == "POST" and request.user.is_authenticated
        if late and (goes_on := self._go_on()) is not None:
            return goes_on
        answer: HttpResponse = super().dispatch(request, *arguments, **named)
        return answer

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        if not self.request.user.is_authenticated:
            kept = "kept" in self.request.POST
            return ask_code(self.request) if kept and _is_asked_next(answer) else answer
        return self._go_on() or answer

    def _go_on(self) -> HttpResponse | None:
        """What was typed before the log-in, for whose it is."""
        kept = from_signed(self.request.POST.get("kept", ""))
        if kept is None:
            return None
        if kept.is_for(self.request.user):
            return send_again(self.request, kept)
        messages.warning(
            self.request,
            _("A form was open here under another account. It was not sent, and is not shown."),
        )
        return None

    def get_context_data(self, **named: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**named)
        errors = context["form"].errors
        context["faults"] = errors.get("__all__", [])
        if errors and not context["faults"]:
            context["faults"] = [_("Give your user name and your password.")]
        context["next"] = self.get_next_url()
        context["kept"] = self.request.POST.get("kept", "")
        return context


def _is_asked_next(answer: HttpResponse) -> bool:
    """Whether the log-in goes on with the code: that page carries what was typed before."""
    return answer.headers.get("Location") == reverse("login_code")


class ChangePassword(PasswordChangeView):
    """A new password for who knows the old one."""

    template_name = "web/accounts/password.html"
    success_url = "/password/done/"


class FirstPassword(PasswordSetView):
    """A password for an account that has none, and whose person logs in nowhere else."""

    template_name = "web/accounts/password.html"
    success_url = "/password/done/"

    def dispatch(self, request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        if request.user.is_authenticated and logs_in_elsewhere(request.user):
            text = _("You log in elsewhere: your password is changed there.")
            return problem(request, 403, _("No password here"), text)
        answer: HttpResponse = super().dispatch(request, *arguments, **named)
        return answer

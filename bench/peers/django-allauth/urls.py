"""The routes: allauth's pages and API, and two views that require an access token."""

from allauth.headless.tokens.strategies.jwt.internal import validate_access_token
from django.http import HttpResponse, JsonResponse
from django.urls import include, path


def user_of(request):
    """Verifies the access token. Returns its user, who is read when a field is used."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    verified = validate_access_token(token)
    return verified[0] if verified else None


def ready(_request):
    return HttpResponse(status=204)


def verify(request):
    return HttpResponse(status=204 if user_of(request) is not None else 401)


def me(request):
    user = user_of(request)
    if user is None:
        return HttpResponse(status=401)
    return JsonResponse({"id": user.pk, "email": user.email})


urlpatterns = [
    path("ready", ready),
    path("verify", verify),
    path("me", me),
    path("accounts/", include("allauth.urls")),
    path("_allauth/", include("allauth.headless.urls")),
]

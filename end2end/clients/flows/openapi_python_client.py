"""Sign-up, own account, refresh and log-out with the client of openapi-python-client."""

import sys

sys.path.insert(0, sys.argv[2])

from countersign import AuthenticatedClient, Client
from countersign.api.auth import log_out, refresh_tokens, sign_up
from countersign.api.me import get_me, list_activity, list_sessions
from countersign.models import LogOutBody, RefreshBody, SessionInfo, SignUpBody, TokensInBody

BASE, EMAIL = sys.argv[1], "openapi-python-client@example.com"
anonymous = Client(base_url=BASE, raise_on_unexpected_status=True)


def signed_in(tokens: TokensInBody) -> AuthenticatedClient:
    return AuthenticatedClient(
        base_url=BASE, token=tokens.access_token, raise_on_unexpected_status=True
    )


tokens = sign_up.sync(
    client=anonymous, body=SignUpBody(email=EMAIL, password="correct horse battery")
)
assert isinstance(tokens, TokensInBody), tokens
me = get_me.sync(client=signed_in(tokens))
assert (me.email, me.name, me.created_at.tzinfo is None) == (EMAIL, None, False), me
sessions = list_sessions.sync(client=signed_in(tokens))
assert [type(session) for session in sessions.items] == [SessionInfo], sessions
assert sessions.items[0].current, sessions
assert list_activity.sync(client=signed_in(tokens)).items[0].kind == "signed_up"
tokens = refresh_tokens.sync(client=anonymous, body=RefreshBody(refresh_token=tokens.refresh_token))
assert isinstance(tokens, TokensInBody), tokens
assert log_out.sync_detailed(client=signed_in(tokens), body=LogOutBody()).status_code == 204
assert get_me.sync_detailed(client=signed_in(tokens)).status_code == 401

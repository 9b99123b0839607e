// Standard OAuth clients against the server: discovery, refresh, introspection, revocation,
// verification of access tokens.
//
//   node oauth.mjs BASE INTROSPECTION_SECRET

import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';

const [base, secret] = process.argv.slice(2);
const insecure = { [oauth.allowInsecureRequests]: true };
const client = { client_id: 'countersign' };
const signUp = async (email) => {
  const body = JSON.stringify({ email, password: 'correct horse battery' });
  const response = await fetch(`${base}/api/v1/auth/signup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  assert.equal(response.status, 201);
  return response.json();
};

// oauth4webapi
const issuer = new URL(base);
const server = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
);
for (const [name, value] of Object.entries(server))
  assert.ok(value.length, `metadata: ${name} is empty`);
const first = await signUp('oauth4webapi@example.com');
const request = new Request(`${base}/api/v1/me`, {
  headers: { authorization: `Bearer ${first.access_token}` },
});
const claims = await oauth.validateJwtAccessToken(server, request, base, insecure);
assert.equal(claims.client_id, 'countersign');
const refreshed = await oauth.refreshTokenGrantRequest(
  server,
  client,
  oauth.None(),
  first.refresh_token,
  insecure,
);
assert.equal(refreshed.headers.get('cache-control'), 'no-store');
const second = await oauth.processRefreshTokenResponse(server, client, refreshed);
assert.ok(
  second.expires_in > 0 &&
    second.scope === 'account' &&
    second.refresh_token !== first.refresh_token,
);
// Both libraries form-encode the secret, which often contains `-` or `_`.
for (const authentication of [oauth.ClientSecretBasic(secret), oauth.ClientSecretPost(secret)]) {
  const response = await oauth.introspectionRequest(
    server,
    { client_id: 'gateway' },
    authentication,
    second.access_token,
    insecure,
  );
  const introspection = await oauth.processIntrospectionResponse(
    server,
    { client_id: 'gateway' },
    response,
  );
  assert.ok(
    introspection.active &&
      introspection.client_id === 'countersign' &&
      introspection.sub === claims.sub,
  );
}
await oauth.processRevocationResponse(
  await oauth.revocationRequest(server, client, oauth.None(), second.refresh_token, insecure),
);
const rejection = await oauth.refreshTokenGrantRequest(
  server,
  client,
  oauth.None(),
  second.refresh_token,
  insecure,
);
await assert.rejects(
  oauth.processRefreshTokenResponse(server, client, rejection),
  (error) => error.error === 'invalid_grant' && error.status === 400,
);
const resource = await oauth.resourceDiscoveryRequest(issuer, insecure);
assert.deepEqual(
  (await oauth.processResourceDiscoveryResponse(issuer, resource)).authorization_servers,
  [base],
);

// openid-client
const discover = (name, authentication) =>
  openid.discovery(issuer, name, undefined, authentication, {
    algorithm: 'oauth2',
    execute: [openid.allowInsecureRequests],
  });
const tokens = await signUp('openid-client@example.com');
const next = await openid.refreshTokenGrant(
  await discover('countersign', openid.None()),
  tokens.refresh_token,
);
assert.equal(next.token_type, 'bearer');
for (const authentication of [openid.ClientSecretBasic(secret), openid.ClientSecretPost(secret)]) {
  const gateway = await discover('gateway', authentication);
  assert.equal((await openid.tokenIntrospection(gateway, next.access_token)).active, true);
  assert.equal((await openid.tokenIntrospection(gateway, 'nonsense')).active, false);
}
await openid.tokenRevocation(await discover('countersign', openid.None()), next.access_token);
assert.equal(
  (await fetch(`${base}/api/v1/me`, { headers: { authorization: `Bearer ${next.access_token}` } }))
    .status,
  401,
);

// Sign-up, own account, refresh and log-out with the types of openapi-typescript.

import createClient from 'openapi-fetch';
import type { components, paths } from '../generated/schema.js';
import { PASSWORD, equal, present } from './check.js';

type Schemas = components['schemas'];
type Tokens = Schemas['TokensInBody'];

const client = createClient<paths>({
  baseUrl: present((globalThis as { BASE?: string }).BASE, 'BASE'),
});
const bearer = (tokens: Tokens) => ({ Authorization: `Bearer ${tokens.access_token}` });

/**
 * The tokens in the response body, where they are because no cookies were requested. This server
 * does not ask for the verification of the address.
 */
function inBody(
  tokens: Schemas['SessionTokens'] | Schemas['PendingVerification'] | undefined,
): Tokens {
  if (!tokens || !('transport' in tokens) || tokens.transport !== 'body')
    throw new Error('tokens are missing');
  return tokens;
}

const email = 'openapi-fetch@example.com';
const first = inBody(
  (await client.POST('/api/v1/auth/signup', { body: { email, password: PASSWORD } })).data,
);
const me = present(
  (await client.GET('/api/v1/me', { headers: bearer(first) })).data,
  'the account',
);
equal(me.email, email, 'email address');
equal(me.name, null, 'name');
const sessions = present(
  (await client.GET('/api/v1/me/sessions', { headers: bearer(first) })).data,
  'the sessions',
);
equal(sessions.items[0]?.current, true, 'current session');
const second = inBody(
  (await client.POST('/api/v1/auth/refresh', { body: { refresh_token: first.refresh_token } }))
    .data,
);
equal(
  (await client.POST('/api/v1/auth/logout', { headers: bearer(second) })).response.status,
  204,
  'status of the log-out',
);
const rejection = await client.GET('/api/v1/me', { headers: bearer(second) });
equal(rejection.response.status, 401, 'status after the log-out');
equal(rejection.error?.code, 'invalid_token', 'code after the log-out');
const keys = present((await client.GET('/.well-known/jwks.json')).data, 'the keys');
equal(keys.keys[0]?.kty, 'EC', 'type of the key');

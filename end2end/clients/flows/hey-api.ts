// Sign-up, own account, refresh and log-out with the client of @hey-api/openapi-ts.

import { client } from '../generated/hey-api/client.gen.js';
import {
  getMe,
  listSessions,
  logOut,
  refreshTokens,
  signUp,
} from '../generated/hey-api/sdk.gen.js';
import type {
  PendingVerification,
  SessionTokens,
  TokensInBody,
} from '../generated/hey-api/types.gen.js';
import { PASSWORD, equal, present } from './check.js';

client.setConfig({ baseUrl: present((globalThis as { BASE?: string }).BASE, 'BASE') });

/** The tokens. This server does not ask for the verification of the address. */
function inBody(tokens: SessionTokens | PendingVerification): TokensInBody {
  if (!('transport' in tokens) || tokens.transport !== 'body')
    throw new Error('tokens are missing');
  return tokens;
}

const email = 'hey-api@example.com';
let tokens = inBody(
  (await signUp({ body: { email, password: PASSWORD }, throwOnError: true })).data,
);
client.setConfig({ auth: () => tokens.access_token });
equal((await getMe({ throwOnError: true })).data.email, email, 'email address');
equal((await listSessions({ throwOnError: true })).data.items.length, 1, 'number of sessions');
tokens = inBody(
  (await refreshTokens({ body: { refresh_token: tokens.refresh_token }, throwOnError: true })).data,
);
equal((await logOut({ throwOnError: true })).response.status, 204, 'status of the log-out');
equal((await getMe()).response?.status, 401, 'status after the log-out');

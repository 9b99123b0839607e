// better-auth as its documentation sets it up: email and password, and the plugins bearer and jwt.
// Passwords are hashed by argon2 instead of its default scrypt, through its option `password`.
//
//   server.mjs            serves
//   server.mjs migrate    creates the tables
//
// /verify verifies the JWT of a session (EdDSA) with its public keys and reads no row, as the
// documentation describes for other services.
import { createServer } from 'node:http';
import argon2 from 'argon2';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { bearer, jwt } from 'better-auth/plugins';
import Database from 'better-sqlite3';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { address, ARGON2, configure, database, secret } from '../node/settings.mjs';

const origin = `http://${address.host}:${address.port}`;
const options = {
  baseURL: origin,
  database: configure(new Database(database)),
  secret,
  emailAndPassword: {
    enabled: true,
    password: {
      hash: (password) => argon2.hash(password, ARGON2),
      verify: ({ hash, password }) => argon2.verify(hash, password),
    },
  },
  plugins: [bearer(), jwt()],
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { level: 'error' },
};

const serve = () => {
  const auth = betterAuth(options);
  const handle = toNodeHandler(auth);
  let keys;
  const verify = async (request) => {
    // The first request reads the keys, which the first JWT has created.
    keys ??= createLocalJWKSet(await auth.api.getJwks());
    const token = request.headers.authorization?.slice('Bearer '.length) ?? '';
    await jwtVerify(token, keys, { issuer: origin, audience: origin });
  };
  const server = createServer(async (request, response) => {
    if (request.url !== '/verify') return handle(request, response);
    response.statusCode = await verify(request).then(() => 204, () => 401);
    return response.end();
  });
  server.listen(address.port, address.host);
};

if (process.argv[2] === 'migrate') {
  const { runMigrations } = await getMigrations(options);
  await runMigrations();
} else {
  serve();
}

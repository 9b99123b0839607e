// Fastify with @fastify/jwt (HS256), argon2 and better-sqlite3. The schemas make it faster: Fastify
// compiles the functions that validate requests and write responses.
import fastifyJwt from '@fastify/jwt';
import argon2 from 'argon2';
import Database from 'better-sqlite3';
import Fastify from 'fastify';
import {
  ACCESS_TOKEN_TTL_SECONDS, address, ARGON2, configure, database, secret,
} from '../node/settings.mjs';
import { createStore } from '../node/store.mjs';

const object = (properties) => ({ type: 'object', required: Object.keys(properties), properties });
const text = { type: 'string', maxLength: 1024 };
const credentials = object({ email: text, password: text });
const tokens = object({ access_token: { type: 'string' }, refresh_token: { type: 'string' } });
const user = object({ id: { type: 'integer' }, email: { type: 'string' } });

const store = createStore(configure(new Database(database)));
const app = Fastify({ logger: false });
app.register(fastifyJwt, { secret, sign: { expiresIn: `${ACCESS_TOKEN_TTL_SECONDS}s` } });
const issue = ({ id, email }) => app.jwt.sign({ sub: String(id), email });
const authenticated = { onRequest: (request) => request.jwtVerify() };

app.get('/ready', async (request, reply) => reply.code(204).send());

app.post('/sign-up', { schema: { body: credentials } }, async (request, reply) => {
  const { email, password } = request.body;
  const hash = await argon2.hash(password, ARGON2);
  return reply.code(store.addUser(email, hash) ? 201 : 409).send();
});

app.post(
  '/log-in',
  { schema: { body: credentials, response: { 200: tokens } } },
  async (request, reply) => {
    const { email, password } = request.body;
    const found = store.userByEmail(email);
    if (!found || !(await argon2.verify(found.hash, password))) return reply.code(401).send();
    return { access_token: issue(found), refresh_token: store.addSession(found.id) };
  },
);

app.post(
  '/refresh',
  { schema: { body: object({ refresh_token: text }), response: { 200: tokens } } },
  async (request, reply) => {
    const rotated = store.rotate(request.body.refresh_token);
    if (!rotated) return reply.code(401).send();
    return { access_token: issue(rotated.user), refresh_token: rotated.token };
  },
);

app.get('/verify', authenticated, async (request, reply) => reply.code(204).send());

app.get('/me', { ...authenticated, schema: { response: { 200: user } } }, async (request) =>
  store.userById(Number(request.user.sub)));

await app.listen(address);

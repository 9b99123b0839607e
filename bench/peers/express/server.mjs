// Express with jsonwebtoken (HS256), argon2 and better-sqlite3, as tutorials combine them.
import argon2 from 'argon2';
import Database from 'better-sqlite3';
import express from 'express';
import jwt from 'jsonwebtoken';
import {
  ACCESS_TOKEN_TTL_SECONDS, address, ARGON2, configure, database, secret,
} from '../node/settings.mjs';
import { createStore } from '../node/store.mjs';

const store = createStore(configure(new Database(database)));
const issue = (user) =>
  jwt.sign({ sub: String(user.id), email: user.email }, secret, {
    expiresIn: ACCESS_TOKEN_TTL_SECONDS,
  });

/** Verifies the access token. Middleware. */
const authenticate = (request, response, next) => {
  const [, token] = request.headers.authorization?.split(' ') ?? [];
  jwt.verify(token, secret, { algorithms: ['HS256'] }, (error, claims) => {
    if (error) return response.sendStatus(401);
    request.userId = Number(claims.sub);
    return next();
  });
};

const app = express();
app.disable('x-powered-by');
app.use(express.json());

app.get('/ready', (request, response) => response.sendStatus(204));

app.post('/sign-up', async (request, response) => {
  const { email, password } = request.body;
  const hash = await argon2.hash(password, ARGON2);
  response.sendStatus(store.addUser(email, hash) ? 201 : 409);
});

app.post('/log-in', async (request, response) => {
  const { email, password } = request.body;
  const user = store.userByEmail(email);
  if (!user || !(await argon2.verify(user.hash, password))) return response.sendStatus(401);
  return response.json({ access_token: issue(user), refresh_token: store.addSession(user.id) });
});

app.post('/refresh', (request, response) => {
  const rotated = store.rotate(request.body.refresh_token);
  if (!rotated) return response.sendStatus(401);
  return response.json({ access_token: issue(rotated.user), refresh_token: rotated.token });
});

app.get('/verify', authenticate, (request, response) => response.sendStatus(204));

app.get('/me', authenticate, (request, response) => response.json(store.userById(request.userId)));

app.listen(address.port, address.host);

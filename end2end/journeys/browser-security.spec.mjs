// Credentials that an injected script or another site could reach in the browser.
import {
  cookiesOf,
  createUser,
  expectAccountOf,
  expectOnlyDeviceCookie,
  logIn,
  logOut,
  open,
  sessionCookie,
  signUp,
  storedToken,
} from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

/** All data that a script can read in this browser. */
const scriptReadableData = async () => ({
  cookies: document.cookie,
  local: { ...localStorage },
  session: { ...sessionStorage },
  databases: (await indexedDB.databases()).map(({ name }) => name),
  caches: await caches.keys(),
  history: JSON.stringify(history.state),
  name: window.name,
  url: location.href,
  document: document.documentElement.outerHTML,
});

/** The only cookie that scripts can read. */
const TIME_ZONE = expect.stringMatching(/^countersign-time-zone=[\w/+-]+$/);

test('storage holds only the access token, and nothing after log-out, in every tab', async ({
  context,
  page,
}) => {
  await signUp(page);
  const second = await context.newPage();
  await open(second, '/account/activity');
  for (const tab of [page, second]) {
    const { cookies, local, session, databases, caches } = await tab.evaluate(scriptReadableData);
    expect({ cookies, session, databases, caches }).toEqual({
      cookies: TIME_ZONE,
      session: {},
      databases: [],
      caches: [],
    });
    expect(Object.keys(local)).toEqual(['countersign']);
    expect(Object.keys(JSON.parse(local.countersign)).sort()).toEqual([
      'access_token',
      'expires_in',
      'obtained_at',
      'persistent',
      'tag',
    ]);
  }
  await logOut(page);
  await expect(second).toHaveURL(/\/login/);
  for (const tab of [page, second]) {
    const { cookies, local, session } = await tab.evaluate(scriptReadableData);
    expect({ cookies, local, session }).toEqual({ cookies: TIME_ZONE, local: {}, session: {} });
  }
  await expectOnlyDeviceCookie(context);
});

test('scripts cannot read the refresh token from storage, pages, URLs or responses', async ({
  context,
  page,
  server,
}) => {
  const responses = [];
  page.on('response', (response) => {
    if (/\/fn\/(?!login)/.test(response.url())) responses.push(response.text());
  });
  // The page is left before the response of the log-in could be read there.
  await page.route('**/fn/login', async (route) => {
    const response = await route.fetch();
    responses.push(response.text());
    await route.fulfill({ response });
  });
  const user = await createUser(server);
  await logIn(page, user);
  await page.evaluate(() => localStorage.removeItem('countersign'));
  await page.reload();
  await expectAccountOf(page, user);
  await expect.poll(() => storedToken(page)).not.toBeNull();
  const cookie = await sessionCookie(context);
  expect(cookie.value).toMatch(/^csgn_rt_/);
  expect(responses).toHaveLength(2);
  const everything = JSON.stringify([
    await page.evaluate(scriptReadableData),
    await Promise.all(responses),
  ]);
  expect(everything.includes(cookie.value)).toBe(false);
  expect(everything.includes('csgn_rt_')).toBe(false);
});

withAndWithoutScripts((scripts) => {
  test('cookies are HttpOnly and SameSite=Lax', async ({ context, page, server }) => {
    await signUp(page);
    const cookies = (await cookiesOf(context)).toSorted((a, b) => a.name.localeCompare(b.name));
    expect(cookies.map(({ name }) => name)).toEqual([
      `countersign-${server.port}`,
      `countersign-${server.port}-device`,
    ]);
    for (const cookie of cookies)
      expect(cookie).toMatchObject({
        httpOnly: true,
        sameSite: 'Lax',
        path: '/',
        domain: 'localhost',
      });
  });

  test('pages never contain the access token', async ({ context, page }) => {
    await signUp(page);
    if (scripts) expect((await storedToken(page)).access_token).toMatch(/^eyJ/);
    for (const url of ['/', '/account', '/account/activity', '/login']) {
      const html = await (await context.request.get(url)).text();
      expect(html.includes('eyJ'), url).toBe(false);
    }
  });

  test('form on another site cannot log the user out', async ({ expectConsole, page, server }) => {
    const user = await signUp(page);
    await page.goto('about:blank');
    await page.setContent(
      `<form method="post" action="${server.origin}/fn/logout"><button>Win a prize</button></form>`,
    );
    await expectConsole({ status: 403, url: '/fn/logout' }, () => page.getByRole('button').click());
    await open(page, '/account');
    await expectAccountOf(page, user);
  });
});

test('content security policy blocks and reports injected code', async ({
  expectConsole,
  page,
  request,
}) => {
  await open(page, '/login');
  const violation = (directive) => ({
    text: new RegExp(`violates the following Content Security Policy directive.*${directive} `),
  });
  const add = (name, text) =>
    page.evaluate(
      ([name, text]) =>
        void document.body.append(
          Object.assign(document.createElement(name), { textContent: text }),
        ),
      [name, text],
    );
  await expectConsole(violation('script-src'), () => add('script', 'window.evil = true'));
  await expectConsole(violation('style-src'), () => add('style', 'body { color: red }'));
  await expectConsole(violation('style-src'), () =>
    page.evaluate(() => document.body.setAttribute('style', 'color: red')),
  );
  await expectConsole(violation('script-src'), () =>
    page.evaluate(() => document.body.setAttribute('onclick', 'window.evil = true')),
  );
  await page.getByRole('main').click();
  expect(
    await page.evaluate(() => [
      window.evil,
      getComputedStyle(document.body).color === 'rgb(255, 0, 0)',
    ]),
  ).toEqual([undefined, false]);
  // In a new task, because `page.evaluate` itself may bypass the policy.
  const evaluate = async () => {
    await new Promise((done) => setTimeout(done));
    try {
      return String(eval('1'));
    } catch (error) {
      return error.name;
    }
  };
  expect(await page.evaluate(evaluate)).toBe('EvalError');
  const policy = (await request.get('/login')).headers()['content-security-policy'];
  expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|\*|https?:/);
});

test('page fetches each script, Wasm and style file once, and no other files', async ({ page }) => {
  const files = [];
  page.on(
    'request',
    (request) =>
      request.url().includes('/pkg/') &&
      files.push(new URL(request.url()).pathname.replace(/\..*\./, '.')),
  );
  await open(page, '/login');
  await page.waitForLoadState('networkidle');
  expect(files.sort()).toEqual([
    '/pkg/countersign.css',
    '/pkg/countersign.js',
    '/pkg/countersign.wasm',
  ]);
});

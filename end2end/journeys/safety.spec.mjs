// What a script that is not ours could get hold of: nothing.
import { kept, logIn, logOut, member, onlyKnown, open, seesAccountOf, sessionCookie, signUp } from '../support/steps.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

/** Everything that a script can read in this browser. */
const readable = async () => ({
  cookies: document.cookie,
  local: { ...localStorage },
  session: { ...sessionStorage },
  databases: (await indexedDB.databases()).map(({ name }) => name),
  caches: await caches.keys(),
  history: JSON.stringify(history.state),
  name: window.name,
  address: location.href,
  document: document.documentElement.outerHTML,
});

test('storage holds the access token and nothing else, and after a log-out nothing, in every tab', async ({ context, page }) => {
  await signUp(page);
  const second = await context.newPage();
  await open(second, '/account/activity');
  for (const tab of [page, second]) {
    const { cookies, local, session, databases, caches } = await tab.evaluate(readable);
    expect({ cookies, session, databases, caches }).toEqual({ cookies: '', session: {}, databases: [], caches: [] });
    expect(Object.keys(local)).toEqual(['countersign']);
    expect(Object.keys(JSON.parse(local.countersign)).sort()).toEqual(['access_token', 'expires_in', 'obtained_at', 'persistent', 'tag']);
  }
  await logOut(page);
  await expect(second).toHaveURL(/\/login/);
  for (const tab of [page, second]) {
    const { cookies, local, session } = await tab.evaluate(readable);
    expect({ cookies, local, session }).toEqual({ cookies: '', local: {}, session: {} });
  }
  await onlyKnown(context);
});

test('no script can read a refresh token: not in storage, pages, addresses or answers', async ({ context, page, server }) => {
  const answers = [];
  page.on('response', (answer) => {
    if (/\/fn\//.test(answer.url())) answers.push(answer.text());
  });
  const who = await member(server);
  await logIn(page, who);
  await page.evaluate(() => localStorage.removeItem('countersign'));
  await page.reload();
  await seesAccountOf(page, who);
  await expect.poll(() => kept(page)).not.toBeNull();
  const cookie = await sessionCookie(context);
  expect(cookie.value).toMatch(/^csgn_rt_/);
  expect(answers).toHaveLength(2);
  const everything = JSON.stringify([await page.evaluate(readable), await Promise.all(answers)]);
  expect(everything.includes(cookie.value)).toBe(false);
  expect(everything.includes('csgn_rt_')).toBe(false);
});

withAndWithoutScripts((scripts) => {
  test('the cookies are out of reach of scripts and of other sites', async ({ context, page, server }) => {
    await signUp(page);
    const cookies = (await context.cookies()).toSorted((a, b) => a.name.localeCompare(b.name));
    expect(cookies.map(({ name }) => name)).toEqual([`countersign-${server.port}`, `countersign-${server.port}-device`]);
    for (const cookie of cookies) expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/', domain: 'localhost' });
  });

  test('no page has the access token in it', async ({ context, page }) => {
    await signUp(page);
    if (scripts) expect((await kept(page)).access_token).toMatch(/^eyJ/);
    for (const address of ['/', '/account', '/account/activity', '/login']) {
      const html = await (await context.request.get(address)).text();
      expect(html.includes('eyJ'), address).toBe(false);
    }
  });

  test('a form on another site can end nothing', async ({ expectConsole, page, server }) => {
    const who = await signUp(page);
    await page.goto('about:blank');
    await page.setContent(`<form method="post" action="${server.origin}/fn/logout"><button>Win a prize</button></form>`);
    await expectConsole({ status: 403, url: '/fn/logout' }, () => page.getByRole('button').click());
    await open(page, '/account');
    await seesAccountOf(page, who);
  });
});

test('the policy refuses what is not ours, and says so', async ({ expectConsole, page, request }) => {
  await open(page, '/login');
  const refused = (directive) => ({ text: new RegExp(`violates the following Content Security Policy directive.*${directive} `) });
  const add = (name, text) => page.evaluate(([name, text]) => void document.body.append(Object.assign(document.createElement(name), { textContent: text })), [name, text]);
  await expectConsole(refused('script-src'), () => add('script', 'window.evil = true'));
  await expectConsole(refused('style-src'), () => add('style', 'body { color: red }'));
  await expectConsole(refused('style-src'), () => page.evaluate(() => document.body.setAttribute('style', 'color: red')));
  await expectConsole(refused('script-src'), () => page.evaluate(() => document.body.setAttribute('onclick', 'window.evil = true')));
  await page.getByRole('main').click();
  expect(await page.evaluate(() => [window.evil, getComputedStyle(document.body).color === 'rgb(255, 0, 0)'])).toEqual([undefined, false]);
  // In a task of its own: what the test itself sends may evaluate.
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

test('a page fetches script, Wasm and style once each, and nothing from elsewhere', async ({ page }) => {
  const files = [];
  page.on('request', (request) => request.url().includes('/pkg/') && files.push(new URL(request.url()).pathname.replace(/\..*\./, '.')));
  await open(page, '/login');
  await page.waitForLoadState('networkidle');
  expect(files.sort()).toEqual(['/pkg/__wasm_split.js', '/pkg/countersign.css', '/pkg/countersign.js', '/pkg/countersign.wasm']);
});

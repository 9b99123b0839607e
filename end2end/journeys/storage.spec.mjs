// A browser that lets us keep nothing, or keeps rubbish. What cannot be stored is held in memory, and every page load asks for a new token.
// (Without scripts nothing is ever kept, so there is no such journey.)
import { goTo, isSaved, logIn, logOut, member, open, ready, rename, seesAccountOf, signUp } from '../support/steps.mjs';
import { Server } from '../support/server.mjs';
import { expect, test } from '../support/test.mjs';

const conditions = {
  'storage is blocked': () => {
    const blocked = {
      get() {
        throw new DOMException('blocked', 'SecurityError');
      },
    };
    Object.defineProperty(window, 'localStorage', blocked);
    Object.defineProperty(window, 'sessionStorage', blocked);
  },
  'storage is full': () => {
    Storage.prototype.setItem = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
  },
  'there are no locks': () => Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined }),
  'there is no channel between tabs': () => delete window.BroadcastChannel,
  'there are neither storage nor locks': () => {
    Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });
    Object.defineProperty(window, 'localStorage', { get: () => null });
  },
};

for (const [condition, impose] of Object.entries(conditions)) {
  test(`everything works where ${condition}`, async ({ context, page, watch }) => {
    await context.addInitScript(impose);
    const who = await signUp(page);
    expect(watch.callsTo('/fn/refresh'), 'the token came with the sign-up').toHaveLength(0);

    await rename(page, 'Augusta Ada');
    await isSaved(page, 'Augusta Ada');
    await page.reload();
    await seesAccountOf(page, { ...who, name: 'Augusta Ada' });
    await goTo(page, 'Activity');
    await expect(page.getByText('Name changed')).toBeVisible();

    const second = await context.newPage();
    await open(second, '/account');
    await rename(second, 'Ada Again');
    await isSaved(second, 'Ada Again');

    await goTo(page, 'Profile');
    await logOut(page);
    await second.reload();
    await ready(second);
    await expect(second).toHaveURL(/\/login/);
  });
}

test('rubbish in storage is no token', async ({ page, watch }) => {
  const who = await signUp(page);
  let name = who.name;
  for (const rubbish of ['', 'null', '{}', '"x"', '{"access_token":"a b","expires_in":600,"obtained_at":0,"tag":""}', '\u0000']) {
    await page.evaluate((rubbish) => localStorage.setItem('countersign', rubbish), rubbish);
    const calls = watch.mark();
    await page.reload();
    await seesAccountOf(page, { ...who, name });
    name = name === 'Augusta Ada' ? 'Ada Byron' : 'Augusta Ada';
    await rename(page, name);
    await isSaved(page, name);
    expect(watch.callsTo('/fn/refresh', calls), rubbish).toHaveLength(1);
  }
});

test('another installation on this host, at another port, logs nobody out here', async ({ build, context, page, server }) => {
  const who = await member(server);
  await logIn(page, who);
  const other = await Server.start(build);
  try {
    const form = { email: 'grace@example.com', password: 'correct horse battery', transport: 'cookie' };
    const answer = await context.request.post(`${other.origin}/api/v1/auth/signup`, { data: form, headers: { 'sec-fetch-site': 'same-origin' } });
    expect(answer.status()).toBe(201);
    const names = (await context.cookies()).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([`countersign-${server.port}`, `countersign-${other.port}`]));
    await open(page, '/account');
    await seesAccountOf(page, who);
    // And the reverse: what is done here is not noticed there.
    await logOut(page);
    const there = await context.request.get(`${other.origin}/account`);
    expect(await there.text()).toContain('grace@example.com');
  } finally {
    await other.end();
  }
});

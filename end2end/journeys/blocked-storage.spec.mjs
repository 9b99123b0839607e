// Storage that is blocked, full or corrupt, and missing browser APIs. A token that cannot be stored
// is kept in memory, and every page load requests a new one. Without scripts, storage is not used.
import {
  changeName,
  createUser,
  expectAccountOf,
  expectNameSaved,
  logIn,
  logOut,
  navigateTo,
  open,
  signUp,
  waitForHydration,
} from '../support/actions.mjs';
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
  'Web Locks are missing': () =>
    Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined }),
  'BroadcastChannel is missing': () => delete window.BroadcastChannel,
  'storage and Web Locks are missing': () => {
    Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });
    Object.defineProperty(window, 'localStorage', { get: () => null });
  },
};

for (const [condition, impose] of Object.entries(conditions)) {
  test(`app works if ${condition}`, async ({ context, page, watch }) => {
    await context.addInitScript(impose);
    const user = await signUp(page);
    expect(watch.callsTo('/fn/refresh'), 'the sign-up returned a token').toHaveLength(0);

    await changeName(page, 'Augusta Ada');
    await expectNameSaved(page, 'Augusta Ada');
    await page.reload();
    await expectAccountOf(page, { ...user, name: 'Augusta Ada' });
    await navigateTo(page, 'Activity');
    await expect(page.getByText('Name changed')).toBeVisible();

    const second = await context.newPage();
    await open(second, '/account');
    await changeName(second, 'Ada Again');
    await expectNameSaved(second, 'Ada Again');

    await navigateTo(page, 'Profile');
    await logOut(page);
    await second.reload();
    await waitForHydration(second);
    await expect(second).toHaveURL(/\/login/);
  });
}

test('invalid token in storage is replaced by a refresh', async ({ page, watch }) => {
  const user = await signUp(page);
  let name = user.name;
  for (const invalid of [
    '',
    'null',
    '{}',
    '"x"',
    '{"access_token":"a b","expires_in":600,"obtained_at":0,"tag":""}',
    '\u0000',
  ]) {
    await page.evaluate((invalid) => localStorage.setItem('countersign', invalid), invalid);
    const calls = watch.mark();
    await page.reload();
    await expectAccountOf(page, { ...user, name });
    name = name === 'Augusta Ada' ? 'Ada Byron' : 'Augusta Ada';
    await changeName(page, name);
    await expectNameSaved(page, name);
    expect(watch.callsTo('/fn/refresh', calls), invalid).toHaveLength(1);
  }
});

test('two installations on different ports of a host keep separate sessions', async ({
  build,
  context,
  page,
  server,
}) => {
  const user = await createUser(server);
  await logIn(page, user);
  const other = await Server.start(build);
  try {
    const form = {
      email: 'grace@example.com',
      password: 'correct horse battery',
      transport: 'cookie',
    };
    const response = await context.request.post(`${other.origin}/api/v1/auth/signup`, {
      data: form,
      headers: { 'sec-fetch-site': 'same-origin' },
    });
    expect(response.status()).toBe(201);
    const names = (await context.cookies()).map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([`countersign-${server.port}`, `countersign-${other.port}`]),
    );
    await open(page, '/account');
    await expectAccountOf(page, user);
    // A log-out here does not affect the session there.
    await logOut(page);
    const otherPage = await context.request.get(`${other.origin}/account`);
    expect(await otherPage.text()).toContain('grace@example.com');
  } finally {
    await other.stop();
  }
});

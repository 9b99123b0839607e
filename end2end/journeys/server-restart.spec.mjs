// The server is killed and restarted with the same data.
import {
  changeName,
  expectAccountOf,
  expectLoggedOut,
  expectNameSaved,
  navigateTo,
  open,
  patchStoredToken,
  pressLogOut,
  sessionCookie,
  signUp,
} from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';

const connectionRefused = (url) => ({ failure: 'net::ERR_CONNECTION_REFUSED', url });

/** Kills the server after the page has loaded all its files, so that only later requests fail. */
async function kill(server, page) {
  await page.waitForLoadState('load');
  await server.kill();
}

// The browser requests the icon at any time, and the page polls the readiness endpoint.
test.beforeEach(
  ({ watch }) =>
    void watch.expect({
      text: /^Failed to load resource: net::ERR_/,
      url: /^\/(favicon\.svg|readyz)$/,
      times: Infinity,
    }),
);

test('page reports a lost connection and recovers when the server is back', async ({
  expectConsole,
  page,
  server,
  watch,
}) => {
  const user = await signUp(page);
  await kill(server, page);

  await expectConsole(connectionRefused('/fn/update-profile'), () =>
    changeName(page, 'Augusta Ada'),
  );
  const problem = page.getByRole('alert');
  await expect(problem).toContainText("Can't reach the server");
  await expect(page.getByLabel('Name')).toHaveValue('Augusta Ada');
  await page.getByRole('link', { name: 'Activity' }).first().click();

  const notice = page
    .getByRole('status')
    .filter({ hasText: "We can't reach the server right now." });
  await expect(notice).toBeVisible();

  await server.run();
  // The link is followed as soon as the server responds.
  await expect(page.getByText('Signed up')).toBeVisible({ timeout: 15_000 });
  await expect(notice).toBeHidden();
  await navigateTo(page, 'Profile');
  await changeName(page, 'Augusta Ada');
  await expectNameSaved(page, 'Augusta Ada');
  expect(watch.callsTo('/fn/refresh'), 'the stored token is still valid').toHaveLength(0);

  await page.reload();
  await expectAccountOf(page, { ...user, name: 'Augusta Ada' });
});

test('failed log-out is retried when the server is back', async ({ page, server, watch }) => {
  await signUp(page);
  await kill(server, page);
  watch.expect({
    text: /^Failed to load resource: net::ERR_/,
    url: /^\/fn\/logout$/,
    times: Infinity,
  });
  await pressLogOut(page);
  await expect(
    page.getByRole('alert').filter({ hasText: "You're still logged in." }),
  ).toBeVisible();
  await server.run();
  await expectLoggedOut(page, "You've logged out.");
});

test('refresh interrupted by a crash is recovered by the next attempt', async ({
  context,
  expectConsole,
  page,
  server,
  watch,
}) => {
  await signUp(page);
  const before = await sessionCookie(context);
  await patchStoredToken(page, { obtained_at: 0 });
  await page.route(
    '**/fn/refresh',
    async (route) => {
      expect((await route.fetch()).status(), 'the server has rotated the token').toBe(200);
      await kill(server, page);
      // Reverts the cookie, as if the response had not arrived.
      await context.addCookies([before]);
      await route.abort('connectionreset');
    },
    { times: 1 },
  );
  await expectConsole({ failure: 'net::ERR_CONNECTION_RESET', url: '/fn/refresh' }, () =>
    changeName(page, 'Augusta Ada'),
  );
  await expect(page.getByRole('alert')).toContainText("Can't reach the server");
  await server.run();
  const calls = watch.mark();
  await changeName(page, 'Augusta Ada');
  await expectNameSaved(page, 'Augusta Ada');
  expect(watch.calls.slice(calls)).toMatchObject([
    { path: '/fn/refresh', status: 200 },
    { path: '/fn/update-profile', status: 200 },
  ]);
});

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false });

  test('user is still logged in when the server is back', async ({ page, server }) => {
    const user = await signUp(page);
    await kill(server, page);
    await expect(page.reload()).rejects.toThrow('ERR_CONNECTION_REFUSED');
    await server.run();
    await open(page, '/account');
    await expectAccountOf(page, user);
    await changeName(page, 'Augusta Ada');
    await expectNameSaved(page, 'Augusta Ada');
  });
});

test('graceful shutdown keeps the session', async ({ page, server }) => {
  const user = await signUp(page);
  await server.kill('SIGTERM');
  await server.run();
  await page.reload();
  await expectAccountOf(page, user);
  await changeName(page, 'Augusta Ada');
  await expectNameSaved(page, 'Augusta Ada');
});

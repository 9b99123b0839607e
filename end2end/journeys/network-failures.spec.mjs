// Lost responses, an unreachable server and wrong clocks. The user stays logged in, and the number
// of requests is bounded.
import {
  changeName,
  createUser,
  expectAccountOf,
  expectLoggedOut,
  expectNameSaved,
  expectNoReuseWarning,
  logIn,
  open,
  patchStoredToken,
  pressLogOut,
  sessionCookie,
  storedToken,
} from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';

const DAY = 24 * 60 * 60 * 1000;

test('lost refresh response is reported, and the next attempt recovers', async ({
  context,
  expectConsole,
  page,
  server,
  watch,
}) => {
  const user = await createUser(server);
  await logIn(page, user);
  const before = await sessionCookie(context);
  await patchStoredToken(page, { obtained_at: 0 });
  await page.route(
    '**/fn/refresh',
    async (route) => {
      expect((await route.fetch()).status(), 'the server has rotated the token').toBe(200);
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
  expect((await sessionCookie(context)).value).toBe(before.value);
  const calls = watch.mark();
  await changeName(page, 'Augusta Ada');
  await expectNameSaved(page, 'Augusta Ada');
  expect(watch.calls.slice(calls)).toMatchObject([
    { path: '/fn/refresh', status: 200 },
    { path: '/fn/update-profile', status: 200 },
  ]);
  expect((await sessionCookie(context)).value).not.toBe(before.value);
  await expectNoReuseWarning(page, { ...user, name: 'Augusta Ada' });
});

test('all tabs together send at most six refresh requests per minute', async ({
  context,
  page,
  server,
  watch,
}) => {
  const user = await createUser(server);
  await logIn(page, user);
  const second = await context.newPage();
  await open(second, '/account');
  await patchStoredToken(page, { obtained_at: 0 });
  watch.expect({ failure: 'net::ERR_CONNECTION_REFUSED', url: '/fn/refresh', times: 6 });
  await context.route('**/fn/refresh', (route) => route.abort('connectionrefused'));
  // The page would remove the error as soon as the server responds.
  watch.expect({ failure: 'net::ERR_CONNECTION_REFUSED', url: '/readyz', times: Infinity });
  await context.route('**/readyz', (route) => route.abort('connectionrefused'));
  const start = watch.mark();
  for (const tab of [page, page, page, page, second, second, second, page, page]) {
    await changeName(tab, 'Augusta Ada');
    await expect(tab.getByRole('alert')).toContainText("Can't reach the server");
    await expect(tab.getByRole('button', { name: 'Save name' })).toBeEnabled();
  }
  expect(watch.callsTo('/fn/refresh', start)).toHaveLength(6);
  await context.unrouteAll();
  expect((await sessionCookie(context)).value, 'the user is still logged in').toMatch(/^csgn_rt_/);
  await expectNoReuseWarning(page, user);
});

for (const [offset, milliseconds] of [
  ['a day ahead', DAY],
  ['a day behind', -DAY],
]) {
  test(`browser clock ${offset} does not affect the session`, async ({
    context,
    page,
    server,
    watch,
  }) => {
    const user = await createUser(server);
    await page.clock.setSystemTime(Date.now() + milliseconds);
    await logIn(page, user);
    const error = (await storedToken(page)).obtained_at - Date.now() - milliseconds;
    expect(Math.abs(error), 'the clock is wrong').toBeLessThan(60_000);
    await changeName(page, 'Augusta Ada');
    await expectNameSaved(page, 'Augusta Ada');
    await page.reload();
    await expectAccountOf(page, { ...user, name: 'Augusta Ada' });
    // A second tab with the right clock, then the first one again.
    const second = await context.newPage();
    await open(second, '/account');
    await changeName(second, 'Ada Byron');
    await expectNameSaved(second, 'Ada Byron');
    await changeName(page, 'Ada King');
    await expectNameSaved(page, 'Ada King');
    expect(
      watch.callsTo('/fn/refresh').length,
      'each tab refreshes at most once',
    ).toBeLessThanOrEqual(2);
    expect(watch.calls.filter(({ status }) => status !== 200)).toEqual([]);
    await expectNoReuseWarning(page, { ...user, name: 'Ada King' });
  });
}

test('log-out that fails with 503 is reported and retried', async ({
  expectConsole,
  page,
  server,
  watch,
}) => {
  const user = await createUser(server);
  await logIn(page, user);
  const unavailable = {
    status: 503,
    contentType: 'application/json',
    headers: { 'retry-after': '5' },
    body: '"unavailable"',
  };
  await page.route('**/fn/logout', (route) => route.fulfill(unavailable), { times: 2 });
  const start = watch.mark();
  await expectConsole({ status: 503, url: '/fn/logout', times: 2 }, async () => {
    await pressLogOut(page);
    await expect(page.getByRole('alert')).toContainText("You're still logged in.");
    await expectAccountOf(page, user);
    expect(await storedToken(page), 'the session continues').not.toBeNull();
    await expectLoggedOut(page, "You've logged out.");
  });
  expect(watch.callsTo('/fn/logout', start).map(({ status }) => status)).toEqual([503, 503, 200]);
});

test('log-out is attempted at most six times', async ({ page, server, watch }) => {
  const user = await createUser(server);
  await logIn(page, user);
  await page.clock.install();
  watch.expect({ status: 503, url: '/fn/logout', times: 6 });
  await page.route('**/fn/logout', (route) =>
    route.fulfill({ status: 503, contentType: 'application/json', body: '"unavailable"' }),
  );
  const start = watch.mark();
  await pressLogOut(page);
  await expect(page.getByRole('alert')).toContainText("You're still logged in.");
  // Moves the clock again and again: the next attempt is scheduled only after the last one failed.
  await expect
    .poll(async () => {
      await page.clock.fastForward('00:40');
      return watch.callsTo('/fn/logout', start).length;
    })
    .toBe(6);
  await page.clock.fastForward('10:00');
  await expectAccountOf(page, user);
  expect(watch.callsTo('/fn/logout', start)).toHaveLength(6);
});

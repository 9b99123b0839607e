// Answers that get lost on the way, a server that is away, clocks that are wrong. Nobody is logged out, and the server is not asked more than it has
// to be.
import { isLoggedOut, isSaved, kept, logIn, member, noAlarm, open, pretend, rename, seesAccountOf, sessionCookie, submit } from '../support/steps.mjs';
import { expect, test } from '../support/test.mjs';

const DAY = 24 * 60 * 60 * 1000;

test('the answer to a renewal is lost on the way: the page says so, and the next attempt makes up for it', async ({ context, expectConsole, page, server, watch }) => {
  const who = await member(server);
  await logIn(page, who);
  const before = await sessionCookie(context);
  await pretend(page, { obtained_at: 0 });
  await page.route(
    '**/fn/refresh',
    async (route) => {
      expect((await route.fetch()).status(), 'the server has renewed').toBe(200);
      // What the answer would have changed, had it come.
      await context.addCookies([before]);
      await route.abort('connectionreset');
    },
    { times: 1 },
  );
  await expectConsole({ failure: 'net::ERR_CONNECTION_RESET', url: '/fn/refresh' }, () => rename(page, 'Augusta Ada'));
  await expect(page.getByRole('alert')).toContainText('The server could not be reached.');
  expect((await sessionCookie(context)).value).toBe(before.value);
  const calls = watch.mark();
  await rename(page, 'Augusta Ada');
  await isSaved(page, 'Augusta Ada');
  expect(watch.calls.slice(calls)).toMatchObject([{ path: '/fn/refresh', status: 200 }, { path: '/fn/rename', status: 200 }]);
  expect((await sessionCookie(context)).value).not.toBe(before.value);
  await noAlarm(page, { ...who, name: 'Augusta Ada' });
});

test('a server that is away is asked for a renewal six times in a minute by all tabs together, and no more', async ({ context, page, server, watch }) => {
  const who = await member(server);
  await logIn(page, who);
  const second = await context.newPage();
  await open(second, '/account');
  await pretend(page, { obtained_at: 0 });
  watch.expect({ failure: 'net::ERR_CONNECTION_REFUSED', url: '/fn/refresh', times: 6 });
  await context.route('**/fn/refresh', (route) => route.abort('connectionrefused'));
  const start = watch.mark();
  for (const tab of [page, page, page, page, second, second, second, page, page]) {
    await rename(tab, 'Augusta Ada');
    await expect(tab.getByRole('alert')).toContainText('The server could not be reached.');
    await expect(tab.getByRole('button', { name: 'Save name' })).toBeEnabled();
  }
  expect(watch.callsTo('/fn/refresh', start)).toHaveLength(6);
  await context.unrouteAll();
  expect((await sessionCookie(context)).value, 'nobody is logged out').toMatch(/^csgn_rt_/);
  await noAlarm(page, who);
});

for (const [words, off] of [['a day ahead', DAY], ['a day behind', -DAY]]) {
  test(`a browser whose clock is ${words} does not matter`, async ({ context, page, server, watch }) => {
    const who = await member(server);
    await page.clock.setSystemTime(Date.now() + off);
    await logIn(page, who);
    const shown = (await kept(page)).obtained_at - Date.now() - off;
    expect(Math.abs(shown), 'the clock is wrong').toBeLessThan(60_000);
    await rename(page, 'Augusta Ada');
    await isSaved(page, 'Augusta Ada');
    await page.reload();
    await seesAccountOf(page, { ...who, name: 'Augusta Ada' });
    // A tab whose clock is right, and the first one again.
    const second = await context.newPage();
    await open(second, '/account');
    await rename(second, 'Ada Byron');
    await isSaved(second, 'Ada Byron');
    await rename(page, 'Ada King');
    await isSaved(page, 'Ada King');
    expect(watch.callsTo('/fn/refresh').length, 'a token that seems to be of another day is renewed, once a tab at most').toBeLessThanOrEqual(2);
    expect(watch.calls.filter(({ status }) => status !== 200)).toEqual([]);
    await noAlarm(page, { ...who, name: 'Ada King' });
  });
}

test('a log-out that the server cannot carry out says so, and is tried again by itself', async ({ expectConsole, page, server, watch }) => {
  const who = await member(server);
  await logIn(page, who);
  const away = { status: 503, contentType: 'application/json', headers: { 'retry-after': '5' }, body: '"unavailable"' };
  await page.route('**/fn/logout', (route) => route.fulfill(away), { times: 2 });
  const start = watch.mark();
  await expectConsole({ status: 503, url: '/fn/logout', times: 2 }, async () => {
    await submit(page, 'Log out');
    await expect(page.getByRole('alert')).toContainText('You are still logged in.');
    await seesAccountOf(page, who);
    expect(await kept(page), 'the session lives on').not.toBeNull();
    await isLoggedOut(page, 'You are logged out.');
  });
  expect(watch.callsTo('/fn/logout', start).map(({ status }) => status)).toEqual([503, 503, 200]);
});

test('a log-out is tried again six times at most', async ({ page, server, watch }) => {
  const who = await member(server);
  await logIn(page, who);
  await page.clock.install();
  watch.expect({ status: 503, url: '/fn/logout', times: 6 });
  await page.route('**/fn/logout', (route) => route.fulfill({ status: 503, contentType: 'application/json', body: '"unavailable"' }));
  const start = watch.mark();
  await submit(page, 'Log out');
  await expect(page.getByRole('alert')).toContainText('You are still logged in.');
  for (let calls = 2; calls <= 6; calls += 1) {
    await page.clock.fastForward('00:40');
    await expect.poll(() => watch.callsTo('/fn/logout', start).length).toBe(calls);
  }
  await page.clock.fastForward('10:00');
  await seesAccountOf(page, who);
  expect(watch.callsTo('/fn/logout', start)).toHaveLength(6);
});

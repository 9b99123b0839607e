// What laptops do to sessions: tabs that wake up together, answers that get lost on the way, clocks that are wrong. Nobody is logged out, and the
// server is not asked more than it has to be.
import { isSaved, kept, logIn, logInFor, member, open, pretend, rename, seesAccountOf, sessionCookie } from '../support/steps.mjs';
import { expect, test } from '../support/test.mjs';
import { isOldByOwnClock, shortLived } from '../support/tokens.mjs';

const TABS = 5;
const DAY = 24 * 60 * 60 * 1000;

async function noAlarm(page, who) {
  await open(page, '/account');
  await seesAccountOf(page, who);
  await open(page, '/account/activity');
  await expect(page.getByText('Logged in').first()).toBeVisible();
  await expect(page.getByText('its key was used twice')).toHaveCount(0);
}

test.describe('with tokens that end soon', () => {
  test.use({ settings: shortLived });

  for (const keep of [true, false]) {
    const kind = keep ? 'a session that outlives the browser' : 'a session that ends with the browser';
    test(`five tabs of ${kind} wake up: one renewal after the other, at most one a tab, nobody is logged out`, async ({ context, page, server, watch }) => {
      const who = await member(server);
      await logInFor(page, who, keep);
      const tabs = [page];
      while (tabs.length < TABS) {
        const tab = await context.newPage();
        await open(tab, '/account');
        await seesAccountOf(tab, who);
        tabs.push(tab);
      }
      // A tab that has got no token from another one gets its own.
      for (const tab of tabs) await expect.poll(() => kept(tab)).not.toBeNull();
      for (const tab of tabs) await isOldByOwnClock(tab);
      const start = watch.mark();
      await Promise.all(tabs.map((tab, number) => rename(tab, `Ada ${number}`)));
      await Promise.all(tabs.map((tab) => expect(tab.getByText('Your name is saved.')).toBeVisible()));

      const renewals = watch.callsTo('/fn/refresh', start).sort((a, b) => a.start - b.start);
      console.log(`${renewals.length} renewals of ${TABS} tabs`);
      expect(renewals.length).toBeGreaterThan(0);
      expect(renewals.map(({ status }) => status)).toEqual(renewals.map(() => 200));
      for (const tab of tabs) expect(renewals.filter((renewal) => renewal.page === tab).length).toBeLessThanOrEqual(1);
      for (let n = 1; n < renewals.length; n++) expect(renewals[n].start, 'one after the other').toBeGreaterThanOrEqual(renewals[n - 1].end);
      const saved = watch.callsTo('/fn/rename', start);
      expect(saved.map(({ status }) => status), 'none was refused').toEqual(tabs.map(() => 200));

      const { body } = await server.api('POST', '/auth/login', who);
      const now = (await server.api('GET', '/me', undefined, body.access_token)).body;
      for (const tab of tabs) await noAlarm(tab, now);
    });
  }
});

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

test('a server that is away is asked for a renewal six times in a minute, and no more', async ({ context, page, server, watch }) => {
  const who = await member(server);
  await logIn(page, who);
  await pretend(page, { obtained_at: 0 });
  watch.expect({ failure: 'net::ERR_CONNECTION_REFUSED', url: '/fn/refresh', times: 6 });
  await page.route('**/fn/refresh', (route) => route.abort('connectionrefused'));
  const start = watch.mark();
  for (let n = 0; n < 9; n++) {
    await rename(page, `Ada ${n}`);
    await expect(page.getByRole('alert')).toContainText('The server could not be reached.');
    await expect(page.getByRole('button', { name: 'Save name' })).toBeEnabled();
  }
  expect(watch.callsTo('/fn/refresh', start)).toHaveLength(6);
  await page.unrouteAll();
  expect((await sessionCookie(context)).value, 'nobody is logged out').toMatch(/^lkr_/);
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

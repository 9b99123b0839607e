// Five calls at one moment with a token that is over: one renewal, and each call is answered. On the laboratory page, which only builds for
// development have.
import { logIn, member, open, seesAccountOf } from '../support/steps.mjs';
import { expect, test } from '../support/test.mjs';
import { isOldButLooksFresh, isOldByOwnClock, shortLived } from '../support/tokens.mjs';

test.use({ settings: shortLived });

const CALL = '/fn/recent-activity';
const press = (page) => page.getByRole('button', { name: 'Call five times' }).click();
const allAnswered = (page) => expect(page.getByRole('status').filter({ hasText: 'of 5 answered' })).toHaveText('5 of 5 answered');

async function inLaboratory(page, server) {
  const who = await member(server);
  await logIn(page, who);
  await open(page, '/lab');
  return who;
}

test('a token that is old by our own clock: one renewal, then five calls, none refused', async ({ page, server, watch }) => {
  await inLaboratory(page, server);
  await isOldByOwnClock(page);
  const start = watch.mark();
  await press(page);
  await allAnswered(page);
  expect(watch.calls[start].path, 'the renewal comes first').toBe('/fn/refresh');
  expect(watch.callsTo('/fn/refresh', start)).toHaveLength(1);
  expect(watch.callsTo(CALL, start).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
});

test('a token that the server refuses: one renewal, and each of the five is repeated once', async ({ expectConsole, page, server, watch }) => {
  await inLaboratory(page, server);
  await isOldButLooksFresh(page, server);
  const start = watch.mark();
  await expectConsole({ status: 401, url: CALL, times: 5 }, () => press(page));
  await allAnswered(page);
  expect(watch.callsTo('/fn/refresh', start)).toHaveLength(1);
  const statuses = watch.callsTo(CALL, start).map(({ status }) => status);
  expect(statuses.sort()).toEqual([200, 200, 200, 200, 200, 401, 401, 401, 401, 401]);
});

test('two pages at once: they renew one after the other, at most once each, and nobody is signed out', async ({ context, page, server, watch }) => {
  const who = await inLaboratory(page, server);
  const second = await context.newPage();
  await open(second, '/lab');
  // Slow, so that two at once would be seen.
  await context.route('**/fn/refresh', async (route) => {
    await new Promise((done) => setTimeout(done, 200));
    await route.continue();
  });
  // Whether a call of the other page is still sent with the old token is a matter of milliseconds.
  watch.expect({ status: 401, url: CALL, times: Infinity });
  const pages = [page, second];
  for (const makeOld of [isOldByOwnClock, isOldButLooksFresh, isOldByOwnClock]) {
    await makeOld(page, server);
    const start = watch.mark();
    await Promise.all(pages.map(press));
    await Promise.all(pages.map(allAnswered));
    const renewals = watch.callsTo('/fn/refresh', start);
    expect(renewals.length).toBeGreaterThan(0);
    expect(renewals.every(({ status }) => status === 200)).toBe(true);
    for (const one of pages) expect(renewals.filter((renewal) => renewal.page === one).length).toBeLessThanOrEqual(1);
    const [first, next] = renewals.sort((a, b) => a.start - b.start);
    if (next) expect(next.start).toBeGreaterThanOrEqual(first.end);
  }
  for (const one of pages) {
    await open(one, '/account');
    await seesAccountOf(one, who);
  }
  await open(page, '/account/activity');
  await expect(page.getByText('its key was used twice')).toHaveCount(0);
});

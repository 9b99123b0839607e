// Five concurrent calls with an expired token cause one refresh, and each call succeeds. Uses the
// component gallery of development builds.
import { createUser, expectAccountOf, logIn, open } from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';
import { shortLivedTokens, waitUntilExpired, waitUntilRejected } from '../support/tokens.mjs';

test.use({ settings: shortLivedTokens });

const CALL = '/fn/list-activity';
const startCalls = (page) => page.getByRole('button', { name: 'Call five times' }).click();
const allAnswered = (page) =>
  expect(page.getByRole('status').filter({ hasText: 'of 5 answered' })).toHaveText(
    '5 of 5 answered',
  );

async function openGallery(page, server) {
  const user = await createUser(server);
  await logIn(page, user);
  await open(page, '/gallery?state=idle');
  return user;
}

test('five calls with an expired token cause one refresh and no failures', async ({
  page,
  server,
  watch,
}) => {
  await openGallery(page, server);
  await waitUntilExpired(page);
  const start = watch.mark();
  await startCalls(page);
  await allAnswered(page);
  expect(watch.calls[start].path, 'the refresh comes first').toBe('/fn/refresh');
  expect(watch.callsTo('/fn/refresh', start)).toHaveLength(1);
  expect(watch.callsTo(CALL, start).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
});

test('five calls with a rejected token cause one refresh and one retry each', async ({
  expectConsole,
  page,
  server,
  watch,
}) => {
  await openGallery(page, server);
  await waitUntilRejected(page, server);
  const start = watch.mark();
  await expectConsole({ status: 401, url: CALL, times: 5 }, () => startCalls(page));
  await allAnswered(page);
  expect(watch.callsTo('/fn/refresh', start)).toHaveLength(1);
  const statuses = watch.callsTo(CALL, start).map(({ status }) => status);
  expect(statuses.sort()).toEqual([200, 200, 200, 200, 200, 401, 401, 401, 401, 401]);
});

test('two tabs refresh in turn, at most once each, and stay logged in', async ({
  context,
  page,
  server,
  watch,
}) => {
  const user = await openGallery(page, server);
  const second = await context.newPage();
  await open(second, '/gallery?state=idle');
  // Slows down refreshes, so that concurrent ones would overlap.
  await context.route('**/fn/refresh', async (route) => {
    await new Promise((done) => setTimeout(done, 200));
    await route.continue();
  });
  // Calls of the other page may still use the old token, depending on the timing.
  watch.expect({ status: 401, url: CALL, times: Infinity });
  const pages = [page, second];
  for (const expireToken of [waitUntilExpired, waitUntilRejected, waitUntilExpired]) {
    await expireToken(page, server);
    const start = watch.mark();
    await Promise.all(pages.map(startCalls));
    await Promise.all(pages.map(allAnswered));
    const refreshes = watch.callsTo('/fn/refresh', start);
    expect(refreshes.length).toBeGreaterThan(0);
    expect(refreshes.every(({ status }) => status === 200)).toBe(true);
    for (const one of pages)
      expect(refreshes.filter((refresh) => refresh.page === one).length).toBeLessThanOrEqual(1);
    const [first, next] = refreshes.sort((a, b) => a.start - b.start);
    if (next) expect(next.start).toBeGreaterThanOrEqual(first.end);
  }
  for (const one of pages) {
    await open(one, '/account');
    await expectAccountOf(one, user);
  }
  await open(page, '/account/activity');
  await expect(page.getByText('its session was used in two places')).toHaveCount(0);
});

// The server goes away in the middle, without a word, and comes back on the same data.
import { goTo, isLoggedOut, isSaved, open, pretend, rename, seesAccountOf, sessionCookie, signUp, submit } from '../support/steps.mjs';
import { expect, test } from '../support/test.mjs';

const gone = (url) => ({ failure: 'net::ERR_CONNECTION_REFUSED', url });

/** Once the page has all its files, so that only what is asked for afterwards fails. */
async function kill(server, page) {
  await page.waitForLoadState('load');
  await server.kill();
}

// But the browser asks for the icon when it likes, and the page whether the server is back.
test.beforeEach(({ watch }) => void watch.expect({ text: /^Failed to load resource: net::ERR_/, url: /^\/(favicon\.svg|readyz)$/, times: Infinity }));

test('with scripts: the page says that there is no connection, and goes on when the server is back', async ({ expectConsole, page, server, watch }) => {
  const who = await signUp(page);
  await kill(server, page);

  await expectConsole(gone('/fn/rename'), () => rename(page, 'Augusta Ada'));
  const problem = page.getByRole('alert');
  await expect(problem).toContainText('The server could not be reached.');
  await expect(page.getByLabel('Name')).toHaveValue('Augusta Ada');
  await expectConsole(gone('/fn/recent-activity'), () => page.getByRole('link', { name: 'Activity' }).first().click());
  await expect(problem.filter({ hasText: 'The server could not be reached.' }).last()).toBeVisible();

  const notice = page.getByRole('status').filter({ hasText: 'The server cannot answer right now.' });
  await expect(notice).toBeVisible();

  await server.run();
  // Nobody has to do anything.
  await expect(page.getByText('Signed up')).toBeVisible({ timeout: 15_000 });
  await expect(notice).toBeHidden();
  await goTo(page, 'Profile');
  await rename(page, 'Augusta Ada');
  await isSaved(page, 'Augusta Ada');
  expect(watch.callsTo('/fn/refresh'), 'the token that was there is still good').toHaveLength(0);

  await page.reload();
  await seesAccountOf(page, { ...who, name: 'Augusta Ada' });
});

test('with scripts: a log-out that the server was not there for is made up for', async ({ page, server, watch }) => {
  await signUp(page);
  await kill(server, page);
  watch.expect({ text: /^Failed to load resource: net::ERR_/, url: /^\/fn\/logout$/, times: Infinity });
  await submit(page, 'Log out');
  await expect(page.getByRole('alert').filter({ hasText: 'You are still logged in.' })).toBeVisible();
  await server.run();
  await isLoggedOut(page, 'You are logged out.');
});

test('with scripts: a renewal that the server did not live to answer is made up for', async ({ context, expectConsole, page, server, watch }) => {
  await signUp(page);
  const before = await sessionCookie(context);
  await pretend(page, { obtained_at: 0 });
  await page.route(
    '**/fn/refresh',
    async (route) => {
      expect((await route.fetch()).status(), 'the server has renewed').toBe(200);
      await kill(server, page);
      // What the answer would have changed, had it come.
      await context.addCookies([before]);
      await route.abort('connectionreset');
    },
    { times: 1 },
  );
  await expectConsole({ failure: 'net::ERR_CONNECTION_RESET', url: '/fn/refresh' }, () => rename(page, 'Augusta Ada'));
  await expect(page.getByRole('alert')).toContainText('The server could not be reached.');
  await server.run();
  const calls = watch.mark();
  await rename(page, 'Augusta Ada');
  await isSaved(page, 'Augusta Ada');
  expect(watch.calls.slice(calls)).toMatchObject([{ path: '/fn/refresh', status: 200 }, { path: '/fn/rename', status: 200 }]);
});

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false });

  test('the person is still signed in when the server is back', async ({ page, server }) => {
    const who = await signUp(page);
    await kill(server, page);
    await expect(page.reload()).rejects.toThrow('ERR_CONNECTION_REFUSED');
    await server.run();
    await open(page, '/account');
    await seesAccountOf(page, who);
    await rename(page, 'Augusta Ada');
    await isSaved(page, 'Augusta Ada');
  });
});

test('an orderly stop takes nothing from anybody either', async ({ page, server }) => {
  const who = await signUp(page);
  await server.kill('SIGTERM');
  await server.run();
  await page.reload();
  await seesAccountOf(page, who);
  await rename(page, 'Augusta Ada');
  await isSaved(page, 'Augusta Ada');
});

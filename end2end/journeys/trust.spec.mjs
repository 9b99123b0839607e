// What goes wrong around a page while somebody is in the middle of something: it is said, it recovers by itself, and what was typed is still there.
import { field, goTo, isSaved, logIn, member, open, pretend, rename, sendLogIn, submit } from '../support/steps.mjs';
import { nothingMoved, watchStillness } from '../support/stillness.mjs';
import { expect, test } from '../support/test.mjs';

const offline = (page) => page.getByRole('status').filter({ hasText: 'You are offline.' });
const away = (page) => page.getByRole('status').filter({ hasText: 'The server cannot answer right now.' });

test('somebody who is offline is told so, and the page goes on by itself with what was typed', async ({ context, page, server, watch }) => {
  await logIn(page, await member(server));
  watch.expect({ failure: 'net::ERR_INTERNET_DISCONNECTED', url: /^\/(fn\/(rename|refresh|activity|account|recent-activity)|readyz)$/, times: Infinity });
  await context.setOffline(true);
  await expect(offline(page)).toBeVisible();
  await field.name(page).fill('Augusta Ada');
  await submit(page, 'Save name');
  await expect(page.getByRole('alert')).toContainText('The server could not be reached.');
  await page.getByRole('navigation', { name: 'Pages of your account' }).getByRole('link', { name: 'Activity' }).click();
  await expect(page.getByRole('alert').last()).toContainText('The server could not be reached.');
  await context.setOffline(false);
  await expect(offline(page)).toBeHidden();
  await expect(page.getByText('Signed up')).toBeVisible();
});

test('a server that cannot work is told from a network that is not there', async ({ context, page, server, watch }) => {
  await logIn(page, await member(server));
  watch.expect({ status: 503, url: /^\/(fn\/rename|readyz)$/, times: Infinity });
  for (const path of ['/fn/rename', '/readyz']) {
    await context.route(`**${path}`, (route) => route.fulfill({ status: 503, contentType: 'text/html', body: 'no' }));
  }
  await rename(page, 'Augusta Ada');
  await expect(away(page)).toBeVisible();
  await expect(field.name(page)).toHaveValue('Augusta Ada');
  await context.unrouteAll();
  await expect(away(page)).toBeHidden({ timeout: 15_000 });
  await submit(page, 'Save name');
  await isSaved(page, 'Augusta Ada');
});

test('a session that ends takes nothing away that was typed and not saved', async ({ expectConsole, page, server }) => {
  const who = await member(server);
  await logIn(page, who);
  await field.name(page).fill('Augusta Ada King');
  const { body } = await server.api('POST', '/auth/login', { email: who.email, password: who.password });
  await server.api('POST', '/auth/logout', { scope: 'others' }, body.access_token);
  await expectConsole([{ status: 401, url: '/fn/rename' }, { status: 401, url: '/fn/refresh' }], () => submit(page, 'Save name'));
  await expect(page.getByText('Your session has ended. Log in to go on where you were.')).toBeVisible();
  await sendLogIn(page, who);
  await expect(field.name(page)).toHaveValue('Augusta Ada King');
  await submit(page, 'Save name');
  await isSaved(page, 'Augusta Ada King');
});

test('a password is never kept, though it is shown', async ({ expectConsole, page, server }) => {
  const who = await member(server);
  await logIn(page, who);
  await goTo(page, 'Password');
  await page.getByLabel('Current password').fill('secret of Ada');
  await page.getByRole('button', { name: 'Show password' }).first().click();
  await expect(page.getByLabel('Current password')).toHaveAttribute('type', 'text');
  const { body } = await server.api('POST', '/auth/login', { email: who.email, password: who.password });
  await server.api('POST', '/auth/logout', { scope: 'others' }, body.access_token);
  // The page comes back from the browser's cache, and asks who it belongs to.
  const ended = () => page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await expectConsole([{ status: 401, url: '/fn/current-account' }, { status: 401, url: '/fn/refresh' }], ended);
  await expect(page).toHaveURL(/\/login/);
  expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))).not.toContain('secret of Ada');
});

test('but nobody else finds it there', async ({ expectConsole, page, server }) => {
  const [ada, grace] = [await member(server), await member(server, { name: 'Grace Hopper' })];
  await logIn(page, ada);
  await field.name(page).fill('Augusta Ada King');
  const { body } = await server.api('POST', '/auth/login', { email: ada.email, password: ada.password });
  await server.api('POST', '/auth/logout', { scope: 'others' }, body.access_token);
  await expectConsole([{ status: 401, url: '/fn/rename' }, { status: 401, url: '/fn/refresh' }], () => submit(page, 'Save name'));
  await expect(page).toHaveURL(/\/login/);
  await sendLogIn(page, grace);
  await expect(field.name(page)).toHaveValue('Grace Hopper');
  expect(await page.evaluate(() => sessionStorage.getItem('countersign-draft'))).toBeNull();
});

test('what was typed outlives a renewal of the token, and a reload of who one is', async ({ page, server, watch }) => {
  await logIn(page, await member(server));
  await field.name(page).fill('Augusta Ada King');
  await pretend(page, { obtained_at: 0 });
  // The page comes back from another one of the browser's, and asks who it belongs to.
  await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await expect.poll(() => watch.callsTo('/fn/current-account').at(-1)?.status).toBe(200);
  expect(watch.callsTo('/fn/refresh')).toHaveLength(1);
  await expect(field.name(page)).toHaveValue('Augusta Ada King');
});

test('Back and Forward lead where people expect, to the page as it is now', async ({ page, server }) => {
  await logIn(page, await member(server));
  await goTo(page, 'Sessions');
  await goTo(page, 'Your data');
  await page.goBack();
  await expect(page.getByRole('heading', { name: 'Sessions' })).toBeVisible();
  await expect(page).toHaveTitle('Sessions · Countersign');
  await page.goForward();
  await expect(page.getByRole('heading', { name: 'Your data' })).toBeVisible();
  await open(page, '/');
  await page.goBack();
  await expect(page.getByRole('heading', { name: 'Your data' })).toBeVisible();
});

// (Lists are read again only in the place of what could not be had, or with a new page.)
test('nothing moves while the account is read again, nor when the network goes and comes back', async ({ context, page, server, watch }) => {
  await logIn(page, await member(server));
  watch.expect({ failure: 'net::ERR_INTERNET_DISCONNECTED', url: '/readyz', times: Infinity });
  for (const name of ['Profile', 'Activity', 'Your data', 'Sessions']) {
    await goTo(page, name);
    await expect(page.getByText('Loading…')).toHaveCount(0);
    await watchStillness(page, { fromNow: true });
    const calls = watch.mark();
    // The page comes back from the browser's cache, and asks who it belongs to.
    await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
    await expect.poll(() => watch.callsTo('/fn/current-account', calls).at(-1)?.status).toBe(200);
    await context.setOffline(true);
    await expect(offline(page)).toBeVisible();
    await context.setOffline(false);
    await expect(offline(page)).toBeHidden();
    await nothingMoved(page);
  }
});

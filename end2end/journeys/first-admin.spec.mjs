// The first administrator signs up with the setup link that the server prints at its first start.
import {
  expectAccountOf,
  fillIn,
  newUser,
  open,
  storedToken,
  submit,
} from '../support/actions.mjs';
import { expect, test } from '../support/test.mjs';

test('setup link creates one administrator and is invalid afterwards', async ({
  expectConsole,
  newBrowser,
  page,
  server,
}) => {
  const findLink = () =>
    server.log.map((line) => /\/link\?token=\S+/.exec(line)?.[0]).find(Boolean);
  await expect.poll(findLink).toBeTruthy();
  const link = findLink();
  const user = newUser();
  await open(page, link);
  await expect(page).toHaveURL('/signup?setup');
  await expect(page.getByText('It will be the administrator.')).toBeVisible();
  await fillIn(page, user);
  await submit(page, 'Create account');
  await expectAccountOf(page, user);
  await expect(page.getByRole('contentinfo')).toContainText(/Countersign \d/);
  const { access_token } = await storedToken(page);
  expect((await server.api('GET', '/me', undefined, access_token)).body.roles).toEqual([
    'user',
    'admin',
  ]);

  for (const javaScriptEnabled of [true, false]) {
    const late = await (await newBrowser({ javaScriptEnabled })).newPage();
    await open(late, link);
    await fillIn(late, newUser('Eve'));
    const console = javaScriptEnabled ? [{ status: 410, url: '/fn/signup' }] : [];
    await expectConsole(console, () => submit(late, 'Create account'));
    await expect(late.getByRole('alert')).toContainText('This link no longer works');
  }
});

// The first administrator comes in by the link that the server prints when it starts.
import { fillIn, kept, open, person, seesAccountOf, submit } from '../support/steps.mjs';
import { expect, test } from '../support/test.mjs';

test('whoever signs up by the link of the first start is an administrator, and nobody after them', async ({ expectConsole, newBrowser, page, server }) => {
  const printed = () => server.log.map((line) => /\/signup\?invite=\S+/.exec(line)?.[0]).find(Boolean);
  await expect.poll(printed).toBeTruthy();
  const link = printed();
  const who = person();
  await open(page, link);
  await fillIn(page, who);
  await submit(page, 'Create account');
  await seesAccountOf(page, who);
  const { access_token } = await kept(page);
  expect((await server.api('GET', '/me', undefined, access_token)).body.roles).toEqual(['user', 'admin']);

  for (const javaScriptEnabled of [true, false]) {
    const late = await (await newBrowser({ javaScriptEnabled })).newPage();
    await open(late, link);
    await fillIn(late, person('Eve'));
    const console = javaScriptEnabled ? [{ status: 410, url: '/fn/signup' }] : [];
    await expectConsole(console, () => submit(late, 'Create account'));
    await expect(late.getByRole('alert')).toContainText('This link no longer works');
  }
});

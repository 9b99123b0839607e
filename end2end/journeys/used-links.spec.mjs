// Pages of links from emails that were used meanwhile, or that belong to another page.
import { browserHistory } from '../support/back-forward.mjs';
import { requestLinks } from '../support/page-states.mjs';
import { createUser, open, requestResetMail, submit } from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

const NEW = 'quite another horse battery';

async function resetPassword(page) {
  await page.getByLabel('New password').fill(NEW);
  await submit(page, 'Save and log out everywhere');
  await expect(page).toHaveURL(/\/login/);
}

/** Expects one message that the link has expired, a way to get a new one, and no form. */
async function expectOnlyLinkExpired(page) {
  await expect(page.getByRole('alert')).toHaveCount(1);
  await expect(page.getByRole('alert')).toContainText('This link no longer works');
  await expect(page.getByRole('link', { name: 'Send a new link' })).toBeVisible();
  await expect(page.getByLabel('New password')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Log out and continue' })).toHaveCount(0);
}

withAndWithoutScripts((scripts) => {
  test('Back after a reset does not show the typed password', async ({ page, server }) => {
    const { link } = await requestResetMail(server, await createUser(server));
    const history = await browserHistory(page);
    // Scripts replace the entry of the reset page, so Back leads to this page.
    await open(page, '/');
    await open(page, link);
    await resetPassword(page);
    await history.back(async () => {
      expect(await history.content({ typed: true })).not.toContain(NEW);
    });
  });

  test('reset page in a second tab offers a new link once its link is used', async ({
    context,
    expectConsole,
    page,
    server,
  }) => {
    const { link } = await requestResetMail(server, await createUser(server));
    const late = await context.newPage();
    for (const tab of [page, late]) await open(tab, link);
    await resetPassword(page);
    const expired = async () => {
      await late.getByLabel('New password').fill(NEW);
      await submit(late, 'Save and log out everywhere');
      await expectOnlyLinkExpired(late);
    };
    await (scripts
      ? expectConsole({ status: 410, url: '/fn/reset-password' }, expired)
      : expired());
  });

  test('page of a report in a second tab offers a new link once its link is used', async ({
    context,
    page,
    server,
  }) => {
    const { secure } = await requestLinks(server, await createUser(server));
    const late = await context.newPage();
    for (const tab of [page, late]) await open(tab, secure);
    await submit(page, 'Log out and continue');
    await expect(page).toHaveURL('/reset');
    await submit(late, 'Log out and continue');
    await expectOnlyLinkExpired(late);
  });

  test('page of a report shows one message if its link was used in another browser', async ({
    newBrowser,
    page,
    server,
  }) => {
    const { secure } = await requestLinks(server, await createUser(server));
    const other = await (await newBrowser({ javaScriptEnabled: scripts })).newPage();
    for (const tab of [page, other]) await open(tab, secure);
    await submit(other, 'Log out and continue');
    await expect(other).toHaveURL('/reset');
    await submit(page, 'Log out and continue');
    await expectOnlyLinkExpired(page);
  });

  test('link of one page does not open another page', async ({ page, server }) => {
    const { reset, secure } = await requestLinks(server, await createUser(server));
    await open(page, secure);
    await open(page, '/reset');
    await expectOnlyLinkExpired(page);
    await open(page, reset);
    await open(page, '/secure');
    await expectOnlyLinkExpired(page);
  });
});

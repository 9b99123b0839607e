// Verifying the email address after a sign-up that does not require it.
import { mailTo } from '../support/mail.mjs';
import {
  expectAccountOf,
  navigateTo,
  open,
  signUp,
  submit,
  waitForHydration,
} from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test.use({ settings: { COUNTERSIGN_VERIFICATION: 'optional' } });

/** The notice on the account pages. */
const notice = (page) =>
  page.getByRole('status').filter({ hasText: 'Confirm your email address' });

withAndWithoutScripts((scripts) => {
  async function confirm(page, mail) {
    await expect(page).toHaveURL('/account/email?sent');
    await waitForHydration(page);
    const field = page.getByLabel('Code from the email');
    await expect(field).toBeFocused();
    await field.fill(mail.code.replace(' ', ''));
    if (!scripts) await submit(page, 'Confirm');
    await expect(page.getByText('Your email address is confirmed.')).toBeVisible();
    await waitForHydration(page);
  }

  test('account opens at once, and every page asks for the code', async ({ page }) => {
    const user = await signUp(page);
    const mail = await mailTo(user.email);
    // The welcome says it first.
    await expect(page.getByRole('heading', { name: 'Welcome, Ada Lovelace.' })).toBeVisible();
    await expect(page.getByRole('link', { name: 'Confirm your email address' })).toHaveAttribute(
      'href',
      '/account/email?sent',
    );
    await expect(notice(page)).toHaveCount(0);
    for (const url of ['/account', '/account/activity']) {
      await open(page, url);
      await expect(notice(page)).toBeVisible();
    }
    await page.getByRole('link', { name: 'Enter the code' }).click();
    await confirm(page, mail);
    await open(page, '/account');
    await expectAccountOf(page, user);
    await expect(notice(page)).toHaveCount(0);
  });

  test('another email is sent from every page', async ({ page }) => {
    const user = await signUp(page);
    const first = await mailTo(user.email);
    await open(page, '/account');
    await submit(page, 'Send a code');
    await expect(page).toHaveURL('/account/email?sent');
    const second = await mailTo(user.email);
    expect(second.link).not.toBe(first.link);
    await confirm(page, second);
  });

  test('notice is put off, and the address is confirmed on its own page', async ({ page }) => {
    const user = await signUp(page);
    await mailTo(user.email);
    await open(page, '/account/activity');
    await submit(page, 'Later');
    await expect(page).toHaveURL('/account/activity');
    await expect(page.getByRole('heading', { name: 'Activity' })).toBeVisible();
    await expect(notice(page)).toHaveCount(0);
    await waitForHydration(page);
    await navigateTo(page, 'Email address');
    await expect(page.getByText("It isn't confirmed yet.")).toBeVisible();
    await submit(page, 'Confirm this address');
    await confirm(page, await mailTo(user.email));
    await expect(page.getByText("It isn't confirmed yet.")).toHaveCount(0);
  });
});

// Verifying the email address after a sign-up that does not require it.
import { mailTo } from '../support/mail.mjs';
import { expectAccountOf, open, signUp, submit, waitForHydration } from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test.use({ settings: { COUNTERSIGN_VERIFICATION: 'optional' } });

withAndWithoutScripts((scripts) => {
  test('account opens at once, and every page asks for the code', async ({ page }) => {
    const user = await signUp(page);
    const { code } = await mailTo(user.email);
    const notice = page.getByRole('status').filter({ hasText: 'Confirm your email address' });
    for (const url of ['/account', '/account/activity']) {
      await open(page, url);
      await expect(notice).toBeVisible();
    }
    await page.getByRole('link', { name: 'Enter the code' }).click();
    await expect(page).toHaveURL('/account/email?sent');
    await waitForHydration(page);
    await expect(notice).toHaveCount(0);
    const field = page.getByLabel('Code from the email');
    await expect(field).toBeFocused();
    await field.fill(code.replace(' ', ''));
    if (!scripts) await submit(page, 'Confirm');
    await expect(page.getByText('Your email address is confirmed.')).toBeVisible();
    await waitForHydration(page);
    await open(page, '/account');
    await expectAccountOf(page, user);
    await expect(notice).toHaveCount(0);
  });

  test('another email is sent from every page', async ({ page }) => {
    const user = await signUp(page);
    const first = await mailTo(user.email);
    await submit(page, 'Send it again');
    await expect(page).toHaveURL('/account/email?sent');
    await waitForHydration(page);
    const second = await mailTo(user.email);
    expect(second.link).not.toBe(first.link);
  });
});

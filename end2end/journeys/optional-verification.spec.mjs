// Verifying the email address after a sign-up that does not require it.
import { mailTo } from '../support/mail.mjs';
import { navigateTo, signUp, submit, waitForHydration } from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test.use({ settings: { COUNTERSIGN_VERIFICATION: 'optional' } });

withAndWithoutScripts((scripts) => {
  test('account opens at once, and its address is confirmed later', async ({ page }) => {
    const user = await signUp(page);
    const first = await mailTo(user.email);
    await navigateTo(page, 'Email address');
    await expect(page.getByText("It isn't confirmed yet.")).toBeVisible();
    await submit(page, 'Confirm this address');
    await expect(page).toHaveURL('/account/email?sent');
    await waitForHydration(page);
    const second = await mailTo(user.email);
    expect(second.link).not.toBe(first.link);
    const field = page.getByLabel('Code from the email');
    await expect(field).toBeFocused();
    await field.fill(second.code.replace(' ', ''));
    if (!scripts) await submit(page, 'Confirm');
    await expect(page.getByText('Your email address is confirmed.')).toBeVisible();
    await expect(page.getByText("It isn't confirmed yet.")).toHaveCount(0);
  });
});

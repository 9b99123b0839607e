// A server that sends no email offers no password reset.
import { field, newUser, open, submit } from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test.use({ settings: { COUNTERSIGN_MAIL: 'none' } });

withAndWithoutScripts((scripts) => {
  test('server without email offers no password reset', async ({ expectConsole, page }) => {
    await open(page, '/login');
    await expect(page.getByRole('link', { name: 'Forgot your password?' })).toBeHidden();
    await open(page, '/forgot');
    await field.email(page).fill(newUser().email);
    const refused = async () => {
      await submit(page, 'Send the link');
      await expect(page.getByRole('alert')).toContainText('This site sends no email');
    };
    await (scripts
      ? expectConsole({ status: 404, url: '/fn/forgot-password' }, refused)
      : refused());
  });
});

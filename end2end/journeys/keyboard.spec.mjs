// The main road without a mouse, and always seeing where one is.
import { tabTo } from '../support/focus.mjs';
import { isLoggedOut, member, open, person, ready, seesAccountOf } from '../support/steps.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

withAndWithoutScripts((scripts) => {
  test('somebody signs up, changes their name and logs out with the keyboard alone', async ({ page }) => {
    const who = person();
    const press = (key) => page.keyboard.press(key);
    const type = (text) => page.keyboard.type(text);
    await open(page, '/');
    await press('Tab');
    await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
    await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeInViewport();
    await press('Enter');
    await tabTo(page, page.getByRole('main').getByRole('link', { name: 'Sign up' }));
    await press('Enter');
    await expect(page.getByRole('heading', { name: 'Sign up' })).toBeVisible();
    await ready(page);
    if (scripts) await expect(page.getByRole('main')).toBeFocused();

    await tabTo(page, page.getByLabel('Name (optional)'));
    await type(who.name);
    await press('Tab');
    await expect(page.getByLabel('E-mail address')).toBeFocused();
    await type(who.email);
    await press('Tab');
    await expect(page.getByLabel('Password', { exact: true })).toBeFocused();
    await type('short');
    await press('Enter');
    await expect(page.getByText('Use at least 8 characters.').last()).toBeVisible();
    await ready(page);
    await expect(page.getByLabel('Password', { exact: true })).toBeFocused();
    if (!scripts) {
      // Nothing typed comes back.
      await tabTo(page, page.getByLabel('E-mail address'), 'Shift+Tab');
      await type(who.email);
      await tabTo(page, page.getByLabel('Name (optional)'), 'Shift+Tab');
      await type(who.name);
      await tabTo(page, page.getByLabel('Password', { exact: true }));
    }
    await press('Control+A');
    await type(who.password);
    await press('Enter');
    await seesAccountOf(page, who);

    await tabTo(page, page.getByLabel('Name'));
    await press('Control+A');
    await type('Augusta');
    await tabTo(page, page.getByRole('button', { name: 'Save name' }));
    await press('Enter');
    await expect(page.getByText('Your name is saved.')).toBeVisible();
    await ready(page);

    const opener = page.getByRole('banner').getByRole('button', { name: 'Augusta' });
    await tabTo(page, opener, scripts ? 'Shift+Tab' : 'Tab');
    const menu = page.locator('#menu');
    await press('Enter');
    await expect(menu).toBeVisible();
    await press('Escape');
    await expect(menu).toBeHidden();
    await expect(opener).toBeFocused();
    await press('Enter');
    await tabTo(page, menu.getByRole('button', { name: 'Log out' }));
    await press('Enter');
    await isLoggedOut(page, 'You are logged out.');
  });
});

withAndWithoutScripts((scripts) => {
  test('somebody logs out the other devices, has the account deleted and keeps it with the keyboard alone', async ({ page, server }) => {
    const who = await member(server);
    const press = (key) => page.keyboard.press(key);
    await open(page, '/login');
    await tabTo(page, page.getByLabel('E-mail address'));
    await page.keyboard.type(who.email);
    await tabTo(page, page.getByLabel('Password', { exact: true }));
    await page.keyboard.type(who.password);
    await tabTo(page, page.getByLabel('Keep me logged in'));
    await press('Space');
    await press('Enter');
    await seesAccountOf(page, who);
    const side = page.getByRole('navigation', { name: 'Pages of your account' });
    await tabTo(page, side.getByRole('link', { name: 'Sessions' }));
    await press('Enter');
    await expect(page.getByRole('heading', { name: 'Sessions' })).toBeVisible();
    await ready(page);

    const opener = page.getByRole('button', { name: 'Log out all other devices' }).first();
    const dialog = page.getByRole('dialog');
    await tabTo(page, opener);
    await press('Enter');
    await expect(dialog).toBeVisible();
    await press('Escape');
    await expect(dialog).toBeHidden();
    await expect(opener).toBeFocused();
    await press('Enter');
    await tabTo(page, dialog.getByRole('button', { name: 'Cancel' }));
    await press('Tab');
    if (!scripts) await press('Escape');
    await expect(dialog, 'it does not lie over what has the focus').toBeHidden();
    await tabTo(page, opener);
    await press('Enter');
    await tabTo(page, dialog.getByRole('button', { name: 'Log out all other devices' }));
    await press('Enter');
    await expect(page.getByText('All your other devices are logged out.')).toBeVisible();
    await ready(page);

    await tabTo(page, side.getByRole('link', { name: 'Your data' }));
    await press('Enter');
    await expect(page.getByRole('heading', { name: 'Your data' })).toBeVisible();
    await ready(page);
    await tabTo(page, page.getByRole('link', { name: 'Delete account…' }));
    await press('Enter');
    await expect(page.getByLabel('Current password')).toBeVisible();
    await ready(page);
    await tabTo(page, page.getByLabel('Current password'));
    await page.keyboard.type(who.password);
    await press('Enter');
    const keep = page.getByRole('button', { name: 'Keep my account' });
    await expect(keep).toBeVisible();
    await ready(page);
    await tabTo(page, keep, 'Shift+Tab');
    await press('Enter');
    await expect(page.getByText('Your account stays.')).toBeVisible();
  });
});

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false });

  test('a faulty form is told about by a list of links that lead to the fields', async ({ page }) => {
    await open(page, '/signup');
    await page.getByRole('button', { name: 'Create account' }).press('Enter');
    await expect(page.getByLabel('E-mail address')).toBeFocused();
    const link = page.getByRole('alert').getByRole('link', { name: 'Enter your password.' });
    await tabTo(page, link, 'Shift+Tab');
    await page.keyboard.press('Enter');
    await expect(page.getByLabel('Password', { exact: true })).toBeFocused();
  });
});

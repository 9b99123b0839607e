// The main flows with the keyboard only. The focus is always visible.
import { tabTo } from '../support/focus.mjs';
import { mailTo } from '../support/mail.mjs';
import {
  createUser,
  expectAccountOf,
  expectLoggedOut,
  newUser,
  open,
  waitForHydration,
} from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

withAndWithoutScripts((scripts) => {
  test('sign-up, name change and log-out work with the keyboard only', async ({ page }) => {
    const user = newUser();
    const press = (key) => page.keyboard.press(key);
    const type = (text) => page.keyboard.type(text);
    await open(page, '/');
    await press('Tab');
    await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
    await expect(page.getByRole('link', { name: 'Skip to content' })).toBeInViewport();
    await press('Enter');
    await tabTo(page, page.getByRole('main').getByRole('link', { name: 'Sign up' }));
    await press('Enter');
    await expect(page.getByRole('heading', { name: 'Create your account' })).toBeVisible();
    await waitForHydration(page);

    await expect(page.getByLabel('Email address')).toBeFocused();
    await type(user.email);
    await tabTo(page, page.getByLabel('Name (optional)'));
    await type(user.name);
    await tabTo(page, page.getByLabel('Password', { exact: true }), 'Shift+Tab');
    await type('short');
    await press('Enter');
    await expect(page.getByText('Use at least 8 characters.').last()).toBeVisible();
    await waitForHydration(page);
    await expect(page.getByLabel('Password', { exact: true })).toBeFocused();
    if (!scripts) {
      // Without scripts, a rejected form comes back empty.
      await tabTo(page, page.getByLabel('Email address'), 'Shift+Tab');
      await type(user.email);
      await tabTo(page, page.getByLabel('Name (optional)'));
      await type(user.name);
      await tabTo(page, page.getByLabel('Password', { exact: true }), 'Shift+Tab');
    }
    await press('Control+A');
    await type(user.password);
    await press('Enter');
    await expectAccountOf(page, user);

    await tabTo(page, page.getByLabel('Name'));
    await press('Control+A');
    await type('Augusta');
    await tabTo(page, page.getByRole('button', { name: 'Save name' }));
    await press('Enter');
    await expect(page.getByText('Name saved.')).toBeVisible();
    await waitForHydration(page);

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
    await expectLoggedOut(page, "You've logged out.");
  });
});

withAndWithoutScripts((scripts) => {
  test('revoking sessions and cancelling a deletion work with the keyboard only', async ({
    page,
    server,
  }) => {
    const user = await createUser(server);
    const press = (key) => page.keyboard.press(key);
    await open(page, '/login');
    await tabTo(page, page.getByLabel('Email address'));
    await page.keyboard.type(user.email);
    await tabTo(page, page.getByLabel('Password', { exact: true }));
    await page.keyboard.type(user.password);
    await tabTo(page, page.getByLabel('Keep me logged in'));
    await press('Space');
    await press('Enter');
    await expectAccountOf(page, user);
    const sideNav = page.getByRole('navigation', { name: 'Account pages' });
    await tabTo(page, sideNav.getByRole('link', { name: 'Devices' }));
    await press('Enter');
    await expect(page.getByRole('heading', { name: 'Devices' })).toBeVisible();
    await waitForHydration(page);

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
    await expect(dialog, 'the dialog does not cover the focused element').toBeHidden();
    await tabTo(page, opener);
    await press('Enter');
    await tabTo(page, dialog.getByRole('button', { name: 'Log out all other devices' }));
    await press('Enter');
    await expect(page.getByText('All your other devices are logged out.')).toBeVisible();
    await waitForHydration(page);

    await tabTo(page, sideNav.getByRole('link', { name: 'Your data' }));
    await press('Enter');
    await expect(page.getByRole('heading', { name: 'Your data', exact: true })).toBeVisible();
    await waitForHydration(page);
    await tabTo(page, page.getByRole('link', { name: 'Delete account…' }));
    await press('Enter');
    await expect(page.getByLabel('Current password')).toBeVisible();
    await waitForHydration(page);
    await tabTo(page, page.getByLabel('Current password'));
    await page.keyboard.type(user.password);
    await press('Enter');
    const keep = page.getByRole('button', { name: 'Keep my account' });
    await expect(keep).toBeVisible();
    await waitForHydration(page);
    await tabTo(page, keep, 'Shift+Tab');
    await press('Enter');
    await expect(page.getByText("Your account won't be deleted.")).toBeVisible();
  });
});

withAndWithoutScripts((scripts) => {
  test('password reset works with the keyboard only', async ({ page, server }) => {
    const user = await createUser(server);
    const password = 'quite another horse battery';
    const press = (key) => page.keyboard.press(key);
    const type = (text) => page.keyboard.type(text);
    await open(page, '/login');
    await tabTo(page, page.getByRole('link', { name: 'Forgot your password?' }));
    await press('Enter');
    await expect(page.getByRole('heading', { name: 'Reset your password' })).toBeVisible();
    await waitForHydration(page);
    await tabTo(page, page.getByLabel('Email address'));
    await type(user.email);
    await press('Enter');
    await expect(page.getByRole('heading', { name: 'Check your email' })).toBeVisible();
    await waitForHydration(page);

    await expect(page.getByLabel('Code from the email')).toBeFocused();
    await type((await mailTo(user.email)).code);
    if (!scripts) await press('Enter');
    await expect(page.getByRole('heading', { name: 'Choose a new password' })).toBeVisible();
    await waitForHydration(page);
    await tabTo(page, page.getByLabel('New password'));
    await type(password);
    await press('Enter');
    await expectLoggedOut(page, 'Your password has been changed');
    await tabTo(page, page.getByLabel('Email address'));
    await type(user.email);
    await press('Tab');
    await type(password);
    await press('Enter');
    await expectAccountOf(page, user);
  });
});

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false });

  test('error summary links to the invalid fields', async ({ page }) => {
    await open(page, '/signup');
    await page.getByRole('button', { name: 'Create account' }).press('Enter');
    await expect(page.getByLabel('Email address')).toBeFocused();
    const link = page.getByRole('alert').getByRole('link', { name: 'Enter your password.' });
    await tabTo(page, link, 'Shift+Tab');
    await page.keyboard.press('Enter');
    await expect(page.getByLabel('Password', { exact: true })).toBeFocused();
  });
});

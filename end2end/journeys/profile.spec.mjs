// The profile page: the display name.
import { changeName, expectAccountOf, expectNameSaved, open, signUp } from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

withAndWithoutScripts((scripts) => {
  test('name change is saved, confirmed once and shown on every page', async ({ page, watch }) => {
    const user = await signUp(page);
    await changeName(page, 'Ada "Countess" <King>');
    await expectNameSaved(page, 'Ada "Countess" <King>');
    expect(watch.callsTo('/fn/update-profile')).toMatchObject([
      { plainForm: !scripts, bearer: scripts },
    ]);
    if (scripts) {
      // New input removes the confirmation.
      await page.getByLabel('Name').fill('Ada again');
      await expect(page.getByText('Name saved.')).toBeHidden();
    }
    await page.reload();
    // Without scripts the confirmation stays in the URL.
    if (scripts) await expect(page.getByText('Name saved.')).toBeHidden();
    await expectAccountOf(page, { ...user, name: 'Ada "Countess" <King>' });
    await open(page, '/');
    await expect(page.getByRole('heading', { name: 'Hello, Ada "Countess" <King>' })).toBeVisible();
  });

  test('unchanged name is not saved', async ({ page }) => {
    const user = await signUp(page);
    await changeName(page, user.name);
    await expect(page.getByText('Nothing to save.')).toBeVisible();
    await open(page, '/account/activity');
    await expect(page.getByText('Signed up', { exact: true })).toBeVisible();
    await expect(page.getByText('Name changed')).toHaveCount(0);
    await open(page, '/account');
    await changeName(page, 'Augusta Ada');
    await expectNameSaved(page, 'Augusta Ada');
  });

  test('name can be removed, and a name that is too long is rejected', async ({ page }) => {
    const user = await signUp(page);
    await changeName(page, 'x'.repeat(201));
    await expect(page.locator('#name-hint')).toHaveText('Too long. Use up to 200 letters.');
    await changeName(page, '');
    await expect(page.getByText('Name saved.')).toBeVisible();
    await expect(page.getByRole('banner').getByRole('button', { name: user.email })).toBeVisible();
    await open(page, '/');
    await expect(page.getByRole('heading', { name: 'Hello', exact: true })).toBeVisible();
  });
});

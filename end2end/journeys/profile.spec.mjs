// The profile: one's name.
import { isSaved, open, rename, seesAccountOf, signUp } from '../support/steps.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

withAndWithoutScripts((scripts) => {
  test('a new name is saved, said to be saved once, and shown everywhere', async ({ page, watch }) => {
    const who = await signUp(page);
    await rename(page, 'Ada "Countess" <King>');
    await isSaved(page, 'Ada "Countess" <King>');
    expect(watch.callsTo('/fn/rename')).toMatchObject([{ plainForm: !scripts, bearer: scripts }]);
    if (scripts) {
      // What is typed now is not saved.
      await page.getByLabel('Name').fill('Ada again');
      await expect(page.getByText('Your name is saved.')).toBeHidden();
    }
    await page.reload();
    // Without scripts nothing can take the news out of the address.
    if (scripts) await expect(page.getByText('Your name is saved.')).toBeHidden();
    await seesAccountOf(page, { ...who, name: 'Ada "Countess" <King>' });
    await open(page, '/');
    await expect(page.getByRole('heading', { name: 'Hello, Ada "Countess" <King>.' })).toBeVisible();
  });

  test('the same name again is nothing to save', async ({ page }) => {
    const who = await signUp(page);
    await rename(page, who.name);
    await expect(page.getByText('Nothing to save.')).toBeVisible();
    await rename(page, 'Augusta Ada');
    await isSaved(page, 'Augusta Ada');
  });

  test('a name can be taken away, and too long a one is refused in words', async ({ page }) => {
    const who = await signUp(page);
    await rename(page, 'x'.repeat(201));
    await expect(page.locator('#name-note')).toHaveText('Use at most 200 plain letters.');
    await rename(page, '');
    await expect(page.getByText('Your name is saved.')).toBeVisible();
    await expect(page.getByRole('banner').getByRole('button', { name: who.email })).toBeVisible();
    await open(page, '/');
    await expect(page.getByRole('heading', { name: 'Hello.' })).toBeVisible();
  });
});

// An operator makes the pages theirs with settings: name, colors, links and theme.
import { createUser, field, open, signUp, submitLogIn } from '../support/actions.mjs';
import { expect, test, withAndWithoutScripts } from '../support/test.mjs';

test.use({
  settings: {
    COUNTERSIGN_BRAND_NAME: 'Fieldnotes',
    COUNTERSIGN_BRAND_TAGLINE: 'Your notes, on every device.',
    COUNTERSIGN_BRAND_APP_URL: 'https://app.fieldnotes.example/',
    COUNTERSIGN_BRAND_ACCENT: '#3b2fb5',
    COUNTERSIGN_BRAND_RADIUS: 'round',
    COUNTERSIGN_BRAND_TERMS: 'https://fieldnotes.example/terms',
    COUNTERSIGN_BRAND_SUPPORT: 'mailto:help@fieldnotes.example',
  },
});

const style = (locator, property) =>
  locator.evaluate((element, property) => getComputedStyle(element)[property], property);

withAndWithoutScripts((scripts) => {
  test('pages carry name, colors and links of the operator', async ({ page, server }) => {
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await open(page, '/login');
    await expect(page).toHaveTitle('Log in · Fieldnotes');
    await expect(page.getByRole('heading', { name: 'Log in to Fieldnotes' })).toBeVisible();
    const button = page.getByRole('main').getByRole('button', { name: 'Log in' });
    expect(await style(button, 'backgroundColor')).toBe('rgb(59, 47, 181)');
    expect(await style(button, 'borderRadius')).toBe('14px');
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    expect(await style(button, 'backgroundColor')).not.toBe('rgb(59, 47, 181)');
    const links = page.getByRole('contentinfo').getByRole('link');
    await expect(links).toHaveText(['Terms', 'Help']);
    await expect(page.getByRole('link', { name: 'Fieldnotes' })).toHaveAttribute(
      'href',
      'https://app.fieldnotes.example/',
    );
    await open(page, '/');
    await expect(page.getByText('Your notes, on every device.')).toBeVisible();
    const user = await createUser(server);
    await open(page, '/login?next=/account');
    await submitLogIn(page, user);
    await expect(page).toHaveTitle('Profile · Fieldnotes');
    await expect(field.name(page)).toHaveValue(user.name);
    await expect(page.getByText('Countersign')).toHaveCount(0);
  });

  test('user returns to the application after the log-in', async ({ page, server, watch }) => {
    const user = await createUser(server);
    const target = 'https://app.fieldnotes.example/notes?x=1';
    const body = '<link rel="icon" href="data:,"><h1>Notes</h1>';
    await page.route('https://app.fieldnotes.example/**', (route) =>
      route.fulfill({ contentType: 'text/html', body }),
    );
    await open(page, `/login?next=${encodeURIComponent(target)}`);
    await submitLogIn(page, user);
    await expect(page).toHaveURL(target);
    await expect(page.getByRole('heading', { name: 'Notes' })).toBeVisible();
    // The next time, the session is enough.
    await open(page, `/login?next=${encodeURIComponent(target)}`);
    await expect(page.getByText(`You're logged in as ${user.email}.`)).toBeVisible();
    await page.getByRole('link', { name: 'Continue without another log-in' }).click();
    await expect(page).toHaveURL(target);
    // A redirect is reported twice.
    const requests = new Set(watch.takeUnexpected());
    expect([...requests]).toEqual([`a request to another origin: ${target}`]);
  });

  test('new user is welcomed once and led to the application', async ({ page }) => {
    await signUp(page);
    const welcome = page.getByRole('heading', { name: 'Welcome, Ada Lovelace.' });
    await expect(welcome).toBeVisible();
    await expect(page.getByText('Your account is ready.')).toBeVisible();
    await expect(page.getByRole('link', { name: 'Go to Fieldnotes' })).toHaveAttribute(
      'href',
      'https://app.fieldnotes.example/',
    );
    // Without scripts the message stays in the URL.
    await page.reload();
    await expect(field.name(page)).toHaveValue('Ada Lovelace');
    await expect(welcome).toHaveCount(scripts ? 0 : 1);
    await open(page, '/account');
    await expect(welcome).toHaveCount(0);
  });
});

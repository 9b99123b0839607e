// Makes access tokens old. For servers whose tokens live 2 s.
import { expect } from '@playwright/test';
import { kept, pretend } from './steps.mjs';

export const shortLived = { COUNTERSIGN_ACCESS_TTL: '2s' };

/** Waits until the browser itself can tell that its token is over. */
export async function isOldByOwnClock(page) {
  const old = async () => {
    const { obtained_at, expires_in } = await kept(page);
    return (await page.evaluate(() => Date.now())) >= obtained_at + expires_in * 1000;
  };
  await expect.poll(old, { timeout: 15_000 }).toBe(true);
}

/** Waits until the server refuses the token, and makes the browser believe that it is fresh. */
export async function isOldButLooksFresh(page, server) {
  const { access_token } = await kept(page);
  const status = async () => (await server.api('GET', '/me', undefined, access_token)).status;
  await expect.poll(status, { timeout: 15_000 }).toBe(401);
  await pretend(page, { obtained_at: Date.now(), expires_in: 9999 });
}

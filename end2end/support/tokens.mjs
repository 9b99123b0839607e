// Expired access tokens, for servers with `shortLivedTokens`.
import { expect } from '@playwright/test';
import { patchStoredToken, storedToken } from './actions.mjs';

export const shortLivedTokens = { COUNTERSIGN_ACCESS_TTL: '2s' };

/** Waits until the token has expired by the browser's clock. */
export async function waitUntilExpired(page) {
  const isExpired = async () => {
    const { obtained_at, expires_in } = await storedToken(page);
    return (await page.evaluate(() => Date.now())) >= obtained_at + expires_in * 1000;
  };
  await expect.poll(isExpired, { timeout: 15_000 }).toBe(true);
}

/** Waits until the server rejects the token, then makes it look valid to the browser. */
export async function waitUntilRejected(page, server) {
  const { access_token } = await storedToken(page);
  const status = async () => (await server.api('GET', '/me', undefined, access_token)).status;
  await expect.poll(status, { timeout: 15_000 }).toBe(401);
  await patchStoredToken(page, { obtained_at: Date.now(), expires_in: 9999 });
}

// What the network does to a page: files that never arrive, or late.
import { scriptsNeverRun } from './scripts.mjs';

/** The bundle never arrives: what a page shows is all there will be. `where` is a page or a whole context. */
export async function blockScripts(where, watch) {
  scriptsNeverRun(where);
  watch.expect({ failure: 'net::ERR_FAILED', url: /^\/pkg\/.*\.js$/, times: Infinity });
  watch.expect({ text: /Failed to fetch dynamically imported module/, times: Infinity });
  watch.expect({ text: /\.wasm was preloaded using link preload but not used/, times: Infinity });
  await where.route('**/pkg/*.js', (route) => route.abort());
}

/** The bundle of this page, and of those it leads to, is on its way until the function that this returns is called. */
export async function delayScripts(page) {
  let arrive;
  const arrival = new Promise((done) => (arrive = done));
  await page.route('**/pkg/*.wasm', async (route) => {
    await arrival;
    await route.continue().catch(() => {}); // the page may have been left meanwhile
  });
  return arrive;
}

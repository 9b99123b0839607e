// Network conditions: scripts that never arrive, or arrive late.
import { markScriptless } from './javascript.mjs';

/** Blocks the JavaScript bundle of a page or a whole context, so that it never hydrates. */
export async function blockScripts(pageOrContext, watch) {
  markScriptless(pageOrContext);
  watch.expect({ failure: 'net::ERR_FAILED', url: /^\/pkg\/.*\.js$/, times: Infinity });
  watch.expect({ text: /Failed to fetch dynamically imported module/, times: Infinity });
  watch.expect({ text: /\.wasm was preloaded using link preload but not used/, times: Infinity });
  await pageOrContext.route('**/pkg/*.js', (route) => route.abort());
}

/** Delays the Wasm bundle of the page until the returned function is called. */
export async function delayScripts(page) {
  let release;
  const released = new Promise((done) => (release = done));
  await page.route('**/pkg/*.wasm', async (route) => {
    await released;
    await route.continue().catch(() => {}); // the page may have been closed
  });
  return release;
}

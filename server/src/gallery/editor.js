// The brand editor: shows the brand while the user changes it. Without this script, the button of
// the form does.
const form = document.getElementById('brand-form');
const frames = (page) => [...page.querySelectorAll('#brand-frames iframe')];
let timer;
let request;

async function update() {
  request?.abort();
  request = new AbortController();
  const url = `${form.action}?${new URLSearchParams(new FormData(form))}`;
  let page;
  try {
    const response = await fetch(url, { signal: request.signal });
    if (!response.ok) return;
    page = new DOMParser().parseFromString(await response.text(), 'text/html');
  } catch {
    // Another change was quicker, or the server is unreachable.
    return;
  }
  history.replaceState(null, '', url);
  for (const id of ['brand-message', 'brand-result'])
    document.getElementById(id).replaceWith(page.getElementById(id));
  const updated = frames(page);
  for (const [index, frame] of frames(document).entries()) {
    const src = updated[index].getAttribute('src');
    if (frame.getAttribute('src') !== src) frame.setAttribute('src', src);
  }
}

form.addEventListener('input', () => {
  clearTimeout(timer);
  timer = setTimeout(update, 200);
});

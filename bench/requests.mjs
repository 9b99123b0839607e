// HTTP requests as values. The benchmark sends them itself, or describes them to wrk.

import { request as sendRequest } from 'node:http';
import { text } from 'node:stream/consumers';

const RESPONSE_TIMEOUT_MS = 20_000;

export const get = (path, headers = {}) => ({ method: 'GET', path, headers });

export const post = (path, body, headers = {}) => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

export const postForm = (path, body) => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  // Not encoded, because the marker of a value that wrk inserts must stay as it is.
  body: Object.entries(body).map(([name, value]) => `${name}=${value}`).join('&'),
});

export const bearer = (token) => ({ authorization: `Bearer ${token}` });

/**
 * Sends a request, with no other headers than wrk would send. Returns the status, the cookies as a
 * client sends them, and the text.
 */
export const send = (origin, { method, path, headers, body }) =>
  new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(RESPONSE_TIMEOUT_MS);
    const request = sendRequest(origin + path, { method, headers, signal }, (response) => {
      const { statusCode: status, headers: { 'set-cookie': cookies = [] } } = response;
      const cookie = cookies.map((value) => value.split(';')[0]).join('; ');
      text(response).then((body) => resolve({ status, cookie, text: body }), reject);
    });
    request.on('error', reject).end(body);
  });

/** Sends a request. Returns the response, which must have a status of success. */
export const sendSuccessfully = async (origin, request) => {
  const response = await send(origin, request);
  if (response.status < 200 || response.status > 299) {
    const { method, path } = request;
    throw new Error(`${method} ${path}: ${response.status} ${response.text.slice(0, 200)}`);
  }
  return response;
};

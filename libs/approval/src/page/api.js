// @ts-check
/** Calls of the API, with the credential that this tab holds. */

const CREDENTIAL = 'countersign.credential';
/** A server that is there answers sooner. */
const TIME_OUT_MS = 10_000;

let skewMs = 0;

/** The server's time, as far as its answers tell. */
export const nowMs = () => Date.now() + skewMs;

export const isSignedIn = () => sessionStorage.getItem(CREDENTIAL) !== null;
export const signOut = () => sessionStorage.removeItem(CREDENTIAL);
/** @param {string} credential */
export const signIn = (credential) => sessionStorage.setItem(CREDENTIAL, credential);

/**
 * A refusal becomes an error with the server's own sentence and its code; whatever else goes wrong has no code.
 * @param {string} path
 * @param {unknown} [body]
 */
export async function call(path, body) {
  const credential = sessionStorage.getItem(CREDENTIAL) ?? '';
  const response = await fetch(path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${credential}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIME_OUT_MS),
  });
  const served = Date.parse(response.headers.get('date') ?? '');
  if (Number.isFinite(served)) skewMs = served - Date.now();
  const answer = /** @type {any} */ (await response.json());
  if (response.ok) return answer;
  throw Object.assign(new Error(answer.detail ?? answer.title), { code: answer.code });
}

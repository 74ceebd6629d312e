import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Fault, sha256Hex, visible } from '@countersign/kernel';
import type { Notification, Notifier, StatementKey } from '@countersign/ports';
import { type Destination, type Resolve, destinationOf } from './destination.ts';

export interface WebhookOptions {
  readonly url: string;
  /** Receivers check signatures with its public key, as `whpk_` and base64. */
  readonly signingKey: StatementKey;
  /** From looking up the name to the status of the answer. */
  readonly timeoutMs: number;
  /** Lets http, loopback and private addresses through, for receivers on this machine; never metadata services. */
  readonly allowPrivate?: boolean;
  /** The system's resolver when left out. What it says is checked all the same. */
  readonly resolve?: Resolve;
}

/** An answer is looked at for its status only; this much of a body is let through before the connection is cut. */
const ANSWER_BYTES_MAX = 64 * 1024;
/** What stands between the parts that are signed, and so in no id. Headers take printable ASCII only. */
const PLAIN_ID = /^[\x21-\x2d\x2f-\x7e]{1,255}$/;
const RETRYABLE_STATUS: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * POSTs each notification as JSON, signed by the Standard Webhooks scheme (`v1a`: ed25519 over id.timestamp.body). An
 * id that does not fit a header goes there as its SHA-256. It is accepted when the receiver answers with 2xx. Redirects
 * are not followed, and nothing but public addresses is connected to.
 *
 * @throws Fault `webhook_url_refused`, not retryable, for a URL that can never be used.
 */
export function webhookNotifier(options: WebhookOptions): Notifier {
  const { url, signingKey, timeoutMs, allowPrivate = false, resolve } = options;
  const destination = destinationOf({ url, allowPrivate, ...(resolve && { resolve }) });
  return {
    async notify(notification) {
      const body = bodyOf(notification);
      const id = PLAIN_ID.test(notification.id) ? notification.id : sha256Hex(notification.id);
      const timestamp = String(Math.floor(Date.now() / 1000));
      const signature = await signingKey.sign(`${id}.${timestamp}.${body}`);
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'countersign',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1a,${Buffer.from(signature, 'base64url').toString('base64')}`,
      };
      const signal = AbortSignal.timeout(timeoutMs);
      const status = await within(signal, post(destination, body, { headers, signal }));
      if (status >= 200 && status < 300) return;
      const retryable = status >= 500 || RETRYABLE_STATUS.has(status);
      throw notAccepted(`${destination.url.host} answered with status ${status}`, retryable);
    },
  };
}

/** The notification itself; quoted words come last, and nothing is hidden, whatever the receiver shows it on. */
function bodyOf(notification: Notification): string {
  const { id, kind, tenant, paymentId, title, facts, link, quoted } = notification;
  return JSON.stringify({
    id,
    kind,
    tenant,
    paymentId,
    title: visible(title),
    facts: facts.map(({ name, value }) => ({ name: visible(name), value: visible(value) })),
    link,
    quoted: quoted === undefined ? undefined : visible(quoted),
  });
}

/** Looking up a name cannot be aborted, only left behind. */
async function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    const end = () => reject(notAccepted('no answer in time', true));
    signal.addEventListener('abort', end, { once: true });
  });
  return Promise.race([work, late]);
}

/** Resolves with the status as soon as there is one. */
async function post(
  destination: Destination,
  body: string,
  options: RequestOptions & { readonly signal: AbortSignal },
): Promise<number> {
  const lookup = await destination.pinned();
  const { url } = destination;
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  // An agent of its own: no connection outlives the check of its address, and no proxy of the environment is used.
  const request = send(url, { ...options, method: 'POST', agent: false, lookup });
  return new Promise((resolve, reject) => {
    request.on('error', (cause) =>
      reject(notAccepted(`${url.host} cannot be reached`, true, cause)),
    );
    request.on('response', (response) => {
      discard(response);
      resolve(response.statusCode ?? 0);
    });
    request.end(body);
  });
}

function discard(response: IncomingMessage): void {
  let bytes = 0;
  response.on('error', () => undefined);
  response.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes > ANSWER_BYTES_MAX) response.destroy();
  });
}

function notAccepted(message: string, retryable: boolean, cause?: unknown): Fault {
  return new Fault('notification_not_accepted', message, { retryable, cause });
}

import { lookup } from 'node:dns/promises';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import { Fault } from '@countersign/kernel';
import type { Notifier, StatementKey } from '@countersign/ports';
import { isPublicAddress } from './addresses.ts';

export interface WebhookOptions {
  readonly url: string;
  readonly signingKey: StatementKey;
  readonly timeoutMs: number;
  /** Lets http and private addresses through; for receivers on this machine. */
  readonly allowPrivate?: boolean;
}

const refused = (message: string, retryable: boolean, cause?: unknown) =>
  new Fault('notification_not_accepted', message, { retryable, cause });

/**
 * POSTs each notification as JSON, signed after the Standard Webhooks scheme (`v1a`: ed25519 over id.timestamp.body).
 * The name is resolved once, the address checked, and the connection made to that address: a name that changes between
 * check and use leads nowhere. Redirects are not followed.
 */
export function webhookNotifier(options: WebhookOptions): Notifier {
  const url = new URL(options.url);
  const { allowPrivate = false } = options;
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:'))
    throw refused('a webhook must be https', false);
  return {
    async notify(notification) {
      const body = JSON.stringify(notification);
      const timestamp = Math.floor(Date.now() / 1000).toString();
      const signature = await options.signingKey.sign(`${notification.id}.${timestamp}.${body}`);
      const address = await resolve(url.hostname, allowPrivate);
      await post(url, address, options.timeoutMs, body, {
        'content-type': 'application/json',
        'webhook-id': notification.id,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1a,${Buffer.from(signature, 'base64url').toString('base64')}`,
      });
    },
  };
}

async function resolve(hostname: string, allowPrivate: boolean): Promise<string> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(host)
    ? [host]
    : await lookup(host, { all: true }).then(
        (found) => found.map((it) => it.address),
        (cause: unknown) => {
          throw refused(`the name ${host} is not known`, true, cause);
        },
      );
  const [first] = addresses;
  if (first === undefined || !(allowPrivate || addresses.every(isPublicAddress)))
    throw refused(`${host} does not lead to a public address`, false);
  return first;
}

function post(
  url: URL,
  address: string,
  timeoutMs: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((accept, reject) => {
    const request = send(
      url,
      {
        method: 'POST',
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        signal: AbortSignal.timeout(timeoutMs),
        lookup: (_host, lookupOptions, callback) => {
          const family = isIP(address);
          if (lookupOptions.all) callback(null, [{ address, family }]);
          else callback(null, address, family);
        },
      },
      (response) => {
        response.destroy();
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300) accept();
        else reject(refused(`the receiver answered ${status}`, status >= 500 || status === 429));
      },
    );
    request.on('error', (cause) => reject(refused('the receiver does not answer', true, cause)));
    request.end(body);
  });
}

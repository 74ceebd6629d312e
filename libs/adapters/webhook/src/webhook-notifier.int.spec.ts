import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { type IncomingHttpHeaders, type RequestListener, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { Notification, StatementKey } from '@countersign/ports';
import { describeNotifier } from '@countersign/ports/suites';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebhookOptions, webhookNotifier } from './webhook-notifier.ts';

/** Made for this spec, for the name receiver.test; nothing trusts it. */
const TLS_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgw+OYDrsuQYeUg0Tu
sac2zzcaxn4F5r6h0uZg8fid97uhRANCAATMETeFaxnQHV4LG5yLGbqDH5TRwCNP
64O7UbfPD9GRCSkU6lKc/rtAsd/GzJgL3VPeDIPO5eN/h+Z/CHKZ8h+d
-----END PRIVATE KEY-----
`;
const TLS_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBpjCCAU2gAwIBAgIUfqe8eS1kEv1QUNaIBNT8SNZFbnkwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNcmVjZWl2ZXIudGVzdDAgFw0yNjExMjEwNjQ3NDNaGA8yMTI2
MTAyODA2NDc0M1owGDEWMBQGA1UEAwwNcmVjZWl2ZXIudGVzdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABMwRN4VrGdAdXgsbnIsZuoMflNHAI0/rg7tRt88P0ZEJ
KRTqUpz+u0Cx38bMmAvdU94Mg87l43+H5n8IcpnyH52jczBxMB0GA1UdDgQWBBQm
zjlbE/2aK4igNgpAggOMfntwrDAfBgNVHSMEGDAWgBQmzjlbE/2aK4igNgpAggOM
fntwrDAPBgNVHRMBAf8EBTADAQH/MB4GA1UdEQQXMBWCDXJlY2VpdmVyLnRlc3SH
BH8AAAEwCgYIKoZIzj0EAwIDRwAwRAIgdBheBMz0wMk6KV28lBUJDLbD+E/q3eER
NjnNZTCBNTMCIBoKmbd0GqnE0DgqNUT8kKP/QWIaRsxni6TcsUJxs0z6
-----END CERTIFICATE-----
`;

const pair = generateKeyPairSync('ed25519');
const signingKey: StatementKey = {
  capabilities: { inProcess: true },
  keyId: 'alerting-1',
  publicKey: pair.publicKey.export({ format: 'jwk' }).x ?? '',
  sign: async (text) => sign(null, Buffer.from(text), pair.privateKey).toString('base64url'),
};
const NOTIFICATION: Notification = {
  id: 'd0c5',
  kind: 'alert',
  tenant: 'acme',
  paymentId: `pay_3_${'7'.repeat(32)}`,
  title: 'look alike payee',
  facts: [{ name: 'Payee', value: `0x${'e'.repeat(40)}` }],
  quoted: 'hurry',
};

interface Delivery {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver on this machine that remembers what it got, and answers as it is told. */
interface Receiver {
  readonly port: number;
  readonly deliveries: readonly Delivery[];
  stop(): Promise<void>;
}

const running = new Set<Receiver>();
afterEach(async () => {
  for (const receiver of running) await receiver.stop();
});

async function startReceiver(
  answer: RequestListener = (_request, response) => void response.writeHead(204).end(),
  tls = false,
): Promise<Receiver> {
  const deliveries: Delivery[] = [];
  const listener: RequestListener = (request, response) => {
    const { method, url, headers } = request;
    let body = '';
    request.on('data', (part) => (body += String(part)));
    request.on('end', () => {
      deliveries.push({ method, url, headers, body });
      answer(request, response);
    });
  };
  const server = tls
    ? createTlsServer({ key: TLS_KEY, cert: TLS_CERTIFICATE }, listener)
    : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    port: (server.address() as AddressInfo).port,
    deliveries,
    async stop() {
      running.delete(receiver);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  running.add(receiver);
  return receiver;
}

const notifierTo = (url: string, options: Partial<WebhookOptions> = {}) =>
  webhookNotifier({ url, signingKey, timeoutMs: 5000, ...options });
const local = { allowPrivate: true };
const refused = (retryable: boolean) => ({
  name: 'Fault',
  code: 'notification_not_accepted',
  retryable,
});

describeNotifier('webhook', {
  create: () => worldOf(204),
  createRefusing: (retryable) => worldOf(retryable ? 503 : 410),
});

async function worldOf(status: number) {
  const receiver = await startReceiver((_, response) => void response.writeHead(status).end());
  return {
    notifier: notifierTo(`http://127.0.0.1:${receiver.port}/hook`, local),
    received: () => receiver.deliveries.map(({ body }) => body),
    dispose: () => receiver.stop(),
  };
}

describe('a delivery', () => {
  it('is a signed POST that a receiver can check with the public key alone', async () => {
    const receiver = await startReceiver();
    await notifierTo(`http://127.0.0.1:${receiver.port}/hook?t=1`, local).notify(NOTIFICATION);
    const [delivery] = receiver.deliveries;
    expect(delivery).toMatchObject({ method: 'POST', url: '/hook?t=1' });
    const { headers, body } = delivery!;
    expect(headers['content-type']).toBe('application/json');
    expect(headers['webhook-id']).toBe('d0c5');
    const sentAtMs = Number(headers['webhook-timestamp']) * 1000;
    expect(Math.abs(Date.now() - sentAtMs)).toBeLessThan(10_000);

    const [version, value] = String(headers['webhook-signature']).split(',');
    expect(version).toBe('v1a');
    const publicKey = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: signingKey.publicKey },
      format: 'jwk',
    });
    const text = `d0c5.${String(headers['webhook-timestamp'])}.${body}`;
    const signature = Buffer.from(value ?? '', 'base64');
    expect(value).toBe(signature.toString('base64'));
    expect(verify(null, Buffer.from(text), publicKey, signature)).toBe(true);
    expect(verify(null, Buffer.from(`${text} `), publicKey, signature)).toBe(false);
  });

  it('says what it is in fields, the words of the agent last', async () => {
    const receiver = await startReceiver();
    const link = 'https://countersign.example/approve';
    await notifierTo(`http://127.0.0.1:${receiver.port}/`, local).notify({ ...NOTIFICATION, link });
    const body = JSON.parse(receiver.deliveries[0]?.body ?? '') as object;
    expect(body).toEqual({ ...NOTIFICATION, link });
    expect(Object.keys(body).at(-1)).toBe('quoted');
  });

  it.each(['a.b', 'a\r\nx-evil: 1', 'é', '', 'x'.repeat(300)])(
    'has a header of its own making for the id %o',
    async (id) => {
      const receiver = await startReceiver();
      await notifierTo(`http://127.0.0.1:${receiver.port}/`, local).notify({ ...NOTIFICATION, id });
      const { headers, body } = receiver.deliveries[0]!;
      expect(headers['webhook-id']).toMatch(/^[0-9a-f]{64}$/);
      expect(headers).not.toHaveProperty('x-evil');
      expect(JSON.parse(body)).toMatchObject({ id });
    },
  );

  it.each([200, 201, 299])('is accepted with status %i', async (status) => {
    const receiver = await startReceiver(
      (_, response) => void response.writeHead(status).end('ok'),
    );
    await notifierTo(`http://127.0.0.1:${receiver.port}/`, local).notify(NOTIFICATION);
    expect(receiver.deliveries).toHaveLength(1);
  });

  it.each([
    [300, false],
    [304, false],
    [400, false],
    [401, false],
    [404, false],
    [410, false],
    [408, true],
    [425, true],
    [429, true],
    [500, true],
    [503, true],
  ])('is not accepted with status %i, and worth trying again: %o', async (status, again) => {
    const receiver = await startReceiver((_, response) => void response.writeHead(status).end());
    const notifier = notifierTo(`http://127.0.0.1:${receiver.port}/`, local);
    await expect(notifier.notify(NOTIFICATION)).rejects.toMatchObject(refused(again));
    expect(receiver.deliveries).toHaveLength(1);
  });
});

describe('a receiver that misbehaves', () => {
  it.each([301, 302, 303, 307, 308])('is not followed to where its %i leads', async (status) => {
    const target = await startReceiver();
    const receiver = await startReceiver((_, response) => {
      const location = `http://127.0.0.1:${target.port}/latest/meta-data/`;
      response.writeHead(status, { location }).end();
    });
    const notifier = notifierTo(`http://127.0.0.1:${receiver.port}/`, local);
    await expect(notifier.notify(NOTIFICATION)).rejects.toMatchObject(refused(false));
    expect(receiver.deliveries).toHaveLength(1);
    expect(target.deliveries).toHaveLength(0);
  });

  it('and never answers is given up after the time it has', async () => {
    const receiver = await startReceiver(() => undefined);
    const url = `http://127.0.0.1:${receiver.port}/`;
    const notifier = notifierTo(url, { ...local, timeoutMs: 50 });
    await expect(notifier.notify(NOTIFICATION)).rejects.toMatchObject(refused(true));
  });

  it('has accepted with its status, whatever body follows and however long', async () => {
    let cut: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => (cut = resolve));
    const receiver = await startReceiver((_, response) => {
      response.on('close', () => cut?.());
      response.writeHead(200);
      const fill = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', fill);
      fill();
    });
    await notifierTo(`http://127.0.0.1:${receiver.port}/`, local).notify(NOTIFICATION);
    await gone;
    expect(receiver.deliveries).toHaveLength(1);
  });

  it('and hangs up, or sends a flood of headers, has accepted nothing', async () => {
    for (const answer of [
      (socket: NodeJS.WritableStream) => socket.end(),
      (socket: NodeJS.WritableStream) => socket.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(99_999)}`),
      (socket: NodeJS.WritableStream) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'),
    ]) {
      const receiver = await startReceiver((request) => void answer(request.socket));
      const notifier = notifierTo(`http://127.0.0.1:${receiver.port}/`, local);
      await expect(notifier.notify(NOTIFICATION)).rejects.toMatchObject(refused(true));
    }
  });

  it('is not there', async () => {
    const notifier = notifierTo('http://127.0.0.1:1/services/secret', local);
    const error = await notifier.notify(NOTIFICATION).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(refused(true));
    expect((error as Error).message).not.toContain('secret');
  });
});

describe('a name', () => {
  const to = (port: number, addresses: readonly string[], options: Partial<WebhookOptions> = {}) =>
    notifierTo(`https://receiver.test:${port}/`, { resolve: async () => addresses, ...options });

  it.each([
    ['127.0.0.1'],
    ['::1'],
    ['169.254.169.254'],
    ['10.1.2.3'],
    ['::ffff:127.0.0.1'],
    ['64:ff9b::7f00:1'],
    ['93.184.215.14', '127.0.0.1'],
    ['127.0.0.1', '93.184.215.14'],
    ['not an address'],
    ['fe80::1%lo'],
    [],
  ])('that means %s is not connected to', async (...addresses) => {
    const receiver = await startReceiver();
    await expect(to(receiver.port, addresses).notify(NOTIFICATION)).rejects.toMatchObject(
      refused(false),
    );
    expect(receiver.deliveries).toHaveLength(0);
  });

  it('that means this machine to the system is not connected to either', async () => {
    const receiver = await startReceiver();
    const notifier = notifierTo(`https://localhost:${receiver.port}/`);
    await expect(notifier.notify(NOTIFICATION)).rejects.toMatchObject(refused(false));
  });

  it.each(['169.254.169.254', 'fd00:ec2::254', '0.0.0.0', '224.0.0.1', '100.100.100.200'])(
    'that means %s is not connected to even where private addresses are allowed',
    async (address) => {
      const notifier = to(80, [address], local);
      await expect(notifier.notify(NOTIFICATION)).rejects.toMatchObject(refused(false));
    },
  );

  it('is looked up once for each delivery, and connected to where it was found', async () => {
    const receiver = await startReceiver();
    let lookups = 0;
    // Nobody else knows this name: a second lookup, by the connection itself, would fail.
    const notifier = notifierTo(`http://receiver.test:${receiver.port}/`, {
      ...local,
      resolve: async () => {
        lookups += 1;
        return lookups === 1 ? ['127.0.0.1'] : ['169.254.169.254'];
      },
    });
    await notifier.notify(NOTIFICATION);
    expect(lookups).toBe(1);
    expect(receiver.deliveries[0]?.headers.host).toBe(`receiver.test:${receiver.port}`);
    await expect(notifier.notify(NOTIFICATION)).rejects.toMatchObject(refused(false));
    expect(lookups).toBe(2);
  });

  it('that nobody knows may be known later', async () => {
    const resolve = async () => Promise.reject(new Error('ENOTFOUND'));
    const notifier = notifierTo('https://receiver.test/', { resolve });
    await expect(notifier.notify(NOTIFICATION)).rejects.toMatchObject(refused(true));
  });

  it('whose lookup never ends is given up after the time it has', async () => {
    const resolve = () => new Promise<never>(() => undefined);
    const notifier = notifierTo('https://receiver.test/', { resolve, timeoutMs: 50 });
    await expect(notifier.notify(NOTIFICATION)).rejects.toMatchObject(refused(true));
  });

  it('must be the one in the certificate, which must be one that is trusted', async () => {
    const receiver = await startReceiver(undefined, true);
    const found = { ...local, resolve: async () => ['127.0.0.1'] };
    const trusted = notifierTo(`https://receiver.test:${receiver.port}/`, found);
    const other = notifierTo(`https://other.test:${receiver.port}/`, found);
    await expect(trusted.notify(NOTIFICATION)).rejects.toMatchObject(refused(true));
    const system = getCACertificates();
    setDefaultCACertificates([...system, TLS_CERTIFICATE]);
    try {
      await trusted.notify(NOTIFICATION);
      expect(receiver.deliveries).toHaveLength(1);
      await expect(other.notify(NOTIFICATION)).rejects.toMatchObject(refused(true));
      expect(receiver.deliveries).toHaveLength(1);
    } finally {
      setDefaultCACertificates(system);
    }
  });
});

describe('a URL', () => {
  it.each([
    'http://receiver.test/',
    'ftp://receiver.test/',
    'file:///etc/passwd',
    'receiver.test',
    '',
    'https://user:pass@receiver.test/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://0x7f.0.0.1/',
    'https://0177.0.0.1/',
    'https://2130706433/',
    'https://0/',
    'https://[::]/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://[fd00::1]/',
    'https://[fe80::1]/',
    'https://①②⑦.⓪.⓪.①/',
    'https://169.254.169.254/latest/meta-data/',
  ])('like %s is refused at once', (url) => {
    expect(() => notifierTo(url)).toThrow(
      expect.objectContaining({ code: 'webhook_url_refused', retryable: false }),
    );
  });

  it.each(['http://169.254.169.254/', 'http://0.0.0.0/', 'http://[fe80::1]/', 'ftp://127.0.0.1/'])(
    'like %s is refused even where private addresses are allowed',
    (url) => {
      expect(() => notifierTo(url, local)).toThrow(/the URL of the webhook/);
    },
  );

  it('is not told to whoever reads that it was refused', () => {
    expect(() => notifierTo('http://hooks.test/services/T0/secret')).not.toThrow(/secret/);
  });
});

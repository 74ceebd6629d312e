import { once } from 'node:events';
import { type RequestListener, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { CountersignClient } from './client.ts';
import { CountersignError } from './errors.ts';
import { Refusal, startContractServer } from './testing/contract-server.ts';

async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function clientOf(baseUrl: string, timeoutMs = 5_000) {
  return new CountersignClient({ baseUrl, credential: 'agent-credential', timeoutMs });
}

const PAYMENT_ID = `pay_3_${'ab'.repeat(16)}`;

describe('a call', () => {
  it('fills in path and query, shows the credential and reads the answer by its schema', async () => {
    const seen: unknown[] = [];
    await using server = await startContractServer({
      closeTask: ({ params, credential }) => {
        seen.push(params, credential);
        return { position: '3:14' };
      },
      listPayments: ({ query }) => {
        seen.push(query);
        return { payments: [], asOf: ['0:1'] };
      },
    });
    const client = clientOf(`${server.url}/`);

    await client.call('closeTask', { params: { agent: 'research-1', task: 'a/b' } });
    await client.call('listPayments', { query: { status: 'denied', agent: undefined } });

    expect(seen).toEqual([
      { agent: 'research-1', task: 'a/b' },
      'agent-credential',
      { status: 'denied', limit: 50 },
    ]);
  });

  it('refuses an empty parameter, which would name another route', async () => {
    await expect(clientOf('http://127.0.0.1:1').readPayment('')).rejects.toThrow(TypeError);
    await expect(clientOf('http://127.0.0.1:1').readPayment('..')).rejects.toThrow(TypeError);
  });

  it('ends when its caller gives up, with the reason the caller gave', async () => {
    await using server = await serve(() => undefined);
    const reason = new Error('no longer needed');
    const signal = AbortSignal.abort(reason);
    await expect(clientOf(server.url).call('readHeads', { signal })).rejects.toBe(reason);
  });
});

describe('a refusal', () => {
  it('carries code, status, detail and the payment in the way', async () => {
    await using server = await startContractServer({
      readPayment: () => {
        throw new Refusal('payment_unresolved', { detail: 'wait', paymentId: PAYMENT_ID });
      },
    });

    const error = await clientOf(server.url)
      .readPayment(PAYMENT_ID)
      .catch((it: unknown) => it);

    expect(error).toBeInstanceOf(CountersignError);
    expect(error).toMatchObject({
      name: 'CountersignError',
      message: 'wait',
      code: 'payment_unresolved',
      status: 409,
      retryable: true,
      paymentId: PAYMENT_ID,
      errors: [],
    });
  });

  it('names the fields that are wrong', async () => {
    const problem = {
      type: 'https://countersign.dev/problems/invalid_request',
      title: 'no',
      status: 400,
      detail: 'quote.amount: digits only',
      code: 'invalid_request',
      retryable: false,
      errors: [{ path: 'quote.amount', message: 'digits only' }],
    };
    await using server = await serve((_, response) =>
      response.writeHead(400).end(JSON.stringify(problem)),
    );
    await expect(clientOf(server.url).call('readHeads')).rejects.toMatchObject({
      code: 'invalid_request',
      errors: problem.errors,
    });
  });
});

describe('trouble on the way', () => {
  it('is unavailable and retryable when nobody listens', async () => {
    await expect(clientOf('http://127.0.0.1:1').call('readHeads')).rejects.toMatchObject({
      code: 'unavailable',
      status: null,
      retryable: true,
      cause: expect.any(Error),
    });
  });

  it('is unavailable when no answer comes in time', async () => {
    await using server = await serve(() => undefined);
    await expect(clientOf(server.url, 50).call('freezeAll', { body: {} })).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
      detail: expect.stringMatching(/It may have been carried out: look, or repeat it\.$/),
    });
    await expect(clientOf('http://127.0.0.1:1').call('readHeads')).rejects.toMatchObject({
      detail: expect.not.stringContaining('carried out'),
    });
  });

  it('is unavailable when the answer breaks off', async () => {
    let cut = () => {};
    await using server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"logId"');
      cut = () => response.destroy();
    });
    const client = new CountersignClient({
      baseUrl: server.url,
      credential: 'agent-credential',
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        cut();
        return response;
      },
    });
    await expect(client.call('readHeads')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is unavailable when a proxy answers for it', async () => {
    await using server = await serve((_, response) => response.writeHead(502).end('<h1>no</h1>'));
    await expect(clientOf(server.url).call('readHeads')).rejects.toMatchObject({
      code: 'unavailable',
      status: 502,
      retryable: true,
    });
  });

  it('does not follow a redirect with the credential', async () => {
    let followed = false;
    await using other = await serve((_, response) => {
      followed = true;
      response.end('{}');
    });
    await using server = await serve((_, response) =>
      response.writeHead(307, { location: other.url }).end(),
    );
    await expect(clientOf(server.url).call('readHeads')).rejects.toThrow(CountersignError);
    expect(followed).toBe(false);
  });

  it('is said plainly when the answer has another shape', async () => {
    await using server = await serve((_, response) => response.end('{"lanes":7}'));
    await expect(clientOf(server.url).call('readHeads')).rejects.toMatchObject({
      code: 'unexpected_answer',
      retryable: false,
    });
  });
});

describe('a client', () => {
  it.each([
    [{ baseUrl: 'ftp://127.0.0.1', credential: 'c' }],
    [{ baseUrl: '127.0.0.1:4020', credential: 'c' }],
    [{ baseUrl: 'http://127.0.0.1', credential: 'two\nlines' }],
    [{ baseUrl: 'http://127.0.0.1', credential: '' }],
  ])('is not made from %j', (options) => {
    expect(() => new CountersignClient(options)).toThrow(TypeError);
  });
});

import { logLevel } from 'kafkajs';
import loggers from 'kafkajs/src/loggers/index.js';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkOnlyWhatWaits } from './request-queue.ts';

checkOnlyWhatWaits();

function queue(maxInFlightRequests: number | null = null) {
  const options = { level: logLevel.NOTHING, logCreator: () => () => undefined };
  const made = new RequestQueue({
    ...{ maxInFlightRequests, requestTimeout: 1_000, enforceRequestTimeout: false },
    ...{ clientId: 'test', broker: 'broker:9092', logger: loggers.createLogger(options) },
  });
  onTestFinished(() => made.destroy());
  return made;
}

/** Pushes a request; resolves when it is sent. */
function sent(to: RequestQueue, correlationId: number): Promise<void> {
  return new Promise((resolve) =>
    to.push({
      entry: { correlationId, resolve: () => undefined },
      expectResponse: true,
      sendRequest: resolve,
    }),
  );
}

const answer = (correlationId: number) => ({ correlationId, payload: null, size: 0 });

describe('requests of a connection to a broker', () => {
  it('leave no timer when none of them waits', async () => {
    const requests = queue();
    await sent(requests, 1);
    requests.fulfillRequest(answer(1));
    expect(requests.throttleCheckTimeoutId).toBeNull();
  });

  it('wait for the end of a throttling, and are sent then', async () => {
    const requests = queue();
    const beforeMs = Date.now();
    requests.maybeThrottle(30);
    await sent(requests, 1);
    expect(Date.now() - beforeMs).toBeGreaterThanOrEqual(30);
    expect(requests.throttleCheckTimeoutId).toBeNull();
  });

  it('are sent when one before them is answered', async () => {
    const requests = queue(1);
    await sent(requests, 1);
    const second = sent(requests, 2);
    expect(requests.pending).toHaveLength(1);
    requests.fulfillRequest(answer(1));
    await second;
    expect(requests.pending).toHaveLength(0);
  });
});

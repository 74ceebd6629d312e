import type { DutyShares } from '@countersign/ports';
import { describeDuty } from '@countersign/ports/suites';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KafkaServer, startKafka } from '../../../../deploy/local/kafka.mjs';
import { kafkaDuty } from './kafka-duty.ts';
import { deleteTopics, makeTopics } from './testing/log-under-test.ts';
import { FIND_COORDINATOR, type Relay, openRelay } from './testing/relay.ts';

let server: KafkaServer;
let relay: Relay;
beforeAll(async () => {
  relay = await openRelay(() => server.ports[0] ?? 0);
  server = await startKafka({ advertisedPort: relay.port });
});
afterAll(async () => {
  await server.stop();
  await relay.close();
});

/** What kafkajs says when it takes an error for final. */
const GIVEN_UP = 'Crash: KafkaJSGroupCoordinatorNotFound';

async function replicas(laneCount: number) {
  const place = await makeTopics(server.brokers, laneCount);
  const shares: DutyShares[] = [];
  let onGivenUp = () => {};
  const onTrouble = (message: string) => message.includes(GIVEN_UP) && onGivenUp();
  return {
    replica: () => {
      const connection = { ...place, clientId: 'test', requestMaxMs: 1_000, onTrouble };
      const share = kafkaDuty({ ...connection, service: 'policy' });
      shares.push(share);
      return Promise.resolve(share);
    },
    hideDivider: () => {
      const missed = new Promise<void>((resolve) => (onGivenUp = resolve));
      relay.lose(FIND_COORDINATOR);
      return { missed, end: () => relay.pass() };
    },
    dispose: async () => {
      await Promise.all(shares.map((share) => share.close()));
      await deleteTopics(place);
    },
  };
}

describeDuty('Kafka', { capabilities: { divides: true }, create: replicas });

describe('duty while the broker is away', () => {
  it('is kept, and divided anew when the broker is back', async () => {
    const subject = await replicas(2);
    const first = await subject.replica();
    first.join();
    await changed(first, () => first.holds(0) && first.holds(1));
    await server.kill();
    expect([0, 1].map((lane) => first.holds(lane))).toEqual([true, true]);
    await server.restart();
    const second = await subject.replica();
    second.join();
    await changed(second, () => second.holds(0) !== second.holds(1));
    await subject.dispose();
  });
});

async function changed(share: DutyShares, isSo: () => boolean): Promise<void> {
  if (isSo()) return;
  await new Promise<void>((resolve) => share.onChange(() => isSo() && resolve()));
}

import { type EventLogFactory, describeEventLog } from '@countersign/ports/suites';
import { afterAll, beforeAll } from 'vitest';
import { type KafkaServer, startKafka } from '../../../../deploy/local/kafka.mjs';
import type { KafkaLog } from './kafka-log.ts';
import { deleteTopics, makeTopics, openAt } from './testing/log-under-test.ts';

let server: KafkaServer;
beforeAll(async () => {
  server = await startKafka();
});
afterAll(() => server.stop());

const factory: EventLogFactory = {
  // The stamps are the broker's, and no test moves its clock.
  capabilities: { clock: false, durable: true },
  async create(_clock, laneCount) {
    const place = await makeTopics(server.brokers, laneCount);
    const opened: KafkaLog[] = [];
    const open = async (lanes = laneCount) => {
      const log = await openAt({ ...place, laneCount: lanes });
      opened.push(log);
      return log;
    };
    const log = await open();
    return {
      log,
      other: await open(),
      reopen: async (lanes) => {
        await log.close();
        return open(lanes);
      },
      dispose: async () => {
        await Promise.all(opened.map((it) => it.close()));
        await deleteTopics(place);
      },
    };
  },
};

describeEventLog('Kafka', factory);

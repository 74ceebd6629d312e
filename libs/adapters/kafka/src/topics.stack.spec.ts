import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KafkaServer, startKafka } from '../../../../deploy/local/kafka.mjs';
import { clientOf } from './connection.ts';
import { makeTopics, openAt, topicsFile } from './testing/log-under-test.ts';
import { type TopicsWanted, applyTopics, planTopics } from './topics.ts';

let server: KafkaServer;
beforeAll(async () => {
  server = await startKafka();
});
afterAll(() => server.stop());

async function made(): Promise<TopicsWanted> {
  const place = await makeTopics(server.brokers, 2);
  return { ...place, clientId: 'test', file: topicsFile, replication: 1 };
}

describe('the topics of a log', () => {
  it('are planned without being made, and made once', async () => {
    const wanted = { ...(await made()), prefix: 'planned.' };
    const names = topicsFile.topics.map(({ name }) => `planned.${name}`);
    const plan = await planTopics(wanted);
    const create = (topic: string) => expect.objectContaining({ kind: 'create', topic }) as unknown;
    expect(plan).toEqual(names.map(create));
    expect(await planTopics(wanted)).toEqual(plan);
    expect(await applyTopics(wanted)).toEqual(plan);
    const { logId } = await opened(wanted);
    expect(await planTopics(wanted)).toEqual([]);
    expect(await applyTopics(wanted)).toEqual([]);
    expect((await opened(wanted)).logId).toBe(logId);
  });

  it('are never given another number of lanes or replicas', async () => {
    const wanted = await made();
    for (const change of [{ laneCount: 4 }, { replication: 3 }]) {
      const plan = await planTopics({ ...wanted, ...change });
      expect(plan).toContainEqual(
        expect.objectContaining({ kind: 'refuse', topic: `${wanted.prefix}lanes` }),
      );
      await expect(applyTopics({ ...wanted, ...change })).rejects.toMatchObject({
        code: 'topics_refused',
        retryable: false,
      });
    }
    expect(await planTopics(wanted)).toEqual([]);
  });

  it('are set right again, with what others set left as it is', async () => {
    const wanted = await made();
    const topic = `${wanted.prefix}control`;
    await alter(wanted, topic, { 'retention.ms': '1000', 'segment.ms': '123456789' });
    await expect(opened(wanted)).rejects.toMatchObject({
      code: 'topics_unsafe',
      message: expect.stringContaining(`${topic}: retention.ms is 1000, not -1`),
    });
    expect(await planTopics(wanted)).toContainEqual({
      kind: 'set',
      topic,
      setting: 'retention.ms',
      value: '-1',
      was: '1000',
    });
    await applyTopics(wanted);
    expect(await planTopics(wanted)).toEqual([]);
    const file = { ...topicsFile, settings: { ...topicsFile.settings, 'segment.ms': '123456789' } };
    const plan = await planTopics({ ...wanted, file });
    expect(plan).not.toContainEqual(expect.objectContaining({ topic }));
  });
});

async function opened(wanted: TopicsWanted) {
  const { brokers, laneCount, prefix = '' } = wanted;
  const log = await openAt({ brokers, laneCount, prefix });
  await log.close();
  return log;
}

async function alter(wanted: TopicsWanted, topic: string, settings: Record<string, string>) {
  const admin = clientOf(wanted).admin();
  await admin.connect();
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const resources = [{ type: 2, name: topic, configEntries }];
  await admin.alterConfigs({ validateOnly: false, resources });
  await admin.disconnect();
}

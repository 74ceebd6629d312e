import { Fault } from '@countersign/kernel';
import kafkajs, { type Admin } from 'kafkajs';
import { type KafkaConnection, clientOf } from './connection.ts';
import { type Identity, readIdentity } from './identity.ts';
import type { Places } from './places.ts';

/** Node finds only some of the names that this CommonJS module exports. */
const { ConfigResourceTypes } = kafkajs;

/** What is fixed at a log's creation, as its topics say it. */
export interface LogFacts {
  readonly logId: string;
  readonly durable: boolean;
}

/** Any of these otherwise would lose records or let writers choose their time. */
const REQUIRED: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'message.timestamp.type': 'LogAppendTime',
  'unclean.leader.election.enable': 'false',
};
const MESSAGE_BYTES_MIN = 5_242_880;
const SETUP = 'run "countersign setup --plan" against these brokers';

/**
 * Refuses topics that are not there, not safe, or another log's. A log is durable if a record is acknowledged only
 * when two replicas have it, or when its one replica has flushed it to its disk.
 *
 * @throws Fault `topics_missing`, `topics_unsafe`, `lane_count_changed`; errors of kafkajs when nobody answers.
 */
export async function checkTopics(connection: KafkaConnection, places: Places): Promise<LogFacts> {
  const admin = clientOf(connection).admin();
  await admin.connect();
  try {
    await checkShape(admin, places);
    const settings = await settingsOf(admin, Object.values(places.topics));
    for (const [topic, of] of settings) checkSettings(topic, of);
    const identity = await readIdentity(connection, places);
    if (!identity) throw refusal('topics_missing', `${places.identity} names no log: ${SETUP}`);
    checkLaneCount(identity, places);
    return { logId: identity.logId, durable: [...settings.values()].every(isDurable) };
  } finally {
    await admin.disconnect();
  }
}

async function checkShape(admin: Admin, places: Places): Promise<void> {
  const there = new Set(await admin.listTopics());
  const wanted = [...Object.values(places.topics), places.identity];
  const missing = wanted.filter((topic) => !there.has(topic));
  if (missing.length > 0)
    throw refusal('topics_missing', `no topics ${missing.join(', ')}: ${SETUP}`);
  const { topics } = await admin.fetchTopicMetadata({ topics: wanted });
  for (const { name, partitions } of topics) {
    const count = name === places.topics.lanes ? places.laneCount : 1;
    if (partitions.length === count) continue;
    const message = `topic ${name} has ${partitions.length} partitions, not ${count}`;
    throw refusal(name === places.topics.lanes ? 'lane_count_changed' : 'topics_unsafe', message);
  }
}

function checkLaneCount({ laneCount }: Identity, places: Places): void {
  if (laneCount !== places.laneCount)
    throw refusal('lane_count_changed', `the log has ${laneCount} lanes, not ${places.laneCount}`);
}

type Settings = ReadonlyMap<string, string>;

/** Every setting of each topic, the brokers' defaults included. */
export async function settingsOf(
  admin: Admin,
  topics: readonly string[],
): Promise<ReadonlyMap<string, Settings>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((name) => ({ type: ConfigResourceTypes.TOPIC, name })),
  });
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
}

function checkSettings(topic: string, settings: Settings): void {
  for (const [name, wanted] of Object.entries(REQUIRED))
    if (settings.get(name) !== wanted)
      throw refusal('topics_unsafe', `${topic}: ${name} is ${settings.get(name)}, not ${wanted}`);
  const messageBytes = Number(settings.get('max.message.bytes'));
  if (!(messageBytes >= MESSAGE_BYTES_MIN))
    throw refusal(
      'topics_unsafe',
      `${topic}: max.message.bytes is ${messageBytes}, under ${MESSAGE_BYTES_MIN}`,
    );
}

function isDurable(settings: Settings): boolean {
  return Number(settings.get('min.insync.replicas')) >= 2 || settings.get('flush.messages') === '1';
}

function refusal(code: string, message: string): Fault {
  return new Fault(code, message, { retryable: false });
}

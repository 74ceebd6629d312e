import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type KafkaConnection, clientOf } from '../connection.ts';
import { type KafkaLog, openKafkaLog } from '../kafka-log.ts';
import { TopicsFile, applyTopics } from '../topics.ts';

const FILE = new URL('../../../../../deploy/kafka/topics.yaml', import.meta.url);

/** The topics as users make them. */
export const topicsFile: TopicsFile = TopicsFile.parse(parse(readFileSync(FILE, 'utf8')));

export interface LogPlace {
  readonly brokers: readonly string[];
  readonly laneCount: number;
  readonly prefix: string;
  readonly sasl?: NonNullable<KafkaConnection['sasl']>;
}

/** For tests: topics of one log that nobody else uses, made on a broker of one node. */
export async function makeTopics(
  brokers: readonly string[],
  laneCount: number,
  login: Pick<LogPlace, 'sasl'> = {},
): Promise<LogPlace> {
  const place = { brokers, laneCount, prefix: `t${randomUUID().slice(0, 8)}.`, ...login };
  await makeTopicsAt(place);
  return place;
}

export async function makeTopicsAt(place: LogPlace): Promise<void> {
  await applyTopics({ ...place, clientId: 'test', file: topicsFile, replication: 1 });
}

export function openAt(
  place: LogPlace,
  options: { patienceMs?: number; requestMaxMs?: number } = {},
): Promise<KafkaLog> {
  return openKafkaLog({ ...place, clientId: 'test', ...options });
}

export async function deleteTopics({ brokers, prefix }: LogPlace): Promise<void> {
  const admin = clientOf({ brokers, clientId: 'test' }).admin();
  await admin.connect();
  const own = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
  await admin.deleteTopics({ topics: own });
  await admin.disconnect();
}

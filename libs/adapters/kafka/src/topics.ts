import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '@countersign/kernel';
import kafkajs, { type Admin } from 'kafkajs';
import { z } from 'zod';
import { INBOUND_TOPIC } from '@countersign/contracts';
import {
  type AccessStep,
  type AgentPrincipal,
  allow,
  plannedAccess,
  topicsOwned,
} from './agent-access.ts';
import { type KafkaConnection, clientOf } from './connection.ts';
import { writeIdentity } from './identity.ts';
import { Places } from './places.ts';
import { settingsOf } from './topics-check.ts';
import { Wire } from './wire.ts';

/** Node finds only some of the names that this CommonJS module exports. */
const { ConfigResourceTypes, ConfigSource, KafkaJSError } = kafkajs;

const HOSTED_ATTEMPTS = 100;
const HOSTED_POLL_MS = 100;

const Setting = z.union([z.string(), z.number(), z.boolean()]).transform(String);

/** `deploy/kafka/topics.yaml`: the topics of one log, as data. */
export const TopicsFile = z.strictObject({
  /** Settings of every topic, by Kafka's names. */
  settings: z.record(z.string(), Setting),
  topics: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z.]+$/),
        partitions: z.union([z.literal('lanes'), z.int().positive()]),
        /** What this topic has otherwise than all, and beyond it. */
        settings: z.record(z.string(), Setting).optional(),
      }),
    )
    .min(1),
});
export type TopicsFile = z.infer<typeof TopicsFile>;

export interface TopicsWanted extends KafkaConnection {
  readonly file: TopicsFile;
  readonly laneCount: number;
  readonly prefix?: string;
  /** Replicas of each partition. From three on all but one must have a record; fewer flush each record to disk. */
  readonly replication: number;
  /** Each gets a topic of its own, which nobody else may write to. */
  readonly agents?: readonly AgentPrincipal[];
}

/** One thing to do, or one that cannot be done. */
export type TopicStep =
  | AccessStep
  | { readonly kind: 'create'; readonly topic: string; readonly partitions: number }
  | {
      readonly kind: 'set';
      readonly topic: string;
      readonly setting: string;
      readonly value: string;
      readonly was: string;
    }
  | { readonly kind: 'refuse'; readonly topic: string; readonly reason: string };

interface Wanted {
  readonly topic: string;
  readonly partitions: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** What would have to change, in order; empty when the topics are as they should be. Changes nothing. */
export async function planTopics(wanted: TopicsWanted): Promise<readonly TopicStep[]> {
  return withAdmin(wanted, (admin) => planned(admin, wanted));
}

/**
 * Does what {@link planTopics} says, then names the log if it has no name. May be repeated.
 *
 * @throws Fault `topics_refused` when the plan has a refusal; nothing is changed then.
 */
export async function applyTopics(wanted: TopicsWanted): Promise<readonly TopicStep[]> {
  const steps = await withAdmin(wanted, async (admin) => {
    const plan = await planned(admin, wanted);
    const refusals = plan.flatMap((step) => (step.kind === 'refuse' ? [step.reason] : []));
    if (refusals.length > 0)
      throw new Fault('topics_refused', refusals.join('; '), { retryable: false });
    // Before its topic is there, so that there is no moment at which anybody may write to it.
    await allow(
      admin,
      plan.filter((step) => step.kind === 'allow'),
    );
    await create(admin, wanted, plan);
    await set(admin, wanted, plan);
    return plan;
  });
  await untilHosted(async () => {
    await checkAnswering(wanted);
    await writeIdentity(wanted, new Places(wanted.laneCount, wanted.prefix ?? ''));
  });
  return steps;
}

/** Brokers learn of a new topic one after the other, and until then deny that there is one. */
async function untilHosted(task: () => Promise<void>): Promise<void> {
  for (let left = HOSTED_ATTEMPTS; ; left -= 1) {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof KafkaJSError) || !error.retriable || left === 1) throw error;
      await sleep(HOSTED_POLL_MS);
    }
  }
}

async function checkAnswering(wanted: TopicsWanted): Promise<void> {
  const topics = topicsOf(wanted);
  const wire = new Wire(
    wanted,
    topics.map(({ topic }) => topic),
  );
  try {
    await wire.ends(
      topics.flatMap(({ topic, partitions }) =>
        Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
      ),
    );
  } finally {
    await wire.reset();
  }
}

function topicsOf(wanted: TopicsWanted): readonly Wanted[] {
  const { file, laneCount, prefix = '', replication, agents = [] } = wanted;
  // With fewer than three, requiring two would stop everything at the first restart, so the disk has to do.
  const kept: Record<string, string> =
    replication < 3
      ? { 'min.insync.replicas': '1', 'flush.messages': '1' }
      : { 'min.insync.replicas': String(replication - 1) };
  const shared = file.topics.map(({ name, partitions, settings }) => ({
    topic: prefix + name,
    partitions: partitions === 'lanes' ? laneCount : partitions,
    settings: { ...file.settings, ...kept, ...settings },
  }));
  const inbound = shared.find(({ topic }) => topic === prefix + INBOUND_TOPIC);
  const settings = inbound?.settings ?? { ...file.settings, ...kept };
  const owned = topicsOwned(agents, prefix).map((topic) => ({ topic, partitions: 1, settings }));
  return [...shared, ...owned];
}

async function planned(admin: Admin, wanted: TopicsWanted): Promise<readonly TopicStep[]> {
  const there = new Set(await admin.listTopics());
  const topics = topicsOf(wanted);
  const known = topics.filter(({ topic }) => there.has(topic));
  const names = known.map(({ topic }) => topic);
  const settings = names.length > 0 ? await settingsOf(admin, names) : new Map<string, never>();
  const metadata =
    names.length > 0 ? await admin.fetchTopicMetadata({ topics: names }) : { topics: [] };
  const steps: TopicStep[] = topics
    .filter(({ topic }) => !there.has(topic))
    .map(({ topic, partitions }) => ({ kind: 'create', topic, partitions }));
  for (const want of known) {
    const partitions = metadata.topics.find(({ name }) => name === want.topic)?.partitions ?? [];
    steps.push(...refusals(want, partitions, wanted.replication));
    for (const [setting, value] of Object.entries(want.settings)) {
      const was = settings.get(want.topic)?.get(setting) ?? '';
      if (was !== value) steps.push({ kind: 'set', topic: want.topic, setting, value, was });
    }
  }
  return [...(await accessSteps(admin, wanted)), ...steps];
}

async function accessSteps(
  admin: Admin,
  { agents = [], prefix = '' }: TopicsWanted,
): Promise<readonly TopicStep[]> {
  if (agents.length === 0) return [];
  const { steps, refusals } = await plannedAccess(admin, agents, prefix);
  return [...refusals.map((it) => ({ kind: 'refuse' as const, ...it })), ...steps];
}

/** What Kafka cannot change without moving records from one lane to another, or without a plan of its own. */
function refusals(
  { topic, partitions }: Wanted,
  there: readonly { readonly replicas: readonly number[] }[],
  replication: number,
): readonly TopicStep[] {
  if (there.length !== partitions)
    return [
      {
        kind: 'refuse',
        topic,
        reason: `${topic} has ${there.length} partitions, not ${partitions}`,
      },
    ];
  const few = there.find(({ replicas }) => replicas.length < replication);
  if (!few) return [];
  const reason = `${topic} has ${few.replicas.length} replicas, not ${replication}: use kafka-reassign-partitions`;
  return [{ kind: 'refuse', topic, reason }];
}

async function create(admin: Admin, wanted: TopicsWanted, plan: readonly TopicStep[]) {
  const fresh = new Set(plan.flatMap((step) => (step.kind === 'create' ? [step.topic] : [])));
  if (fresh.size === 0) return;
  await admin.createTopics({
    waitForLeaders: false,
    topics: topicsOf(wanted)
      .filter(({ topic }) => fresh.has(topic))
      .map(({ topic, partitions, settings }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor: wanted.replication,
        configEntries: entriesOf(settings),
      })),
  });
}

/** Kafka replaces all settings of a topic at once, so those that somebody else made are sent along. */
async function set(admin: Admin, wanted: TopicsWanted, plan: readonly TopicStep[]) {
  const changed = new Set(plan.flatMap((step) => (step.kind === 'set' ? [step.topic] : [])));
  const topics = topicsOf(wanted).filter(({ topic }) => changed.has(topic));
  if (topics.length === 0) return;
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map(({ topic }) => ({ type: ConfigResourceTypes.TOPIC, name: topic })),
  });
  const own = new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      Object.fromEntries(
        configEntries
          .filter(({ configSource }) => configSource === TOPIC_SOURCE)
          .map(({ configName, configValue }) => [configName, configValue]),
      ),
    ]),
  );
  await admin.alterConfigs({
    validateOnly: false,
    resources: topics.map(({ topic, settings }) => ({
      type: ConfigResourceTypes.TOPIC,
      name: topic,
      configEntries: entriesOf({ ...own.get(topic), ...settings }),
    })),
  });
}

/** A setting that was made for this topic alone. */
const TOPIC_SOURCE = ConfigSource.TOPIC_CONFIG;

function entriesOf(settings: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(settings).map(([name, value]) => ({ name, value }));
}

async function withAdmin<T>(
  connection: KafkaConnection,
  task: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = clientOf(connection).admin();
  await admin.connect();
  try {
    return await task(admin);
  } finally {
    await admin.disconnect();
  }
}

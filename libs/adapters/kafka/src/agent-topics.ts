import { Name } from '@countersign/contracts';
import { Fault } from '@countersign/kernel';
import kafkajs, { type Admin } from 'kafkajs';
import { settingsOf } from './topics-check.ts';

/** Node finds only some of the names that this CommonJS module exports. */
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

interface Sender {
  readonly tenant: string;
  readonly agent: string;
}

/**
 * A writer chooses how its records are packed, and this client cannot open them all: one such record would end the
 * reading of its partition for everybody. So the broker must pack them anew.
 *
 * @throws Fault `topics_missing`, `topics_unsafe`.
 */
export async function checkInbound(admin: Admin, topics: readonly string[]): Promise<void> {
  const there = new Set(await admin.listTopics());
  const missing = topics.filter((topic) => !there.has(topic));
  if (missing.length > 0)
    throw refusal('topics_missing', `no topics ${missing.join(', ')}: run "countersign setup"`);
  for (const [topic, settings] of await settingsOf(admin, topics)) {
    const packing = settings.get('compression.type') ?? '';
    if (packing !== 'uncompressed' && packing !== 'gzip')
      throw refusal(
        'topics_unsafe',
        `${topic}: compression.type is ${packing}, not uncompressed or gzip`,
      );
  }
}

/**
 * Topics `<shared>.<tenant>.<agent>`, each with the agent it stands for.
 *
 * @throws Fault `topics_unsafe` for one that not exactly one principal may write to, as far as the brokers' ACLs say.
 */
export async function topicsOfAgents(
  admin: Admin,
  shared: string,
): Promise<ReadonlyMap<string, Sender>> {
  const topics = new Map<string, Sender>();
  for (const topic of await admin.listTopics()) {
    if (!topic.startsWith(`${shared}.`)) continue;
    const [tenant, agent, ...rest] = topic.slice(shared.length + 1).split('.');
    if (rest.length > 0 || !Name.safeParse(tenant).success || !Name.safeParse(agent).success)
      continue;
    const writers = await writersOf(admin, topic);
    if (writers.length !== 1 || writers[0] === 'User:*')
      throw refusal(
        'topics_unsafe',
        `${topic}: exactly one principal must be allowed to write, not ${writers.join(', ') || 'none'}`,
      );
    topics.set(topic, { tenant: tenant ?? '', agent: agent ?? '' });
  }
  return topics;
}

/** Principals that some rule lets write, whatever pattern it has for the name. */
export async function writersOf(admin: Admin, topic: string): Promise<readonly string[]> {
  const { resources } = await admin.describeAcls({
    resourceType: AclResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: ResourcePatternTypes.MATCH,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ALLOW,
  });
  const writing: readonly number[] = [AclOperationTypes.WRITE, AclOperationTypes.ALL];
  const principals = resources
    .flatMap(({ acls }) => acls)
    .filter(({ operation }) => writing.includes(operation))
    .map(({ principal }) => principal);
  return [...new Set(principals)];
}

function refusal(code: string, message: string): Fault {
  return new Fault(code, message, { retryable: false });
}

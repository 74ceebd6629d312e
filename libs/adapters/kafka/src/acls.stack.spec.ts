import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  ARCHIVE_EVENTS,
  CONTROL_EVENTS,
  type EventName,
  LANE_EVENTS,
  SERVICES,
  type Service,
  WRITERS,
} from '@countersign/contracts';
import { ARCHIVE, CONTROL } from '@countersign/ports';
import kafkajs, { type AclEntry, type Admin } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type KafkaServer, startKafka } from '../../../../deploy/local/kafka.mjs';
import { openKafkaInbox } from './agent-inbox.ts';
import { openKafkaOutbox } from './agent-outbox.ts';
import { clientOf } from './connection.ts';
import { kafkaDuty } from './kafka-duty.ts';
import { openKafkaLog } from './kafka-log.ts';
import { guarded } from './testing/guarded.ts';
import { topicsFile } from './testing/log-under-test.ts';
import { applyTopics, planTopics } from './topics.ts';

const {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ConfigResourceTypes,
  ResourcePatternTypes,
} = kafkajs;
const PAGE = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');
const PREFIX = 'cs.';
const LANES = 2;
const AGENT = { tenant: 'default', agent: 'research-1', principal: 'User:research-1' };
/** Every replica of the recorder records all lanes. */
const SHARING = SERVICES.filter((service) => service !== 'recorder');
const PASSWORDS = new Map(
  ['root', 'set-up', ...SERVICES].map((name) => [name, randomUUID()] as const),
);

const OPERATIONS: Readonly<Record<string, number>> = {
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
  Create: AclOperationTypes.CREATE,
  Alter: AclOperationTypes.ALTER,
  Describe: AclOperationTypes.DESCRIBE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
  AlterConfigs: AclOperationTypes.ALTER_CONFIGS,
};

/** What the table of the documentation allows. */
function documented(): AclEntry[] {
  const rows = [...PAGE.matchAll(/^\| ((?:topics?|cluster)\b[^|]*)\|([^|]*)\|([^|]*)\|$/gm)];
  return rows.flatMap(([, on = '', who = '', may = '']) => {
    const [, named = ''] = /`([^`]+)`/.exec(on) ?? [];
    const whom = who.trim() === 'every service' ? SERVICES : who.trim().split(', ');
    const kinds = (['cluster', 'topic', 'group'] as const).filter((kind) => on.includes(kind));
    return whom.flatMap((principal) =>
      kinds.flatMap((kind) =>
        may
          .trim()
          .split(', ')
          // A group has no settings to describe.
          .filter((operation) => kind !== 'group' || operation === 'Read')
          .map((operation) => ({
            ...resourceOf(kind, named.replace('<service>', principal)),
            principal: `User:${principal}`,
            host: '*',
            operation: OPERATIONS[operation] ?? AclOperationTypes.UNKNOWN,
            permissionType: AclPermissionTypes.ALLOW,
          })),
      ),
    );
  });
}

function resourceOf(kind: 'cluster' | 'topic' | 'group', name: string) {
  const { LITERAL, PREFIXED } = ResourcePatternTypes;
  if (kind === 'cluster')
    return {
      resourceType: AclResourceTypes.CLUSTER,
      resourceName: 'kafka-cluster',
      resourcePatternType: LITERAL,
    };
  return {
    resourceType: kind === 'topic' ? AclResourceTypes.TOPIC : AclResourceTypes.GROUP,
    resourceName: PREFIX + name.replace('*', ''),
    resourcePatternType: name.endsWith('*') ? PREFIXED : LITERAL,
  };
}

let server: KafkaServer;
let admin: Admin;
beforeAll(async () => {
  server = await startKafka({ settings: guarded(PASSWORDS) });
  admin = clientOf(as('root')).admin();
  await admin.connect();
  const acl = documented();
  expect(acl.map(({ operation }) => operation)).not.toContain(AclOperationTypes.UNKNOWN);
  await admin.createAcls({ acl });
});
afterAll(async () => {
  await admin.disconnect();
  await server.stop();
});

function as(who: string) {
  return {
    brokers: server.brokers,
    clientId: who,
    prefix: PREFIX,
    laneCount: LANES,
    sasl: { mechanism: 'plain' as const, username: who, password: PASSWORDS.get(who) ?? '' },
  };
}

const KINDS = [
  ['0', LANE_EVENTS],
  [CONTROL, CONTROL_EVENTS],
  [ARCHIVE, ARCHIVE_EVENTS],
] as const;

/** A lane of each kind that the service writes to: what it may record stands there, or it may be told to append it again. */
function writtenBy(service: Service): readonly string[] {
  const isOwn = (name: string) => WRITERS[name as EventName] === service;
  const kinds = KINDS.filter(([, events]) => Object.keys(events).some(isOwn));
  return (service === 'recorder' ? KINDS : kinds).map(([lane]) => lane);
}

const record = (lane: string) => ({ lane, key: 'k', bytes: Uint8Array.of(1) });

describe('with no more than the documentation lets it do', () => {
  beforeAll(async () => {
    const wanted = {
      ...as('set-up'),
      ...{ file: topicsFile, replication: 1, agents: [AGENT] },
    };
    await applyTopics(wanted);
    const other = { name: 'retention.ms', value: '1000' };
    const topic = { type: ConfigResourceTypes.TOPIC, name: `${PREFIX}lanes` };
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ ...topic, configEntries: [other] }],
    });
    expect(await applyTopics(wanted)).toContainEqual(expect.objectContaining({ kind: 'set' }));
    expect(await planTopics(wanted)).toEqual([]);
  });

  it.each(SERVICES)(
    '%s opens the log, reads it, and writes what it may record',
    async (service) => {
      const log = await openKafkaLog(as(service));
      onTestFinished(() => log.close());
      for (const [lane] of KINDS) {
        const isOwn = writtenBy(service).includes(lane);
        if (isOwn) expect(await log.append([record(lane)])).toMatchObject([{ lane }]);
        else await expect(log.append([record(lane)])).rejects.toThrow(/authoriz/i);
        if (lane !== ARCHIVE || isOwn) expect(await log.end(lane)).toBeGreaterThanOrEqual(0);
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const seen = log.subscribe(new Map([['0', 0]]), () => resolve(), reject);
      await promise;
      await seen.close();
    },
  );

  it.each(SHARING)('%s is given its lanes', async (service) => {
    const shares = kafkaDuty({ ...as(service), service });
    const { promise, resolve } = Promise.withResolvers<void>();
    shares.onChange(() => shares.holds(0) && resolve());
    shares.join();
    await promise;
    await shares.close();
  });

  it('intake takes messages from everybody and from an agent’s own topic, and answers', async () => {
    const inbox = await openKafkaInbox({ ...as('intake'), topicsOfAgents: true });
    const got = new Set<string>();
    const { promise, resolve } = Promise.withResolvers<void>();
    const receiver = inbox.receive(({ bytes }) => {
      got.add(Buffer.from(bytes).toString());
      if (got.size === 2) resolve();
      return Promise.resolve();
    });
    onTestFinished(() => receiver.close());
    const producer = clientOf(as('root')).producer({ allowAutoTopicCreation: false });
    await producer.connect();
    for (const topic of ['intents.inbound', 'intents.inbound.default.research-1'])
      await producer.send({ topic: PREFIX + topic, messages: [{ value: topic }] });
    await producer.disconnect();
    await promise;
    expect(await inbox.read(`${PREFIX}intents.inbound.default.research-1:0:0`)).not.toBeNull();

    const outbox = await openKafkaOutbox(as('intake'));
    onTestFinished(() => outbox.close());
    await outbox.publish([{ lane: 0, key: 'k', bytes: Uint8Array.of(1), through: 3 }]);
    expect(await outbox.through(0)).toBe(3);
  });
});

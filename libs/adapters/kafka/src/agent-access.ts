import { INBOUND_TOPIC, Name, OUTCOMES_TOPIC } from '@countersign/contracts';
import kafkajs, { type Admin, type AclEntry } from 'kafkajs';
import { z } from 'zod';
import { writersOf } from './agent-topics.ts';

/** Node finds only some of the names that this CommonJS module exports. */
const {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  KafkaJSProtocolError,
  ResourcePatternTypes,
} = kafkajs;

/** Whom the brokers log in as an agent. */
const AgentPrincipal = z.strictObject({
  tenant: Name.default('default'),
  agent: Name,
  principal: z.string().regex(/^User:[^*\s][^\n]*$/, 'one principal, such as "User:research-1"'),
});
export type AgentPrincipal = z.infer<typeof AgentPrincipal>;

/** Agents that are known by the topic they write to: each has one of its own. */
export const AgentsFile = z
  .array(AgentPrincipal)
  .min(1)
  .max(10_000)
  .refine((all) => new Set(all.map(topicName)).size === all.length, 'an agent stands there twice');

/** What a principal lacks that it must be allowed to do. */
export interface AccessStep {
  readonly kind: 'allow';
  readonly principal: string;
  readonly operation: 'read' | 'write';
  readonly resource: 'topic' | 'group';
  /** Name of the topic or of the consumer group. */
  readonly name: string;
}

type Access = Omit<AccessStep, 'kind'>;

const OPERATIONS = { read: AclOperationTypes.READ, write: AclOperationTypes.WRITE };
const RESOURCES = { topic: AclResourceTypes.TOPIC, group: AclResourceTypes.GROUP };

/** The topic that stands for an agent, without a prefix. */
function topicName({ tenant, agent }: AgentPrincipal): string {
  return `${INBOUND_TOPIC}.${tenant}.${agent}`;
}

/** Names of the agents' own topics. */
export function topicsOwned(agents: readonly AgentPrincipal[], prefix: string): readonly string[] {
  return agents.map((it) => prefix + topicName(it));
}

/** An agent writes to its own topic, and reads outcomes in a consumer group of its own. */
function accessOf(it: AgentPrincipal, prefix: string): readonly Access[] {
  const { tenant, agent, principal } = it;
  return [
    { principal, operation: 'write', resource: 'topic', name: prefix + topicName(it) },
    { principal, operation: 'read', resource: 'topic', name: prefix + OUTCOMES_TOPIC },
    { principal, operation: 'read', resource: 'group', name: `agent-${tenant}-${agent}` },
  ];
}

/**
 * What the agents lack, and why a topic cannot stand for its agent: somebody else may write to it, or no broker holds
 * anybody to anything. Changes nothing.
 */
export async function plannedAccess(
  admin: Admin,
  agents: readonly AgentPrincipal[],
  prefix: string,
): Promise<{ readonly steps: readonly AccessStep[]; readonly refusals: readonly Refusal[] }> {
  const steps: AccessStep[] = [];
  const refusals: Refusal[] = [];
  try {
    for (const it of agents) {
      const topic = prefix + topicName(it);
      const others = (await writersOf(admin, topic)).filter((who) => who !== it.principal);
      if (others.length > 0)
        refusals.push({ topic, reason: `${topic}: ${others.join(', ')} may write to it as well` });
      for (const access of accessOf(it, prefix))
        if (!(await isAllowed(admin, access))) steps.push({ kind: 'allow', ...access });
    }
  } catch (error) {
    if (!(error instanceof KafkaJSProtocolError) || error.type !== 'SECURITY_DISABLED') throw error;
    const topic = prefix + INBOUND_TOPIC;
    const reason = 'the brokers have no authorizer: no topic proves who wrote to it';
    return { steps: [], refusals: [{ topic, reason }] };
  }
  return { steps, refusals };
}

interface Refusal {
  readonly topic: string;
  readonly reason: string;
}

/** Allows what is missing; what is allowed already stays once. */
export async function allow(admin: Admin, steps: readonly AccessStep[]): Promise<void> {
  if (steps.length === 0) return;
  await admin.createAcls({ acl: steps.map(entryOf) });
}

function entryOf({ principal, operation, resource, name }: AccessStep): AclEntry {
  return {
    resourceType: RESOURCES[resource],
    resourceName: name,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal,
    host: '*',
    operation: OPERATIONS[operation],
    permissionType: AclPermissionTypes.ALLOW,
  };
}

/** Whether some rule lets the principal do it from everywhere, whatever pattern it has for the name. */
async function isAllowed(admin: Admin, access: Access): Promise<boolean> {
  const { resources } = await admin.describeAcls({
    resourceType: RESOURCES[access.resource],
    resourceName: access.name,
    resourcePatternType: ResourcePatternTypes.MATCH,
    principal: access.principal,
    host: '*',
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ALLOW,
  });
  const enough: readonly number[] = [OPERATIONS[access.operation], AclOperationTypes.ALL];
  return resources.some(({ acls }) => acls.some(({ operation }) => enough.includes(operation)));
}

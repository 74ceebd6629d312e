import type { ControlEvent } from '@countersign/contracts';
import { unreachable } from '@countersign/kernel';
import type { AgentEntry, Principal, TenantEvent, TenantView } from './tenant.ts';

/** The agents after a record about one. */
export function evolveAgents(
  agents: TenantView['agents'],
  event: Extract<ControlEvent, { name: `agent.${string}` }>,
): TenantView['agents'] {
  const { agent } = event.data;
  if (event.name === 'agent.added') {
    const { wallet, credentialDigest: credential } = event.data;
    return added(agents, agent, { wallets: [wallet], credential, messageKeys: null });
  }
  const before = agents.get(agent);
  return before ? added(agents, agent, changedAgent(before, event)) : agents;
}

function changedAgent(
  agent: AgentEntry,
  event: Extract<ControlEvent, { name: `agent.${string}_${string}` }>,
): AgentEntry {
  switch (event.name) {
    case 'agent.wallet_added':
      return { ...agent, wallets: [...agent.wallets, event.data.wallet] };
    case 'agent.credential_replaced':
      return { ...agent, credential: event.data.credentialDigest };
    case 'agent.message_keys_set':
      return { ...agent, messageKeys: event.data.keys };
    default:
      return unreachable(event);
  }
}

/** Whose credential is whose after a record. */
export function credentialsAfter(
  credentials: ReadonlyMap<string, Principal>,
  before: TenantView,
  event: TenantEvent,
): ReadonlyMap<string, Principal> {
  const { tenant } = event.data;
  switch (event.name) {
    case 'person.added':
      return added(credentials, event.data.credentialDigest, {
        kind: 'person',
        tenant,
        person: event.data.person,
      });
    case 'agent.added':
    case 'agent.credential_replaced': {
      const { agent, credentialDigest } = event.data;
      const after = new Map(credentials);
      after.delete(before.agents.get(agent)?.credential ?? '');
      return after.set(credentialDigest, { kind: 'agent', tenant, agent });
    }
    default:
      return credentials;
  }
}

function added<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(map).set(key, value);
}

import type { Seller } from '@countersign/contracts';
import type { Registry } from '@countersign/policy/service';
import {
  AGENTS,
  KEYS,
  NETWORK,
  PEOPLE,
  SELLERS,
  SESSIONS,
  SIGNING_SERVICES,
  TASKS,
  TENANTS,
  type TenantName,
  credentialOf,
} from '../cast.ts';
import { insist } from '../client.ts';
import { type Looseness, policyText } from '../policies.ts';
import type { World } from '../world.ts';

const PRICES: Readonly<Record<string, string>> = { embeddings: '60000', weather: '100000' };

/** The registry's record of a seller as the world has it. */
export function recordOf(seller: (typeof SELLERS)[number]): Seller {
  const { payTo, ...known } = seller;
  const expectedAmount = PRICES[seller.seller];
  return {
    ...known,
    payTo: [{ network: NETWORK, address: payTo }],
    jurisdiction: 'DE',
    takes: seller.seller === 'weather' ? 'eoa' : 'any',
    routes:
      expectedAmount === undefined
        ? []
        : [
            { path: '/v1', expectedAmount },
            { path: '/v1/bulk', category: 'bulk' },
          ],
  };
}

const START: Looseness = { amounts: 1, quorum: 2, again: true, delaySeconds: 0 };

/** People, wallets, agents, sellers and a first policy for every tenant, in calm weather. */
export async function found(world: World): Promise<void> {
  const announced = SIGNING_SERVICES.map((service) => {
    const { keyId, publicKey } = KEYS[service];
    const sign = () => Promise.reject(new Error('not asked'));
    const key = { capabilities: { inProcess: false }, keyId, publicKey, sign };
    return insist(world, 'announce a key', ({ registry }) => registry.announceKey(service, key));
  });
  await Promise.all([...announced, ...TENANTS.map((tenant) => foundTenant(world, tenant))]);
}

async function foundTenant(world: World, tenant: TenantName): Promise<void> {
  const owner = { tenant, person: 'owner' };
  const act = (name: string, change: (registry: Registry) => Promise<unknown>) => {
    world.acts.note(`${name}/${tenant}`);
    return insist(world, name, ({ registry }) => change(registry));
  };
  const agents = AGENTS.filter((it) => it.tenant === tenant);
  const sellers = SELLERS.filter((it) => it.seller !== 'news' || tenant === 'acme');
  await Promise.all([
    ...PEOPLE.map(({ person, roles }) =>
      act('person.added', (to) =>
        to.addPerson(owner, person, roles, credentialOf({ tenant, person })),
      ),
    ),
    ...[...new Set(agents.map((it) => it.wallet))].map((wallet) =>
      act('wallet.requested', (to) => to.requestWallet(owner, wallet)),
    ),
    ...sellers.map((it) =>
      act('seller.registered', (to) => to.registerSeller(owner, recordOf(it))),
    ),
    act('policy.put', (to) => to.putPolicy(owner, policyText(START, 0))),
  ]);
  await Promise.all([
    ...agents.map((it) => act('agent.added', (to) => to.addAgent(owner, it.agent, it.wallet))),
    act('policy.activated', (to) => to.activatePolicy({ tenant, person: 'ann' }, 1)),
  ]);
  for (const { agent, account } of agents) {
    if (account === undefined) continue;
    await act('wallet.requested', (to) => to.requestWallet(owner, account, 'erc1271-p256'));
    await act('agent.wallet_added', (to) => to.addAgentWallet(owner, agent, account));
  }
  await Promise.all(
    agents.map(({ agent }) => {
      world.acts.note(`task.opened/${tenant}`);
      const task = { task: TASKS[0], phase: 'executing', unit: 'USD', ceiling: '1500000' } as const;
      return insist(world, 'open a task', ({ tasks }) => tasks.open(owner, agent, task));
    }),
  );
  await Promise.all(
    agents.map(({ agent }) => {
      world.acts.note(`session.opened/${tenant}`);
      const terms = { seconds: 600, unit: 'USD', ceiling: '2500000' };
      return insist(world, 'open a session', ({ sessions }) =>
        sessions.open(owner, agent, SESSIONS[0], terms),
      );
    }),
  );
  // From here on what loosens waits: that a policy says so is itself no loosening.
  await act('policy.put', (to) =>
    to.putPolicy(owner, policyText({ ...START, delaySeconds: 4 }, 1)),
  );
  await act('policy.activated', (to) => to.activatePolicy({ tenant, person: 'ann' }, 2));
}

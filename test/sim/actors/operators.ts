import { type Wallet, tenantOf } from '@countersign/payment';
import { walletKeyName } from '@countersign/signing';
import {
  AGENTS,
  NETWORK,
  type Owner,
  SELLERS,
  STRANGER,
  TENANTS,
  TREASURY,
  type TenantName,
  USDC,
} from '../cast.ts';
import { request } from '../client.ts';
import type { Dice } from '../dice.ts';
import { drawLooseness, policyText } from '../policies.ts';
import { turnOf } from '../turns.ts';
import type { World } from '../world.ts';
import { recordOf } from './founding.ts';
import { changeSession } from './sessions.ts';
import { changeTask } from './tasks.ts';

/** Operators freeze and lift, change policies and sellers, open tasks and empty wallets. */
export function operatorsAtWork(world: World): void {
  const dice = world.dice.fork('operators');
  const next = () => {
    if (world.weather.isCalm) return;
    void act(world, dice);
    world.scheduler.after(dice.between(300, 8_000), 'an operator acts', next);
  };
  world.scheduler.after(3_000, 'operators begin', next);
}

/** What operators do, and how often in proportion. */
export type Manners = { readonly [manner in keyof typeof MANNERS]: number };
const MANNERS = {
  policy: 6,
  freezeAgent: 2,
  freezeAll: 1,
  unfreezeAgent: 5,
  unfreezeAll: 5,
  seller: 2,
  cancelChange: 1,
  task: 9,
  session: 6,
  withdraw: 2,
  credential: 1,
  rotate: 3,
  unfreezeWallet: 4,
  revoke: 3,
  replaceWallet: 6,
  acceptRestore: 3,
};

/** Three runs of a group of seeds hand accounts over often: in two of them a stolen key may keep that from ending. */
function mannersIn({ options: { seed }, often }: World): Manners {
  const rotating = turnOf(seed, 'rotations') < 3 && { rotate: 20 };
  return { ...MANNERS, ...rotating, ...often.operators };
}

async function act(world: World, dice: Dice): Promise<void> {
  const owner = dice.pick(AGENTS);
  const { tenant } = owner;
  const manner = dice.weighted(mannersIn(world));
  world.weather.count(`operators: ${manner}`);
  switch (manner) {
    case 'policy':
      return changePolicy(world, dice, dice.pick(TENANTS));
    case 'freezeAgent':
      return freezeAgent(world, owner);
    case 'freezeAll':
      return freezeAll(world, tenant);
    case 'unfreezeAgent':
      world.acts.note(`agent.unfrozen/${tenant}`);
      return done(
        request(world, 'unfreeze', (it) => it.registry.unfreezeAgent(byOf(tenant), owner.agent)),
      );
    case 'unfreezeAll':
      world.acts.note(`tenant.unfrozen/${tenant}`);
      return done(request(world, 'unfreeze all', (it) => it.registry.unfreezeAll(byOf(tenant))));
    case 'seller':
      return changeSeller(world, dice, tenant);
    case 'cancelChange':
      return cancelChange(world, dice, tenant);
    case 'task':
      return changeTask(world, dice, owner);
    case 'session':
      return changeSession(world, dice, owner);
    case 'withdraw':
      return withdraw(world, dice, owner);
    case 'rotate':
      return rotate(world, dice);
    case 'revoke':
      return revoke(world, dice, owner);
    case 'replaceWallet':
      return replaceWallet(world, dice, owner);
    case 'acceptRestore':
      return acceptRestore(world, tenant);
    case 'unfreezeWallet':
      world.acts.note(`wallet.unfrozen/${tenant}`);
      return done(
        request(world, 'unfreeze a wallet', (it) =>
          it.registry.unfreezeWallet(byOf(tenant), dice.pick(walletsOf(world, owner)).id),
        ),
      );
    case 'credential':
      world.acts.note(`agent.credential_replaced/${tenant}`);
      return done(
        request(world, 'replace', (it) =>
          it.registry.replaceAgentCredential(byOf(tenant), owner.agent),
        ),
      );
  }
}

/** The wallets an agent has, revoked ones too. */
function walletsOf({ history }: World, { tenant, agent }: Owner): readonly Wallet[] {
  const view = tenantOf(history.views.at(-1)!, tenant);
  return (view.agents.get(agent)?.wallets ?? []).flatMap((id) => view.wallets.get(id) ?? []);
}

/** The wallet of a kind that an agent pays with. */
function inUse(world: World, owner: Owner, kind: Wallet['kind']): string | undefined {
  return walletsOf(world, owner).find((it) => it.kind === kind && !it.revocation)?.id;
}

const byOf = (tenant: TenantName) => ({ tenant, person: 'owner' });
const done = async (answer: Promise<unknown>): Promise<void> => void (await answer);

/** Tighter or looser; put by one, activated by another, or in vain by the same. */
async function changePolicy(world: World, dice: Dice, tenant: TenantName): Promise<void> {
  const text = policyText(drawLooseness(dice), dice.between(1, 1_000_000));
  world.acts.note(`policy.put/${tenant}`);
  const put = await request(world, 'put a policy', (it) =>
    it.registry.putPolicy(byOf(tenant), text),
  );
  if (put.kind !== 'answer') return;
  const person = dice.chance(0.1) ? 'owner' : 'ann';
  const { version } = put.value;
  world.acts.note(`policy.activated/${tenant}`);
  world.acts.note(`change.scheduled/${tenant}`);
  await request(world, 'activate a policy', (it) =>
    it.registry.activatePolicy({ tenant, person }, version),
  );
}

async function freezeAgent(world: World, { tenant, agent }: Owner): Promise<void> {
  const answer = await request(world, 'freeze', (it) =>
    it.registry.freezeAgent(byOf(tenant), agent, 'it behaves oddly'),
  );
  if (answer.kind !== 'answer') return;
  const tooLate = new Set(answer.value.tooLate);
  world.acts.acknowledge({ kind: 'agent', tenant, agent, tooLate }, answer.value.back.position);
}

async function freezeAll(world: World, tenant: TenantName): Promise<void> {
  const answer = await request(world, 'freeze all', (it) =>
    it.registry.freezeAll(byOf(tenant), undefined),
  );
  if (answer.kind === 'answer')
    world.acts.acknowledge({ kind: 'tenant', tenant, tooLate: new Set() }, answer.value.position);
}

async function acceptRestore(world: World, tenant: TenantName): Promise<void> {
  const view = world.history.views.at(-1);
  const digest = view && tenantOf(view, tenant).restore;
  if (typeof digest !== 'string') return;
  world.acts.note(`restore.accepted/${tenant}`);
  await request(world, 'accept a loss', (it) => it.registry.acceptRestore(byOf(tenant), digest));
}

async function changeSeller(world: World, dice: Dice, tenant: TenantName): Promise<void> {
  const seller = dice.pick(SELLERS);
  if (dice.chance(0.3)) {
    world.acts.note(`seller.removed/${tenant}`);
    return done(
      request(world, 'remove a seller', (it) =>
        it.registry.removeSeller(byOf(tenant), seller.seller),
      ),
    );
  }
  const trust = dice.pick(['known', 'verified'] as const);
  world.acts.note(`seller.registered/${tenant}`);
  world.acts.note(`change.scheduled/${tenant}`);
  await request(world, 'register a seller', (it) =>
    it.registry.registerSeller(byOf(tenant), { ...recordOf(seller), trust }),
  );
}

async function cancelChange(world: World, dice: Dice, tenant: TenantName): Promise<void> {
  const view = world.history.views.at(-1);
  const waiting = view ? [...tenantOf(view, tenant).changes.keys()] : [];
  if (waiting.length === 0) return;
  const change = dice.pick(waiting);
  await request(world, 'cancel a change', (it) => it.registry.cancelChange(byOf(tenant), change));
}

async function rotate(world: World, dice: Dice): Promise<void> {
  const accounts = AGENTS.flatMap((owner) => {
    const account = inUse(world, owner, 'erc1271-p256');
    return account === undefined ? [] : [{ tenant: owner.tenant, account }];
  });
  if (accounts.length === 0) return;
  const { tenant, account } = dice.pick(accounts);
  world.acts.note(`wallet.rotation_ordered/${tenant}`);
  await request(world, 'rotate', (it) => it.registry.rotateWallet(byOf(tenant), account));
}

async function revoke(world: World, dice: Dice, owner: Owner): Promise<void> {
  const { tenant } = owner;
  const { id } = dice.pick(walletsOf(world, owner));
  world.acts.note(`wallet.revoke_ordered/${tenant}`);
  const answer = await request(world, 'revoke', (it) => it.registry.revokeWallet(byOf(tenant), id));
  if (answer.kind === 'answer')
    world.acts.revocations.set(walletKeyName(tenant, id), new Set(answer.value.outstanding));
}

/** Gives an agent another wallet in place of one that is revoked. */
async function replaceWallet(world: World, dice: Dice, owner: Owner): Promise<void> {
  const { tenant, agent } = owner;
  const revoked = walletsOf(world, owner).filter(
    ({ kind, revocation }) => revocation && inUse(world, owner, kind) === undefined,
  );
  const [old] = revoked;
  if (!old) return;
  const wallet = `${agent}-${dice.between(1, 1_000_000)}`;
  world.acts.note(`wallet.requested/${tenant}`);
  const made = await request(world, 'request a wallet', (it) =>
    it.registry.requestWallet(byOf(tenant), wallet, old.kind),
  );
  if (made.kind !== 'answer') return;
  world.acts.note(`agent.wallet_added/${tenant}`);
  world.acts.note(`change.scheduled/${tenant}`);
  await request(world, 'give a wallet', (it) =>
    it.registry.addAgentWallet(byOf(tenant), agent, wallet),
  );
}

async function withdraw(world: World, dice: Dice, owner: Owner): Promise<void> {
  const { tenant } = owner;
  const wallet = inUse(world, owner, dice.chance(0.3) ? 'erc1271-p256' : 'eoa-secp256k1');
  if (wallet === undefined) return;
  const to = dice.chance(0.2) ? STRANGER : TREASURY;
  const body = { network: NETWORK, asset: USDC, amount: String(dice.between(1, 9) * 100_000), to };
  const order = { tenant, wallet, person: 'owner' };
  const key = dice.chance(0.5) ? `withdrawal-${dice.between(1, 1_000_000)}` : undefined;
  for (let press = dice.pick([1, 1, 2]); press > 0; press -= 1)
    await request(world, 'withdraw', (it) => it.intake.withdraw(order, body, key));
}

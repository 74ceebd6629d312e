import { fixedOf, isAccount, tenantOf } from '@countersign/payment';
import { sha256Hex } from '@countersign/kernel';
import { CHAIN_ID, STRANGER, TENANTS, USDC } from '../cast.ts';
import type { Dice } from '../dice.ts';
import { ACCOUNTS, ownerOf, signedByOwner } from '../owners.ts';
import type { World } from '../world.ts';

const LOOK_MS = 6_000;
export const THIEF = ownerOf('thief', 1);

/** Somebody with a wallet's key takes money: by the account itself, by the wallet's own transaction, or by an authorization of their own. */
export function thiefAtWork(world: World): void {
  const { scheduler, weather, chain, vault } = world;
  const dice = world.dice.fork('thief');
  let made = 0;
  const steal = () => {
    const view = tenantOf(world.history.views.at(-1)!, dice.pick(TENANTS));
    const wallets = [...view.wallets.values()];
    if (wallets.length === 0) return;
    const from = dice.pick(wallets).address;
    const taken = { token: USDC, from, to: STRANGER, value: BigInt(dice.between(1, 9)) };
    if (dice.chance(0.5)) return chain.submit({ kind: 'plain', ...taken });
    made += 1;
    const hiding = dice.chance(0.4) ? dice.pick(['', ...noncesOfOthers(world, from)]) : '';
    if (hiding !== '') weather.count('theft with a nonce of another wallet');
    const nonce = hiding || `0x${sha256Hex(`stolen/${made}`)}`;
    world.stolenUses.add(`${from}/${nonce}`);
    const validBefore = Math.floor(scheduler.nowMs / 1_000) + 3_600;
    const unsigned = { kind: 'transfer' as const, ...taken, nonce, validAfter: 0, validBefore };
    const signature = vault.stolenSignature(CHAIN_ID, { ...unsigned, signature: '' });
    return chain.submit({ ...unsigned, signature });
  };
  const next = () => {
    if (weather.isCalm) return;
    if (weather.strikes('theft')) steal();
    if (weather.strikes('taking')) take(world, dice);
    if (weather.strikes('poisoning')) poison(world, dice);
    scheduler.after(dice.between(LOOK_MS / 2, LOOK_MS * 2), 'a thief looks', next);
  };
  scheduler.after(LOOK_MS, 'a thief looks', next);
}

/** Anybody reads them on the chain; what another wallet paid with one of them is recorded and settled. */
function noncesOfOthers({ history }: World, wallet: string): readonly string[] {
  return history
    .payments()
    .filter(({ phase }) => phase.status === 'ended' && phase.how === 'settled')
    .flatMap((payment) => fixedOf(payment)?.authorization ?? [])
    .filter(({ from }) => from !== wallet)
    .map(({ nonce }) => nonce);
}

/** Without any key: what looks like a payment of the wallet's, so that somebody copies the payee. */
function poison({ chain, history }: World, dice: Dice): void {
  const wallets = [...tenantOf(history.views.at(-1)!, dice.pick(TENANTS)).wallets.values()];
  if (wallets.length === 0) return;
  const from = dice.pick(wallets).address;
  chain.submit({ kind: 'plain', token: USDC, from, to: STRANGER, value: 0n });
}

/** An account is given to a key of the thief's. */
function take({ chain, history }: World, dice: Dice): void {
  const { wallets } = tenantOf(history.views.at(-1)!, dice.pick(TENANTS));
  const account = [...wallets.values()].find(isAccount)?.address;
  const now = account && chain.accounts.readAt(account, chain.at('latest', 0)).account;
  if (!now || now.owner === THIEF) return;
  const rotation = { account, chainId: CHAIN_ID, newOwner: THIEF, rotation: now.rotations };
  const digest = ACCOUNTS.rotationDigest(rotation);
  const [signature, acceptance] = [now.owner, THIEF].map((owner) => signedByOwner(owner, digest));
  void chain.accounts.rotate({ ...rotation, signature: signature!, acceptance: acceptance! });
}

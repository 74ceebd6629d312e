import { tenantOf } from '@countersign/payment';
import { sha256Hex } from '@countersign/kernel';
import { CHAIN_ID, STRANGER, TENANTS, USDC } from '../cast.ts';
import type { World } from '../world.ts';

const LOOK_MS = 6_000;

/** Somebody with a wallet's key takes money: by the wallet's own transaction, or by an authorization of their own. */
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
    const nonce = `0x${sha256Hex(`stolen/${made}`)}`;
    world.stolenNonces.add(nonce);
    const validBefore = Math.floor(scheduler.nowMs / 1_000) + 3_600;
    const unsigned = { kind: 'transfer' as const, ...taken, nonce, validAfter: 0, validBefore };
    const signature = vault.stolenSignature(CHAIN_ID, { ...unsigned, signature: '' });
    return chain.submit({ ...unsigned, signature });
  };
  const next = () => {
    if (weather.isCalm) return;
    if (weather.strikes('theft')) steal();
    scheduler.after(dice.between(LOOK_MS / 2, LOOK_MS * 2), 'a thief looks', next);
  };
  scheduler.after(LOOK_MS, 'a thief looks', next);
}

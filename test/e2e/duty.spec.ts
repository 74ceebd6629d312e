import { openStore } from '@countersign/adapter-sqlite';
import { encodeEvent } from '@countersign/contracts';
import { CONTROL } from '@countersign/ports';
import {
  DebtRunner,
  LaneHost,
  WalletDebtRunner,
  signStatement,
  silentLog,
} from '@countersign/service-kit';
import { MemoryDuty, PaidLog, VirtualTime, statementKeyOf } from '@countersign/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';

const LANES = 4;
const PAYMENTS = 12;

/** Replicas of policy over one log, each with a share of the lanes; deciding is never done, so that it stays owed. */
async function policyReplicas() {
  const time = new VirtualTime(1_790_000_000_000);
  const { log } = openStore({ path: ':memory:', laneCount: LANES, clock: time.clock });
  onTestFinished(() => log.close());
  const paid = new PaidLog(LANES, 8);
  await log.append(await paid.founding());
  const duty = new MemoryDuty(LANES);

  const propose = async (index: number) => {
    const [intent] = await paid.payment(index, time.nowMs, 'vetoed');
    if (intent) await log.append([intent]);
  };
  const replica = async () => {
    const host = new LaneHost(log, paid.trusted, () => undefined);
    onTestFinished(() => host.close());
    await host.start();
    const share = duty.join();
    const decided = new Set<string>();
    const runner = new DebtRunner({
      service: 'policy',
      host,
      duty: share,
      effects: {
        decide: (payment) => {
          decided.add(payment.id);
          return Promise.resolve({ againAfterMs: 60_000 });
        },
      },
      clock: time.clock,
      timers: time.timers,
      log: silentLog,
    });
    runner.start();
    onTestFinished(() => runner.stop());
    const caughtUp = async () => {
      for (let lane = 0; lane < LANES; lane += 1) await host.caughtUp(String(lane));
    };
    return { share, decided, caughtUp };
  };
  return { paid, propose, replica };
}

/** Replicas of the signer over a log in which so many wallets were asked for; what is made is only noted. */
async function signerReplicas(walletCount: number) {
  const time = new VirtualTime(1_790_000_000_000);
  const { log } = openStore({ path: ':memory:', laneCount: LANES, clock: time.clock });
  onTestFinished(() => log.close());
  const key = statementKeyOf('policy');
  const trusted = new Map([[key.keyId, { service: 'policy', publicKey: key.publicKey }]]);
  const wallets = Array.from({ length: walletCount }, (_, index) => `wallet-${index}`);
  for (const wallet of wallets) {
    const order = { tenant: 'default', wallet, by: 'owner' };
    const data = await signStatement(key, 'wallet.requested', order, wallet);
    const { bytes } = encodeEvent('wallet.requested', data, wallet);
    await log.append([{ lane: CONTROL, key: 'wallet.requested', bytes }]);
  }
  const duty = new MemoryDuty(LANES);
  const replica = async () => {
    const host = new LaneHost(log, trusted, () => undefined);
    onTestFinished(() => host.close());
    await host.start();
    const share = duty.join();
    const made = new Set<string>();
    const runner = new WalletDebtRunner({
      service: 'signer',
      host,
      duty: share,
      effects: {
        make_key: (_, { wallet }) => {
          made.add(wallet);
          return Promise.resolve({ againAfterMs: 60_000 });
        },
      },
      networks: [],
      timers: time.timers,
      log: silentLog,
    });
    return { share, made, runner };
  };
  return { wallets, replica };
}

describe('replicas of a service', () => {
  it('pay the debts of wallets once, and those of a replica that left', async () => {
    const { wallets, replica } = await signerReplicas(12);
    const [first, second] = [await replica(), await replica()];
    for (const { runner } of [first, second]) {
      runner.start();
      onTestFinished(() => runner.stop());
    }
    expect([...first.made, ...second.made].sort()).toEqual([...wallets].sort());
    expect(Math.min(first.made.size, second.made.size)).toBeGreaterThan(0);
    await first.share.close();
    expect([...second.made].sort()).toEqual([...wallets].sort());
  });

  it('pay the debts of their own lanes, and of those that are given to them', async () => {
    const { paid, propose, replica } = await policyReplicas();
    const ids = Array.from({ length: PAYMENTS }, (_, index) => paid.paymentId(index));
    const [first, second] = [await replica(), await replica()];
    for (let index = 0; index < PAYMENTS; index += 1) await propose(index);
    for (const each of [first, second]) await each.caughtUp();
    expect([...first.decided, ...second.decided].sort()).toEqual([...ids].sort());
    expect(Math.min(first.decided.size, second.decided.size)).toBeGreaterThan(0);

    await first.share.close();
    expect([...second.decided].sort()).toEqual([...ids].sort());

    const before = first.decided.size;
    await propose(PAYMENTS);
    for (const each of [first, second]) await each.caughtUp();
    expect(first.decided.size).toBe(before);
    expect(second.decided).toContain(paid.paymentId(PAYMENTS));
  });
});

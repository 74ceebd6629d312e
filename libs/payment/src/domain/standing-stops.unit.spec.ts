import { LaneBench, NETWORK, OWNER, SIGNATURE, USDC } from '@countersign/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { tenantOf } from './tenant.ts';
import { isStopped, stopsOf, tenantAlertsOwed } from './standing-stops.ts';

let bench: LaneBench;
beforeEach(() => {
  bench = new LaneBench();
});

const TENANT = OWNER.tenant;
const DIGEST = '7'.repeat(64);
const stopped = () => isStopped(tenantOf(bench.control, TENANT), OWNER.agent);
const outflow = (digit: string) => ({
  ...{ network: NETWORK, token: USDC, nonce: null, to: null, value: null },
  ...{ transactionHash: `0x${digit.repeat(64)}`, logIndex: 0, blockNumber: 9 },
});
const freeze = (digit: string, wallet = 'w1') => {
  const data = { tenant: TENANT, wallet, outflow: outflow(digit), signature: SIGNATURE };
  return bench.change('wallet.frozen', data);
};
const lift = () => {
  const data = { tenant: TENANT, wallet: 'w1', by: 'owner', signature: SIGNATURE };
  return bench.change('wallet.unfrozen', data);
};
const lose = (digest = DIGEST) => {
  const wallets = [{ tenant: TENANT, wallet: 'w1' }];
  return bench.change('restore.detected', { digest, missing: 1, wallets, signature: SIGNATURE });
};
const accept = (digest = DIGEST) => {
  const data = { tenant: TENANT, digest, by: 'owner', signature: SIGNATURE };
  return bench.change('restore.accepted', data);
};
const alerts = () =>
  tenantAlertsOwed(bench.control).map(({ subject, code }) => `${subject} ${code}`);

describe('an outflow that is in no record', () => {
  it('stops the agents of its wallet until a person lifts it, once per outflow', () => {
    expect(freeze('1')).toBe(true);
    expect(stopped()).toBe(true);
    expect(freeze('1')).toBe(false);
    expect(lift()).toBe(true);
    expect(stopped()).toBe(false);
    expect(lift()).toBe(false);
    expect(freeze('1')).toBe(false);
    expect(freeze('2')).toBe(true);
    expect(stopped()).toBe(true);
  });

  it('stops nobody from a wallet that is revoked, and is told all the same', () => {
    freeze('1');
    const order = { tenant: TENANT, wallet: 'w1', by: 'owner', signature: SIGNATURE };
    expect(bench.change('wallet.revoke_ordered', order)).toBe(true);
    expect(stopped()).toBe(false);
    const before = stopsOf(tenantOf(bench.control, TENANT), OWNER.agent);
    expect(freeze('2')).toBe(true);
    expect(stopped()).toBe(false);
    expect(stopsOf(tenantOf(bench.control, TENANT), OWNER.agent)).toBe(before);
    expect(alerts()).toEqual(['wallet/w1/2 unlogged_outflow', 'revocation/w1 wallet_revoked']);
  });

  it('does nothing to a wallet nobody has', () => expect(freeze('1', 'w9')).toBe(false));

  it('is told for each freeze, until people were told', () => {
    freeze('1');
    expect(alerts()).toEqual(['wallet/w1/1 unlogged_outflow']);
    const told = { tenant: TENANT, subject: 'wallet/w1/1', code: 'unlogged_outflow' };
    expect(bench.change('alert.sent', { ...told, severity: 'critical' })).toBe(true);
    expect(bench.change('alert.sent', { ...told, severity: 'critical' })).toBe(false);
    expect(alerts()).toEqual([]);
    freeze('2');
    expect(alerts()).toEqual(['wallet/w1/2 unlogged_outflow']);
  });

  it('ends what waits, and asks for the cancellation of what is out, also when lifted before the mark', () => {
    const out = bench.signed(1_000);
    const waiting = bench.submit(2_000, { url: 'https://api.example.com/x' }).payment!;
    freeze('1');
    lift();
    bench.mark(3_000);
    expect(bench.payment(out.id).phase).toMatchObject({ fixed: { stop: 'frozen' } });
    expect(bench.payment(waiting.id).phase).toMatchObject({ how: 'frozen' });
    const next = bench.signed(4_000, { url: 'https://api.example.com/y' });
    expect(next.phase.status).toBe('signed');
  });
});

describe('an account that was given to a key of nobody we know', () => {
  const OURS = `0x${'2'.repeat(128)}`;
  const take = (owner: string, wallet = 'w2') => {
    const at = { number: 7, hash: `0x${'6'.repeat(64)}`, timeMs: 1_000 };
    const data = { tenant: TENANT, wallet, network: NETWORK, owner, at, signature: SIGNATURE };
    return bench.change('wallet.taken', data);
  };

  it('freezes its wallet, once per key', () => {
    const order = { tenant: TENANT, wallet: 'w2', kind: 'erc1271-p256' as const };
    bench.change('wallet.requested', { ...order, by: 'owner', signature: SIGNATURE });
    const made = { ...order, address: `0x${'ac'.repeat(20)}`, owner: OURS, keyVersion: 1 as const };
    expect(bench.change('wallet.created', { ...made, signature: SIGNATURE })).toBe(true);
    expect([take(OURS), take(OURS, 'w1'), take(OURS, 'w9')]).toEqual([false, false, false]);
    const foreign = `0x${'f'.repeat(128)}`;
    expect([take(foreign), take(foreign)]).toEqual([true, false]);
    expect(alerts()).toEqual(['wallet/w2/1 unlogged_outflow']);
    expect(tenantOf(bench.control, TENANT).walletFreezes.get('w2')?.isFrozen).toBe(true);
  });
});

describe('a loss of records', () => {
  it('stops everything until a person accepts exactly this loss; its wallets stay frozen', () => {
    expect(lose()).toBe(true);
    expect(lose()).toBe(false);
    expect(stopped()).toBe(true);
    const everything = { tenant: TENANT, by: 'owner', signature: SIGNATURE };
    expect(bench.change('tenant.unfrozen', everything)).toBe(false);
    expect(accept('8'.repeat(64))).toBe(false);
    expect(alerts()).toEqual([`wallet/w1/1 unlogged_outflow`, `restore/${DIGEST} log_restored`]);
    expect(accept()).toBe(true);
    expect(stopped()).toBe(true);
    lift();
    expect(stopped()).toBe(false);
    expect(lose()).toBe(false);
    expect(lose('9'.repeat(64))).toBe(true);
    expect(stopped()).toBe(true);
  });
});

describe('a breaker that opened', () => {
  it('stops nobody; people are told of each opening once', () => {
    const trip = (sinceMs: number) => {
      const facilitator = `${NETWORK}/self`;
      const data = { tenant: TENANT, facilitator, why: 'failure_rate' as const, sinceMs };
      return bench.change('facilitator.tripped', { ...data, untilMs: 9_000, signature: SIGNATURE });
    };
    expect([trip(5), trip(5), trip(4), trip(6)]).toEqual([true, false, false, true]);
    expect(stopped()).toBe(false);
    expect(alerts()).toEqual([`facilitator/${NETWORK}/self/6 facilitator_failing`]);
  });
});

describe('the position of the watch', () => {
  it('moves on in steps, and never back', () => {
    const at = (number: number) => {
      const through = { number, hash: `0x${'6'.repeat(64)}`, timeMs: 1_000 };
      const data = { network: NETWORK, through, signature: SIGNATURE };
      return bench.change('outflows.scanned', data);
    };
    expect([at(10), at(9), at(265), at(266), at(266)]).toEqual([true, false, false, true, false]);
    expect(bench.control.scanned.get(NETWORK)?.number).toBe(266);
  });
});

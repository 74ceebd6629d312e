import { LaneBench, NETWORK, OWNER, PAYEE, SELLER, SIGNATURE, quoteOf } from '@countersign/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { tenantOf } from './tenant.ts';
import { walletFor, withdrawalOf } from './facts.ts';
import { owedForWallets } from './wallet-debts.ts';

const TENANT = OWNER.tenant;
const OTHER_NETWORK = 'eip155:8453';
const owner = (version: number) => `0x${String(version).repeat(128)}`;
const at = LaneBench.transfer(1_000).block;
const sealed = `0x${'5'.repeat(128)}`;
const signed = { tenant: TENANT, wallet: 'smart', signature: SIGNATURE };
const handover = { bytes: sealed, acceptance: sealed };

let bench: LaneBench;
beforeEach(() => {
  bench = new LaneBench();
  bench.change('seller.registered', {
    tenant: TENANT,
    seller: SELLER,
    by: 'owner',
    signature: SIGNATURE,
  });
  bench.change('wallet.requested', { ...signed, by: 'owner', kind: 'erc1271-p256' });
});

const make = (kind: 'eoa-secp256k1' | 'erc1271-p256' = 'erc1271-p256') =>
  kind === 'erc1271-p256'
    ? bench.change('wallet.created', {
        ...signed,
        kind,
        address: PAYEE,
        owner: owner(1),
        keyVersion: 1,
      })
    : bench.change('wallet.created', { ...signed, kind, address: PAYEE });
const give = (wallet = 'smart') =>
  bench.change('agent.wallet_added', { ...OWNER, wallet, by: 'owner', signature: SIGNATURE });
const deploy = (network = NETWORK, by = 1) =>
  bench.change('wallet.deployed', { ...signed, network, owner: owner(by), at });
const order = () => bench.change('wallet.rotation_ordered', { ...signed, by: 'owner' });
const renew = (keyVersion: number) =>
  bench.change('wallet.key_renewed', { ...signed, owner: owner(keyVersion), keyVersion });
const sign = (keyVersion: number, rotation: number, network = NETWORK) =>
  bench.change('wallet.rotation_signed', { ...signed, ...handover, network, rotation, keyVersion });
const rotated = (keyVersion: number, network = NETWORK, by = keyVersion) =>
  bench.change('wallet.rotated', { ...signed, network, owner: owner(by), keyVersion, at });

function choice(change: { url?: string; network?: string; kind?: 'payment' | 'withdrawal' } = {}) {
  const { url = 'https://api.example.com/v1', network = NETWORK, kind = 'payment' } = change;
  const resource = { method: 'GET' as const, url };
  const quote = quoteOf({ network });
  const { wallet, unpayable } = walletFor(tenantOf(bench.control, TENANT), {
    agent: OWNER.agent,
    ...{ kind, quote, resource },
  });
  return wallet?.id ?? unpayable;
}

const debts = (...networks: string[]) =>
  owedForWallets(tenantOf(bench.control, TENANT), networks).map(
    ({ kind, network }) => `${kind} ${network ?? ''}`,
  );

describe('which wallet pays', () => {
  it('is the only one there is, where nothing is known of a smart account', () => {
    expect(choice()).toBe('w1');
    make();
    expect(choice()).toBe('w1');
  });

  it('is the smart account where it stands and the seller takes it', () => {
    make();
    give();
    expect(choice()).toBe('w1');
    deploy();
    expect(choice()).toBe('smart');
    expect(choice({ network: OTHER_NETWORK })).toBe('w1');
    expect(choice({ url: 'https://unknown.example.com/' })).toBe('w1');
  });

  it('is the key where the seller knows nothing else', () => {
    make();
    give();
    deploy();
    const seller = { ...SELLER, takes: 'eoa' as const };
    bench.change('seller.registered', {
      tenant: TENANT,
      seller,
      by: 'owner',
      signature: SIGNATURE,
    });
    expect(choice()).toBe('w1');
  });

  it('is the one that a withdrawal names, whatever the treasury takes', () => {
    make();
    give();
    const withdraw = (wallet: string) =>
      choice({ url: withdrawalOf(wallet).url, kind: 'withdrawal' });
    expect(withdraw('w1')).toBe('w1');
    expect(withdraw('smart')).toBe('wallet_not_deployed');
    deploy();
    expect(withdraw('smart')).toBe('smart');
    expect(withdraw('w1')).toBe('w1');
  });

  it('is none that is being given to another key', () => {
    make();
    give();
    deploy();
    order();
    expect(choice()).toBe('w1');
    expect(choice({ url: withdrawalOf('smart').url, kind: 'withdrawal' })).toBe('wallet_rotating');
  });
});

describe('a record about a wallet', () => {
  it('counts for a wallet that was asked for, of the kind that was asked for', () => {
    expect(make('eoa-secp256k1')).toBe(false);
    expect(make()).toBe(true);
    expect(make()).toBe(false);
  });

  it('counts for a smart account only', () => {
    const w1 = { ...signed, wallet: 'w1' };
    expect(bench.change('wallet.deployed', { ...w1, network: NETWORK, owner: owner(1), at })).toBe(
      false,
    );
    expect(bench.change('wallet.rotation_ordered', { ...w1, by: 'owner' })).toBe(false);
  });

  it('gives an agent one wallet of a kind', () => {
    make();
    expect(give()).toBe(true);
    expect(give()).toBe(false);
    expect(give('w1')).toBe(false);
    expect(give('nothing')).toBe(false);
  });

  it('shows an account that stands once, with the owner it was made for', () => {
    make();
    expect(deploy(NETWORK, 2)).toBe(false);
    expect(deploy()).toBe(true);
    expect(deploy()).toBe(false);
  });

  it('rotates in order, and each step once', () => {
    make();
    expect(order()).toBe(false);
    deploy();
    expect(renew(2)).toBe(false);
    expect(order()).toBe(true);
    expect(order()).toBe(false);
    expect([renew(3), renew(1), renew(2), renew(2)]).toEqual([false, false, true, false]);
    expect([sign(2, 1), sign(3, 0), sign(2, 0), sign(2, 0)]).toEqual([false, false, true, false]);
    expect([rotated(3), rotated(2, NETWORK, 1), rotated(2)]).toEqual([false, false, true]);
    expect(rotated(2)).toBe(false);
    expect(order()).toBe(true);
    expect(renew(3)).toBe(true);
    expect(sign(3, 1)).toBe(true);
  });
});

describe('a revoked wallet', () => {
  const revoke = (wallet = 'smart') =>
    bench.change('wallet.revoke_ordered', { ...signed, wallet, by: 'owner' });
  const destroyed = (wallet = 'smart') => bench.change('wallet.revoked', { ...signed, wallet });

  it('is ordered once, and then its key destroyed once, whatever its kind', () => {
    make();
    for (const wallet of ['smart', 'w1']) {
      expect(destroyed(wallet)).toBe(false);
      expect(revoke(wallet)).toBe(true);
      expect(revoke(wallet)).toBe(false);
      expect(destroyed(wallet)).toBe(true);
      expect(destroyed(wallet)).toBe(false);
    }
    expect(revoke('nothing')).toBe(false);
  });

  it('pays nothing, and leaves it to another one', () => {
    make();
    give();
    deploy();
    revoke();
    expect(choice()).toBe('w1');
    revoke('w1');
    expect(choice()).toBe('wallet_revoked');
    expect(choice({ url: withdrawalOf('w1').url, kind: 'withdrawal' })).toBe('wallet_revoked');
  });

  it('is given to nobody, and another of its kind takes its place', () => {
    make();
    bench.change('wallet.requested', { ...signed, wallet: 'next', by: 'owner' });
    const next = { ...signed, wallet: 'next', kind: 'eoa-secp256k1', address: PAYEE } as const;
    bench.change('wallet.created', next);
    expect(give('next')).toBe(false);
    revoke('w1');
    expect(give('next')).toBe(true);
    expect(choice()).toBe('next');
    revoke();
    expect(give()).toBe(false);
    const credentialDigest = 'd'.repeat(64);
    const agent = { tenant: TENANT, agent: 'late', wallet: 'w1', credentialDigest, by: 'owner' };
    expect(bench.change('agent.added', { ...agent, signature: SIGNATURE })).toBe(false);
  });

  it('owes nothing but the end of its key, also in the midst of a rotation', () => {
    make();
    deploy();
    order();
    renew(2);
    sign(2, 0);
    expect(revoke()).toBe(true);
    expect(debts(NETWORK, OTHER_NETWORK)).toEqual(['destroy_key ']);
    expect([order(), renew(2), sign(2, 0)]).toEqual([false, false, false]);
    // What was relayed before may still come to be on the chain.
    expect(rotated(2)).toBe(true);
    destroyed();
    expect(debts(NETWORK, OTHER_NETWORK)).toEqual([]);
  });
});

describe('what wallets owe', () => {
  it('goes from the key to the account, on every network', () => {
    expect(debts(NETWORK)).toEqual(['make_key ']);
    make();
    expect(debts(NETWORK, OTHER_NETWORK)).toEqual([`deploy ${NETWORK}`, `deploy ${OTHER_NETWORK}`]);
    deploy();
    deploy(OTHER_NETWORK);
    expect(debts(NETWORK, OTHER_NETWORK)).toEqual([]);
  });

  it('goes through a rotation on every network where the account stands', () => {
    make();
    deploy();
    deploy(OTHER_NETWORK);
    order();
    expect(debts(NETWORK)).toEqual(['renew_key ']);
    renew(2);
    expect(debts()).toEqual([`sign_rotation ${NETWORK}`, `sign_rotation ${OTHER_NETWORK}`]);
    sign(2, 0);
    rotated(2);
    expect(debts()).toEqual([`sign_rotation ${OTHER_NETWORK}`]);
    sign(2, 0, OTHER_NETWORK);
    expect(debts()).toEqual([`rotate ${OTHER_NETWORK}`]);
    rotated(2, OTHER_NETWORK);
    expect(debts()).toEqual([]);
  });

  it('brings an account that was deployed late to the newest key before it pays', () => {
    make();
    give();
    deploy();
    order();
    renew(2);
    sign(2, 0);
    rotated(2);
    deploy(OTHER_NETWORK);
    expect(choice()).toBe('smart');
    expect(choice({ network: OTHER_NETWORK })).toBe('w1');
    expect(debts()).toEqual([`sign_rotation ${OTHER_NETWORK}`]);
    expect(sign(2, 0, OTHER_NETWORK)).toBe(true);
    // A further rotation makes what was signed useless, though it may reach the chain.
    order();
    renew(3);
    expect(debts()).toEqual([`sign_rotation ${NETWORK}`, `sign_rotation ${OTHER_NETWORK}`]);
    expect(rotated(2, OTHER_NETWORK)).toBe(true);
    sign(3, 1, OTHER_NETWORK);
    rotated(3, OTHER_NETWORK);
    expect(choice({ network: OTHER_NETWORK })).toBe('w1');
    sign(3, 1);
    rotated(3);
    expect(choice()).toBe('smart');
    expect(debts()).toEqual([]);
  });
});

import { type Quote, encodeEvent, statementText } from '@countersign/contracts';
import { fixedOf, isAccount, nonceOf, tenantOf } from '@countersign/payment';
import type { Chain, EventLog, Position, WalletKeys } from '@countersign/ports';
import { walletKeyName } from '@countersign/signing';
import { CHAIN_ID, KEYS } from '../cast.ts';
import { ownerOf } from '../owners.ts';
import type { Surroundings } from '../replica.ts';
import type { World } from '../world.ts';
import { meddling } from './appending.ts';

const CAUSE = 'impatience';
const DOMAIN = { name: 'USDC', version: '2', chainId: CHAIN_ID };

/** For each transfer it is asked to sign, it signs a second one. */
export function oneNonceMore(surroundings: Surroundings, world: World): Surroundings {
  const { wallets, typedData } = surroundings;
  const sign: WalletKeys['sign'] = async (wallet, digest) => {
    const meaning = world.vault.meaningOf(digest);
    if (meaning?.kind === 'transfer') {
      const { token, value, nonce, ...rest } = meaning.authorization;
      const other = { ...rest, value: BigInt(value), nonce: nonce.replaceAll('a', 'b') };
      const domain = { ...DOMAIN, verifyingContract: token };
      await wallets.sign(wallet, typedData.transferDigest(other, domain));
    }
    return wallets.sign(wallet, digest);
  };
  return { ...surroundings, wallets: { ...wallets, sign } };
}

/** When people are to be asked, it fixes and signs at once, with the signer's own key. */
export function impatient(surroundings: Surroundings, world: World): Surroundings {
  return meddling(surroundings, (event, _input, log) => {
    if (event.name !== 'approval.opened') return undefined;
    const payment = world.history.payment(event.data, event.data.paymentId);
    if (payment?.phase.status !== 'awaiting') return undefined;
    const { quote, phase } = payment;
    const about = { ...event.data, quote, decisionId: phase.decision.id };
    return signedAtOnce(surroundings, world, about, log);
  });
}

/** Whatever a decision says it fixes and signs at once, and does not look at the policy. */
export function credulous(surroundings: Surroundings, world: World): Surroundings {
  return meddling(surroundings, (event, input, log) => {
    if (event.name !== 'decision.made' || event.data.proceed !== 'authorize') return undefined;
    const { quote } = event.data.decision.facts;
    return log.append([input]).then(async (positions) => {
      await signedAtOnce(surroundings, world, { ...event.data, quote, decisionId: event.id }, log);
      return positions;
    });
  });
}

interface Wanted {
  readonly tenant: string;
  readonly agent: string;
  readonly paymentId: string;
  readonly decisionId: string;
  readonly quote: Quote;
}

function signedAtOnce(
  { wallets, typedData }: Surroundings,
  world: World,
  { tenant, agent, paymentId, decisionId, quote }: Wanted,
  log: EventLog,
): Promise<readonly Position[]> | undefined {
  const lane = world.history.laneOf({ tenant, agent });
  const view = world.history.reference[lane]?.view;
  const wallet = view && tenantOf(view, tenant).wallets.get(walletOf(tenant, agent, view));
  if (!wallet) return undefined;
  const authorization = {
    from: wallet.address,
    to: quote.payTo,
    nonce: nonceOf(tenant, paymentId),
    validAfter: 0,
    validBefore: Math.floor(world.scheduler.nowMs / 1_000) + 30,
  };
  const full = { ...authorization, chainId: CHAIN_ID, token: quote.asset, value: quote.amount };
  const about = { tenant, agent, paymentId, decisionId, walletId: wallet.id };
  const statement = { ...about, authorization: full, atBlock: 0 };
  const value = KEYS.signer.sign(statementText('authorization.fixed', CAUSE, statement));
  const signature = { keyId: KEYS.signer.keyId, value };
  const { bytes } = encodeEvent('authorization.fixed', { ...statement, signature }, CAUSE);
  const domain = { ...DOMAIN, verifyingContract: quote.asset };
  const digest = typedData.transferDigest(
    { ...authorization, value: BigInt(quote.amount) },
    domain,
  );
  return log
    .append([{ lane: String(lane), key: `${tenant}/${agent}`, bytes }])
    .then(async (positions) => {
      await wallets.sign(walletKeyName(tenant, wallet.id), digest);
      return positions;
    });
}

/** Hands an account over as soon as it has signed something. */
export function overhasty(surroundings: Surroundings, world: World): Surroundings {
  const { owners, accounts } = surroundings;
  return meddling(surroundings, (event, input, log) => {
    if (event.name !== 'signing.completed') return undefined;
    const { tenant, agent, paymentId } = event.data;
    const payment = world.history.payment({ tenant, agent }, paymentId);
    const view = tenantOf(world.history.views.at(-1)!, tenant);
    const wallet = view.wallets.get((payment && fixedOf(payment)?.walletId) ?? '');
    if (!wallet || !isAccount(wallet)) return undefined;
    const { id, address: account, pinned } = wallet;
    const rotation = { account, chainId: CHAIN_ID, newOwner: ownerOf(id, 99), rotation: 0 };
    const digest = accounts.rotationDigest(rotation);
    return log.append([input]).then(async (positions) => {
      await owners.sign(walletKeyName(tenant, id), pinned, digest);
      return positions;
    });
  });
}

/** Destroys a revoked wallet's key when its time is over, whatever it signed. */
export function reckless(surroundings: Surroundings, world: World): Surroundings {
  const { wallets, owners } = surroundings;
  return meddling(surroundings, (event) => {
    if (event.name !== 'wallet.revoke_ordered') return undefined;
    const { tenant, wallet } = event.data;
    const known = tenantOf(world.history.views.at(-1)!, tenant).wallets.get(wallet);
    const store = known && isAccount(known) ? owners : wallets;
    world.scheduler.after(world.revokedKeyKeptMs, 'a key is destroyed', () => {
      void store.revoke(walletKeyName(tenant, wallet)).catch(() => {});
    });
    return undefined;
  });
}

/** Destroys it as soon as nothing needs it any more, and gives nobody time to see that. */
export function hurried(surroundings: Surroundings): Surroundings {
  return { ...surroundings, revokedKeyKeptMs: 0 };
}

export function generous(surroundings: Surroundings): Surroundings {
  return { ...surroundings, ceiling: { perPayment: 10n ** 12n, perDay: 10n ** 12n } };
}

/** Counts what it signed itself, and nothing that others may sign. */
export function solitary(surroundings: Surroundings): Surroundings {
  const { journal } = surroundings;
  return { ...surroundings, journal: { ...journal, learn: () => undefined } };
}

/** Notes what it signs, and finds none of it again. */
export function withoutMemory(surroundings: Surroundings): Surroundings {
  const { journal } = surroundings;
  return { ...surroundings, journal: { ...journal, known: () => [], has: () => false } };
}

/** How a spent nonce ended is searched for from past every block, where somebody only wants to know whether it is unused. */
const NO_LOGS = Number.MAX_SAFE_INTEGER;

/** To the signer the time of the chain is always its own. */
export function timeless(
  surroundings: Surroundings,
  _world: World,
  ownMs: () => number,
): Surroundings {
  const { chain } = surroundings;
  const authorization: Chain['authorization'] = async (key, tag, fromBlock) => {
    const reading = await chain.authorization(key, tag, fromBlock);
    if (fromBlock !== NO_LOGS) return reading;
    return { ...reading, at: { ...reading.at, timeMs: ownMs() } };
  };
  return { ...surroundings, chain: { ...chain, authorization } };
}

function walletOf(tenant: string, agent: string, view: Parameters<typeof tenantOf>[0]): string {
  return tenantOf(view, tenant).agents.get(agent)?.wallets[0] ?? '';
}

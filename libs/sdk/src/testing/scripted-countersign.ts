import { setTimeout as delay } from 'node:timers/promises';
import {
  type Authorization,
  type PaymentStatus,
  type PaymentView,
  type ProposeBody,
  findAsset,
  quoteDigest,
} from '@countersign/contracts';
import { canonicalText, sha256Hex, toDecimal } from '@countersign/kernel';
import { authorizationTypes } from '@x402/evm';
import type { Hex, LocalAccount } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { type ContractServer, Refusal, startContractServer } from './contract-server.ts';

/** What becomes of a proposal: a status the payment ends up in, or `sign`, or people are asked and consent later. */
export type Script =
  Exclude<PaymentStatus, 'signed'> | 'sign' | { readonly clearedAfterMs: number };

/** Fields of a payment to replace; `undefined` takes an optional one away. */
type Change = { readonly [K in keyof PaymentView]?: PaymentView[K] | undefined };

interface Kept {
  view: PaymentView;
  quote: ProposeBody['quote'];
}

/** A Countersign that decides by a script and signs with a key of its own. */
export interface ScriptedCountersign extends ContractServer {
  /** What becomes of new payments. */
  script: Script;
  /** The next so many delivery reports fail with this code. */
  failDeliveries: number;
  /** Keeps delivery reports waiting: `asked` resolves when one has come, and `release` lets them pass. */
  holdDeliveries(): { readonly asked: Promise<void>; release(): void };
  /** Every payment, oldest first. */
  payments(): readonly PaymentView[];
  /** Changes a payment as if something had happened to it. */
  change(id: string, change: Change): void;
}

/**
 * Starts one. It keeps the purchase identity of the real server: the same purchase is the same payment until delivery
 * was reported or the payment ended unpaid.
 */
export async function startScriptedCountersign(
  payer: LocalAccount = privateKeyToAccount(generatePrivateKey()),
): Promise<ScriptedCountersign> {
  const open = new Map<string, Kept>();
  const all: Kept[] = [];
  let held:
    | { readonly asked: PromiseWithResolvers<void>; readonly released: PromiseWithResolvers<void> }
    | undefined;

  async function propose(body: ProposeBody, waitMs: number): Promise<PaymentView> {
    const identity = identityOf(body);
    let kept = open.get(identity);
    if (kept && ENDED_UNPAID.has(kept.view.status)) kept = undefined;
    if (kept && kept.quote.amount !== body.quote.amount)
      throw new Refusal('payment_unresolved', { paymentId: kept.view.id });
    if (!kept) {
      kept = { quote: body.quote, view: viewOf(body, all.length) };
      open.set(identity, kept);
      all.push(kept);
      await begin(kept, server.script, payer);
    } else if (kept.view.status === 'cleared') {
      kept.quote = body.quote;
      kept.view = await sign(kept.view, payer);
    }
    const waitEndsMs = performance.now() + waitMs;
    while (kept.view.status === 'awaiting_approval' && performance.now() < waitEndsMs)
      await delay(5);
    return kept.view;
  }

  function find(id: string | undefined): Kept {
    const kept = all.find(({ view }) => view.id === id);
    if (!kept) throw new Refusal('payment_unknown');
    return kept;
  }

  const contract = await startContractServer({
    proposePayment: ({ body, headers }) => {
      const wait = /wait=([0-9]+)/.exec(String(headers['prefer'] ?? ''))?.[1];
      return propose(body, Number(wait ?? 0) * 1000);
    },
    readPayment: ({ params }) => find(params['id']).view,
    reportDelivery: async ({ params }) => {
      held?.asked.resolve();
      await held?.released.promise;
      if (server.failDeliveries > 0) {
        server.failDeliveries -= 1;
        throw new Refusal('unavailable');
      }
      const kept = find(params['id']);
      kept.view = { ...kept.view, delivered: true };
      for (const [identity, it] of open) if (it === kept) open.delete(identity);
      return { position: '0:1' };
    },
  });
  const initial: Script = 'sign';
  const server: ScriptedCountersign = Object.assign(contract, {
    script: initial,
    failDeliveries: 0,
    holdDeliveries() {
      const asked = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      held = { asked, released };
      return { asked: asked.promise, release: () => released.resolve() };
    },
    payments: () => all.map(({ view }) => view),
    change(id: string, change: Change) {
      const kept = find(id);
      kept.view = { ...kept.view, ...change } as PaymentView;
    },
  });
  return server;
}

const ENDED_UNPAID = new Set<PaymentStatus>(['denied', 'vetoed', 'expired', 'void', 'canceled']);

function identityOf({ resource, quote, task }: ProposeBody): string {
  const { payTo } = quote;
  return canonicalText({ resource: { ...resource }, payTo: payTo.toLowerCase(), task });
}

async function begin(kept: Kept, script: Script, payer: LocalAccount): Promise<void> {
  if (script === 'sign') {
    kept.view = await sign(kept.view, payer);
  } else if (typeof script === 'object') {
    kept.view = { ...kept.view, status: 'awaiting_approval', approval: APPROVAL };
    setTimeout(() => {
      kept.view = { ...kept.view, status: 'cleared', clearedUntilMs: Date.now() + 60_000 };
    }, script.clearedAfterMs);
  } else if (script === 'awaiting_approval') {
    kept.view = { ...kept.view, status: script, approval: APPROVAL };
  } else {
    const denied = {
      reasons: ['budget_exceeded'],
      code: 'budget_exceeded',
      alternative: 'Use /cheap.',
    };
    kept.view = { ...kept.view, status: script, ...(script === 'denied' && denied) };
  }
}

const APPROVAL: NonNullable<PaymentView['approval']> = {
  requirement: {
    kind: 'quorum',
    quorum: 2,
    approvers: ['ada', 'bob', 'eve'],
    timeoutMs: 60_000,
    clearanceMs: 60_000,
  },
  decisionId: sha256Hex('a decision'),
  openedAtMs: 1_790_000_000_000,
  dueAtMs: 1_790_000_060_000,
  grantedBy: ['ada'],
};

function viewOf(body: ProposeBody, index: number): PaymentView {
  const { quote, resource } = body;
  const asset = findAsset(quote.network, quote.asset);
  return {
    id: `pay_0_${String(index).padStart(32, '0')}`,
    agent: 'research-1',
    kind: 'payment',
    status: 'undecided',
    final: false,
    submittedAtMs: Date.now(),
    quote,
    quoteDigest: quoteDigest(quote, resource),
    resource,
    amount: `${toDecimal(BigInt(quote.amount), asset?.decimals ?? 0)} ${asset?.symbol ?? '?'}`,
    tier: 'autonomous',
    flags: [],
    reasons: ['within_limits'],
    code: null,
    delivered: false,
    position: '0:0',
  };
}

async function sign(view: PaymentView, payer: LocalAccount): Promise<PaymentView> {
  const { network, asset, payTo, amount } = view.quote;
  const nowSeconds = Math.floor(Date.now() / 1000);
  const authorization: Authorization = {
    chainId: Number(network.slice('eip155:'.length)),
    token: asset,
    from: payer.address.toLowerCase(),
    to: payTo,
    value: amount,
    nonce: `0x${sha256Hex(`${payer.address} ${view.id}`)}`,
    validAfter: nowSeconds - 600,
    validBefore: nowSeconds + 60,
  };
  const domain = findAsset(network, asset)?.domain;
  const signature = await payer.signTypedData({
    domain: { ...domain, chainId: authorization.chainId, verifyingContract: asset as Hex },
    types: authorizationTypes,
    primaryType: 'TransferWithAuthorization',
    message: {
      from: authorization.from as Hex,
      to: authorization.to as Hex,
      value: BigInt(amount),
      validAfter: BigInt(authorization.validAfter),
      validBefore: BigInt(authorization.validBefore),
      nonce: authorization.nonce as Hex,
    },
  });
  return { ...view, status: 'signed', authorization, signature };
}

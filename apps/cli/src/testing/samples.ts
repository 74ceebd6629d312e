import { quoteDigest } from '@countersign/contracts';
import { sha256Hex } from '@countersign/kernel';
import type { AnswerOf, PaymentView } from '@countersign/sdk';

/** The id of {@link samplePayment}. */
export const PAYMENT_ID = `pay_3_${'ab'.repeat(16)}`;
/** Who gets it. */
export const PAY_TO = '0x1111111111111111111111111111111111111111';
/** The token of the sandbox chain. */
export const USDC = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const STARTED_MS = Date.UTC(2026, 10, 20, 14, 3, 5);

/** A payment that waits for two people, one of whom has granted it. */
export function samplePayment(change: Partial<PaymentView> = {}): PaymentView {
  const quote = {
    scheme: 'exact',
    network: 'eip155:84532',
    asset: USDC,
    amount: '2500000',
    payTo: PAY_TO,
    maxTimeoutSeconds: 60,
  };
  const resource = { method: 'GET' as const, url: 'https://api.example.com/report' };
  return {
    id: PAYMENT_ID,
    agent: 'research-1',
    kind: 'payment',
    status: 'awaiting_approval',
    final: false,
    submittedAtMs: STARTED_MS,
    quote,
    quoteDigest: quoteDigest(quote, resource),
    resource,
    amount: '2.50 USDC',
    tier: 'collaborative',
    flags: ['new_seller'],
    reasons: ['needs_people'],
    code: null,
    approval: {
      requirement: {
        kind: 'quorum',
        quorum: 2,
        approvers: ['ada', 'bob'],
        timeoutMs: 3_600_000,
        clearanceMs: 600_000,
      },
      decisionId: sha256Hex('decision'),
      openedAtMs: STARTED_MS + 10,
      dueAtMs: STARTED_MS + 3_600_000,
      grantedBy: ['ada'],
    },
    delivered: false,
    position: '3:14',
    ...change,
  };
}

/** The question put to people about {@link samplePayment}, with hostile words from the agent. */
export function sampleApproval(change: Partial<AnswerOf<'readApproval'>> = {}) {
  return {
    payment: samplePayment(),
    payee: { address: PAY_TO, seller: 'unknown', trust: 'unknown' },
    facts: [{ name: 'domain', value: 'api.example.com' }],
    trace: [
      { rule: 'tier autonomous', met: false, why: '2.50 is over 0.50' },
      { rule: 'tier collaborative', met: true, why: 'trust is unknown' },
    ],
    quoted: 'urgent\u202e!\u001b[2J "approved by root"',
    mayGrant: true,
    mayVeto: true,
    ...change,
  };
}

/** What was recorded about {@link samplePayment}. */
export function sampleTimeline(): AnswerOf<'explainPayment'> {
  return {
    payment: samplePayment({ status: 'denied', code: 'tier_none', approval: undefined }),
    entries: [
      {
        position: '3:12',
        atMs: STARTED_MS,
        event: 'intent.submitted',
        ignored: null,
        says: 'research-1 wants to pay 2.50 USDC\u202e',
      },
      {
        position: '3:13',
        atMs: STARTED_MS + 7,
        event: 'decision.made',
        ignored: 'stale_policy',
        says: 'allow under policy version 1',
      },
      {
        position: '3:14',
        atMs: STARTED_MS + 65_000,
        event: 'decision.made',
        ignored: null,
        says: 'deny (tier_none) under policy version 2',
        trace: sampleApproval().trace,
        audit: { depth: 'decisive', profile: 'tax-7-years' },
      },
    ],
  };
}

/** A policy that pays for tasks with a committed plan only. */
export const PLANNED = `
format: 1
name: planned
unit: { name: USD, assets: ['eip155:84532/erc20:${USDC}'] }
authorization: { maxLifetimeSeconds: 60 }
again: false
prohibited: []
tiers:
  - { name: planned, kind: autonomous, when: { task: { phase: [planned, executing], planCommitted: true } } }
budgets: []
flags: []
`;

import { z } from 'zod';
import { type Route, people } from './api-route.ts';
import { ApprovalView, PaymentView } from './api-views.ts';
import { DigestHex } from './text.ts';

/** Routes about payments that wait for people. */
export const APPROVAL_ROUTES = {
  listApprovals: {
    service: 'approval',
    method: 'GET',
    path: '/v1/approvals',
    who: people,
    summary: 'Payments that wait for people',
    answer: z.object({ approvals: z.array(ApprovalView) }),
  },
  readApproval: {
    service: 'approval',
    method: 'GET',
    path: '/v1/approvals/:id',
    who: people,
    summary: 'One payment with the exact quote to decide on',
    answer: ApprovalView,
  },
  grant: {
    service: 'approval',
    method: 'POST',
    path: '/v1/approvals/:id/grant',
    who: ['approver'],
    summary: 'Grant exactly what was shown',
    body: z.strictObject({ quoteDigest: DigestHex, decisionId: DigestHex }),
    answer: PaymentView,
  },
  veto: {
    service: 'approval',
    method: 'POST',
    path: '/v1/approvals/:id/veto',
    who: ['approver', 'operator'],
    summary: 'Stop a payment',
    body: z.strictObject({ reason: z.string().max(500).optional() }),
    answer: PaymentView,
  },
} as const satisfies Record<string, Route>;

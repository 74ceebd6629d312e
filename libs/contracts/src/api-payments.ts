import { z } from 'zod';
import { type Route, everybody } from './api-route.ts';
import { Done, PaymentStatus, PaymentView, ProposeBody, Timeline } from './api-views.ts';
import { DigestHex, Name, PaymentId, digits } from './text.ts';

/** Routes about payments, and about the messages that ask for them. */
export const PAYMENT_ROUTES = {
  proposePayment: {
    service: 'intake',
    method: 'POST',
    path: '/v1/payments',
    who: ['agent'],
    summary: 'Propose a payment, or claim one that people cleared',
    body: ProposeBody,
    answer: PaymentView,
  },
  listPayments: {
    service: 'intake',
    method: 'GET',
    path: '/v1/payments',
    who: everybody,
    summary: 'Payments, newest first; an agent sees its own',
    query: z.strictObject({
      agent: Name.optional(),
      status: PaymentStatus.optional(),
      limit: digits(z.int().min(1).max(200)).default(50),
      before: PaymentId.optional(),
    }),
    answer: z.object({ payments: z.array(PaymentView), asOf: z.array(z.string()) }),
  },
  readPayment: {
    service: 'intake',
    method: 'GET',
    path: '/v1/payments/:id',
    who: everybody,
    summary: 'One payment',
    answer: PaymentView,
  },
  explainPayment: {
    service: 'intake',
    method: 'GET',
    path: '/v1/payments/:id/timeline',
    who: everybody,
    summary: 'Everything that was recorded about a payment, and why',
    answer: Timeline,
  },
  reportDelivery: {
    service: 'intake',
    method: 'POST',
    path: '/v1/payments/:id/delivery',
    who: ['agent'],
    summary: 'What was paid for arrived; the same purchase may be made again',
    body: z.strictObject({
      status: z.int().min(200).max(299),
      responseDigest: DigestHex.optional(),
    }),
    answer: Done,
  },
  listUnattributed: {
    service: 'intake',
    method: 'GET',
    path: '/v1/messages/unattributed',
    who: ['operator', 'auditor'],
    summary: 'Messages that no agent can be held to have sent, the newest last; of this replica',
    answer: z.object({
      total: z.int(),
      messages: z.array(
        z.object({ place: z.string(), atMs: z.int(), code: z.string(), detail: z.string() }),
      ),
    }),
  },
  resubmitMessage: {
    service: 'intake',
    method: 'POST',
    path: '/v1/messages/resubmit',
    who: ['operator'],
    summary:
      'Handle the message at a place once more, however old it is; it is proven and judged as at first',
    body: z.strictObject({ place: z.string().min(1).max(400) }),
    answer: z.object({
      /** `unattributed`: still nobody's. `refused`: its agent was told why. `accepted`: its payment is found or begun. */
      result: z.enum(['accepted', 'refused', 'unattributed']),
      code: z.string().nullable(),
      paymentId: PaymentId.nullable(),
    }),
  },
} as const satisfies Record<string, Route>;

import { z } from 'zod';
import {
  EventPageView,
  FeedQuery,
  FeedView,
  SearchQuery,
  SpendQueryView,
  SpendView,
  SqlView,
} from './api-audit-views.ts';
import { everybody, people } from './api-route.ts';
import { SERVICES } from './events/services.ts';
import { ProofBundle } from './proof.ts';
import { DigestHex } from './text.ts';

/** Routes of the recorder: the log itself, its stream, and what auditors ask. Part of `ROUTES`. */
export const RECORDER_ROUTES = {
  listIgnored: {
    service: 'recorder',
    method: 'GET',
    path: '/v1/log/ignored',
    who: ['operator', 'auditor'],
    summary: 'Records the fold did not apply, with their codes',
    answer: z.object({
      ignored: z.array(z.object({ position: z.string(), code: z.string(), detail: z.string() })),
    }),
  },
  resubmitRecord: {
    service: 'recorder',
    method: 'POST',
    path: '/v1/log/ignored/resubmit',
    who: ['operator'],
    summary:
      'Append the very bytes of an ignored record once more, in the lane that is its own; the fold judges them anew',
    body: z.strictObject({
      position: z.string().regex(/^\d{1,3}:\d{1,15}$/, '`lane:offset` of a lane'),
    }),
    answer: z.object({
      position: z.string(),
      applied: z.boolean(),
      /** Why it did not count this time either. */
      code: z.string().nullable(),
    }),
  },
  readHeads: {
    service: 'recorder',
    method: 'GET',
    path: '/v1/log/heads',
    who: people,
    summary: 'Length and running hash of every lane',
    answer: z.object({
      logId: z.string(),
      lanes: z.array(z.object({ lane: z.string(), length: z.int(), head: DigestHex })),
    }),
  },
  readKeys: {
    service: 'recorder',
    method: 'GET',
    path: '/v1/log/keys',
    who: people,
    summary:
      'Public keys with which the services sign; keep them where whoever checks a proof can believe them',
    answer: z.object({
      keys: z.array(
        z.object({
          service: z.enum(SERVICES),
          keyId: z.string(),
          publicKey: z.string(),
          /** Its end, in Unix milliseconds: what the log stamped then or later is not believed. */
          untilMs: z.int().optional(),
        }),
      ),
    }),
  },
  readCheckpoint: {
    service: 'recorder',
    method: 'GET',
    path: '/v1/log/checkpoint',
    who: people,
    summary:
      'Size and root of the log in a signed note (C2SP tlog-checkpoint): whoever keeps one can tell if the log is ever rewritten',
    answer: z.object({ checkpoint: z.string() }),
  },
  readProof: {
    service: 'recorder',
    method: 'GET',
    path: '/v1/audit/payments/:id/proof',
    who: ['operator', 'auditor'],
    summary: 'All that is needed to check a payment offline',
    answer: ProofBundle,
  },
  followEvents: {
    service: 'recorder',
    method: 'GET',
    path: '/v1/events',
    who: everybody,
    summary:
      'Records as they come in, an agent those of its own that counted; a stream of server-sent events where text/event-stream is asked for',
    query: FeedQuery,
    answer: FeedView,
  },
  searchEvents: {
    service: 'recorder',
    method: 'GET',
    path: '/v1/audit/events',
    who: ['operator', 'auditor'],
    summary: 'Search what was recorded, newest first',
    query: SearchQuery,
    answer: EventPageView,
  },
  readSpend: {
    service: 'recorder',
    method: 'GET',
    path: '/v1/audit/spend',
    who: ['operator', 'auditor'],
    summary: 'Which agent spent what, where, under which policy and why, by day',
    query: SpendQueryView,
    answer: SpendView,
  },
  runSql: {
    service: 'recorder',
    method: 'POST',
    path: '/v1/audit/sql',
    who: ['auditor'],
    summary: 'Run one SELECT over the event store, read-only and bounded',
    body: z.strictObject({ query: z.string().min(1).max(20_000) }),
    answer: SqlView,
  },
} as const;

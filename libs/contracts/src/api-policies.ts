import { z } from 'zod';
import { type Route, people } from './api-route.ts';
import { scheduled } from './api-changes.ts';
import { Verdict } from './decision.ts';
import { EvaluateBody, PolicySummary } from './api-views.ts';

/** Routes about policies: their versions, and what one would decide. */
export const POLICY_ROUTES = {
  listPolicies: {
    service: 'policy',
    method: 'GET',
    path: '/v1/policies',
    who: people,
    summary: 'Policy versions',
    answer: z.object({ policies: z.array(PolicySummary) }),
  },
  readPolicy: {
    service: 'policy',
    method: 'GET',
    path: '/v1/policies/:version',
    who: people,
    summary: 'The exact text of one version',
    answer: PolicySummary.extend({ text: z.string() }),
  },
  putPolicy: {
    service: 'policy',
    method: 'POST',
    path: '/v1/policies',
    who: ['policy_author'],
    summary: 'Add a version (YAML or JSON text); nothing changes until it is activated',
    body: z.strictObject({ text: z.string().min(1).max(1_000_000) }),
    answer: PolicySummary.extend({
      position: z.string(),
      /** What it may not be meant to say, a sentence each. */
      warnings: z.array(z.string()),
    }),
  },
  activatePolicy: {
    service: 'policy',
    method: 'POST',
    path: '/v1/policies/:version/activate',
    who: ['policy_author'],
    summary: 'Put a version in force: everywhere when answered, unless what it loosens has to wait',
    answer: PolicySummary.extend({
      position: z.string(),
      /** What it allows that the version before did not, a sentence each; empty where it only tightens. */
      loosens: z.array(z.string()),
      ...scheduled,
    }),
  },
  evaluatePolicy: {
    service: 'policy',
    method: 'POST',
    path: '/v1/policies/evaluate',
    who: ['policy_author', 'operator', 'auditor'],
    summary: 'What would be decided now, without effect',
    body: EvaluateBody,
    answer: Verdict,
  },
} as const satisfies Record<string, Route>;

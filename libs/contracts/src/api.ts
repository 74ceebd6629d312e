import { APPROVAL_ROUTES } from './api-approvals.ts';
import { AVAILABLE_ROUTES } from './api-available.ts';
import { CHANGE_ROUTES } from './api-changes.ts';
import { PAYMENT_ROUTES } from './api-payments.ts';
import { POLICY_ROUTES } from './api-policies.ts';
import { PRINCIPAL_ROUTES } from './api-principals.ts';
import { RECORDER_ROUTES } from './api-recorder.ts';
import type { Route } from './api-route.ts';
import { SESSION_ROUTES } from './api-sessions.ts';
import { TASK_ROUTES } from './api-tasks.ts';
import { WALLET_ROUTES } from './api-wallets.ts';

export type { Caller, Route } from './api-route.ts';

/** Every route of the product: the one source of guards, validation and the OpenAPI document. */
export const ROUTES = {
  ...PAYMENT_ROUTES,
  ...SESSION_ROUTES,
  ...TASK_ROUTES,
  ...PRINCIPAL_ROUTES,
  ...AVAILABLE_ROUTES,
  ...CHANGE_ROUTES,
  ...POLICY_ROUTES,
  ...WALLET_ROUTES,
  ...APPROVAL_ROUTES,
  ...RECORDER_ROUTES,
} as const satisfies Record<string, Route>;
export type RouteName = keyof typeof ROUTES;

/**
 * Every code a verdict may give as its reason, in words. Codes are append-only and never renamed: they stand in
 * recorded decisions. The first reason of a verdict says what it is; further ones say what led there.
 */
export const DECISION_REASONS = {
  within_policy: 'An autonomous tier allows it and every limit holds',
  veto_window_required: 'A supervised tier allows it once people had their time to veto',
  quorum_required: 'A collaborative tier allows it once enough people have granted it',
  to_treasury: 'A withdrawal to the treasury that the policy names',

  no_policy: 'No policy is active',
  frozen: 'Payments of this agent are frozen',
  not_the_treasury: 'A withdrawal may go to the treasury of its network only',
  scheme_not_supported: 'Only the scheme "exact" is signed',
  asset_not_declared: 'The asset is not known, or the policy does not declare it',
  amount_zero: 'The amount is zero',
  amount_not_countable: 'The amount is larger than a budget can count',
  no_wallet: 'The agent has no wallet',
  wallet_kind_not_taken: 'The seller takes no wallet of a kind the agent has',
  wallet_not_deployed: 'The account that would pay is not known to stand on this network',
  wallet_revoked: 'The wallet that would pay is revoked',
  wallet_rotating: 'The account that would pay is being given to a new key',
  payee_mismatch: 'The seller registered other payees',
  payee_lookalike: 'The payee resembles a registered one and is not it',
  again_not_allowed: 'The policy does not allow buying again what is unresolved',
  prohibited: 'A prohibition forbids it, whatever else allows it',
  no_tier: 'No tier of the policy takes it',
  task_required: 'A budget per task applies, and no task was named',
  task_unknown: 'A budget per task applies, and nobody opened the task that was named',
  session_required: 'A budget per session applies, and no session was named',
  session_unknown: 'Nobody opened the session that was named',
  session_expired: 'The time of the session that was named is over',
  session_closed: 'A person closed the session that was named',
  session_unit_differs: 'The session counts in another unit than the policy',
  too_many_limits: 'More limits hold for it than one decision may read',
  budget_exceeded: 'It does not fit the amount a budget has left',
  count_exceeded: 'It does not fit the number of payments a budget has left',
  frequency_exceeded: 'The tier took as many payments as it may within its time',
  task_exploring: 'Nothing is paid for a task before a person committed its plan',
  task_done: 'The task is done',
  task_unit_differs: 'The task counts in another unit than the policy',
  task_stopped: 'The costs reported for the task alone have passed what it may cost',
  ceiling_exceeded: "It does not fit what the task's ceiling has left",
  estimate_exceeded: 'It would take the task past where it has outgrown its estimate',
  counters_missing: 'A counter it had to be set against was not read',
  counters_inconsistent: 'The tier the budget store named does not follow from its readings',
} as const satisfies Record<string, string>;

export type DecisionReason = keyof typeof DECISION_REASONS;

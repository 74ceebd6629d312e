/** What a refusal means to its caller. Codes are append-only and never renamed. */
export interface CodeInfo {
  readonly title: string;
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 422 | 429 | 500 | 503;
  /** Whether the very same request may succeed later. */
  readonly retryable: boolean;
}

const refusal = (status: CodeInfo['status'], title: string, retryable = false): CodeInfo => ({
  status,
  title,
  retryable,
});

/**
 * Every code with which a request or a message is refused, or a record ignored. What became of a payment is no refusal of
 * a request: policy's reasons are not here, and the signer's are {@link SIGNING_REFUSALS}. Nor are faults of a part that
 * does not answer: whoever asks is told `unavailable`.
 */
export const CODES = {
  invalid_request: refusal(400, 'A field of the request is not as it must be'),
  unauthenticated: refusal(401, 'The credential is missing or not known'),
  not_permitted: refusal(403, 'The credential may not do this'),
  not_found: refusal(404, 'There is no such thing'),
  method_not_allowed: refusal(405, 'What is there does not take this method'),
  too_large: refusal(413, 'The request is larger than is accepted'),
  internal: refusal(500, 'A fault of ours; it was recorded', true),
  unavailable: refusal(503, 'Not able to answer now', true),
  message_too_old: refusal(409, 'The message is older than is accepted; write a new one'),

  agent_unknown: refusal(403, 'The agent is not registered'),
  idempotency_key_reused: refusal(422, 'The Idempotency-Key was used with another request'),
  payment_unresolved: refusal(
    409,
    'The same purchase is unresolved under other terms; wait for its outcome',
    true,
  ),
  too_many_open_payments: refusal(429, 'The agent has too many open payments', true),
  too_many_open_sessions: refusal(429, 'The agent has too many open sessions', true),
  too_many_open_tasks: refusal(429, 'The agent has too many open tasks', true),
  duplicate: refusal(409, 'This was recorded before'),
  stale_ordinal: refusal(409, 'The purchase was numbered from an old state', true),
  task_unknown: refusal(404, 'No such task is open'),
  session_unknown: refusal(404, 'There is no such session'),
  stale_session: refusal(409, 'Decided while its session was still open', true),
  task_without_unit: refusal(409, 'The task was given no unit to count in'),
  wrong_unit: refusal(409, 'The task counts in another unit'),
  wrong_phase: refusal(409, 'The task is in another phase'),
  wrong_task: refusal(409, 'The payment belongs to another task'),
  plan_changed: refusal(409, 'The plan is not the one that was shown'),
  reference_used: refusal(422, 'The reference was used for something else'),
  too_many_entries: refusal(409, 'The task holds as many entries as it may'),
  payment_unknown: refusal(404, 'There is no such payment'),
  wrong_lane: refusal(409, 'The record stands in a lane that is not its own'),
  wrong_id: refusal(409, 'The id does not derive from what it names'),
  undecodable: refusal(422, 'The bytes are no known record'),
  not_genuine: refusal(409, 'The record is not signed by the service that may write it'),

  not_waiting: refusal(409, 'The payment does not wait for this'),
  wrong_round: refusal(409, 'The record belongs to another round of the payment'),
  terms_changed: refusal(409, 'The quote is not the one that was approved'),
  stale_policy: refusal(409, 'Decided under a policy that is no longer in force', true),
  stale_epoch: refusal(409, 'Decided on counters of an older epoch', true),
  stale_mark: refusal(409, 'Taken from an older view of control', true),
  frozen: refusal(409, 'Payments of this agent are frozen'),
  agent_quarantined: refusal(
    409,
    'A record of this agent met a bug of ours; nothing of it is paid until that is mended',
  ),
  not_frozen: refusal(409, 'There is no freeze to lift'),
  too_late: refusal(409, 'The authorization was already fixed; only the chain can end it'),
  too_early: refusal(409, 'Not due yet', true),
  already_ended: refusal(409, 'The payment has ended'),
  already_granted: refusal(409, 'This person has granted it already'),
  not_an_approver: refusal(403, 'This person is not asked'),
  wrong_digest: refusal(409, 'What was shown is not what is asked for'),
  wrong_authorization: refusal(409, 'The authorization is not what was decided'),
  not_renewable: refusal(409, 'The authorization is not renewed any more'),
  mark_backwards: refusal(409, 'A mark never goes back'),

  name_taken: refusal(409, 'The name is taken'),
  wallet_unknown: refusal(404, 'There is no such wallet'),
  wallet_kind_wrong: refusal(409, 'A wallet of this kind cannot do this'),
  wallet_kind_taken: refusal(409, 'The agent has a wallet of this kind'),
  wallet_not_deployed: refusal(409, 'No account of this wallet is known to stand on a chain', true),
  wallet_rotating: refusal(409, 'The wallet is being given to a new key', true),
  wallet_revoked: refusal(409, 'The key of the wallet is revoked, for good'),
  owner_wrong: refusal(409, 'The account is owned by another key than it should be'),
  restore_unknown: refusal(404, 'No such loss waits to be accepted'),
  seller_unknown: refusal(404, 'There is no such seller'),
  policy_unknown: refusal(404, 'There is no such policy version'),
  policy_invalid: refusal(422, 'The policy does not follow its schema'),
  delay_needed: refusal(409, 'It loosens what is in force, and has to be scheduled', true),
  no_delay: refusal(409, 'Nothing has to wait under the policy in force', true),
  change_unknown: refusal(404, 'No such change is waiting'),
  change_differs: refusal(409, 'It is not the change that was scheduled'),
  too_many_changes: refusal(429, 'As many changes are waiting as may', true),
  second_person_needed: refusal(403, 'The author of a policy does not activate it'),
  scheme_not_supported: refusal(422, 'Only the scheme "exact" with EIP-3009 is signed'),
  stale_cut: refusal(409, 'The archive goes on from elsewhere', true),
  sql_refused: refusal(422, 'The query is not run'),
  not_ignored: refusal(409, 'The record counted, so there is nothing to submit again'),
  control_outrun: refusal(409, 'The lane refers to a control record that does not exist'),
} as const satisfies Record<string, CodeInfo>;

export type RefusalCode = keyof typeof CODES;

/**
 * Every code with which the signer refuses a payment, in words: the code of a `signing.refused`, and then of the payment.
 * Append-only and never renamed, as they stand in recorded refusals.
 */
export const SIGNING_REFUSALS = {
  not_authorized: 'Nothing allows it',
  frozen: 'Payments of this agent are stopped',
  decision_unverified: 'Policy did not sign the decision, or it is about another payment or round',
  policy_not_believed: 'The policy in force was not put in force as it must be',
  policy_not_in_force: 'It was decided under another policy than the one in force',
  facts_changed: 'What was decided on is not what the log says now',
  rules_differ: 'It was decided by the rules of another version',
  decision_not_replayed: 'The decision comes out otherwise when it is run again',
  denied: 'The decision denies it',
  approval_missing: 'People were not asked, or gave less than the policy in force asks for',
  approval_unverified: 'What people were asked does not follow from a verified decision',
  terms_changed: 'The quote is not the one people were asked about',
  veto_window_open: 'The veto window has not ended by the clock of the signer',
  scheme_not_supported: 'Only the scheme "exact" is signed',
  asset_unknown: 'The token is not known',
  network_not_configured: 'The signer has no chain for this network',
  no_ceiling: 'The signer has no ceiling for this wallet and token',
  over_ceiling: 'It is over a ceiling of the wallet, for one payment or for a day',
  signed_before: 'It was signed before, by records that this log has lost',
} as const satisfies Record<string, string>;

export type SigningRefusalCode = keyof typeof SIGNING_REFUSALS;

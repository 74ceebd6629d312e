const HEAD = `
format: 1
name: test
unit: { name: USD, assets: ['eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e'] }
treasury: { 'eip155:84532': '0x7ea5000000000000000000000000000000007ea5' }
authorization: { maxLifetimeSeconds: 60 }
again: false
flags: []
`;

/** Everything up to `atMost` of known sellers without a person, under a budget per agent and rolling day. */
export function autonomous(
  options: { atMost?: string; perDay?: string; prohibited?: string; audit?: string } = {},
): string {
  const { atMost = '100.00', perDay = '1000.00', prohibited = '[]', audit } = options;
  const recorded = audit === undefined ? '' : `, audit: ${audit}`;
  return `${HEAD}
prohibited: ${prohibited}
tiers:
  - { name: everyday, kind: autonomous, when: { amount: { atMost: '${atMost}' }, trust: any }${recorded} }
budgets:
  - { id: day, scope: agent, window: { kind: rolling, seconds: 86400 }, atMost: '${perDay}', alternative: wait }
`;
}

/** Two of three people for everything. */
export function collaborative(
  options: {
    timeoutSeconds?: number;
    clearanceSeconds?: number;
    atMost?: string;
    budgets?: string;
  } = {},
): string {
  const { timeoutSeconds = 86_400, clearanceSeconds = 86_400, atMost = '1000.00' } = options;
  return `${HEAD}
prohibited: []
tiers:
  - name: people
    kind: collaborative
    when: { amount: { atMost: '${atMost}' }, trust: any }
    quorum: 2
    approvers: [ada, bo, cy]
    timeoutSeconds: ${timeoutSeconds}
    clearanceSeconds: ${clearanceSeconds}
budgets: ${options.budgets ?? '[]'}
`;
}

/** A veto window of an hour for everything. */
export function supervised(): string {
  return `${HEAD}
prohibited: []
tiers:
  - name: watched
    kind: supervised
    when: { amount: { atMost: '1000.00' }, trust: any }
    vetoWindowSeconds: 3600
    notifyWithinSeconds: 600
    clearanceSeconds: 3600
budgets: []
`;
}

/** Payments of one task, at most 1.00 together. */
export function perTask(): string {
  return `${HEAD}
prohibited: []
tiers:
  - { name: everyday, kind: autonomous, when: { amount: { atMost: '100.00' }, trust: any, categories: [embedding] } }
budgets:
  - { id: task, scope: task, window: { kind: lifetime }, atMost: '1.00' }
`;
}

/** Payments of one session, at most 0.60 together. */
export function perSession(): string {
  return `${HEAD}
prohibited: []
tiers:
  - { name: everyday, kind: autonomous, when: { amount: { atMost: '100.00' }, trust: any } }
budgets:
  - { id: run, scope: session, window: { kind: lifetime }, atMost: '0.60' }
`;
}

/** Everything of known sellers, between two times of the day in UTC. */
export function during(from: string, to: string): string {
  return `${HEAD}
prohibited: []
tiers:
  - { name: hours, kind: autonomous, when: { trust: any, hours: [{ timeZone: UTC, from: '${from}', to: '${to}' }] } }
budgets: []
`;
}

/** Payments of tasks with a committed plan only. */
export function planned(): string {
  return `${HEAD}
prohibited: []
tiers:
  - { name: planned, kind: autonomous, when: { task: { phase: [planned, executing], planCommitted: true } } }
budgets: []
`;
}

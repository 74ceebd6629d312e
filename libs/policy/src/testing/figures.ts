import type { Budget, Conditions, PolicyDocument, Tier } from '@countersign/contracts';

/** What each rule of a policy says, by its name, in the words in which the pages of the templates tell it. */
export function figuresOf(document: PolicyDocument): ReadonlyMap<string, string> {
  const { stream, prohibited, tiers, budgets, flags } = document;
  return new Map([
    ...(stream ? [['stream', `up to ${stream.atMost}`] as const] : []),
    ...[...prohibited, ...flags].map(({ id, when }) => [id, told(...conditions(when))] as const),
    ...tiers.flatMap((tier) => [
      [tier.name, told(...conditions(tier.when), ...waiting(tier))] as const,
      ...(tier.budgets ?? []).map((budget) => [budget.id, limits(budget)] as const),
    ]),
    ...budgets.map((budget) => [budget.id, limits(budget)] as const),
  ]);
}

const told = (...parts: readonly (string | undefined)[]) =>
  parts.filter((part) => part !== undefined).join('; ');

function conditions(when: Conditions): (string | undefined)[] {
  const { stream, amount, trust, trustIs, priceWithinPercent, networks, categories, hours } = when;
  return [
    stream === undefined ? undefined : stream ? 'stream' : 'no stream',
    amount?.over && `over ${amount.over}`,
    amount?.atMost && `up to ${amount.atMost}`,
    trust && `trust ${trust} or more`,
    trustIs && `trust ${trustIs}`,
    priceWithinPercent === undefined ? undefined : `price within ${priceWithinPercent} %`,
    networks?.join(', '),
    categories?.join(', '),
    hours?.map(({ timeZone, from, to }) => `${from} to ${to} ${timeZone}`).join(', '),
  ];
}

function waiting(tier: Tier): (string | undefined)[] {
  const { frequency, audit } = tier;
  return [
    tier.kind,
    frequency && `${frequency.atMost} in ${duration(frequency.seconds)}`,
    ...(tier.kind === 'supervised'
      ? [
          `${duration(tier.vetoWindowSeconds)} to veto`,
          `told within ${duration(tier.notifyWithinSeconds)}`,
        ]
      : []),
    ...(tier.kind === 'collaborative'
      ? [`${tier.quorum} of ${tier.approvers.length}`, `${duration(tier.timeoutSeconds)} to grant`]
      : []),
    ...(tier.kind === 'autonomous' ? [] : [`${duration(tier.clearanceSeconds)} to claim`]),
    audit?.depth && `recorded ${audit.depth}`,
  ];
}

function limits({ scope, window, atMost, atMostCount }: Budget): string {
  const time =
    window.kind === 'rolling'
      ? duration(window.seconds)
      : window.kind === 'calendar'
        ? `${window.unit} of ${window.timeZone}`
        : window.kind;
  return told(
    atMost,
    atMostCount === undefined ? undefined : `${atMostCount} payments`,
    `each ${scope}`,
    time,
  );
}

const LENGTHS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
] as const;

function duration(seconds: number): string {
  const [unit, name] = LENGTHS.find(([length]) => seconds % length === 0) ?? [1, 's'];
  return `${seconds / unit} ${name}`;
}

import { z } from 'zod';
import { TaskPhase, Unit } from './task.ts';
import { Address, HostName, Name, Network, TimeZone } from './text.ts';

const DecimalText = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,9})(?:\.[0-9]{1,6})?$/, 'a decimal of the unit, such as "0.50"');
const Seconds = z.int().positive().max(31_536_000);
const AssetId = z.string().regex(/^eip155:[1-9][0-9]*\/erc20:0x[0-9a-f]{40}$/, 'a CAIP-19 id');
const Category = Name;
const Jurisdiction = z.string().regex(/^(?:[A-Z]{2}|unknown)$/, 'an ISO 3166 code or "unknown"');
const list = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(20_000);

const ClockTime = z
  .string()
  .regex(/^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$/, 'a time of day such as "09:30"');
export const Weekday = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']);
export type Weekday = z.infer<typeof Weekday>;

/** How well a seller is known. */
export const Trust = z.enum(['unknown', 'known', 'verified']);
export type Trust = z.infer<typeof Trust>;

/** Hours as the clocks of a place show them: an hour that comes twice counts twice, one left out does not count. */
export const Hours = z
  .strictObject({
    timeZone: TimeZone,
    /** On which they begin; every day unless given. */
    days: z.array(Weekday).min(1).max(7).optional(),
    /** Up to, not including, `to`; past midnight where `to` is not the later one. */
    from: ClockTime.default('00:00'),
    to: ClockTime.default('24:00'),
  })
  .refine(({ from, to }) => from !== to && from !== '24:00', {
    message: 'hours end at another time than they begin, and begin before 24:00',
  });
export type Hours = z.infer<typeof Hours>;

/**
 * Conditions on one payment. In a tier and in a flag all that are given must hold; in `prohibited` one is enough.
 * All read established facts only, save that an asserted category or price may make a condition of a tier fail.
 */
export const Conditions = z
  .strictObject({
    amount: z
      .strictObject({ atMost: DecimalText.optional(), over: DecimalText.optional() })
      .refine((range) => range.atMost !== undefined || range.over !== undefined, 'atMost or over')
      .optional(),
    categories: list(Category).optional(),
    /** The least trust that meets the condition: verified ≥ known ≥ unknown. `any` is known or verified. */
    trust: z.enum(['unknown', 'known', 'verified', 'any']).optional(),
    /** Exactly this trust; what a prohibition of new sellers needs. */
    trustIs: Trust.optional(),
    sellers: list(Name).optional(),
    domains: list(HostName).optional(),
    /** Path prefixes, such as `/v1/embeddings`. */
    routes: list(z.string().startsWith('/').max(512)).optional(),
    payTo: list(Address).optional(),
    networks: list(Network).optional(),
    assets: list(AssetId).optional(),
    jurisdictions: list(Jurisdiction).optional(),
    agents: list(Name).optional(),
    /**
     * How the task stands that the payment names; all that is given must hold. A payment that names no open task meets
     * this in `prohibited` and in flags, and never in a tier.
     */
    task: z
      .strictObject({
        phase: list(TaskPhase).optional(),
        planCommitted: z.boolean().optional(),
      })
      .refine(
        (task) => Object.values(task).some((it) => it !== undefined),
        'phase or planCommitted',
      )
      .optional(),
    /** The quote may exceed the registered (and, if asserted, the agent's expected) price by this many percent. */
    priceWithinPercent: z.int().nonnegative().max(1000).optional(),
    /** Within any of these hours, by the log's own time of the record that brought the quote. */
    hours: z.array(Hours).min(1).max(50).optional(),
    /** Whether the payment belongs to a stream: it is no larger than the policy's `stream` says. */
    stream: z.boolean().optional(),
  })
  .refine((when) => Object.values(when).some((it) => it !== undefined), 'at least one condition');
export type Conditions = z.infer<typeof Conditions>;

/** How far back a limit looks. Rolling windows are exact, not bucketed; weeks of the calendar begin on Monday. */
export const Window = z.union([
  z.strictObject({ kind: z.literal('payment') }),
  z.strictObject({ kind: z.literal('rolling'), seconds: Seconds }),
  z.strictObject({
    kind: z.literal('calendar'),
    unit: z.enum(['day', 'week', 'month']),
    timeZone: TimeZone,
  }),
  z.strictObject({ kind: z.literal('lifetime') }),
]);
export type Window = z.infer<typeof Window>;

/**
 * Whose payments a budget adds up: of an agent, of one of its tasks or sessions, at a seller, in a category, of the whole
 * tenant; `stream`: the small payments of one agent at one seller.
 */
export const BudgetScope = z.enum([
  'agent',
  'task',
  'session',
  'seller',
  'category',
  'stream',
  'tenant',
]);
export type BudgetScope = z.infer<typeof BudgetScope>;

const Alternative = z.string().min(1).max(500);

export const Budget = z
  .strictObject({
    id: Name,
    scope: BudgetScope,
    window: Window,
    atMost: DecimalText.optional(),
    atMostCount: z.int().positive().max(1_000_000).optional(),
    /** Only payments of these agents (or, by scope, tasks, sessions, sellers and categories) are limited by it. */
    only: list(Name).optional(),
    /** What the agent is told to try when this budget refuses it. */
    alternative: Alternative.optional(),
  })
  .refine((it) => it.atMost !== undefined || it.atMostCount !== undefined, {
    message: 'a budget limits an amount (atMost), a count (atMostCount) or both',
  });
export type Budget = z.infer<typeof Budget>;

/** `full`: every rule that was looked at; `decisive`: those the verdict rests on. */
export const AuditDepth = z.enum(['full', 'decisive']);

/**
 * What is written down of a payment that the tier takes. A denial is always explained in full, and at either depth the
 * decision holds all that it is reached from: policy, facts and readings.
 */
export const Audit = z.strictObject({
  /** Of the trace; `full` where absent. */
  depth: AuditDepth.optional(),
  /** Named in the verdict and found by in the event store, for whoever keeps and exports records. */
  profile: Name.optional(),
});
export type Audit = z.infer<typeof Audit>;

const tierBase = {
  name: Name,
  when: Conditions,
  /** At most so many payments of one agent in this tier within the rolling window; beyond it the next tier is tried. */
  frequency: z.strictObject({ atMost: z.int().positive(), seconds: Seconds }).optional(),
  /** Budgets that hold under this tier only. */
  budgets: z.array(Budget).max(50).optional(),
  alternative: Alternative.optional(),
  audit: Audit.optional(),
};

/** No person needed. */
const AutonomousTier = z.strictObject({ ...tierBase, kind: z.literal('autonomous') });
/** People are told, and may veto while the window is open. */
const SupervisedTier = z.strictObject({
  ...tierBase,
  kind: z.literal('supervised'),
  vetoWindowSeconds: Seconds,
  notifyWithinSeconds: Seconds,
  clearanceSeconds: Seconds,
});
/** `quorum` distinct people of `approvers` must grant before the time-out. */
const CollaborativeTier = z.strictObject({
  ...tierBase,
  kind: z.literal('collaborative'),
  quorum: z.int().positive().max(20),
  approvers: list(Name),
  timeoutSeconds: Seconds,
  clearanceSeconds: Seconds,
});
export const Tier = z.discriminatedUnion('kind', [
  AutonomousTier,
  SupervisedTier,
  CollaborativeTier,
]);
export type Tier = z.infer<typeof Tier>;

/** Blocked whatever else allows it: any one condition is enough. The owner is alerted at once. */
export const Prohibition = z.strictObject({
  id: Name,
  when: Conditions,
  alternative: Alternative.optional(),
});
export type Prohibition = z.infer<typeof Prohibition>;

/** Longest that an authorization may be valid, whatever a policy says. */
export const LIFETIME_MAX_SECONDS = 3_600;

/** A policy as its author writes it (YAML or JSON). Content-addressed: its hash is over these exact bytes. */
export const PolicyDocument = z
  .strictObject({
    format: z.literal(1),
    name: Name,
    /** The unit of account (six decimals) and the assets that count in it at par; any other asset is denied. */
    unit: z.strictObject({ name: Unit, assets: list(AssetId) }),
    /** Per network, the only address a wallet may be emptied to. */
    treasury: z.record(Network, Address).optional(),
    /** A payment of at most this is part of the stream of its agent at its seller; a larger one stands alone. */
    stream: z.strictObject({ atMost: DecimalText }).optional(),
    authorization: z.strictObject({
      maxLifetimeSeconds: z.int().min(10).max(LIFETIME_MAX_SECONDS),
    }),
    /**
     * How long a change waits that loosens anything while this policy is in force: of the policy itself, of sellers,
     * people and agents. At once where it is left out; what only tightens never waits.
     */
    loosening: z.strictObject({ delaySeconds: z.int().min(1).max(2_592_000) }).optional(),
    /** Whether an agent may buy the same thing again while the first purchase is unresolved. */
    again: z.boolean(),
    prohibited: z.array(Prohibition).max(20_000),
    tiers: z.array(Tier).max(1_000),
    budgets: z.array(Budget).max(1_000),
    flags: z.array(z.strictObject({ id: Name, when: Conditions })).max(1_000),
    /** What an agent is told to try when nothing allowed its payment. */
    alternative: Alternative.optional(),
  })
  .superRefine((policy, context) => {
    const unique = (names: readonly string[], path: string) => {
      const seen = new Set<string>();
      const twice = names.find((name) => seen.size === seen.add(name).size);
      if (twice !== undefined)
        context.addIssue({ code: 'custom', path: [path], message: `"${twice}" appears twice` });
    };
    unique(
      [...policy.prohibited, ...policy.flags].map((rule) => rule.id),
      'prohibited',
    );
    unique(
      policy.tiers.map((tier) => tier.name),
      'tiers',
    );
    unique(
      [...policy.budgets, ...policy.tiers.flatMap((tier) => tier.budgets ?? [])].map((it) => it.id),
      'budgets',
    );
    if (!policy.stream && usesStreams(policy))
      context.addIssue({
        code: 'custom',
        path: ['stream'],
        message: 'needed, because a condition or a budget speaks of streams',
      });
    policy.tiers.forEach((tier, index) => {
      if (tier.kind !== 'collaborative') return;
      if (new Set(tier.approvers).size < tier.quorum)
        context.addIssue({
          code: 'custom',
          path: ['tiers', index, 'quorum'],
          message: 'more than there are distinct approvers',
        });
    });
  });
export type PolicyDocument = z.infer<typeof PolicyDocument>;

function usesStreams(policy: {
  readonly prohibited: readonly Prohibition[];
  readonly tiers: readonly Tier[];
  readonly budgets: readonly Budget[];
  readonly flags: readonly { readonly when: Conditions }[];
}): boolean {
  const { prohibited, tiers, budgets, flags } = policy;
  const scoped = [...budgets, ...tiers.flatMap((tier) => tier.budgets ?? [])];
  return (
    [...prohibited, ...tiers, ...flags].some(({ when }) => when.stream !== undefined) ||
    scoped.some(({ scope }) => scope === 'stream')
  );
}

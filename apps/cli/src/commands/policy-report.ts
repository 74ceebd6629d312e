import { type Facts, Name, Quote, Resource, TaskPhase, Trust } from '@countersign/contracts';
import { fromDecimal, toDecimal } from '@countersign/kernel';
import { type PolicyReport, reportOn } from '@countersign/policy';
import { TEMPLATES, type TemplateName, templateText } from '@countersign/policy/templates';
import { PolicyInvalid, parsePolicyText } from '@countersign/policy/text';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { z } from 'zod';
import { CommandError, type Open, type Session, UsageError } from '../session.ts';
import { facts as factLines, table, visible } from '../text.ts';
import { readText } from './files.ts';
import { type History, SOME_WALLET, historyOf } from './payment-history.ts';

/** Units of account have six decimals, as have the assets that count in them here. */
const DECIMALS = 6;

const Decimal = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,9})(?:\.[0-9]{1,6})?$/, 'a decimal such as "0.02"');

/** Payments as somebody expects them: each line is repeated `count` times, `everySeconds` apart. */
const Scenario = z.strictObject({
  format: z.literal(1),
  start: z.iso.datetime(),
  payments: z
    .array(
      z
        .strictObject({
          count: z.int().positive().max(100_000).default(1),
          afterSeconds: z.int().nonnegative().default(0),
          everySeconds: z.int().positive().default(60),
          agent: Name.default('agent'),
          amount: Decimal,
          network: z.string().default('eip155:84532'),
          asset: z.string().default('0x036cbd53842c5426634e7929541ec2318f3dcf7e'),
          payTo: z.string().default(`0x${'5'.repeat(40)}`),
          seller: z.union([Name, z.literal('unknown')]).default('seller'),
          trust: Trust.default('known'),
          category: z.string().default('unknown'),
          jurisdiction: z.string().default('unknown'),
          domain: z.string().default('seller.example'),
          path: z.string().default('/'),
          /** Registered price; that of the payment unless given. */
          price: Decimal.optional(),
          task: z.string().default('none'),
          /** How that task stands. */
          phase: TaskPhase.exclude(['done']).optional(),
          planCommitted: z.boolean().optional(),
          session: z.string().default('none'),
        })
        .refine((it) => it.task !== 'none' || (it.phase ?? it.planCommitted) === undefined, {
          path: ['task'],
          message: 'the task that stands so',
        }),
    )
    .min(1)
    .max(1_000),
});
type Line = z.infer<typeof Scenario>['payments'][number];

/** Most payments that all lines of a scenario may come to. */
const SCENARIO_MAX = 200_000;

interface ReportOptions {
  readonly scenario?: string;
  readonly history?: boolean;
}

/** What a policy would mean, and policies to begin with. Neither changes anything. */
export function addReportCommands(policy: Command, open: Open): void {
  policy
    .command('report <file>')
    .description(
      'friction and exposure of a policy, tier by tier, on payments that were or may be made',
    )
    .option('--scenario <file>', 'payments somebody expects, as YAML')
    .option('--history', 'payments that were made')
    .addHelpText(
      'after',
      '\nWORST DAY is the most that one agent spent in 24 hours with nobody asked, or with nobody answering a veto window;\nDAY BOUND, the most that limits let it.',
    )
    .action(async (file: string, options: ReportOptions, command: Command) => {
      const session = open(command);
      if ((options.scenario === undefined) === (options.history !== true))
        throw new UsageError('name either --scenario <file> or --history');
      const document = documentOf(await readText(file));
      const { payments, notes }: History =
        options.scenario === undefined
          ? await historyOf(session, document)
          : { payments: scenarioOf(await readText(options.scenario)), notes: [] };
      const report = { ...reportOn(document, payments), notes };
      session.show(printable(report), () => reportText(session, report, document.unit.name));
    });
  policy
    .command('template [name]')
    .description(`print a policy to begin with: ${TEMPLATES.join(', ')}`)
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const session = open(command);
      if (name === undefined) {
        session.show({ templates: TEMPLATES }, () => TEMPLATES.join('\n'));
        return;
      }
      const known = TEMPLATES.find((it): it is TemplateName => it === name);
      if (!known)
        throw new UsageError(`"${name}" is no template; there are ${TEMPLATES.join(', ')}`);
      const text = await templateText(known);
      session.show({ name: known, text }, () => text.trimEnd());
    });
}

function documentOf(text: string) {
  try {
    return parsePolicyText(text).document;
  } catch (error) {
    if (error instanceof PolicyInvalid)
      throw new CommandError('policy_invalid', error.message, error.errors);
    throw error;
  }
}

function scenarioOf(text: string): Facts[] {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new UsageError(`the scenario is no YAML: ${error instanceof Error ? error.message : ''}`);
  }
  const read = Scenario.safeParse(value);
  if (!read.success) throw new UsageError(`the scenario: ${z.prettifyError(read.error)}`);
  const { start, payments } = read.data;
  const count = payments.reduce((sum, line) => sum + line.count, 0);
  if (count > SCENARIO_MAX)
    throw new UsageError(
      `the scenario comes to ${count} payments; at most ${SCENARIO_MAX} are tried`,
    );
  const startMs = Date.parse(start);
  return payments
    .flatMap((line) =>
      Array.from({ length: line.count }, (_, index) =>
        expected(line, startMs + (line.afterSeconds + index * line.everySeconds) * 1_000),
      ),
    )
    .sort((one, other) => one.atMs - other.atMs);
}

/** Facts as they would be established of an expected payment. */
function expected(line: Line, atMs: number): Facts {
  const atomic = (decimal: string) => String(fromDecimal(decimal, DECIMALS) ?? 0n);
  const { network, asset, payTo, amount, seller } = line;
  const quote = Quote.safeParse({
    ...{ scheme: 'exact', network, asset, payTo, maxTimeoutSeconds: 60 },
    amount: atomic(amount),
  });
  if (!quote.success) throw new UsageError(`the scenario: ${z.prettifyError(quote.error)}`);
  return {
    atMs,
    tenant: 'default',
    agent: line.agent,
    kind: 'payment',
    quote: quote.data,
    resource: Resource.parse({ method: 'GET', url: `https://${line.domain}${line.path}` }),
    again: false,
    established: {
      seller,
      payee: seller === 'unknown' ? 'unknown' : 'registered',
      domain: line.domain,
      route: line.path,
      category: line.category,
      trust: seller === 'unknown' ? 'unknown' : line.trust,
      jurisdiction: line.jurisdiction,
      expectedAmount: atomic(line.price ?? amount),
      task: line.task,
      ...(line.task !== 'none' && {
        taskTerms: {
          phase: line.phase ?? 'executing',
          planCommitted: line.planCommitted ?? false,
          reported: '0',
        },
      }),
      session: line.session,
      frozen: false,
      wallet: SOME_WALLET,
    },
    asserted: {},
  };
}

/** The report as JSON can carry it: amounts as decimal strings of atomic units. */
function printable(report: PolicyReport & Pick<History, 'notes'>): unknown {
  const text = JSON.stringify(report, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  return JSON.parse(text) as unknown;
}

function reportText(
  { terminal }: Session,
  report: PolicyReport & Pick<History, 'notes'>,
  unit: string,
): string {
  const money = (units: bigint) => `${toDecimal(units, DECIMALS)} ${unit}`;
  const reasons = Object.entries(report.reasons).map(([reason, count]) => `${count} ${reason}`);
  return [
    factLines(terminal, [
      ['payments', `${report.payments}, ${money(report.amount)}`],
      ['denied', `${report.denied}, ${money(report.deniedAmount)}`],
      ['because', reasons.length > 0 ? visible(reasons.join(', ')) : undefined],
    ]),
    ...report.notes,
    '',
    table(terminal, report.tiers, {
      none: 'The policy has no tiers: everything is denied.',
      columns: [
        { title: 'TIER', of: (it) => it.tier },
        { title: 'KIND', of: (it) => it.kind },
        { title: 'PAYMENTS', of: (it) => String(it.payments), right: true },
        { title: 'AMOUNT', of: (it) => money(it.amount), right: true },
        { title: 'PEOPLE ASKED', of: (it) => String(it.peopleAsked), right: true },
        { title: 'WAITED', of: (it) => `${Math.round(it.waitMs / 60_000)} min`, right: true },
        {
          title: 'WORST DAY',
          // Where people grant, nothing goes through without them, and 0.00 would read as nothing spent.
          of: (it) => (it.kind === 'collaborative' ? '-' : money(it.worstDay)),
          right: true,
        },
        {
          title: 'DAY BOUND',
          of: (it) => (it.dayBound === null ? 'none' : money(it.dayBound)),
          right: true,
        },
      ],
    }),
    '',
    ...(report.findings.length === 0
      ? ['Nothing is out of proportion by these figures.']
      : report.findings.map((it) => `- ${visible(it)}`)),
    'These are figures about friction and exposure, and no statement about any law.',
  ].join('\n');
}

import { FeedQuery, WRITERS } from '@countersign/contracts';
import type { AnswerOf } from '@countersign/sdk';
import { type Command, Option } from 'commander';
import { type Open, type Session, UsageError } from '../session.ts';
import { unknownAgentNote } from './known-agent.ts';
import { type Column, instant, money, quoted, table, visible } from '../text.ts';

interface SearchOptions {
  readonly limit: number;
  readonly before?: number;
  readonly from?: number;
  readonly to?: number;
  readonly agent?: string;
  readonly [condition: string]: string | number | undefined;
}

const CONDITIONS = [
  ['payment', 'all records of a payment'],
  ['tx', 'of the payment a transaction settled'],
  ['nonce', 'of the payment with this nonce'],
  ['task', 'of a task'],
  ['session', 'of a session'],
  ['seller', 'of a seller'],
  ['agent', 'of an agent'],
  ['outcome', 'decided allow, review or deny'],
  ['policy', 'under a policy version'],
  ['profile', 'of tiers with this record profile'],
  ['depth', 'whose decision tells `full` or `decisive` rules'],
] as const;

/** Questions to the event store, and the stream of what is recorded. */
export function addAuditCommands(program: Command, open: Open): void {
  addSearch(program, open);
  addSpend(program, open);
  addSql(program, open);
  addEvents(program, open);
}

function addSearch(program: Command, open: Open): void {
  const search = program
    .command('search [words...]')
    .description('what was recorded, newest first; words are those of a purpose');
  for (const [name, says] of CONDITIONS) search.option(`--${name} <value>`, says);
  search
    .addOption(
      new Option('--event <value>', 'of one kind, such as decision.made').argParser(kindOf),
    )
    .addOption(new Option('--from <time>', 'from this time on').argParser(timeOf))
    .addOption(new Option('--to <time>', 'before this time').argParser(timeOf))
    .addOption(new Option('--before <leaf>', 'go on from a page').argParser(countOf))
    .addOption(new Option('--limit <count>', 'at most so many').default(50).argParser(countOf))
    .action(async (words: readonly string[], options: SearchOptions, command: Command) => {
      const session = open(command);
      const text = words.length > 0 ? words.join(' ') : undefined;
      const query = { ...options, text } as Readonly<Record<string, unknown>>;
      inOrder(options.from, options.to);
      const answer = await session.call('searchEvents', { query });
      const note = answer.events.length > 0 ? '' : await unknownAgentNote(session, options.agent);
      session.show(answer, () => page(session, answer) + note);
    });
}

function page(session: Session, answer: AnswerOf<'searchEvents'>): string {
  const fact = (name: string) => (it: (typeof answer.events)[number]) =>
    String(it.facts[name] ?? '');
  const listed = table(session.terminal, answer.events, {
    none:
      answer.next === null ? 'Nothing of the kind was recorded.' : 'Nothing of the kind so far.',
    columns: [
      { title: 'AT', of: (it) => instant(it.atMs) },
      {
        title: 'EVENT',
        of: (it) => (it.ignored === null ? it.event : `${it.event} (${it.ignored})`),
      },
      { title: 'AGENT', of: (it) => it.agent },
      { title: 'PAYMENT', of: (it) => it.paymentId },
      { title: 'SELLER', of: fact('seller') },
      { title: 'OUTCOME', of: fact('outcome') },
      { title: 'WORDS', of: (it) => Object.values(it.texts).map(quoted).join(' ') },
    ],
  });
  const more = answer.next === null ? '' : `\nGo on with --before ${answer.next}`;
  return `${listed}${more}\n${asOf(session, answer)}`;
}

function addSpend(program: Command, open: Open): void {
  program
    .command('spend')
    .description('which agent spent what, where, under which policy and why; days are of UTC')
    .option('--from <day>', 'first day, such as 2026-11-16')
    .option('--to <day>', 'last day')
    .option('--agent <name>', 'of one agent')
    .action(async (query: { from?: string; to?: string; agent?: string }, command: Command) => {
      const session = open(command);
      inOrder(query.from, query.to);
      const answer = await session.call('readSpend', { query });
      const note = answer.lines.length > 0 ? '' : await unknownAgentNote(session, query.agent);
      session.show(answer, () => `${spendTable(session, answer)}\n${asOf(session, answer)}${note}`);
    });
}

function spendTable(session: Session, { lines, truncated }: AnswerOf<'readSpend'>): string {
  const columns: Column<(typeof lines)[number]>[] = [
    { title: 'DAY', of: (it) => it.day },
    { title: 'AGENT', of: (it) => it.agent },
    { title: 'AMOUNT', of: money, right: true },
    { title: 'PAYMENTS', of: (it) => String(it.payments), right: true },
    { title: 'SELLER', of: (it) => it.seller },
    { title: 'WHERE', of: (it) => it.domain },
    {
      title: 'FOR',
      of: (it) => (it.task === 'none' ? it.category : `${it.category}, task ${it.task}`),
    },
    { title: 'POLICY', of: (it) => String(it.policyVersion), right: true },
    { title: 'WHY', of: (it) => `${it.tier}: ${it.reason}` },
  ];
  const listed = table(session.terminal, lines, { none: 'Nothing was spent then.', columns });
  const more = truncated
    ? `\nThere is more from ${lines.at(-1)?.day} back: ask for fewer days`
    : '';
  return `${listed}${more}`;
}

function addSql(program: Command, open: Open): void {
  program
    .command('sql <query>')
    .description('one SELECT over events, openings, spend_by_day, spend_by_reason and cuts')
    .action(async (query: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('runSql', { body: { query } });
      session.show(answer, () => rowsText(session, answer));
    });
}

function rowsText(session: Session, answer: AnswerOf<'runSql'>): string {
  const columns = answer.columns.map(({ name }, index) => ({
    title: visible(name),
    of: (row: readonly unknown[]) => {
      const cell = row[index];
      return typeof cell === 'string' ? cell : JSON.stringify(cell ?? null);
    },
  }));
  const listed = table(session.terminal, answer.rows, { none: 'No rows.', columns });
  const more = answer.truncated ? '\nThere are more rows; add a LIMIT or a condition' : '';
  return `${listed}${more}\n${asOf(session, answer)}`;
}

function addEvents(program: Command, open: Open): void {
  program
    .command('events')
    .description('records as they come in')
    .option('--after <place>', '`start`, `now`, or the id of the last record you have', 'start')
    .option('--follow', 'wait for more, until interrupted')
    .action(async ({ after, follow }: { after: string; follow?: boolean }, command: Command) => {
      if (!FeedQuery.shape.after.safeParse(after).success)
        throw new UsageError(
          `--after takes start, now, or the id of a record such as 0:12, and not "${after}"`,
        );
      const session = open(command);
      let place = after;
      for (;;) {
        const query = { after: place, wait: follow ? 20 : 0 };
        const answer = await session.call('followEvents', { query });
        for (const event of answer.events) session.show(event, () => line(event));
        place = answer.after;
        if (answer.events.length === 0 && !follow) return;
      }
    });
}

type FeedEvent = AnswerOf<'followEvents'>['events'][number];

function line({ atMs, position, event, ignored, data }: FeedEvent): string {
  const { agent, paymentId } = data;
  const named = [agent, paymentId].filter((it) => typeof it === 'string').map(String);
  const what = ignored === null ? event : `${event} (${ignored})`;
  return [instant(atMs), position, what, ...named].map(visible).join('  ');
}

function asOf(session: Session, answer: { asOf: { treeSize: number; root: string } }): string {
  const { treeSize, root } = answer.asOf;
  return session.terminal.paint('dim', `As of ${treeSize} records, root ${visible(root)}`);
}

/** Times as numbers, days as text: both in their order. */
function inOrder<T extends number | string>(from: T | undefined, to: T | undefined): void {
  if (from !== undefined && to !== undefined && from > to)
    throw new UsageError('--from is later than --to');
}

const KINDS = Object.keys(WRITERS);

/** A kind nobody records finds nothing, which would read as nothing of the kind having happened. */
function kindOf(text: string): string {
  if (KINDS.includes(text)) return text;
  const words = text.split('.');
  const near = KINDS.filter((kind) => kind.split('.').some((word) => words.includes(word)));
  const [which, list] = near.length > 0 ? ['perhaps', near] : ['there are', KINDS];
  throw new UsageError(`--event: "${text}" is no kind of record; ${which} ${list.join(', ')}`);
}

function timeOf(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new UsageError(`"${text}" is no time; write 2026-11-20T14:00:00Z`);
  return ms;
}

function countOf(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw new UsageError(`"${text}" is no whole number`);
  return Number(text);
}

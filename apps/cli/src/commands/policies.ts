import { fromDecimal } from '@countersign/kernel';
import { type EvaluateBody, Quote, Unit, findAsset } from '@countersign/contracts';
import {
  type AnswerOf,
  CountersignError,
  type Price,
  askPrice,
  resourceOfRequest,
} from '@countersign/sdk';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { CommandError, type Open, type Session, UsageError } from '../session.ts';
import { facts, money, table, visible, visibleLines } from '../text.ts';
import { unlessWaiting } from './changes.ts';
import { unknownAgentNote } from './known-agent.ts';
import { readText, readYaml } from './files.ts';
import { requirementText, resourceText, traceText } from './payment-text.ts';
import { addReportCommands } from './policy-report.ts';
import { type RequestOptions, addRequestOptions, requestOf } from './request.ts';
import { amountOf } from './sessions.ts';

interface EvaluateOptions extends RequestOptions {
  readonly agent: string;
  readonly task?: string;
  readonly session?: string;
  readonly sessionTerms?: string;
  readonly category?: string;
  readonly policyVersion?: number;
  readonly payTo?: string;
  readonly amount?: string;
  readonly asset: string;
}

/** USDC on Base Sepolia, which the sandbox chain has as well. */
const DEFAULT_ASSET = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';

/** Policy versions, and what one of them would decide. */
export function addPolicyCommands(program: Command, open: Open): void {
  const policy = program.command('policy').description('policies');
  addWriting(policy, open);
  policy
    .command('list')
    .description('all versions')
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('listPolicies');
      session.show(answer, () =>
        table(session.terminal, answer.policies, {
          none: 'There is no policy: every payment is denied.',
          columns: [
            { title: 'VERSION', of: (it) => String(it.version), right: true },
            {
              title: 'STATE',
              of: (it) => (it.active ? 'in force' : ''),
              style: (it) => (it.active ? 'green' : undefined),
            },
            { title: 'BY', of: (it) => it.by },
            { title: 'HASH', of: (it) => it.hash },
          ],
        }),
      );
    });
  policy
    .command('show [version]')
    .description('the exact text of a version; of the one in force when none is named')
    .action(async (version: string | undefined, _options: unknown, command: Command) => {
      const session = open(command);
      const wanted = version === undefined ? await versionInForce(session) : versionOf(version);
      const answer = await session.call('readPolicy', { params: { version: String(wanted) } });
      session.show(answer, () => visibleLines(answer.text).trimEnd());
    });
  addEvaluate(policy, open);
  addReportCommands(policy, open);
}

function addWriting(policy: Command, open: Open): void {
  policy
    .command('put <file>')
    .description('add a version from a YAML or JSON file; nothing changes until it is activated')
    .action(async (file: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('putPolicy', { body: { text: await readText(file) } });
      const same = (await versionsOf(session)).find(
        (it) => it.hash === answer.hash && it.version < answer.version,
      );
      session.show(answer, () =>
        [
          `Policy version ${answer.version} is stored (hash ${answer.hash}).`,
          ...(same
            ? [`It is the very text of version ${same.version}, so that no new version was needed.`]
            : []),
          ...answer.warnings.map((it) => `Note: ${visible(it)}.`),
          `Put it in force with: countersign policy activate ${answer.version}`,
        ].join('\n'),
      );
    });
  policy
    .command('activate <version>')
    .description(
      'put a version in force; in force everywhere when this returns, unless what it loosens waits',
    )
    .action(async (version: string, _options: unknown, command: Command) => {
      const session = open(command);
      const params = { version: String(versionOf(version)) };
      const answer = await session
        .call('activatePolicy', { params })
        .catch((error: unknown) => rethrown(session, Number(params.version), error));
      session.show(answer, () =>
        unlessWaiting(
          answer.scheduled,
          [
            `Policy version ${answer.version} is in force everywhere.`,
            ...(answer.loosens.length > 0 ? ['Compared with the one before, it loosens:'] : []),
            ...answer.loosens.map((it) => `  ${visible(it)}`),
          ].join('\n'),
        ),
      );
    });
}

function addEvaluate(policy: Command, open: Open): void {
  const evaluate = policy
    .command('evaluate <url>')
    .description('what would be decided now if an agent bought this; nothing is paid or recorded')
    .requiredOption('--agent <name>', 'who would buy')
    .option('--task <name>', 'the task the agent would name')
    .option('--session <name>', 'the session the agent would name')
    .option('--session-terms <file>', 'as if it had been opened so: YAML with `unit` and `ceiling`')
    .option('--category <name>', 'the category the agent would name')
    .addOption(
      new Option('--policy-version <version>', 'a version that is not in force').argParser(
        versionOf,
      ),
    )
    .option('--amount <decimal>', 'take this price instead of asking the seller (with --pay-to)')
    .option('--pay-to <address>', 'and this payee')
    .option('--asset <id>', 'and this token, by its CAIP-19 id', DEFAULT_ASSET);
  addRequestOptions(evaluate).action(
    async (url: string, options: EvaluateOptions, command: Command) => {
      const session = open(command);
      const price = await priceOf(session, url, options);
      const { agent, task, session: within, category, policyVersion } = options;
      const sessionTerms = await sessionTermsOf(options);
      const body: EvaluateBody = {
        ...price,
        agent,
        ...(task !== undefined && { task }),
        ...(within !== undefined && { session: within }),
        ...(sessionTerms && { sessionTerms }),
        ...(category !== undefined && { category }),
        ...(policyVersion !== undefined && { version: policyVersion }),
      };
      const verdict = await session.call('evaluatePolicy', { body });
      const note = await unknownAgentNote(session, agent);
      session.show(verdict, () => verdictText(session, price, verdict) + note);
    },
  );
}

/** Terms in a file, as people write them: the ceiling is a decimal. */
const SessionTermsFile = z.strictObject({
  unit: Unit.default('USD'),
  ceiling: z.string('an amount in quotes, such as "5.00"').optional(),
});

async function sessionTermsOf({ session, sessionTerms: file }: EvaluateOptions) {
  if (file === undefined) return undefined;
  if (session === undefined) throw new UsageError('--session-terms needs --session');
  const terms = SessionTermsFile.safeParse(await readYaml(file));
  if (!terms.success) throw new UsageError(`${file}: ${z.prettifyError(terms.error)}`);
  const { unit, ceiling } = terms.data;
  return { unit, ...(ceiling !== undefined && { ceiling: amountOf(ceiling) }) };
}

async function priceOf(session: Session, url: string, options: EvaluateOptions): Promise<Price> {
  const request = await requestOf(url, options);
  const { payTo, amount } = options;
  if (payTo === undefined && amount === undefined) {
    const asked = await askPrice(request, session.fetch);
    if (asked) return asked;
    throw new CommandError(
      'free',
      `${url} asks for no payment; name a price with --amount and --pay-to`,
    );
  }
  if (payTo === undefined || amount === undefined)
    throw new UsageError('--amount and --pay-to go together');
  const [network = '', token = ''] = options.asset.split('/erc20:');
  const asset = findAsset(network, token);
  if (!asset) throw new UsageError(`the token "${options.asset}" is not one we know`);
  const atomic = fromDecimal(amount, asset.decimals);
  if (atomic === undefined) throw new UsageError(`"${amount}" is no amount; write it like 0.02`);
  const quote = Quote.safeParse({
    scheme: 'exact',
    network,
    asset: asset.address,
    amount: String(atomic),
    payTo,
    maxTimeoutSeconds: 60,
  });
  if (!quote.success) throw new UsageError(`"${payTo}" is no address`);
  return { quote: quote.data, resource: await resourceOfRequest(request) };
}

function verdictText(session: Session, price: Price, verdict: AnswerOf<'evaluatePolicy'>): string {
  const { terminal } = session;
  const style = { allow: 'green', review: 'yellow', deny: 'red' } as const;
  return [
    facts(terminal, [
      ['outcome', terminal.paint(style[verdict.outcome], verdict.outcome)],
      ['amount', money(price.quote)],
      ['to', `${visible(price.quote.payTo)} on ${visible(price.quote.network)}`],
      ['for', resourceText(price.resource)],
      ['tier', verdict.tier === null ? 'none' : visible(verdict.tier)],
      ['asked', requirementText(verdict.requirement)],
      ['flags', verdict.flags.length > 0 ? visible(verdict.flags.join(', ')) : undefined],
      ['reasons', visible(verdict.reasons.join(', '))],
      ['instead', verdict.alternative === undefined ? undefined : visible(verdict.alternative)],
    ]),
    '',
    traceText(terminal, verdict.trace),
  ].join('\n');
}

/** What was ordered before need not hold now, so that only who looks can say that it does. */
async function rethrown(session: Session, version: number, error: unknown): Promise<never> {
  if (!(error instanceof CountersignError) || error.code !== 'duplicate') throw error;
  const active = (await versionsOf(session)).find((it) => it.active);
  if (active?.version !== version) throw error;
  throw new CommandError(error.code, `Policy version ${version} is in force already`);
}

/** For a remark alone: none, where they cannot be had now. */
async function versionsOf(session: Session): Promise<AnswerOf<'listPolicies'>['policies']> {
  return session.call('listPolicies').then(
    ({ policies }) => policies,
    () => [],
  );
}

async function versionInForce(session: Session): Promise<number> {
  const { policies } = await session.call('listPolicies');
  const active = policies.find((it) => it.active);
  if (!active) throw new CommandError('policy_unknown', 'No policy is in force');
  return active.version;
}

function versionOf(text: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`"${text}" is no policy version; they are numbered from 1`);
}

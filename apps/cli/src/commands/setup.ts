import { readFile } from 'node:fs/promises';
import type { TopicStep, TopicsWanted } from '@countersign/adapter-kafka';
import { SaslLogin } from '@countersign/adapter-kafka/sasl';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { z } from 'zod';
import { UsageError } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { visible, visibleLines } from '../text.ts';
import { readYaml } from './files.ts';
import { setUpClickHouse } from './setup-clickhouse.ts';
import { setUpVault } from './setup-vault.ts';

const TOPICS_FILE = new URL('../../../../deploy/kafka/topics.yaml', import.meta.url);

interface SetupOptions {
  readonly plan?: true;
  readonly apply?: true;
  readonly brokers: string;
  readonly lanes: string;
  readonly replication: string;
  readonly prefix: string;
  readonly topics?: string;
  readonly agents?: string;
  readonly tls?: true;
  readonly saslFile?: string;
  readonly vault?: string;
  readonly vaultTokenFile?: string;
  readonly vaultNamespace?: string;
  readonly logins?: string;
  readonly redis?: string;
  readonly clickhouseUrlFile?: string;
}

/** What Countersign needs to be there before it runs as services: topics, tables, keys and roles in Vault, a Redis that keeps. */
export function addSetupCommand(program: Command, terminal: Terminal): void {
  program
    .command('setup')
    .description('show what Kafka, ClickHouse, Vault and Redis lack, or make it')
    .option('--plan', 'show what would be done, and do nothing')
    .option('--apply', 'do it; may be repeated')
    .requiredOption('--brokers <list>', 'some brokers, as host:port,host:port')
    .requiredOption('--lanes <count>', 'how many lanes the log has, for as long as it lives')
    .requiredOption('--replication <count>', 'copies of each record; 3 for anything that matters')
    .option('--prefix <text>', "put before every topic's name", '')
    .option('--topics <file>', 'other topics than those of deploy/kafka/topics.yaml')
    .option('--agents <file>', 'YAML with `agent` and `principal` of each that has its own topic')
    .option('--tls', 'connect with TLS')
    .option('--sasl-file <file>', 'JSON with mechanism, username and password')
    .option(
      '--vault <url>',
      'make mounts, keys, policies and roles there, and print the public keys',
    )
    .option('--vault-token-file <file>', 'token of somebody who may do that')
    .option('--vault-namespace <name>', 'as the services are told: COUNTERSIGN_VAULT_NAMESPACE')
    .option('--logins <folder>', "write each service's AppRole login into this folder")
    .option('--redis <url>', 'check that it keeps what it is given')
    .option(
      '--clickhouse-url-file <file>',
      'make the event store’s tables there; the URL has a user who may',
    )
    .action(async (options: SetupOptions) => {
      if (Boolean(options.plan) === Boolean(options.apply))
        throw new UsageError('setup takes either --plan or --apply');
      const wanted = await wantedBy(options);
      if (options.redis !== undefined) await checkBudgets(options.redis, terminal);
      const { applyTopics, planTopics } = await import('@countersign/adapter-kafka');
      const steps = await (options.apply ? applyTopics(wanted) : planTopics(wanted));
      for (const step of steps) terminal.out(lineOf(step));
      if (steps.length === 0) terminal.out('The topics are as they should be.');
      if (options.clickhouseUrlFile !== undefined)
        await setUpClickHouse(options.clickhouseUrlFile, options, terminal);
      if (options.vault !== undefined) await setUpVault(options.vault, options, terminal);
    });
}

async function checkBudgets(url: string, terminal: Terminal): Promise<void> {
  const { checkRedis } = await import('@countersign/adapter-redis');
  await checkRedis({ url });
  terminal.out('Redis keeps what it is given.');
}

async function wantedBy(options: SetupOptions): Promise<TopicsWanted> {
  const { AgentsFile, TopicsFile } = await import('@countersign/adapter-kafka');
  const file = TopicsFile.safeParse(
    parse(await readFile(options.topics ?? TOPICS_FILE, 'utf8')) as unknown,
  );
  if (!file.success) throw new UsageError(`the topics file: ${z.prettifyError(file.error)}`);
  const agents =
    options.agents === undefined ? undefined : AgentsFile.safeParse(await readYaml(options.agents));
  if (agents?.success === false)
    throw new UsageError(`${options.agents}: ${visibleLines(z.prettifyError(agents.error))}`);
  const sasl =
    options.saslFile && SaslLogin.parse(JSON.parse(await readFile(options.saslFile, 'utf8')));
  return {
    file: file.data,
    brokers: options.brokers.split(','),
    clientId: 'countersign-setup',
    laneCount: countOf('--lanes', options.lanes),
    replication: countOf('--replication', options.replication),
    prefix: options.prefix,
    ...(agents && { agents: agents.data }),
    ...(options.tls && { ssl: true }),
    ...(sasl && { sasl }),
  };
}

function countOf(option: string, text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new UsageError(`${option} takes a number from 1 on`);
  return Number(text);
}

function lineOf(step: TopicStep): string {
  if (step.kind === 'allow') {
    const { principal, operation, resource, name } = step;
    const what = resource === 'group' ? `the consumer group ${visible(name)}` : visible(name);
    return `allow   ${visible(principal)}: ${operation} ${what}`;
  }
  const topic = visible(step.topic);
  switch (step.kind) {
    case 'create':
      return `create  ${topic}, ${step.partitions} ${step.partitions === 1 ? 'partition' : 'partitions'}`;
    case 'set':
      return `set     ${topic}: ${step.setting} = ${visible(step.value)} (was ${visible(step.was)})`;
    case 'refuse':
      return `REFUSED ${visible(step.reason)}`;
  }
}

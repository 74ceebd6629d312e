import { type MessageKeys, Role } from '@countersign/contracts';
import type { Command } from 'commander';
import { type Open, UsageError } from '../session.ts';
import { table, visible } from '../text.ts';
import { addAvailableCommand } from './available.ts';
import { unlessWaiting } from './changes.ts';
import { handOver, publicKeyIn } from './files.ts';

/** Agents, people, and the brake over them. */
export function addAgentCommands(program: Command, open: Open): void {
  const agent = program.command('agent').description('agents and their wallets');
  addAvailableCommand(agent, open);
  agent
    .command('add <name>')
    .description('add an agent; its credential is shown once')
    .requiredOption('--wallet <wallet>', 'the wallet it pays from')
    .option('--save <file>', 'write the credential to a new file instead of showing it')
    .action(async (name: string, options: { wallet: string; save?: string }, command: Command) => {
      const session = open(command);
      const body = { agent: name, wallet: options.wallet };
      const make = () => session.call('addAgent', { body });
      await handOver(session, { whose: `agent ${name}`, save: options.save, make });
    });
  agent
    .command('wallet <name> <wallet>')
    .description("give it a wallet of a further kind; the seller's record decides which one pays")
    .action(async (name: string, wallet: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('addAgentWallet', {
        params: { agent: name },
        body: { wallet },
      });
      session.show(answer, () =>
        unlessWaiting(
          answer.scheduled,
          `Agent ${visible(name)} can pay from ${visible(wallet)} too.`,
        ),
      );
    });
  addMessageKeys(agent, open);
  agent
    .command('list')
    .description('all agents')
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('listAgents');
      session.show(answer, () =>
        table(session.terminal, answer.agents, {
          none: 'There are no agents.',
          columns: [
            { title: 'AGENT', of: (it) => it.agent },
            { title: 'WALLETS', of: (it) => it.wallets.join(', ') },
            { title: 'ADDRESS OF THE FIRST', of: (it) => it.address },
            {
              title: 'STATE',
              of: (it) => (it.frozen ? 'frozen' : 'active'),
              style: (it) => (it.frozen ? 'red' : undefined),
            },
          ],
        }),
      );
    });
  agent
    .command('credential <name>')
    .description("replace an agent's credential; the old one stops working, the new is shown once")
    .option('--save <file>', 'write the credential to a new file instead of showing it')
    .action(async (name: string, options: { save?: string }, command: Command) => {
      const session = open(command);
      const make = () => session.call('replaceAgentCredential', { params: { agent: name } });
      await handOver(session, { whose: `agent ${name}`, save: options.save, make });
    });
  addBrakes(program, agent, open);
}

function addMessageKeys(agent: Command, open: Open): void {
  agent
    .command('keys <name>')
    .description('let an agent speak by messages signed with this key, and by no other')
    .option('--signing <file>', 'its ed25519 public key, as PEM')
    .option('--sealing <file>', 'its X25519 public key, as PEM, to seal outcomes to')
    .option('--none', 'it speaks by messages no more')
    .action(async (name: string, options: KeyOptions, command: Command) => {
      const session = open(command);
      const keys = await keysOf(options);
      const answer = await session.call('setAgentMessageKeys', {
        params: { agent: name },
        body: { keys },
      });
      const speaks = keys ? 'speaks by messages with this key' : 'speaks by messages no more';
      session.show(answer, () => `Agent ${visible(name)} ${speaks}.`);
    });
}

interface KeyOptions {
  readonly signing?: string;
  readonly sealing?: string;
  readonly none?: true;
}

async function keysOf({ signing, sealing, none }: KeyOptions): Promise<MessageKeys | null> {
  if (Boolean(none) === (signing !== undefined))
    throw new UsageError('keys takes either --signing or --none');
  if (signing === undefined) return null;
  return {
    signing: await publicKeyIn(signing, 'ed25519'),
    ...(sealing !== undefined && { sealing: await publicKeyIn(sealing, 'x25519') }),
  };
}

function addBrakes(program: Command, agent: Command, open: Open): void {
  agent
    .command('freeze <name>')
    .description('stop every payment of an agent; in force when this returns')
    .option('--reason <text>', 'why, for the log')
    .action(async (name: string, options: { reason?: string }, command: Command) => {
      const session = open(command);
      const answer = await session.call('freezeAgent', { params: { agent: name }, body: options });
      session.show(answer, () =>
        [
          `Agent ${visible(name)} is frozen.`,
          ...answer.tooLate.map(
            (id) =>
              `Too late for ${id}: its authorization was fixed, and only the chain can end it.`,
          ),
        ].join('\n'),
      );
    });
  agent
    .command('unfreeze <name>')
    .description('lift the freeze of an agent')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('unfreezeAgent', { params: { agent: name } });
      session.show(answer, () => `Agent ${visible(name)} may pay again.`);
    });
  program
    .command('freeze')
    .description('stop every payment of everyone; in force when this returns')
    .option('--reason <text>', 'why, for the log')
    .action(async (options: { reason?: string }, command: Command) => {
      const session = open(command);
      const answer = await session.call('freezeAll', { body: options });
      session.show(answer, () => 'Everything is frozen.');
    });
  program
    .command('unfreeze')
    .description('lift the freeze of everything')
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('unfreezeAll');
      session.show(answer, () => 'The freeze of everything is lifted.');
    });
}

/** People who may see, consent, operate or write policy. */
export function addPersonCommands(program: Command, open: Open): void {
  program
    .command('person')
    .description('people')
    .command('add <name>')
    .description('add a person; the credential is shown once')
    .requiredOption('--roles <roles>', `separated by commas: ${Role.options.join(', ')}`)
    .option('--save <file>', 'write the credential to a new file instead of showing it')
    .action(async (name: string, options: { roles: string; save?: string }, command: Command) => {
      const session = open(command);
      const roles = options.roles.split(',').map((text) => {
        const role = Role.safeParse(text.trim());
        if (role.success) return role.data;
        throw new UsageError(`"${text}" is no role; there are ${Role.options.join(', ')}`);
      });
      const make = () => session.call('addPerson', { body: { person: name, roles } });
      await handOver(session, { whose: name, save: options.save, make });
    });
}
